"""Thumbnails of products: which preview belongs to which file, fetched, made small, cached."""

import hashlib
import io
import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import urllib3
from astropy.table import Table
from PIL import Image

from jwstmq_widgets.archives import Archive
from jwstmq_widgets.archives.merged import MergedArchive, sources_of
from jwstmq_widgets.errors import ArchiveError, JwstmqError, QueryError, Refused, Unreachable, Unreadable

__all__ = ["LOOK_SIZE", "THUMBNAIL_SIZE", "Thumbnails", "make_thumbnail", "preview_index"]

_logger = logging.getLogger(__name__)

THUMBNAIL_SIZE = (320, 240)
"""Largest width and height of a thumbnail (pixels): twice what the gallery shows, for fine screens."""

LOOK_SIZE = (1400, 1400)
"""Largest width and height of a larger look at one product (pixels)."""

_WORKERS = 4
_IN_MEMORY = 2000
_ON_DISK = 60_000_000
_LARGEST_PREVIEW = 64_000_000
_PIXELS = 90_000_000  # about where Pillow begins to warn
_TIMEOUT = urllib3.Timeout(connect=10, read=30)


def preview_index(products: Table) -> dict[str, tuple[str, int]]:
    """Tell which preview shows which product.

    Parameters
    ----------
    products
        A table of products, previews among them.

    Returns
    -------
    dict
        ``dataURI`` of a product to ``dataURI`` and size (byte, -1 unknown) of its preview: the picture of the same
        name. A preview shows itself. Products without a preview are left out.
    """
    names = np.asarray(products["productFilename"]).tolist()
    uris = np.asarray(products["dataURI"]).tolist()
    sizes = np.asarray(products["size"]).tolist()
    stems = [name.rpartition(".") for name in names]
    pictures = {
        stem: (uri, size)
        for (stem, _, extension), uri, size in zip(stems, uris, sizes, strict=True)
        if extension in {"jpg", "png"}
    }
    return {uri: pictures[stem] for (stem, _, _), uri in zip(stems, uris, strict=True) if stem in pictures}


def make_thumbnail(picture: bytes, *, size: tuple[int, int] = THUMBNAIL_SIZE) -> bytes:
    """Make a preview small.

    Parameters
    ----------
    picture
        A JPEG or PNG.
    size
        Largest width and height (pixels).

    Returns
    -------
    bytes
        A JPEG of at most this size.

    Raises
    ------
    Unreadable
        If it is not a picture, is cut, or would be too large to open.
    """
    try:
        # Pillow's warning of many pixels is let through: filters of warnings are the whole process's, not a thread's
        with Image.open(io.BytesIO(picture), formats=("JPEG", "PNG", "GIF")) as image:
            if image.width * image.height > _PIXELS:
                raise Unreadable(f"the preview has {image.width} x {image.height} pixels, too many to open")
            image.draft("RGB", size)
            small = image.convert("RGB")
        small.thumbnail(size, Image.Resampling.LANCZOS)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unreadable("the preview is not a whole picture; download the file itself to see it") from error
    output = io.BytesIO()
    small.save(output, "JPEG", quality=82)
    return output.getvalue()


class Thumbnails:
    """Thumbnails on request: newest request first, a few at a time, remembered in memory and on disk.

    Parameters
    ----------
    folder
        Where thumbnails are kept; the user's cache folder when None.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or platformdirs.user_cache_path("jwstmq_widgets") / "thumbnails"
        self._wanted: deque[Any] = deque()
        self._state = threading.Condition()
        self._workers = 0
        self._memory: OrderedDict[str, bytes] = OrderedDict()
        self._unpruned = _ON_DISK  # bytes written since the folder was looked at; at first, it never was
        self._indexing = threading.Lock()
        self._index: tuple[Table | None, dict[str, tuple[str, int]]] = (None, {})
        self._pool = urllib3.PoolManager(maxsize=_WORKERS, timeout=_TIMEOUT, retries=urllib3.Retry(2, redirect=3))

    def ask(
        self,
        archive: Archive | None,
        products: Table,
        uri: str,
        done: Callable[[str, bytes | None, str], None],
        *,
        size: tuple[int, int] = THUMBNAIL_SIZE,
    ) -> None:
        """Ask for a thumbnail.

        Parameters
        ----------
        archive
            Where the preview is.
        products
            Products, previews among them.
        uri
            The product.
        done
            Called on another thread with the URI, a JPEG (or None), and a sentence that says why there is none.
        size
            Largest width and height (pixels).
        """
        with self._state:
            self._wanted.append((archive, products, uri, done, size))
            if self._workers < _WORKERS:
                self._workers += 1
                threading.Thread(target=self._work, name="jwstmq-thumbnails", daemon=True).start()

    def forget(self, done: Callable[[str, bytes | None, str], None] | None = None) -> None:
        """Drop what was asked for and has not begun.

        Parameters
        ----------
        done
            Whose wishes: what was given to `ask` with them; None for all.
        """
        with self._state:
            self._wanted = deque(wish for wish in self._wanted if done is not None and wish[3] != done)

    def close(self) -> None:
        """Drop what was asked for, and the connections."""
        self.forget()
        self._pool.clear()

    def _work(self) -> None:
        while True:
            with self._state:
                if not self._wanted:
                    self._workers -= 1
                    return
                archive, products, uri, done, size = self._wanted.pop()
            try:
                picture, why = self._thumbnail(archive, products, uri, size), ""
            except JwstmqError as error:
                picture, why = None, str(error)
            except Exception as error:  # the thread serves others too; the card shows the sentence
                _logger.exception("the thumbnail of %s failed", uri)
                picture, why = None, f"unexpected {type(error).__name__}: {error}"
            try:
                done(uri, picture, why)
            except Exception:
                _logger.exception("a view failed to show the thumbnail of %s", uri)

    def _thumbnail(self, archive: Archive | None, products: Table, uri: str, look: tuple[int, int]) -> bytes:
        with self._indexing:
            if self._index[0] is not products:
                self._index = (products, preview_index(products))
            preview, size = self._index[1].get(uri, ("", -1))
        if archive is None or not preview:
            raise Unreadable("no preview")
        small = look == THUMBNAIL_SIZE
        key = hashlib.sha256(f"{archive.url} {preview} {size}{'' if small else f' {look}'}".encode()).hexdigest()
        with self._state:
            known = self._memory.get(key)
        if known is None:
            known = self._from_disk(key) or self._from_any(archive, preview, key, look)
        if not small:
            return known  # one at a time is looked at, and each is as large as many thumbnails
        with self._state:
            self._memory[key] = known
            self._memory.move_to_end(key)
            while len(self._memory) > _IN_MEMORY:
                self._memory.popitem(last=False)
        return known

    def _from_disk(self, key: str) -> bytes | None:
        try:
            return (self._folder / f"{key}.jpg").read_bytes()
        except OSError:
            return None

    def _from_any(self, archive: Archive, preview: str, key: str, look: tuple[int, int]) -> bytes:
        """Ask one archive after the other; raises what the first one said."""
        first: ArchiveError | QueryError | None = None
        for source in sources_of(archive, preview):
            try:
                return self._from_archive(source, source.download_url(preview), key, look)
            except (ArchiveError, QueryError) as error:
                if isinstance(error, Unreachable) and isinstance(archive, MergedArchive):
                    archive.note_unreachable(source)
                first = first or error
        raise first or Unreadable("no preview")

    def _from_archive(self, archive: Archive, url: str, key: str, look: tuple[int, int]) -> bytes:
        thumbnail = make_thumbnail(self._fetch(archive, url), size=look)
        self._to_disk(key, thumbnail)
        return thumbnail

    def _to_disk(self, key: str, thumbnail: bytes) -> None:
        with self._state:
            self._unpruned += len(thumbnail)
            full = self._unpruned >= _ON_DISK // 20  # to look at thousands of files takes longer than to make one
            if full:
                self._unpruned = 0
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            part = self._folder / f"{key}.{threading.get_ident()}.part"
            part.write_bytes(thumbnail)
            part.replace(self._folder / f"{key}.jpg")
            if full:
                _prune(self._folder)
        except OSError as error:
            _logger.info("thumbnails are not kept on disk: %s", error)

    def _fetch(self, archive: Archive, url: str) -> bytes:
        try:
            response = self._pool.request("GET", url, headers=archive.authorization(url), preload_content=False)
            try:
                if response.status != 200:
                    raise _refused(response.status, archive)
                body = response.read(_LARGEST_PREVIEW + 1)
            finally:
                response.close()
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable("the preview could not be fetched; scroll back to try again", url=url) from error
        if len(body) > _LARGEST_PREVIEW:
            raise Unreadable(f"the preview is larger than {_LARGEST_PREVIEW // 1_000_000} MB")
        return bytes(body)


def _refused(status: int, archive: Archive) -> ArchiveError:
    text = {401: "exclusive access", 403: "exclusive access", 404: "no preview in the archive"}
    return Refused(text.get(status, f"the archive answered {status}"), status=status, archive=archive.name)


def _prune(folder: Path) -> None:
    """Remove the oldest thumbnails when the folder is over its size."""
    files = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in folder.glob("*.jpg"))
    over = sum(size for _, size, _ in files) - _ON_DISK
    for _, size, path in files:
        if over <= 0:
            return
        path.unlink(missing_ok=True)
        over -= size
