"""Who may ask the local archive for what: three test tokens of MAST's side, two test users of ESA's."""

from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

__all__ = [
    "ANONYMOUS",
    "ESA_OTHER_PASSWORD",
    "ESA_OTHER_USER",
    "ESA_PASSWORD",
    "ESA_USER",
    "TOKEN",
    "TOKEN_EXPIRED",
    "TOKEN_WITHOUT_ACCESS",
    "Account",
    "account_of",
    "credential",
    "whoami",
]

# Worthless outside the local archive: no service was ever asked to accept them.
TOKEN = "10ca1000000000000000000000000001"  # noqa: S105
"""Token of an account that may have exclusive products."""
TOKEN_WITHOUT_ACCESS = "10ca1000000000000000000000000002"  # noqa: S105
"""Token of an account that may not have exclusive products."""
TOKEN_EXPIRED = "10ca1000000000000000000000000003"  # noqa: S105
"""Token that was good once."""

ESA_USER, ESA_PASSWORD = "cecilia", "stellar-atmospheres-1925"
"""A user of ESA's side. Exclusive products take a MAST token besides, as at ESA."""
ESA_OTHER_USER, ESA_OTHER_PASSWORD = "jan", "galactic-rotation-1927"
"""Another one, who does not see the first one's jobs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account of the local archive."""

    ezid: str = "anonymous"
    """Short name."""
    display_name: str = ""
    """Name for people."""
    scopes: tuple[str, ...] = ()
    """What the token may be used for, in MAST's words."""
    token: str = ""
    """The token, in full."""

    @property
    def anonymous(self) -> bool:
        """True when nobody is logged in."""
        return not self.token

    @property
    def may_exclusive(self) -> bool:
        """True when products in their exclusive-access period are served."""
        return "mast:exclusive_access" in self.scopes


ANONYMOUS = Account()
"""Nobody."""

_ACCOUNTS: Mapping[str, Account] = {
    account.token: account
    for account in (
        Account(
            ezid="vera",
            display_name="V. Authorised",
            scopes=("mast:user:info", "mast:exclusive_access"),
            token=TOKEN,
        ),
        Account(
            ezid="walt",
            display_name="W. Unauthorised",
            scopes=("mast:user:info",),
            token=TOKEN_WITHOUT_ACCESS,
        ),
    )
}


def credential(headers: Mapping[str, str]) -> str:
    """Find the token in a request, in any of the three places where MAST looks.

    Parameters
    ----------
    headers
        The request's header fields.

    Returns
    -------
    str
        From ``Authorization: token T``, ``Authorization: Bearer T`` or the cookie ``mast_token``; "" where none is.
    """
    scheme, _, token = headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() in {"token", "bearer"} and token.strip():
        return token.strip()
    try:
        morsel = SimpleCookie(headers.get("Cookie", "")).get("mast_token")
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def account_of(token: str) -> Account:
    """Look up who a token belongs to; unknown and expired tokens are nobody's."""
    return _ACCOUNTS.get(token, ANONYMOUS)


def whoami(account: Account) -> dict[str, object]:
    """Write the reply of MAST's ``/whoami``; the token itself only by its first digits."""
    if account.anonymous:
        return {
            "eppn": "",
            "ezid": "anonymous",
            "attrib": {},
            "anon": True,
            "scopes": [],
            "session": None,
            "token": None,
        }
    first, _, last = account.display_name.partition(" ")
    return {
        "eppn": f"{account.ezid}@localarchive.invalid",
        "ezid": account.ezid,
        "attrib": {
            "uuid": f"00000000-0000-4000-8000-{account.token[-12:]}",
            "first_name": first,
            "last_name": last,
            "display_name": account.display_name,
            "internal": "0",
            "email": f"{account.ezid}@localarchive.invalid",
            "Jwstcalengdataaccess": "false",
        },
        "anon": False,
        "scopes": list(account.scopes),
        "session": None,
        "token": f"{account.token[:8]}...",
    }
