"""How code travels."""

import base64
import subprocess
import sys

import pytest
from pydantic import BaseModel, Field, field_validator

from scr.agent.agent import Agent
from scr.agent.code import code_of, open_code
from scr.agent.pickling.pickling import pack_code, unpack_code
from scr.agent.steps import steps
from scr.errors import InvalidCode, InvalidInput
from scr.services.memory import MemoryAgent
from scr.specs import Code


def test_what_can_be_imported_travels_by_its_name():
    assert code_of(MemoryAgent) == Code(reference="scr.services.memory:MemoryAgent")
    assert open_code(code_of(MemoryAgent)) is MemoryAgent
    assert code_of("a.b:C") == Code(reference="a.b:C")


def test_a_closure_travels_as_bytes():
    factor = 6
    code = code_of(lambda number: number * factor)
    assert code.pickled
    assert open_code(code)(7) == 42


def test_a_class_made_in_a_function_is_made_again_in_another_process_with_its_models():
    class Local(Agent):
        class State(BaseModel):
            level: int = Field(default=1, ge=0)
            items: list[str] = []

            @field_validator("level")
            @classmethod
            def low(cls, level):
                if level > 9:
                    raise ValueError("too high")
                return level

            def doubled(self):
                return self.level * 2

    code = code_of(Local)
    check = (
        "import base64, sys; from scr.agent.pickling.pickling import unpack_code\n"
        "local = unpack_code(base64.b64decode(sys.argv[1])); faults = []\n"
        "for level in (-1, 10, 'x'):\n"
        "    try: local.State(level=level)\n"
        "    except ValueError as error: faults.append(str(error).splitlines()[2].strip()[:30])\n"
        "print(local.State(level=4).doubled(), local.State().model_dump_json(), faults)"
    )
    result = subprocess.run([sys.executable, "-c", check, code.pickled], capture_output=True, text=True, check=True)
    assert result.stdout.split(" ", 2)[:2] == ["8", '{"level":1,"items":[]}']
    assert "too high" in result.stdout
    assert base64.b64decode(code.pickled)


@pytest.mark.parametrize("thing", [42, None, {"an": "agent"}])
def test_what_is_no_agent_is_refused(thing):
    with pytest.raises(InvalidCode, match=r"subclass of scr\.Agent or a function"):
        code_of(thing)


@pytest.mark.parametrize("name", ["module", "module:", ":Class", ""])
def test_what_names_no_agent_is_refused(name):
    with pytest.raises(InvalidCode, match=r"package\.module:Class"):
        code_of(name)


@pytest.mark.parametrize("reference", ["no.such.module:Agent", "scr.errors:Nothing"])
def test_a_name_that_cannot_be_imported_is_told(reference):
    with pytest.raises(InvalidCode, match="cannot be imported"):
        open_code(Code(reference=reference))


def test_a_module_that_starts_a_runtime_when_it_is_imported_for_an_agent_is_told_what_guards_it(tmp_path, monkeypatch):
    (tmp_path / "unguarded.py").write_text("import scr\nwith scr.Runtime():\n    pass\nclass One(scr.Agent): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InvalidInput, match=r"'unguarded' starts a runtime .* below `if __name__ == \"__main__\":`"):
        open_code(Code(reference="unguarded:One"))


def test_bytes_that_are_no_code_are_told():
    with pytest.raises(InvalidCode, match="cannot be opened"):
        open_code(Code(pickled=base64.b64encode(b"nonsense").decode()))


def test_a_module_that_code_uses_travels_by_its_name_whatever_it_holds():
    def agent(ctx, message):
        return steps.__name__

    packed = pack_code(agent)
    assert len(packed) < 2000
    assert unpack_code(packed)(None, None) == steps.__name__
