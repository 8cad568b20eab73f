"""What can be an agent, on its way to the process that will be it.

A class or a function that can be imported travels as its name; anything else
(a closure, a class made in a notebook or in `__main__`) as `dill` bytes, which
are opened in the agent's own process and nowhere else (I8).
"""

from __future__ import annotations

import base64
import importlib.util
import sys
from collections.abc import Callable
from contextvars import ContextVar
from importlib import import_module
from operator import attrgetter
from typing import Any

from pydantic import JsonValue

from scr.agent.descriptions import shown
from scr.agent.handlers import check_agent
from scr.agent.spec_fields import AgentFields
from scr.errors import InvalidCode, InvalidInput
from scr.specs import AgentSpec, Code, OnError, check_options

SHIPPING = "scr.agent.pickling.pickling"  # loaded with the first thing that is shipped: `dill` is for those who ship
OPENING: ContextVar[str] = ContextVar("OPENING", default="")
"""The module that is being imported for an agent."""


def code_of(thing: type | Callable[..., Any] | Code | str) -> Code:
    """How a class, a function or a closure travels; a "module:name" stands for itself.

    Called by whoever asks for an agent, in their process.  Raises InvalidCode.
    """
    if isinstance(thing, Code):
        return thing
    if isinstance(thing, str):
        return _named(thing)
    if not callable(thing):
        raise InvalidCode(f"an agent is a subclass of scr.Agent or a function of (ctx, message), not {shown(thing)}")
    if reference := _reference(thing):
        return Code(reference=reference)
    return Code(pickled=base64.b64encode(import_module(SHIPPING).pack_code(thing)).decode())


def agent_code(thing: type | Callable[..., Any] | Code | str) -> Code:
    """`code_of` what is to be an agent.  Raises InvalidCode for what cannot be one, too."""
    if not isinstance(thing, Code | str):
        check_agent(thing)
    return code_of(thing)


def spec_of(
    agent: str,
    code: type | Callable[..., Any] | Code | str,
    options: dict[str, JsonValue] | None,
    fields: AgentFields,
) -> AgentSpec:
    """What is asked for when an agent is to be started; `fields` are those of `AgentSpec`.

    An agent that is started by a program or by another agent retries, unless `on_error` says otherwise.

    Raises InvalidCode, and InvalidSpec naming what does not fit.
    """
    wanted = {"on_error": OnError.RETRY, **fields}
    spec = AgentSpec(id=agent, code=agent_code(code), options=options or {}, **wanted)
    check_options(spec)
    return spec


def open_code(code: Code) -> Any:
    """The class or function again.  Called in the agent's process.  Raises InvalidCode."""
    if code.pickled is not None:
        try:
            return import_module(SHIPPING).unpack_code(base64.b64decode(code.pickled))
        except Exception as error:
            raise InvalidCode(f"the agent's code cannot be opened: {type(error).__name__}: {error}") from error
    module, _, name = (code.reference or "").partition(":")
    opening = OPENING.set(module)
    try:
        return attrgetter(name)(import_module(module))
    except (ImportError, AttributeError) as error:
        raise InvalidCode(f"{code.reference!r} cannot be imported here: {error}") from error
    finally:
        OPENING.reset(opening)


def refuse_opening() -> None:
    """Raise InvalidInput where a module that is imported for an agent starts a runtime: each would start another."""
    if module := OPENING.get():
        raise InvalidInput(
            f"the module {module!r} starts a runtime when it is imported for an agent: put what starts the program"
            ' below `if __name__ == "__main__":`'
        )


def _named(reference: str) -> Code:
    module, colon, name = reference.partition(":")
    if not (module and colon and name):
        raise InvalidCode(f"{reference!r} does not name an agent; write it as package.module:Class")
    return Code(reference=reference)


def importable(thing: Any) -> bool:
    """Whether another process finds the same thing by importing its module."""
    module, name = getattr(thing, "__module__", "__main__"), getattr(thing, "__qualname__", "<locals>")
    if module == "__main__" or "<" in name:
        return False
    try:
        return attrgetter(name)(sys.modules[module]) is thing
    except (KeyError, AttributeError):
        return False


def _reference(thing: Any) -> str | None:
    """The name under which any process of this project can import the thing, or None."""
    if not importable(thing):
        return None
    try:
        found = importlib.util.find_spec(thing.__module__)
    except (ImportError, ValueError):
        return None
    return f"{thing.__module__}:{thing.__qualname__}" if found else None
