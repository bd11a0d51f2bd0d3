"""Who is logged in to an archive."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jwstmq_widgets.archives.host import Host

__all__ = ["ANONYMOUS", "EXCLUSIVE_ACCESS", "Account", "read_account"]

EXCLUSIVE_ACCESS = "mast:exclusive_access"
"""The scope of a token that may ask for products in their exclusive-access period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who an archive takes us for. It holds no token."""

    name: str = "anonymous"
    """Name for people."""
    anonymous: bool = True
    """True when nobody is logged in; public products need no login."""
    scopes: tuple[str, ...] = ()
    """What the token may be used for, in MAST's words."""
    identity: str = field(default="", compare=False, repr=False)
    """What the archive calls the account for itself; two people may share a name, never this."""
    expires: datetime | None = field(default=None, compare=False)
    """When its token ends if it is not used again, as far as this machine knows; None for nobody."""
    warning: str = field(default="", compare=False)
    """One sentence for the user when the token's end is near, or when it could not be stored; "" otherwise."""

    @property
    def may_exclusive(self) -> bool:
        """True when the token may ask for products in their exclusive-access period."""
        return EXCLUSIVE_ACCESS in self.scopes

    def __str__(self) -> str:
        return self.name


ANONYMOUS = Account()
"""Nobody."""


def read_account(info: Any, *, host: Host) -> Account:
    """Read the reply of ``/whoami``.

    Parameters
    ----------
    info
        The reply, as parsed JSON.
    host
        The archive.

    Returns
    -------
    Account

    Raises
    ------
    Unreadable
        If it is not such a reply.
    """
    if not isinstance(info, Mapping) or not isinstance(info.get("anon"), bool):
        raise host.unreadable("it does not say who is logged in")
    if info["anon"]:
        return ANONYMOUS
    attributes = info.get("attrib")
    attributes = attributes if isinstance(attributes, Mapping) else {}
    name = str(attributes.get("display_name") or info.get("ezid") or info.get("eppn") or "logged in")
    scopes = info.get("scopes")
    return Account(
        name=name,
        anonymous=False,
        scopes=tuple(map(str, scopes)) if isinstance(scopes, (list, tuple)) else (),
        identity=str(info.get("eppn") or info.get("ezid") or ""),
    )
