from pathlib import Path

from minisocial.torture.notes import DOUBT, LOST, REFUSED, SAVED, Notes, notes_path, posts_left, read_notes


def noted(folder: Path, *lines: str) -> None:
    notes_path(folder, 0).write_text("".join(f"{line}\n" for line in lines))


def test_what_is_noted_is_read_again(tmp_path: Path) -> None:
    notes = Notes(notes_path(tmp_path, 0))
    notes.account(99)
    notes.begins(1, "I", 7, "abc")
    notes.saved(1, "0", 1234)
    notes.begins(2, "U", 7, "def")
    notes.ended(2, "N", "NoPrimary not now")
    notes.begins(3, "D", 7, "def")
    notes.close()
    history = read_notes(tmp_path, 0)
    one, two, three = history.operations.values()
    assert (history.account, history.next_number) == (99, 4)
    assert (one.state, one.shard, one.position) == (SAVED, "0", 1234)
    assert (two.state, two.why) == (REFUSED, "NoPrimary not now")
    assert three.state == DOUBT


def test_a_torn_line_tells_nothing_and_spoils_nothing(tmp_path: Path) -> None:
    notes_path(tmp_path, 0).write_bytes(b"B 1 I 7 abc\nA 1 0")
    notes = Notes(notes_path(tmp_path, 0))
    notes.begins(2, "U", 7, "def")
    notes.close()
    history = read_notes(tmp_path, 0)
    assert history.operations[1].state == DOUBT
    assert history.operations[2].kind == "U"


def test_what_an_audit_decided_stays_decided(tmp_path: Path) -> None:
    noted(tmp_path, "B 1 I 7 a", "A 1 0 5", "B 2 I 8 a", "B 3 I 9 a", "L 1", "Y 2", "X 3", "=", "B 4 I 10 a")
    one, two, three, four = read_notes(tmp_path, 0).operations.values()
    assert [operation.state for operation in (one, two, three, four)] == [LOST, SAVED, REFUSED, DOUBT]
    assert [operation.is_decided for operation in (one, two, three, four)] == [True, True, True, False]


def test_a_writer_goes_on_with_posts_that_are_surely_there(tmp_path: Path) -> None:
    saved = [line for post in range(5) for line in (f"B {post} I {post} a", f"A {post} 0 {post}")]
    noted(tmp_path, *saved, "B 5 D 1 a", "A 5 0 5", "B 6 D 2 a", "B 7 U 3 a", "N 7 NoPrimary", "B 8 I 9 a")
    assert posts_left(read_notes(tmp_path, 0)) == {0, 3, 4}
