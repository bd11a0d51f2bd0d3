"""What a download did, as the web page that MAST's bundles hold."""

from datetime import UTC, datetime
from html import escape

from jwstmq_widgets.downloads.manifest import Manifest
from jwstmq_widgets.downloads.plans.decision import Plan

__all__ = ["manifest_page"]

_COLUMNS = ("URI", "File", "Access", "Status", "Message", "Logged In User")


def manifest_page(manifest: Manifest, plan: Plan) -> str:
    """Write a MANIFEST.html.

    The columns are those of the page in MAST's bundles, and Message.

    Parameters
    ----------
    manifest
        What happened.
    plan
        What was to happen: says which files are exclusive, and who was logged in.

    Returns
    -------
    str
        A whole HTML page; every text from the archive is escaped.
    """
    now = datetime.now(UTC)
    exclusive = {item.uri for item in plan.items if item.state == "exclusive" or item.until is not None}
    account = plan.archive.account if plan.archive is not None else None
    user = "anonymous" if account is None or account.anonymous else account.name
    rows = [
        (uri, path, "EXCLUSIVE" if uri in exclusive else "PUBLIC", status, message, user)
        for uri, path, status, message in zip(
            manifest["dataURI"].tolist(),
            manifest["Local Path"].tolist(),
            manifest["Status"].tolist(),
            manifest["Message"].tolist(),
            strict=True,
        )
    ]
    title = f"Manifest of {len(rows)} files from {manifest.meta['archive']}, {now:%Y-%m-%dT%H:%M:%SZ}"
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        '<head><meta charset="utf-8"><title>MAST Download Manifest</title></head>',
        "<body>",
        f"<h2>{escape(title)}</h2>",
        '<table border="1">',
        _line("th", _COLUMNS),
        *(_line("td", row) for row in rows),
        "</table>",
        "</body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def _line(kind: str, texts: tuple[str, ...]) -> str:
    return "<tr>" + "".join(f"<{kind}>{escape(text)}</{kind}>" for text in texts) + "</tr>"
