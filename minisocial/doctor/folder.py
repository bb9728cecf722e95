"""The data folder itself: whether it can be used, who may look into it, and the disks it lies on."""

import os
import re
import shutil
import stat
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from minisocial import settings_file
from minisocial.doctor import lock
from minisocial.doctor.finding import Finding, counted, listed, note, shown, size
from minisocial.doctor.survey import Shelf, Survey
from minisocial.settings import Settings

ROOM = 500 << 20  # bytes that should be free
MOST_LOOKED_AT = 20_000  # files; a cache may have very many
OTHERS = stat.S_IROTH | stat.S_IWOTH | stat.S_IXOTH
NETWORK = re.compile(r"nfs\d?|cifs|smb\w*|ncpfs|afs|glusterfs|davfs\d?|fuse\.(sshfs|rclone|s3fs|davfs\d?|glusterfs)")
MOUNTS = Path("/proc/mounts")  # Linux


def check_folder(settings: Settings) -> Finding:
    """Whether the folder can be used; where it is not made yet, the nearest one above it."""
    there = _nearest(settings.data)
    what = f"data folder {shown(settings.data)}" + ("" if settings.data.exists() else " (made at the first start)")
    if not there.is_dir():
        return Finding(what, f"{there} is a file; move it away or choose another folder with --data")
    if (database := settings.data / "database").exists() and not database.is_dir():
        return Finding(what, f"{shown(database)} is a file, where the database's folder belongs; move it away")
    if not os.access(there, os.W_OK | os.X_OK | os.R_OK):
        return Finding(what, f"{there} can not be used by you; run this as its owner, or change its permissions")
    return Finding(what)


def check_lock(survey: Survey) -> Iterator[Finding]:
    """Whether the next start can make sure that it is alone."""
    path = survey.data / "database" / "lock"
    if problem := lock.find_problem(path.parent):
        yield Finding(f"{shown(path)} can not be locked ({problem})", "delete it: it holds nothing, and is made anew")


def check_permissions(survey: Survey) -> Iterator[Finding]:
    """Whether what is private is, and what must be written can be."""
    if os.name != "posix" or survey.is_new:
        return
    yield from _open_to_others(survey)
    yield from _open_settings(survey.data / settings_file.FILE, survey.settings)
    yield from _foreign_files(survey.data, list(_files(survey)))


def _open_to_others(survey: Survey) -> Iterator[Finding]:
    """Everybody's passwords, as hashes, letters and sessions lie in here."""
    elsewhere = [shelf.place.folder for shelf in survey.shelves if not shelf.place.folder.is_relative_to(_root(survey))]
    for folder in (survey.data, *elsewhere):
        if folder.is_dir() and folder.stat().st_mode & OTHERS:
            yield Finding(
                f"everybody on this machine may look into {shown(folder)}", f"chmod 700 {shown(folder)}, as its owner"
            )


def _root(survey: Survey) -> Path:
    return survey.data.absolute()


def _open_settings(path: Path, settings: Settings) -> Iterator[Finding]:
    """The file of settings is private where it holds the password of the mail server."""
    has_password = bool(re.match(r"smtps?://[^/]*:[^/]*@", settings.smtp_url))
    if has_password and path.is_file() and path.stat().st_mode & OTHERS:
        yield Finding(
            f"{shown(path)} holds the password of the mail server, and everybody may read it",
            f"chmod 600 {shown(path)}, as its owner",
        )


def _files(survey: Survey) -> Iterator[Path]:
    """All files and folders of the data, as many as one can look at in a moment."""
    folders = {survey.data, *(shelf.place.folder for shelf in survey.shelves)}
    found = 0
    for top in folders:
        for where, inner, names in os.walk(top):
            for name in (*inner, *names):
                yield Path(where, name)
                found += 1
            if found > MOST_LOOKED_AT:
                return


def _foreign_files(data: Path, paths: Iterable[Path]) -> Iterator[Finding]:
    """Files of another user (a command was run as root), and files nobody may write to."""
    owner, foreign, fixed = data.stat().st_uid, [], []
    for path in sorted(set(paths)):
        try:
            status = path.lstat()
        except OSError:
            continue  # a file of the moment
        if status.st_uid != owner:
            foreign.append(shown(path))
        elif not status.st_mode & stat.S_IWUSR:
            fixed.append(shown(path))
    if foreign:
        what = f"{counted(len(foreign), 'file')} in {shown(data)} not owned by {_owner(data)}, as the folder is"
        yield Finding(f"{what} ({listed(foreign)})", f"chown -R {_owner(data)} {shown(data)}, as root")
    if fixed:
        yield Finding(f"nothing can be written to {listed(fixed)}", f"chmod -R u+w {shown(data)}, as its owner")


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except (KeyError, NotImplementedError):
        return str(path.stat().st_uid)


def free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def check_room(survey: Survey, free_of: Callable[[Path], int] = free_bytes) -> Iterator[Finding]:
    """Whether each disk has room: to go on writing, and to make any copy anew."""
    for folder, names in _disks(survey).values():
        largest = max((_size(file.path) for file in survey.current if file.place in names), default=0)
        free, needed = free_of(folder), max(ROOM, 2 * largest)
        where = f" for {counted(len(names), 'place')} ({', '.join(names)})" if names else ""
        yield Finding(f"{size(free)} free{where}", "" if free >= needed else f"make room: {size(needed)} should be")


def _disks(survey: Survey) -> dict[int, tuple[Path, list[str]]]:
    """device → a folder on it, and the places that lie there."""
    data = _nearest(survey.data)
    data = data if data.is_dir() else data.parent
    disks: dict[int, tuple[Path, list[str]]] = {data.stat().st_dev: (data, [])}
    for shelf in survey.shelves:
        if not shelf.problem:
            folder = shelf.place.folder
            disks.setdefault(folder.stat().st_dev, (folder, []))[1].append(shelf.place.name)
    return disks


def _nearest(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(found for found in (path.absolute(), *path.absolute().parents) if found.exists())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def check_disks(survey: Survey) -> Iterator[Finding]:
    """Places that would be lost together, or a place that is alone."""
    by_device: defaultdict[int, list[Shelf]] = defaultdict(list)
    for shelf in survey.shelves:
        if not shelf.problem:
            by_device[shelf.place.folder.stat().st_dev].append(shelf)
    if len(survey.shelves) == 1:
        yield note("there is one copy of everything; “replicas add FOLDER” makes one more")
    for together in by_device.values():
        if len(together) > 1:
            names = ", ".join(shelf.place.name for shelf in together)
            yield note(f"one disk holds the places {names}; “replicas add FOLDER” puts a copy on another disk")


def check_file_systems(survey: Survey, mounts: Path = MOUNTS) -> Iterator[Finding]:
    """Whether any place lies on a file system whose locks and syncs SQLite can not rely on."""
    known = list(_mounted(mounts))
    for folder in dict.fromkeys([_nearest(survey.data), *(shelf.place.folder for shelf in survey.shelves)]):
        above = [(len(point.parts), kind) for point, kind in known if folder.resolve().is_relative_to(point)]
        kind = max(above, key=lambda found: found[0], default=(0, ""))[1]
        if NETWORK.fullmatch(kind):
            yield Finding(
                f"{shown(folder)} lies on a network file system ({kind}), where locks and syncs can not be relied on",
                "move it to a disk of this machine",
            )


def _mounted(mounts: Path) -> Iterator[tuple[Path, str]]:
    """(mount point, type) of every file system; nothing where the system does not tell."""
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        _, point, kind, *_ = [*line.split(" "), "", "", ""]
        yield Path(re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), point)), kind
