"""The keyring of this machine, as far as it holds what lets people in to archives."""

import contextlib
import logging

from jwstmq_widgets.archives.host import Host

__all__ = ["drop", "keep", "kept"]

_log = logging.getLogger(__name__)

_ENTRY_OF_MAST = ("astroquery:mast.stsci.edu.token", "masttoken")  # where astroquery.mast keeps it


def kept(host: Host) -> str:
    """Give the token that the keyring has for a host; "" for none, or where there is no keyring."""
    try:
        import keyring

        return (keyring.get_password(*_entry(host)) or "").strip()
    except Exception as error:  # noqa: BLE001  (backends raise whatever their system does; without one we go on)
        _log.info("no token from the keyring: %s", type(error).__name__)
        return ""


def keep(token: str, host: Host) -> str:
    """Put a token into the keyring.

    Parameters
    ----------
    token
        The token.
    host
        The only host that it is for.

    Returns
    -------
    str
        A sentence why not; "" when it is there.
    """
    try:
        import keyring

        keyring.set_password(*_entry(host), token)
    except Exception as error:  # noqa: BLE001  (backends raise whatever their system does; the login stands without)
        missing = isinstance(error, ImportError)
        reason = "the package keyring is not installed" if missing else "this machine offers no keyring that works"
        step = "install 'jwstmq_widgets[keyring]', or set MAST_API_TOKEN" if missing else "set MAST_API_TOKEN instead"
        return f"logged in, but the token was not stored: {reason}; {step}"
    return ""


def drop(host: Host) -> None:
    """Remove the token of a host from the keyring, if there is one."""
    with contextlib.suppress(Exception):  # backends raise whatever their system does, also when there is no entry
        import keyring

        keyring.delete_password(*_entry(host))


def _entry(host: Host) -> tuple[str, str]:
    return _ENTRY_OF_MAST if host.of_mast else (f"jwstmq_widgets:{host.url}", "token")
