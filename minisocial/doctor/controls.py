"""The control files: whether enough of them are there, can be read, and say the same."""

from collections.abc import Iterator
from pathlib import Path

from minisocial.database.loss.control import NAME, majority
from minisocial.doctor.finding import Finding, listed, shown
from minisocial.doctor.survey import ControlFile, Record, Survey


def check_controls(survey: Survey) -> Iterator[Finding]:
    """All that may be wrong with the control files; one line if nothing is."""
    if survey.is_new:
        return
    if survey.record is None:
        if survey.shelves or survey.controls or survey.hint:
            yield _nothing_to_go_by(survey)
        yield from _unreadable(survey.controls, "")
        yield from _lost_hint(survey)
        return
    faults = [*_missing(survey, survey.record), *_faulty(survey, survey.record), *_lost_hint(survey)]
    yield from faults
    if not faults:
        count = len(survey.controls)
        yield Finding(f"{NAME}: {'the one' if count == 1 else f'all {count}'} at version {survey.record.version}")


def _nothing_to_go_by(survey: Survey) -> Finding:
    root = shown(survey.data / "database")
    if survey.hint and survey.hint.record and survey.hint.record.folders:
        folders = listed(map(shown, map(Path, survey.hint.record.folders.values())))
        return Finding(f"no {NAME} can be read in any place: {folders}", "put these folders back: mount their disks")
    return Finding(
        f"no {NAME} in the folders of {root} says which file leads and which shard holds whom",
        f"put a {NAME} from a backup into each of them before you start the site",
    )


def _lost_hint(survey: Survey) -> Iterator[Finding]:
    """When no place lies in the data folder, one more file there says where they are."""
    root, hint, record = survey.data.absolute() / "database", survey.hint, survey.record
    if any(shelf.place.folder.parent == root for shelf in survey.shelves):
        return
    told = set(hint.record.folders.values()) if hint and hint.record else set()
    if told and (record is None or set(record.folders.values()) <= told):
        return
    what = (hint.problem if hint else "it is not there") or "it does not name every place"
    yield Finding(
        f"{shown(root / NAME)}: {what}. No place lies here, and it alone says where else: without it a start finds "
        "nothing, and begins a new, empty database",
        f"copy the {NAME} of one of the places there before you start the site; if there are none, start it",
    )


def _missing(survey: Survey, record: Record) -> Iterator[Finding]:
    """Places without a file that can be read."""
    good = {control.path.parent for control in survey.controls if control.record}
    bad = {control.path.parent for control in survey.controls if not control.record}
    lacking = [shelf for shelf in survey.shelves if shelf.place.folder not in good]
    expected = len(record.places)
    found = expected - len(lacking)
    if found < majority(expected):
        yield Finding(
            f"only {found} of {expected} {NAME} files can be read, so a newer one may be missing and the site will not "
            f"start ({listed(shelf.problem or f'none in {shown(shelf.place.folder)}' for shelf in lacking)})",
            f"put the missing folders back; to go on without them, delete {NAME} in every folder of "
            f"{shown(survey.data / 'database')}",
        )
    for shelf in lacking:
        if not shelf.problem and shelf.place.folder not in bad:
            yield Finding(f"there is no {NAME} in {shown(shelf.place.folder)}", _copy(survey, record))


def _faulty(survey: Survey, record: Record) -> Iterator[Finding]:
    yield from _unreadable(survey.controls, _copy(survey, record))
    for control in survey.controls:
        other = control.record
        if other is None or control.path.parent not in [shelf.place.folder for shelf in survey.shelves]:
            continue  # a folder that was a place once may keep its file
        if other.version != record.version:
            what = f"is older (version {other.version}) than the newest (version {record.version})"
            yield Finding(f"{shown(control.path)} {what}", _copy(survey, record))
        elif other != record:
            remedy = "with the site stopped, find out which is right, and copy it over the others"
            yield Finding(f"{shown(control.path)} has the same version as another and says something else", remedy)


def _unreadable(controls: tuple[ControlFile, ...], remedy: str) -> Iterator[Finding]:
    for control in controls:
        if not control.record:
            yield Finding(f"{shown(control.path)}: {control.problem}", remedy or "see the line before")


def _copy(survey: Survey, record: Record) -> str:
    """What to do about a file when a good one is there."""
    good = next(c.path for c in survey.controls if c.record and c.record.version == record.version)
    return f"with the site stopped, copy {shown(good)} over it"
