"""What an archive's refusal means: its status, its own words, and what to do next."""

import html
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jwstmq_widgets.archives.host import retry_after
from jwstmq_widgets.downloads.http.answer import Answer
from jwstmq_widgets.downloads.http.urls import public_address
from jwstmq_widgets.downloads.plans.decision import PlanItem
from jwstmq_widgets.errors import DownloadError, ExclusiveAccess, Refused, Unreachable

if TYPE_CHECKING:
    from jwstmq_widgets.archives import Archive

__all__ = ["refusal"]

_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_MOST_READ = 32 * 1024
_LONGEST = 300
# ESA's pages, and the QUERY_STATUS of TAP's (DALI 1.1, section 4.2).
_WORDS = (
    re.compile(r"<b>\s*Message:\s*</b>(.{1,2000}?)</li>", re.IGNORECASE | re.DOTALL),
    re.compile(r"<INFO[^>]*\bvalue=.ERROR.[^>]*>(.{1,2000}?)</INFO>", re.IGNORECASE | re.DOTALL),
)
_TAG = re.compile(r"<[^<>]{0,200}>")


def refusal(answer: Answer, item: PlanItem, archive: "Archive") -> Exception:
    """Make the error for an answer that brings no file; reads the answer to its end.

    Parameters
    ----------
    answer
        The answer.
    item
        What was asked for.
    archive
        Of whom.

    Returns
    -------
    Exception
        `Refused` where another try may help, `ExclusiveAccess`, or `DownloadError`.
    """
    status, url = answer.status, public_address(answer.url)
    if status in {401, 403}:
        ended: Any = getattr(archive, "session_ended", None)
        before = archive.account
        if ended is not None and ended(answer.headers):
            answer.drain()
            text = (
                f"{item.name} is not public, and the session of {before.name} has ended; log in again, then try again"
            )
            return ExclusiveAccess(text, product=item.uri, path=item.path, until=item.until)
        return _no_right(item, archive, status, _words(answer))
    answer.drain()
    if status in {404, 410}:
        return DownloadError(f"the archive has no {item.name} (HTTP {status}); search again, it may have been replaced")
    if status in _AGAIN:
        wait = retry_after({"Retry-After": answer.headers.get("Retry-After")})
        why = "asks for fewer requests" if status == 429 else "has trouble"
        return Refused(
            f"the archive {why} (HTTP {status}); try {item.name} again later", status=status, retry_after=wait, url=url
        )
    return DownloadError(f"the archive refuses {item.name} (HTTP {status}); tell its help desk")


def _no_right(item: PlanItem, archive: "Archive", status: int, words: str) -> Exception:
    account = archive.account
    to_come = item.until is not None and item.until > datetime.now(UTC)
    ends = f" until {item.until:%Y-%m-%d}" if to_come else ""
    esa = _is_esa(archive)
    if account.anonymous:
        how = (
            "log in with user name and password, and a MAST token that may have it"
            if esa
            else ("log in with an account that may have it")
        )
        text = f"{item.name} is exclusive{ends}; {how}"
    elif esa and not account.may_exclusive:
        text = f"{item.name} is exclusive{ends}; give {account.name} a MAST token that may have it, in the login"
    elif not to_come:
        text = f"the archive refuses {item.name} to {account.name} (HTTP {status}); log in again, or ask the PI"
    else:
        text = f"{item.name} is exclusive{ends} and {account.name} has no right to it; ask the PI"
    text += ", or wait" * to_come
    text += f" (the archive says: {words})" * bool(words)
    return ExclusiveAccess(text, product=item.uri, path=item.path, until=item.until)


def _is_esa(archive: "Archive") -> bool:
    # a worker of a cluster knows of the archive no more than the addresses of files
    return getattr(archive, "url", "").rstrip("/").endswith("/server")


def _words(answer: Answer) -> str:
    """Give what the archive says in its own words, as one harmless line; "" where it says nothing of use."""
    data = bytearray()
    buffer = memoryview(bytearray(4096))
    try:
        while answer.readable and len(data) < _MOST_READ and (count := answer.readinto(buffer)):
            data += buffer[:count]
        answer.drain()
    except Unreachable:
        return ""
    text = data.decode("utf-8", "replace")
    found = next((match for pattern in _WORDS if (match := pattern.search(text))), None)
    if found is None:
        return ""
    line = " ".join(html.unescape(_TAG.sub(" ", found[1])).split())
    return "".join(letter for letter in line if letter.isprintable())[:_LONGEST].rstrip(". ")
