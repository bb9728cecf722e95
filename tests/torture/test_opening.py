from minisocial.database.snapshot import CopySnapshot, DatabaseSnapshot, ShardSnapshot
from minisocial.torture.opening import is_well


def copy(name: str, role: str = "replica", position: int = 7, state: str = "up", file: str = "file") -> CopySnapshot:
    return CopySnapshot(name, role, file, position, 0, state, 0, 0, "")


def database(*copies: CopySnapshot) -> DatabaseSnapshot:
    return DatabaseSnapshot((ShardSnapshot("0", 1, copies, 0, 0, 0, 0, 0),), 0, 0)


A, B = copy("a", "primary"), copy("b")


def test_all_is_well_when_every_copy_is_up_and_equally_far() -> None:
    assert is_well(database(A, B), ())
    assert not is_well(database(A, copy("b", position=6)), ())
    assert not is_well(database(A, copy("b", state="suspect")), ())


def test_without_a_primary_nothing_is_well() -> None:
    assert not is_well(database(copy("a"), B), ())


def test_only_a_copy_whose_disk_was_taken_away_may_be_missing() -> None:
    gone = copy("c", position=0, state="missing", file="")
    assert is_well(database(A, B, gone), {"c"})
    assert not is_well(database(A, B, gone), {"b"})
