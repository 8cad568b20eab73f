"""New code for one agent, with its state and its mailbox, while its siblings go on."""

import os
import sys
import threading
import time

import pytest
from pydantic import BaseModel

import scr
from scr.errors import StartFailed
from tests.process.conftest import Story

OLD = """
import scr
from pydantic import BaseModel

class Versioned(scr.Agent):
    class State(BaseModel):
        total: int = 0

    def on_task(self, ctx, message):
        self.state.total += 1
        ctx.reply(["old", self.state.total, ctx.incarnation])
"""


class Old(scr.Agent):
    class State(BaseModel):
        total: int = 0

    def on_task(self, ctx, message):
        self.state.total += 1
        ctx.reply(["old", self.state.total])


@pytest.fixture
def module(tmp_path, monkeypatch):
    """An agent's module on disk, where the runtime finds it."""
    path = tmp_path / "versioned_agent.py"
    path.write_text(OLD)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return path


def test_reload_takes_what_is_on_disk_now_with_state_and_mailbox_and_touches_no_sibling(module):
    story = Story()
    story.runtime._preload = (*story.runtime._preload, "versioned_agent")
    with story.runtime as runtime:
        for name in ("versioned", "sibling-1", "sibling-2"):
            runtime.start_agent(name, "versioned_agent:Versioned")
        assert [runtime.ask("versioned", None), runtime.ask("sibling-1", None)] == [["old", 1, 1], ["old", 1, 1]]
        module.write_text(OLD.replace('"old"', '"new"'))
        later = module.stat().st_mtime + 2  # a file of the same size and second is the same file to Python's cache
        os.utime(module, (later, later))
        answers = []
        asking = threading.Thread(target=lambda: answers.extend(runtime.ask("versioned", None) for _ in range(50)))
        asking.start()
        runtime.reload_agent("versioned")
        asking.join()
        assert [total for _, total, _ in answers] == list(range(2, 52))
        assert runtime.ask("versioned", None) == ["new", 52, 2]
        assert runtime.ask("sibling-2", None) == ["old", 1, 1]
        assert runtime.ask("sibling-1", None) == ["old", 2, 1]


def test_code_that_does_not_start_is_told_and_the_old_code_runs_again_with_its_state(story):
    class Broken(Old):
        def on_start(self, ctx):
            raise RuntimeError("the new version needs a library")

    story.runtime.start_agent("agent", Old)
    assert story.runtime.ask("agent", None) == ["old", 1]
    with pytest.raises(StartFailed, match="the new version needs a library"):
        story.runtime.replace_code("agent", Broken)
    assert story.runtime.ask("agent", None) == ["old", 2]
    assert "needs a library" in story.until("reload_reverted", agent="agent").why


def test_code_that_ends_by_itself_soon_after_is_put_back_and_no_message_is_lost(story):
    class Fragile(Old):
        def on_task(self, ctx, message):
            raise ValueError("the new version cannot do this")

    story.runtime.start_agent("agent", Old)
    story.runtime.ask("agent", None)
    story.runtime.replace_code("agent", Fragile)
    assert story.runtime.ask("agent", None) == ["old", 2]
    assert "cannot do this" in story.until("reload_reverted", agent="agent").why


def test_code_given_with_the_request_replaces_the_old_between_two_messages(story):
    class New(Old):
        def on_task(self, ctx, message):
            self.state.total += 10
            ctx.reply(["new", self.state.total])

    def slow(ctx, message):
        ctx.log("begun")
        time.sleep(0.3)
        return "whole"

    story.runtime.start_agent("agent", Old)
    story.runtime.ask("agent", None)
    story.runtime.replace_code("agent", New)
    assert story.runtime.ask("agent", None) == ["new", 11]
    story.runtime.start_agent("slow", slow)
    answers = []
    asking = threading.Thread(target=lambda: answers.append(story.runtime.ask("slow", None)))
    asking.start()
    story.until("logged", agent="slow")
    story.runtime.replace_code("slow", lambda ctx, message: "new")
    asking.join()
    assert answers == ["whole"]
    assert story.runtime.ask("slow", None) == "new"
