"""The host of an archive: its address, what belongs to it, and what is said when it fails."""

import contextlib
import email.utils
import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from jwstmq_widgets.errors import LoginError, QueryError, Refused, Unreachable, Unreadable

__all__ = ["ESA_PATH", "ESA_URL", "MAST_URL", "Host", "Late", "Unfinished", "origin_of", "retry_after"]

MAST_URL = "https://mast.stsci.edu"
"""Address of the archive of the Space Telescope Science Institute."""

ESA_URL = "https://jwst.esac.esa.int/server"
"""Address of the archive of the European Space Astronomy Centre."""

ESA_PATH = "/server"
"""End of the address of every archive that speaks as ESA's does."""

_NAMES = {MAST_URL: "mast", ESA_URL: "esa"}
_MAST_DOMAIN = ".stsci.edu"
_RESOLVER_OF_MAST = "https://mastresolver.stsci.edu"
_CDS = "https://cds.unistra.fr"
_WRONG = 400  # the question is at fault: the same one would fail again
_PORTS = {"http": 80, "https": 443}
_STATUS_MEANS = {
    400: "it did not understand the question; narrow it, or report it to this package",
    401: "log in first, or with a token that has access",
    403: "log in first, or with a token that has access",
    404: "there is nothing at this address; check that it is an archive's",
    429: "too many questions at once; wait, then ask again",
    503: "it is busy; wait, then ask again",
}


class Late(Unreachable):
    """The archive took the question but did not answer in time."""


class Unfinished(Unreachable):
    """The archive says for too long that it is still working on the question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """Where an archive is."""

    name: str
    """What people call it: ``mast``, ``local``, or host and port."""
    url: str
    """Address without a slash at the end."""

    @classmethod
    def at(cls, url: str, *, name: str = "") -> "Host":
        """Read an address.

        Parameters
        ----------
        url
            Such as ``"http://127.0.0.1:8765"``.
        name
            What people call it; ``mast`` and ``esa`` for their own addresses, otherwise host and port.

        Returns
        -------
        Host

        Raises
        ------
        QueryError
            If it is not the address of an archive.
        """
        text = url.strip().rstrip("/")
        try:
            parts = urlsplit(text)
            origin = origin_of(text)
        except ValueError:
            origin = None
        if origin is None or parts.query or parts.fragment:
            raise QueryError(
                f"'{_harmless(url)}' is not the address of an archive; give one like http://127.0.0.1:8765",
                field="archive",
            )
        if parts.username is not None or parts.password is not None:
            raise QueryError("an archive's address holds no user name or password; use login(token)", field="archive")
        text = f"{parts.scheme}://{parts.netloc.lower()}{parts.path}"
        place = parts.netloc.lower() + (ESA_PATH if text.endswith(ESA_PATH) else "")
        return cls(name=name or _NAMES.get(text) or place, url=text)

    @property
    def loopback(self) -> bool:
        """True on this machine, where nothing crosses a network."""
        return _is_loopback(urlsplit(self.url).hostname or "")

    @property
    def of_mast(self) -> bool:
        """True for the hosts of MAST's own domain, over TLS."""
        parts = urlsplit(self.url)
        return parts.scheme == "https" and f".{parts.hostname}".endswith(_MAST_DOMAIN)

    @property
    def private(self) -> bool:
        """True where a token can travel without others reading it."""
        return self.loopback or urlsplit(self.url).scheme == "https"

    @property
    def resolver(self) -> str:
        """Address of the name resolver: MAST has a host for it, other archives answer themselves.

        ESA's archive has none; astroquery asks SIMBAD, NED and VizieR for it. MAST's resolver asks the first two.
        """
        own = self.url.removesuffix(ESA_PATH)
        return f"{_RESOLVER_OF_MAST if self.url in _NAMES else own}/Santa-war/query"

    @property
    def sesame(self) -> str:
        """Address of CDS's name resolver, which asks VizieR too; archives on this machine answer themselves."""
        return f"{_CDS if self.url in _NAMES else self.url.removesuffix(ESA_PATH)}/cgi-bin/nph-sesame"

    def owns(self, url: str) -> bool:
        """Tell whether an address is of this host: same scheme, host and port."""
        try:
            return origin_of(url) == origin_of(self.url)
        except ValueError:
            return False

    def unreachable(self, reason: str = "no connection") -> Unreachable:
        """Make the error for no connection."""
        return Unreachable(
            f"cannot reach the archive {self.name} ({self.url}): {reason}; {self._other_way()}",
            url=self.url,
            archive=self.name,
        )

    def late(self, seconds: float) -> Late:
        """Make the error for no answer in time."""
        return Late(
            f"the archive {self.name} ({self.url}) gave no answer in {seconds:g} s; try again, or narrow the question",
            url=self.url,
            archive=self.name,
        )

    def unfinished(self, seconds: float) -> Unfinished:
        """Make the error for an archive that works on one question without end."""
        return Unfinished(
            f"the archive {self.name} ({self.url}) was still working on the question after {seconds:g} s; "
            "try again later, or narrow the question",
            url=self.url,
            archive=self.name,
        )

    def refused(self, status: int, *, wait: float | None = None, says: str = "") -> Refused:
        """Make the error for an HTTP status, or for the portal's own ERROR, which comes with status 200.

        Parameters
        ----------
        status
            HTTP status.
        wait
            Seconds after which the archive wants to be asked again; None where it does not say.
        says
            The archive's own words.

        Returns
        -------
        Refused
        """
        if says or status < 400:
            text = f"the archive {self.name} reports an error: {_harmless(says) or 'it does not say which'}"
            text += "" if status == _WRONG else "; try again"
        else:
            text = f"the archive {self.name} answered {status}: {_STATUS_MEANS.get(status, 'try again later')}"
        if wait:
            text += f" (it asks to wait {wait:g} s)"
        return Refused(text, status=status, retry_after=wait, url=self.url, archive=self.name)

    def elsewhere(self, status: int, location: str) -> Refused:
        """Make the error for a redirect: an archive's answers come from its own host."""
        try:
            there = urlsplit(location)
            place = f"{there.scheme}://{there.netloc.rpartition('@')[2]}" if there.netloc else "another address"
        except ValueError:
            place = "another address"
        return Refused(
            f"the archive {self.name} ({self.url}) sends its clients on to {place}, which is not followed; "
            "if you trust that address, open it as the archive",
            status=status,
            url=self.url,
            archive=self.name,
        )

    def unreadable(self, what: str) -> Unreadable:
        """Make the error for an answer that cannot be understood."""
        return Unreadable(
            f"the answer of the archive {self.name} ({self.url}) cannot be read: {what}; "
            "try again, or check that the address is an archive's",
            url=self.url,
            archive=self.name,
        )

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Turn what goes wrong while an answer's columns become a table into `Unreadable`."""
        try:
            yield
        except QueryError:
            raise
        except LookupError as error:
            raise self.unreadable(f"its tables lack columns ({error})") from error
        except (ValueError, TypeError, OverflowError) as error:
            raise self.unreadable(f"a value does not fit its column ({error})") from error

    def no_login(self, reason: str) -> LoginError:
        """Make the error for a token that is missing or not accepted."""
        return LoginError(reason, url=self.url, archive=self.name)

    def _other_way(self) -> str:
        if self.loopback:
            return "check that it still runs, or choose the archive 'local'"
        return "check the network, or choose the archive 'local'"


def origin_of(url: str) -> tuple[str, str, int] | None:
    """Give scheme, host and port of an address.

    Parameters
    ----------
    url
        An absolute address.

    Returns
    -------
    tuple or None
        None when it is not an address of the web.

    Raises
    ------
    ValueError
        If the address is malformed.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Read how long an answer asks to wait.

    Parameters
    ----------
    headers
        Header fields of the answer, looked up without regard to case.
    now
        The present; the clock's by default.

    Returns
    -------
    float or None
        Seconds; None where it does not say. RFC 9110, section 10.2.3: a number of seconds, or a date.
    """
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    if re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", text):
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _harmless(text: str) -> str:
    """Shorten a foreign text to one printable line, without the query of an address."""
    line = " ".join(text.split()).partition("?")[0]
    return "".join(letter for letter in line if letter.isprintable())[:200]
