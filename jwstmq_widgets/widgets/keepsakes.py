"""What a download leaves beside its data: how to load it, the same download as a script, the manifest as a page."""

from pathlib import Path

from jwstmq_widgets.downloads import Manifest, manifest_page, script
from jwstmq_widgets.errors import JwstmqError

__all__ = ["load_code", "write_page", "write_script"]


def load_code(manifest: Manifest) -> str:
    """Write the code that opens the first FITS file of a download.

    Parameters
    ----------
    manifest
        What the download did.

    Returns
    -------
    str
        Python code; "" where there is no FITS file.
    """
    for path, status in zip(manifest["Local Path"].tolist(), manifest["Status"].tolist(), strict=True):
        # what is not observed yet is skipped as well
        if path.endswith(".fits") and (status == "COMPLETE" or (status == "SKIPPED" and Path(path).is_file())):
            return f"from astropy.io import fits\nfits.open({path!r})"
    return ""


def write_script(manifest: Manifest) -> Path:
    """Write the same download as a shell script into its destination.

    Parameters
    ----------
    manifest
        What the download did.

    Returns
    -------
    Path
        The file. One of that name with another text stays as it is: the new one gets a number.

    Raises
    ------
    JwstmqError
        If it cannot be written.
    """
    written = script(manifest.plan)
    path = _write(Path(manifest.meta["folder"]) / written.name, written.text)
    path.chmod(path.stat().st_mode | 0o111)
    return path


def write_page(manifest: Manifest) -> Path:
    """Write a MANIFEST.html into a download's destination.

    Parameters
    ----------
    manifest
        What the download did.

    Returns
    -------
    Path
        The file. One of that name with another text stays as it is: the new one gets a number.

    Raises
    ------
    JwstmqError
        If it cannot be written.
    """
    return _write(Path(manifest.meta["folder"]) / "MANIFEST.html", manifest_page(manifest, manifest.plan))


def _write(wanted: Path, text: str) -> Path:
    data, path, number = text.encode(), wanted, 1
    try:
        wanted.parent.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                with path.open("xb") as file:
                    file.write(data)
            except FileExistsError:
                if not path.is_file() or path.read_bytes() != data:
                    number += 1
                    path = wanted.with_stem(f"{wanted.stem}-{number}")
                    continue
            return path
    except OSError as error:
        raise JwstmqError(f"{path} cannot be written ({error.strerror}); look at its folder and try again") from error
