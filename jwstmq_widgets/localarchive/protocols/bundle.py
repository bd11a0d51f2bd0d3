"""The download script that the archive writes: bash with curl."""

import re
from collections.abc import Sequence
from datetime import datetime

from jwstmq_widgets.localarchive.holdings import Holdings
from jwstmq_widgets.localarchive.protocols.exchange import Answer, Asked, json_answer, text_answer
from jwstmq_widgets.localarchive.protocols.files import file_name

__all__ = ["bundle_script", "write_script"]

_MOST = 20_000
_SAFE_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+")

# The order of things is that of the scripts MAST writes (an example is published with MAST's notebooks): the version
# of bash, curl, the folder, the token, then one block per file and the manifest.
_HEAD = """\
#!/usr/bin/env bash
#
# Downloads @COUNT@ files of JWST from @URL@
#
# usage: bash @SCRIPT@ [token]
#
# For products in their exclusive-access period the token is taken from the first argument, from the environment
# variable MAST_API_TOKEN, or is asked for.

if (( ${BASH_VERSINFO[0]:-0} < 4 )); then
    echo "This script needs bash 4 or newer; this is ${BASH_VERSION:-another shell}." >&2
    exit 1
fi
if ! command -v curl > /dev/null 2>&1; then
    echo "This script needs curl; install it and try again." >&2
    exit 1
fi

DOWNLOAD_FOLDER='@FOLDER@'
CONT=""
if [ -d "${DOWNLOAD_FOLDER}" ]; then
    echo "The folder ${DOWNLOAD_FOLDER} exists."
    read -r -p "Continue the earlier download (C), or begin a new one (N)? " answer || answer=N
    case "${answer}" in
        [Cc]*) CONT="-C -" ;;
        *) DOWNLOAD_FOLDER="${DOWNLOAD_FOLDER}_$(date +%Y%m%dT%H%M%S)" ;;
    esac
fi
mkdir -p "${DOWNLOAD_FOLDER}" || exit 1

MAST_API_TOKEN="${1:-${MAST_API_TOKEN:-}}"
if [ "@EXCLUSIVE@" -gt 0 ] && [ -z "${MAST_API_TOKEN}" ]; then
    echo "@EXCLUSIVE@ of the files are in their exclusive-access period."
    read -r -s -p "MAST token (empty to go on without them): " MAST_API_TOKEN || MAST_API_TOKEN=""
    echo
fi
LOGGED_IN_USER="anonymous"
if [ -n "${MAST_API_TOKEN}" ]; then
    LOGGED_IN_USER=$(curl -s -H "Authorization: token ${MAST_API_TOKEN}" '@URL@/whoami' \\
        | sed -n 's/.*"ezid": *"\\([^"]*\\)".*/\\1/p')
fi

MANIFEST="${DOWNLOAD_FOLDER}/MANIFEST.HTML"
cat > "${MANIFEST}" <<EOT
<!DOCTYPE html>
<html>
<head><title>MAST Download Manifest</title></head>
<body>
<h2>Manifest for File: ${DOWNLOAD_FOLDER}</h2>
<table border="1">
<tr><th>URI</th><th>File</th><th>Access</th><th>Status</th><th>Logged In User</th></tr>
EOT
"""

_FILE = """
cat <<EOT

Downloading File (@NUMBER@ of @COUNT@): @NAME@
EOT
STATUS="OK"
curl @TOKEN@--globoff --location-trusted -f --progress-bar --create-dirs $CONT \\
    --output "./${DOWNLOAD_FOLDER}"'/@PATH@' \\
    '@URL@/api/v0.1/Download/file?bundle_name=@SCRIPT@&uri=@URI@' || STATUS="ERROR"
cat >> "${MANIFEST}" <<EOT
<tr><td>@URI@</td><td>@PATH@</td><td>@ACCESS@</td><td>${STATUS}</td><td>${LOGGED_IN_USER}</td></tr>
EOT
"""

_FOOT = """
cat >> "${MANIFEST}" <<EOT
</table>
</body>
</html>
EOT

exit 0
"""


def bundle_script(asked: Asked, holdings: Holdings, now: datetime) -> Answer:
    """Answer ``Download/bundle.sh`` with a script; ``uri`` comes once per file, in the form or the query.

    Parameters
    ----------
    asked
        The request.
    holdings
        What the archive has.
    now
        The time in the names of script and folder.
    """
    form = asked.form() if asked.method == "POST" else dict(asked.query)
    uris = list(dict.fromkeys(form.get("uri", [])))
    if not uris:
        return json_answer({"message": "the parameter 'uri' is missing"}, status=400)
    if len(uris) > _MOST:
        return json_answer({"message": f"{len(uris)} files are too many; at most {_MOST}"}, status=400)
    files = []
    for uri in uris:
        name = file_name(uri)
        facts = holdings.file(name) if name else None
        if facts is None:
            return json_answer({"message": f"not in the archive: {uri[:200]}"}, status=404)
        files.append((name, facts.rights))
    script = f"MAST_{now:%Y-%m-%dT%H%M}.sh"
    text = write_script(files, url=asked.url, name=script)
    return text_answer(
        text,
        media_type="application/x-sh",
        headers={"Content-Disposition": f'attachment; filename="{script}"'},
    )


def write_script(files: Sequence[tuple[str, str]], *, url: str, name: str) -> str:
    """Write the script.

    Parameters
    ----------
    files
        File names, each with its rights: PUBLIC or EXCLUSIVE_ACCESS.
    url
        Where the archive is.
    name
        The script's own name, ``MAST_<time>.sh``; the folder that it makes is called the same without the end.

    Raises
    ------
    ValueError
        If the address holds what a shell could take for more than an address.
    """
    if not _SAFE_URL.fullmatch(url):
        raise ValueError(f"no address to write into a script: {url!r}")
    common = {"URL": url, "SCRIPT": name, "FOLDER": name.removesuffix(".sh"), "COUNT": str(len(files))}
    exclusive = sum(access != "PUBLIC" for _, access in files)
    blocks = [_fill(_HEAD, {**common, "EXCLUSIVE": str(exclusive)})]
    blocks += [
        _fill(
            _FILE,
            {
                **common,
                "NUMBER": str(number),
                "NAME": file,
                "URI": f"mast:JWST/product/{file}",
                "PATH": f"JWST/{_folder(file)}/{file}",
                "ACCESS": access,
                "TOKEN": "" if access == "PUBLIC" else '-H "Authorization: token ${MAST_API_TOKEN}" ',
            },
        )
        for number, (file, access) in enumerate(files, start=1)
    ]
    return "".join([*blocks, _FOOT])


def _folder(file: str) -> str:
    """Give the obs_id of a product: its name without the suffix."""
    return file.rpartition(".")[0].removesuffix("_thumb").rpartition("_")[0] or "JWST"


def _fill(text: str, values: dict[str, str]) -> str:
    return re.sub(r"@([A-Z]+)@", lambda match: values[match[1]], text)
