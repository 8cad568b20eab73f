"""Agents that would wait for each other in a ring are told at once."""

import asyncio

from scr.errors import InvalidMessage


def relay(ctx, message):
    """Ask the first for what the others say; what was refused is the answer."""
    first, *others = message.payload.input or [None]
    try:
        return ctx.ask(first, others, timeout_s=60) if first else "the end"
    except InvalidMessage as error:
        return str(error)


async def ask_all(ctx, message):
    """Ask along several ways at once."""
    ways = message.payload.input
    return await asyncio.gather(*(ctx.ask_async(first, others, timeout_s=60) for first, *others in ways))


def test_a_ring_of_agents_that_ask_each_other_is_refused_at_once_and_a_line_is_not(story):
    for name in ("a", "b", "c"):
        story.runtime.start_agent(name, relay)
    story.runtime.start_agent("many", ask_all)
    ask = story.runtime.ask
    assert ask("a", ["b", "c", "a"]).startswith("c asks a, which waits for b, which waits for c: ")
    assert ask("a", ["b", "a"]).startswith("b asks a, which waits for b: ")
    assert ask("a", ["b", "c"]) == "the end"
    said = ask("many", [["a"], ["b", "c", "many"], ["c"]])
    assert (said[0], said[2]) == ("the end", "the end")
    assert said[1].startswith("c asks many, which waits for b, which waits for c: ")
    assert not story.events("agent_exited")
