"""A folder that holds modules with the names of the standard library's: SCR's processes do not import them."""

import sys

import pytest

import scr

NAMES = ("queue", "random", "select", "token", "logging", "typing", "json", "tempfile", "asyncio")
AGENT = """
import os, subprocess, sys

def work(ctx, message):
    import queue
    return [queue.__file__, os.environ.get("PYTHONPATH"), __file__]
"""


@pytest.mark.parametrize("launcher", ["zygote", "spawn"])
def test_modules_of_the_program_are_found_and_strangers_are_not(tmp_path, monkeypatch, launcher):
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'a').write({name!r})")
    (tmp_path / "agents_beside_the_program.py").write_text(AGENT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    monkeypatch.delenv("PYTHONPATH", raising=False)
    with scr.Runtime(
        scr.SupervisorSpec(id="agents", strategy=scr.Strategy.ONE_FOR_ONE),
        settings=scr.Settings(launcher=launcher, standbys=0),
    ) as runtime:
        runtime.start_agent("worker", "agents_beside_the_program:work")
        used, path, own = runtime.ask("worker", None)
    assert not (tmp_path / "executed").exists()
    assert not used.startswith(str(tmp_path))
    assert (path, own) == (None, str(tmp_path / "agents_beside_the_program.py"))
