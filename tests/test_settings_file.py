"""Settings come from four places, and what is not understood is refused with a sentence."""

from dataclasses import fields
from pathlib import Path

import pytest

from minisocial.errors import Refused
from minisocial.settings import Settings
from minisocial.settings_file import CHOICES, RANGES, STARTS, default_data_folder, load


@pytest.fixture
def data(tmp_path):
    return {"MINISOCIAL_DATA": str(tmp_path)}


def refusal(flags, environ) -> str:
    with pytest.raises(Refused) as refused:
        load(flags, environ)
    return str(refused.value)


def write(tmp_path, text: str) -> None:
    (tmp_path / "minisocial.toml").write_text(text, "utf-8")


def test_without_any_source_the_defaults_apply(tmp_path):
    assert load({"data": tmp_path}, {}) == Settings(data=tmp_path)


def test_flag_beats_environment_beats_file_beats_default(tmp_path, data):
    write(tmp_path, "read_nodes = 3\nwrite_nodes = 4\nworkers = 5\n")
    environ = {**data, "MINISOCIAL_WRITE_NODES": "6", "MINISOCIAL_WORKERS": "7"}
    settings = load({"workers": "8", "port": None}, environ)
    assert (settings.port, settings.read_nodes, settings.write_nodes, settings.workers) == (8000, 3, 6, 8)


def test_defaults_of_a_command_are_the_weakest(tmp_path, data):
    write(tmp_path, "teach = false\n")
    settings = load({}, data, {"teach": True, "collapse": False})
    assert (settings.teach, settings.collapse) == (False, False)


def test_the_file_is_looked_for_in_the_data_folder_that_was_chosen(tmp_path, data):
    chosen = tmp_path / "chosen"
    chosen.mkdir()
    write(tmp_path, "port = 1\n")
    write(chosen, "port = 2\n")
    assert load({"data": str(chosen)}, data).port == 2


def test_the_data_folder_lies_beside_run_py_from_wherever_it_is_called():
    assert default_data_folder() == Path(__file__).resolve().parent.parent / "data"


@pytest.mark.parametrize("word", ["on", "true", "1", "ON", "yes"])
def test_a_switch_is_turned_on(data, word):
    assert load({}, {**data, "MINISOCIAL_TEACH": word}).teach is True


@pytest.mark.parametrize("word", ["off", "false", "0", "No"])
def test_a_switch_is_turned_off(data, word):
    assert load({}, {**data, "MINISOCIAL_RATE_LIMITS": word}).rate_limits is False


def test_a_switch_in_the_file_may_be_a_word_or_a_boolean(tmp_path, data):
    write(tmp_path, 'teach = true\nrate_limits = "off"\n')
    settings = load({}, data)
    assert (settings.teach, settings.rate_limits) == (True, False)


def test_an_unknown_environment_variable_is_refused_with_the_near_one(data):
    said = refusal({}, {**data, "MINISOCIAL_READ_NODE": "3"})
    assert "MINISOCIAL_READ_NODE." in said and "Did you mean MINISOCIAL_READ_NODES?" in said


def test_the_level_of_the_log_is_no_setting_but_may_be_there(data):
    assert load({}, {**data, "MINISOCIAL_LOG": "debug", "HOME": "/"})


def test_an_unknown_name_in_the_file_is_refused_with_the_near_one(tmp_path, data):
    write(tmp_path, "raed_nodes = 3\n")
    said = refusal({}, data)
    assert "minisocial.toml" in said and "Did you mean read_nodes?" in said


def test_a_section_in_the_file_is_refused(tmp_path, data):
    write(tmp_path, "[server]\nport = 3\n")
    assert "There is no setting for server" in refusal({}, data)


def test_the_file_cannot_move_the_folder_it_lies_in(tmp_path, data):
    write(tmp_path, 'data = "elsewhere"\n')
    assert "--data" in refusal({}, data)


@pytest.mark.parametrize("flags", [{"port": "65536"}, {"port": "-1"}, {"shards": "0"}, {"workers": "0"}])
def test_a_number_out_of_range_is_refused_with_the_range(data, flags):
    name = next(iter(flags))
    said = refusal(flags, data)
    assert said.startswith(f"--{name} is '{flags[name]}'") and f"{RANGES[name][0]} to {RANGES[name][1]}" in said


@pytest.mark.parametrize("value", ["", "many", "3.5", "1_0x", "0x10"])
def test_what_is_no_number_is_refused(data, value):
    assert "whole number" in refusal({}, {**data, "MINISOCIAL_PORT": value})


@pytest.mark.parametrize("line", ["port = true", "port = 3.5", "port = [1]", "host = 3", "teach = 2", "teach = 'so'"])
def test_a_value_of_the_wrong_kind_in_the_file_is_refused(tmp_path, data, line):
    write(tmp_path, line + "\n")
    name = line.split()[0]
    assert f"minisocial.toml: {name} is " in refusal({}, data)


@pytest.mark.parametrize(
    ("name", "value"),
    [("durability", "all"), ("smtp_url", "http://mail"), ("public_url", "me.example"), ("mail_from", "a@b\nBcc: c@d")],
)
def test_a_word_that_cannot_be_meant_is_refused(data, name, value):
    assert f"--{name.replace('_', '-')} is" in refusal({name: value}, data)


def test_the_last_chance_to_mistype_a_flag_is_refused_too(data):
    assert "--prot" in refusal({"prot": "80"}, data)


@pytest.mark.parametrize("text", [b"port = = 3", b"\xff\xfe", b"port"])
def test_a_garbled_file_is_one_sentence(tmp_path, data, text):
    (tmp_path / "minisocial.toml").write_bytes(text)
    said = refusal({}, data)
    assert "minisocial.toml" in said and "\n" not in said


def test_a_file_that_is_a_folder_is_one_sentence(tmp_path, data):
    (tmp_path / "minisocial.toml").mkdir()
    assert "cannot be read" in refusal({}, data)


def test_every_number_has_a_range_and_every_default_is_within_the_rules(tmp_path):
    kinds = {field.name: field.type for field in fields(Settings)}
    assert set(RANGES) == {name for name, kind in kinds.items() if kind is int}
    assert set(CHOICES) | set(STARTS) <= set(kinds)
    flags = {field.name: str(field.default) for field in fields(Settings) if field.name != "data"}
    assert load({**flags, "data": tmp_path}, {}) == Settings(data=tmp_path)
