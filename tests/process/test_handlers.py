"""What cannot be an agent uses no process, and what only its own process can tell fails its start or its turn."""

import pytest

import scr
from scr.errors import InvalidCode, ScrError, StartFailed


class Yields(scr.Agent):
    def on_task(self, ctx, message):
        yield ctx.reply("never")


def test_handlers_that_would_never_run_are_refused_or_told(story):
    class Misspelt(scr.Agent):
        def on_tsak(self, ctx, message):
            pass

    for thing, sentence in ((Yields, "contains `yield`"), (Misspelt, r"did you mean on_task\?")):
        with pytest.raises(InvalidCode, match=sentence):
            story.runtime.start_agent("refused", thing)
    assert not story.events("agent_starting", agent="refused")

    with pytest.raises(StartFailed):
        story.runtime.start_agent("by-name", "tests.process.test_handlers:Yields")
    assert "Yields.on_task" in story.runtime.crashes("by-name")[0].detail
    assert "contains `yield`" in story.runtime.crashes("by-name")[0].detail

    story.runtime.start_agent("promises", lambda ctx, message: (n for n in range(3)), max_deliveries=1)
    with pytest.raises(ScrError, match=r"a generator .* of which no line has run"):
        story.runtime.ask("promises", None)
    story.runtime.start_agent("lists", lambda ctx, message: [n for n in range(3)])  # noqa: C416
    assert story.runtime.ask("lists", None) == [0, 1, 2]
    with pytest.raises(InvalidCode, match="contains `yield`"):
        story.runtime.replace_code("lists", Yields)
    assert story.runtime.ask("lists", None) == [0, 1, 2]
