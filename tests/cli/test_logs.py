"""Each line of the log names the request it belongs to, and by default there are few."""

import io
import logging

import pytest

from minisocial.cli import logs
from minisocial.trace import Tracer


@pytest.fixture(autouse=True)
def as_before():
    loggers = [logging.getLogger(name) for name in (None, *logs.QUIET)]
    levels, handlers = [logger.level for logger in loggers], list(loggers[0].handlers)
    yield
    loggers[0].handlers[:] = handlers
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def lines(level: str | None) -> list[str]:
    stream = io.StringIO()
    logs.set_up(level, stream)
    logging.getLogger("minisocial.database").info("promoted")
    logging.getLogger("minisocial.database").debug("read")
    logging.getLogger("minisocial.access").info("GET /")
    logging.getLogger("huey").info("chatter")
    logging.getLogger("huey").warning("trouble")
    logging.getLogger("waitress.queue").warning("depth is 1")
    logging.getLogger("waitress").info("Client disconnected while serving /join/a-secret")
    return [line.split(" ", 2)[2] for line in stream.getvalue().splitlines()]


def test_without_a_level_there_are_only_warnings():
    assert lines(None) == ["WARNING huey trouble"]


def test_from_info_on_each_request_has_its_line():
    assert {"INFO minisocial.access GET /", "INFO minisocial.database promoted"} <= set(lines("info"))
    assert "DEBUG minisocial.database read" in lines("debug")


def test_no_level_shows_an_address_as_it_came():
    assert not any("a-secret" in line for line in lines("debug"))


def test_a_level_of_error_leaves_nothing_of_this():
    assert lines("error") == []


def test_a_line_names_the_request():
    stream = io.StringIO()
    logs.set_up(None, stream)
    with Tracer().begin("abcd1234", "GET /"):
        logging.getLogger("minisocial.x").warning("slow")
    assert stream.getvalue().endswith("WARNING minisocial.x [abcd1234] slow\n")


def test_setting_it_up_twice_does_not_double_the_lines():
    logs.set_up(None, io.StringIO())
    assert len(lines(None)) == 1
