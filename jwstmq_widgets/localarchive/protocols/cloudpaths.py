"""Where public files lie in the archive's cloud bucket: MAST's ``path_lookup``."""

import re

from jwstmq_widgets.localarchive.holdings import Holdings
from jwstmq_widgets.localarchive.protocols.exchange import Answer, Asked, json_answer
from jwstmq_widgets.localarchive.protocols.files import file_name

__all__ = ["cloud_path", "path_lookup"]

_MOST = 1000
_NAME = re.compile(r"(?P<program>jw\d{5})(?:(?P<visit>\d{6})_|-)")


def cloud_path(name: str) -> str:
    """Give a file's path in the bucket, with a slash in front as the service has it.

    Exposures lie by visit, what was made from several of them below ``L3``. Clients take the path as it comes.

    Parameters
    ----------
    name
        The file's name.

    Returns
    -------
    str
        Such as ``/jwst/public/jw02733/jw02733002001/jw02733002001_02103_00001_mirimage_cal.fits``.
    """
    match = _NAME.match(name)
    if match is None:
        return f"/jwst/public/other/{name}"
    program, visit = match["program"], match["visit"]
    return f"/jwst/public/{program}/{f'{program}{visit}' if visit else 'L3/t'}/{name}"


def path_lookup(asked: Asked, holdings: Holdings) -> Answer:
    """Answer ``path_lookup/?uri=...&uri=...``: status and path of each file, null for what has no public copy.

    The form of the answer is that recorded in astroquery's tests (``mast_relative_path.json``).
    """
    uris = asked.query.get("uri", [])
    if not uris:
        return json_answer({"message": "the parameter 'uri' is missing"}, status=400)
    if len(uris) > _MOST:
        return json_answer({"message": f"{len(uris)} files are too many; at most {_MOST}"}, status=400)
    found: dict[str, dict[str, object]] = {}
    for uri in uris:
        name = file_name(uri)
        facts = holdings.file(name) if name else None
        public = facts is not None and facts.rights == "PUBLIC"
        found[uri] = {"status_code": 200, "path": cloud_path(name)} if public else {"status_code": 404, "path": None}
    return json_answer(found)
