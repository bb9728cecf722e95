from pathlib import Path
from urllib.request import urlopen

import pytest

from minisocial.benchmarks import run
from minisocial.benchmarks.browser import Browser
from minisocial.benchmarks.children import ADDRESS, bare, chain, generate, serving
from minisocial.benchmarks.client import Job
from minisocial.errors import Refused, Unavailable


def test_the_bare_server_answers_eight_kilobytes_and_ends_with_the_block(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), bare(2, tmp_path / "log") as server:
        browser = Browser("127.0.0.1", server.port)
        assert len(browser.page("/")) == 8192
        browser.close()
        result = generate(Job("127.0.0.1", server.port, 10, [[browser.encoded("/")] * 20] * 2, once=True))
        assert result.statuses == {"200": 40}
        raise KeyboardInterrupt  # as if somebody had pressed Ctrl-C
    assert server.process.returncode is not None


def test_a_server_that_does_not_start_is_reported_with_its_last_words(tmp_path: Path) -> None:
    with (
        pytest.raises(Unavailable, match="No module named minisocial_nowhere"),
        serving(["minisocial_nowhere"], ADDRESS, tmp_path / "log", {}),
    ):
        pass


def test_an_unknown_benchmark_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Refused, match="There are: path, edge, balancer, database"):
        run("paths")


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("kind", ["alone", "chain"])
def test_the_empty_application_answers_alone_and_behind_all_boxes(tmp_path: Path, kind: str, at_once: bool) -> None:
    with chain(kind, 2, at_once, tmp_path / "log") as server, urlopen(f"http://127.0.0.1:{server.port}/") as answer:
        assert answer.read() == b""
        crossed = answer.headers["Server-Timing"]
    assert ("node;" in crossed) == (kind == "chain")
