"""`test` leaves out what this machine cannot run, and nothing that was asked for."""

import sys

from minisocial.cli.testing import command, environment


def test_without_a_browser_its_tests_are_left_out():
    assert command(["-x"], browse=False) == [sys.executable, "-m", "pytest", "-m", "not browser", "-x"]


def test_with_a_browser_everything_is_run():
    assert command(["tests/web"], browse=True) == [sys.executable, "-m", "pytest", "tests/web"]


def test_a_choice_of_ones_own_is_kept():
    assert command(["-m", "browser"], browse=False) == [sys.executable, "-m", "pytest", "-m", "browser"]


def test_settings_of_a_person_do_not_reach_the_tests():
    assert not [name for name in environment() if name.startswith("MINISOCIAL_")]
