import gzip
from pathlib import Path

import pytest

from minisocial.errors import Invalid
from minisocial.seed.edges import read_edges


def written(folder: Path, text: str) -> Path:
    path = folder / "graph.txt"
    path.write_bytes(text.encode())
    return path


def test_plain_lines_of_two_numbers(tmp_path: Path) -> None:
    assert read_edges(written(tmp_path, "0 1\n1\t2\n3,4\n5 ; 6\r\n")) == [(0, 1), (1, 2), (3, 4), (5, 6)]


def test_gzip_is_known_by_its_content_not_its_name(tmp_path: Path) -> None:
    path = tmp_path / "graph.txt"
    path.write_bytes(gzip.compress(b"nd nw\n0 1\n"))
    assert read_edges(path) == [(0, 1)]


def test_header_blank_lines_and_comments_are_skipped(tmp_path: Path) -> None:
    text = "\ufeff# made by hand\n% and this\nsource target\n\n   \n7 8\n# end\n"
    assert read_edges(written(tmp_path, text)) == [(7, 8)]


def test_doubles_in_either_direction_and_loops_are_left_out(tmp_path: Path) -> None:
    assert read_edges(written(tmp_path, "2 1\n1 2\n2 1\n3 3\n02 01\n")) == [(1, 2)]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0 1\nhello world\n", 2),  # a header comes first or not at all
        ("0 1\n\n2\n", 3),
        ("a b\nc d\n0 1\n", 2),
        ("0 1 2\n", 1),
        ("-1 2\n", 1),
        ("1.5 2\n", 1),
        ("1_0 2\n", 1),
        ("٣ ٤\n", 1),
        ("1 9999999999999999999\n", 1),
        ("x1 y2\n", 1),
        ("0 1\n" + "9" * 5000 + "\n", 2),
        ("\0\0\0\n", 1),
    ],
)
def test_anything_else_is_refused_with_its_line(tmp_path: Path, text: str, number: int) -> None:
    with pytest.raises(Invalid, match=rf"Line {number} of graph.txt"):
        read_edges(written(tmp_path, text))


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "source target\n", "1 1\n"])
def test_a_list_without_edges_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Invalid, match="holds no edge"):
        read_edges(written(tmp_path, text))


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "graph.gz"
    whole = gzip.compress(b"".join(b"%d %d\n" % (n, n * 7919 % 10_007) for n in range(5000)))
    for damaged in (whole[: len(whole) // 2], whole[:200] + b"\xff" * 200 + whole[400:], whole[:-8] + b"\0" * 8):
        path.write_bytes(damaged)
        with pytest.raises(Invalid, match=r"graph\.gz"):
            read_edges(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(Invalid, match="cannot be read"):
            read_edges(path)
