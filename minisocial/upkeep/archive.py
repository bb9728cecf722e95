"""Reading a backup that may be damaged, cut off or made up: nothing in it is believed before it is checked."""

import hashlib
import shutil
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile, LargeZipFile, ZipFile, ZipInfo

from minisocial.errors import Refused
from minisocial.upkeep.backup import CHUNK, MANY, private
from minisocial.upkeep.manifest import LONGEST, NAME, FilePart, Manifest, read, size

UNREADABLE = (BadZipFile, LargeZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)
LARGE = 1 << 20  # bytes of a file that has a line of progress of its own
SPARE = 64 << 20  # bytes that must stay free where a backup is unpacked


class NoRoom(Refused):
    """The file may be sound, but there is no room to look."""


class Archive:
    """An open backup. It refuses, with a sentence, what is no backup at all; damage in parts is told part by part."""

    def __init__(self, file: Path) -> None:
        """Raises Refused."""
        self._zip = opened(file)
        try:
            self.manifest = self._manifest()
        except BaseException:
            self._zip.close()
            raise

    def close(self) -> None:
        self._zip.close()

    def _manifest(self) -> Manifest:
        try:
            info = self._zip.getinfo(NAME)
            if info.file_size > LONGEST:
                raise Refused("Its manifest is longer than any can be.")
            with self._zip.open(info) as entry:
                text = entry.read(LONGEST + 1)
        except KeyError:
            raise Refused("It is a ZIP file, but no backup of minisocial: it has no manifest.") from None
        except UNREADABLE as error:
            raise Refused(f"Its manifest can not be read ({said(error)}).") from error
        return read(text)

    def unlisted(self) -> Iterator[str]:
        """What is wrong with the list of entries, compared with the manifest."""
        found = Counter(info.filename for info in self._zip.infolist())
        listed = {NAME, *(file.path for file in self.manifest.files)}
        yield from (f"{path} is missing." for path in sorted(listed - set(found)))
        yield from (f"{path!r} is in it, but not in its manifest." for path in sorted(set(found) - listed))
        yield from (f"{path} is in it twice." for path, times in sorted(found.items()) if times > 1)

    def unpack(self, folder: Path, progress: Callable[[str], None]) -> Iterator[str]:
        """Writes every file of the manifest into a folder; what is wrong with them.

        Names were checked when the manifest was read; no file becomes longer than it says there.
        """
        room, needed = shutil.disk_usage(folder).free, self.manifest.unpacked
        if room < needed + SPARE:
            raise NoRoom(f"Unpacked it takes {size(needed)}, and on the disk of {folder.parent} {size(room)} are free.")
        found = {info.filename: info for info in self._zip.infolist()}
        for number, file in enumerate(self.manifest.files):
            if file.path in found:
                if file.bytes >= LARGE or number % MANY == 0:
                    progress(f"{file.path}: {size(file.bytes)}")
                if fault := self._unpack_one(found[file.path], file, folder / file.path):
                    yield f"{file.path} {fault}."

    def _unpack_one(self, info: ZipInfo, file: FilePart, target: Path) -> str:
        if info.file_size != file.bytes:
            return f"has {info.file_size:,} bytes instead of {file.bytes:,}"
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        digest, left = hashlib.sha256(), file.bytes
        with private(target) as out:
            try:
                for piece in self._pieces(info):
                    left -= len(piece)
                    digest.update(piece)
                    out.write(piece)
            except Unreadable as error:
                return f"is damaged ({error})"
        is_right = left == 0 and digest.hexdigest() == file.sha256
        return "" if is_right else "is not what was backed up: its digest differs"

    def _pieces(self, info: ZipInfo) -> Iterator[bytes]:
        """The content, a piece at a time and never more than the index says; raises Unreadable."""
        with readable(), self._zip.open(info) as entry:
            while piece := entry.read(CHUNK):
                yield piece


class Unreadable(Exception):
    """What is in the file can not be read; `str()` says why."""


@contextmanager
def readable() -> Iterator[None]:
    try:
        yield
    except UNREADABLE as error:
        raise Unreadable(said(error)) from error


def opened(file: Path) -> ZipFile:
    """The file as a ZIP; raises Refused."""
    if not file.exists():
        raise Refused("There is no such file.")
    if file.is_dir():
        raise Refused("It is a folder; a backup is a ZIP file.")
    try:
        return ZipFile(file)
    except PermissionError:
        raise Refused("You may not read it; ask the user who made it.") from None
    except UNREADABLE as error:
        raise Refused(f"It is cut off, or no ZIP file ({said(error)}).") from error


def said(error: BaseException) -> str:
    """An error's words, without the quotes and dots of its library."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return "it is encrypted, and no backup of ours is" if "password" in text else text.rstrip(".")
