"""Where SCR's processes look for modules: in the standard library first, then where the program does."""

import os
import subprocess
import sys

from scr.launch.module_paths import HOME, STANDARD, command, command_path, is_standard, module_path


def test_the_standard_library_comes_first_and_the_rest_as_the_program_has_it(tmp_path):
    inside = os.path.join(STANDARD, "lib-dynload")
    site = os.path.join(STANDARD, "site-packages")
    assert module_path([str(tmp_path), STANDARD, inside, site, HOME]) == [STANDARD, inside, str(tmp_path), site, HOME]
    assert all(map(is_standard, module_path()[:2]))


def test_the_working_directory_is_there_only_where_the_program_has_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "beside").mkdir()
    assert module_path([STANDARD]) == [STANDARD, HOME]
    assert module_path(["", "beside", STANDARD]) == [STANDARD, str(tmp_path), str(tmp_path / "beside"), HOME]


def test_for_a_command_the_working_directory_comes_after_all_that_is_installed(tmp_path, monkeypatch):
    site = os.path.join(STANDARD, "site-packages")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [site, STANDARD])
    assert command_path() == [STANDARD, site, HOME, str(tmp_path)]


def test_what_is_no_folder_is_left_to_the_hook_that_knows_it():
    assert module_path(["__editable__.finder.__path_hook__", None, b"x"]) == ["__editable__.finder.__path_hook__", HOME]


def test_a_directory_that_was_removed_is_left_out(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert module_path([""]) == [HOME]


def test_a_process_has_its_path_before_its_first_import(tmp_path):
    (tmp_path / "json.py").write_text("print('a stranger')")
    (tmp_path / "odd\udcff").mkdir()
    (tmp_path / "mine.py").write_text("import json, sys\ndef main(given): print(given, sys.path[-1] == given[0])")
    path = [STANDARD, str(tmp_path), str(tmp_path / "odd\udcff")]
    said = subprocess.run(command(path, "mine", path[-1]), cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout.endswith("True\n")


def test_the_command_line_does_not_look_where_it_is_typed(tmp_path):
    for name in ("queue", "random", "token", "signal", "logging"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a stranger')")
    shown = [sys.executable, "-m", "scr", "--version"]
    assert subprocess.run(shown, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.startswith("scr ")
