"""Files over HTTP: ranges, validators and who may have them (RFC 9110)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

from jwstmq_widgets.localarchive import pixels
from jwstmq_widgets.localarchive.facts import FileFacts
from jwstmq_widgets.localarchive.holdings import Holdings
from jwstmq_widgets.localarchive.protocols.exchange import Answer, Asked, json_answer

__all__ = ["download", "file_name", "parse_range", "retrieve_product", "serve_facts", "written"]

# The service accepts the mission in any case (clients send mast:jwst/product/...); file names are case-sensitive.
_URI = re.compile(r"mast:jwst/product/(?P<name>[^/]+)", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,200}")
_RANGE = re.compile(r"bytes=[ \t]*(?:(?P<first>\d+)-(?P<last>\d*)|-(?P<suffix>\d+))[ \t]*", re.ASCII | re.IGNORECASE)
_MJD_EPOCH = datetime(1858, 11, 17, tzinfo=UTC)


def file_name(uri: str) -> str:
    """Take the file's name out of a data URI.

    Parameters
    ----------
    uri
        Such as ``mast:JWST/product/jw02733002001_02103_00001_mirimage_cal.fits``.

    Returns
    -------
    str
        The name, or "" when this is no URI of a JWST product.
    """
    match = _URI.fullmatch(uri)
    return match["name"] if match and _NAME.fullmatch(match["name"]) else ""


def download(asked: Asked, holdings: Holdings) -> Answer:
    """Answer ``Download/file?uri=mast:JWST/product/...``."""
    uri = asked.first("uri")
    if not uri:
        return json_answer({"message": "the parameter 'uri' is missing"}, status=400)
    name = file_name(uri)
    if not name:
        return json_answer({"message": "the parameter 'uri' names no JWST product"}, status=404)
    return _serve(asked, holdings, name)


def retrieve_product(asked: Asked, holdings: Holdings) -> Answer:
    """Answer mission search's ``retrieve_product?product_name=<dataset>/<file>``."""
    product = asked.first("product_name")
    if not product:
        return json_answer({"detail": "the parameter 'product_name' is missing"}, status=400)
    name = product.rpartition("/")[2]
    if product.count("/") > 1 or not _NAME.fullmatch(name):
        return json_answer({"detail": "no such product"}, status=404)
    return _serve(asked, holdings, name)


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """Read a Range field (RFC 9110, 14.1.2 and 14.2).

    Parameters
    ----------
    header
        The field's value, such as ``bytes=100-199``, ``bytes=100-``, ``bytes=-100``.
    size
        Bytes of the whole file.

    Returns
    -------
    (int, int) or None
        First byte, and the one after the last. None when the field is to be ignored: another unit, bad syntax, or
        several ranges, which a server need not serve.

    Raises
    ------
    ValueError
        If no byte of the file is in the range (416).
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None:
        return None
    if match["suffix"] is not None:
        wanted = int(match["suffix"])
        if wanted == 0 or size == 0:
            raise ValueError(header)
        return max(0, size - wanted), size
    first = int(match["first"])
    last = int(match["last"]) if match["last"] else size - 1
    if match["last"] and last < first:
        return None
    if first >= size:
        raise ValueError(header)
    return first, min(last + 1, size)


def _serve(asked: Asked, holdings: Holdings, name: str) -> Answer:
    facts = holdings.file(name)
    if facts is None:
        return json_answer({"message": f"{name} is not in the archive"}, status=404)
    if facts.rights == "EXCLUSIVE_ACCESS" and not asked.account.may_exclusive:
        return _unauthorised(asked, name)
    return serve_facts(asked, facts)


def serve_facts(asked: Asked, facts: FileFacts) -> Answer:
    """Answer with a file, or the part of it that is asked for, to whoever may have it."""
    headers = _describe(facts, asked.revision)
    precondition = _precondition(asked.headers, headers)
    if precondition:
        return Answer(status=precondition, headers=headers, length=None if precondition == 304 else 0)
    part = None
    wanted = asked.headers.get("Range", "")
    # RFC 9110, 14.2: a Range is defined for GET alone. ESA's data server is asked by POST as well.
    if wanted and asked.method in {"GET", "POST"} and _same_file(asked.headers.get("If-Range", ""), headers):
        try:
            part = parse_range(wanted, facts.size)
        except ValueError:
            return Answer(status=416, headers={**headers, "Content-Range": f"bytes */{facts.size}"}, length=0)
    if part is None:
        return Answer(headers=headers, stream=lambda: pixels.content(facts), length=facts.size)
    start, stop = part
    return Answer(
        status=206,
        headers={**headers, "Content-Range": f"bytes {start}-{stop - 1}/{facts.size}"},
        stream=lambda: pixels.content(facts, start, stop),
        length=stop - start,
    )


def _unauthorised(asked: Asked, name: str) -> Answer:
    # RFC 9110 (11.6.1) wants a challenge with every 401; the error codes are those of RFC 6750.
    challenge = 'Bearer realm="MAST"'
    if "Authorization" in asked.headers or "mast_token" in asked.headers.get("Cookie", ""):
        challenge += ', error="invalid_token"' if asked.account.anonymous else ', error="insufficient_scope"'
    return json_answer(
        {"message": f"not authorised to download {name}"}, status=401, headers={"WWW-Authenticate": challenge}
    )


def written(facts: FileFacts, revision: int = 0) -> datetime:
    """Tell when a file was written: its processing ends a day after the exposure, say."""
    days = round((facts.t_max or facts.release) + 1 + revision, 5)
    return (_MJD_EPOCH + timedelta(days=days)).replace(microsecond=0)


def _describe(facts: FileFacts, revision: int) -> dict[str, str]:
    etag = pixels.etag(facts)
    return {
        "Content-Type": pixels.media_type(facts),
        "Content-Disposition": f'attachment; filename="{facts.name}"',
        "Accept-Ranges": "bytes",
        "ETag": f'{etag[:-1]}-{revision}"' if revision else etag,
        "Last-Modified": format_datetime(written(facts, revision), usegmt=True),
    }


def _precondition(asked: Mapping[str, str], file: Mapping[str, str]) -> int:
    """Give the status that a precondition asks for, 0 for none; the order is that of RFC 9110, 13.2.2."""
    match, none_match = asked.get("If-Match"), asked.get("If-None-Match")
    modified = _date(file["Last-Modified"])
    unmodified_since, modified_since = (
        _date(asked.get("If-Unmodified-Since", "")),
        _date(asked.get("If-Modified-Since", "")),
    )
    if match is not None:
        if not _listed(match, file["ETag"]):
            return 412
    elif unmodified_since and modified and modified > unmodified_since:
        return 412
    if none_match is not None:
        return 304 if _listed(none_match.replace("W/", ""), file["ETag"]) else 0
    if modified_since and modified and modified <= modified_since:
        return 304
    return 0


def _listed(tags: str, tag: str) -> bool:
    return tags.strip() == "*" or tag in re.findall(r'(?:W/)?"[^"]*"', tags)


def _same_file(if_range: str, file: Mapping[str, str]) -> bool:
    """Tell whether If-Range lets a part be served: strong comparison, or the exact date (RFC 9110, 13.1.5)."""
    if not if_range:
        return True
    if if_range.startswith(('"', "W/")):
        return if_range == file["ETag"]
    return if_range == file["Last-Modified"]


def _date(text: str) -> datetime | None:
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
