"""What an agent's class or function must be before a process is used for it.

A handler with a stray `yield` would never run, one of the wrong name would
never be called, and the message would be gone with neither: so both are
refused where the agent is started, with the name and the line.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Generator, Iterator
from functools import partial, partialmethod
from importlib import import_module
from types import CodeType, FunctionType, MethodType
from typing import Any

from pydantic import BaseModel

from scr.agent.agent import Agent
from scr.agent.descriptions import shown
from scr.errors import InvalidCode

MESSAGE = ("ctx", "message")
MAIL = dict.fromkeys(("on_task", "on_result", "on_critique", "on_timer", "on_message"), MESSAGE)
HANDLERS: dict[str, tuple[str, ...]] = MAIL | {"on_start": ("ctx",), "on_stop": ("ctx",)}
BEGINNINGS = dict.fromkeys(("on_task", "on_timer", "on_message", "on_start", "on_stop")).keys()
"""What an agent needs one of: results and critiques alone come only to one that has sent something."""
HEARING = MAIL.keys() - {"on_task"}
"""What takes that which comes back of what an agent has sent, or of a timer that it has set."""
CALLED = HANDLERS | {"migrate": ("state",)}
UNHANDLED = ("ondown", "onfailure", "onstatus", "onpong")
"""Messages that have no handler of their own: they come to `on_message`."""
VERBS = ("handle", "process", "receive", "do")
LIKENESS = 0.8
METHODS = (FunctionType, staticmethod, classmethod)
PROMISES: dict[str, Callable[[Any], bool]] = {
    "a generator": inspect.isgenerator,
    "an async generator": inspect.isasyncgen,
    "an awaitable": inspect.isawaitable,
}


def check_agent(thing: Any) -> None:
    """Refuse what cannot be an agent.  Raises InvalidCode that names the class, the method and its line."""
    if isinstance(thing, type) and issubclass(thing, Agent):
        _check_class(thing)
    elif isinstance(thing, Agent):
        raise InvalidCode(f"an agent is started from its class: give {type(thing).__qualname__}, not an instance of it")
    elif isinstance(thing, type) or not callable(thing) or isinstance(getattr(thing, "__origin__", None), type):
        raise InvalidCode(f"an agent is a subclass of scr.Agent or a function of (ctx, message), not {shown(thing)}")
    else:
        _check_call(getattr(thing, "__qualname__", None) or shown(thing), thing, MESSAGE)


def hears(agent: Agent) -> bool:
    """Tell whether an agent of a class has a handler in which it could learn the answer to a task later."""
    return any(name in vars(agent) or _is_own(type(agent), name) for name in HEARING)


def ran(returned: Any) -> Any:
    """Return what a handler has returned.  Raises InvalidCode for what is only a promise to run."""
    kind = next((name for name, is_kind in PROMISES.items() if is_kind(returned)), None)
    if kind is None:
        return returned
    if isinstance(returned, Generator | Coroutine):
        returned.close()
    raise InvalidCode(
        f"the handler returned {kind} ({shown(returned)}), of which no line has run: run it in the handler "
        "(iterate over it, or await it) and answer with ctx.reply(output)"
    )


def _check_class(kind: type[Agent]) -> None:
    name = kind.__qualname__
    if inspect.isabstract(kind):
        missing = ", ".join(sorted(getattr(kind, "__abstractmethods__", ())))
        raise InvalidCode(f"{name} is abstract: it has no {missing}; start a subclass that has")
    if not (isinstance(kind.State, type) and issubclass(kind.State, BaseModel) and kind.State is not BaseModel):
        raise InvalidCode(
            f"{name}.State is {shown(kind.State)}, which is no subclass of pydantic's BaseModel: "
            "write `class State(BaseModel)` whose fields have defaults"
        )
    if kind.__init__ is not object.__init__ and not _takes(MethodType(kind.__init__, kind), ()):
        raise InvalidCode(
            f"{name}.__init__{_place(kind.__init__)} takes arguments, and an agent is made without: "
            "give them as `options` and read self.options in on_start"
        )
    defined = [handler for handler in CALLED if _is_own(kind, handler)]
    for handler in defined:
        _check_call(f"{name}.{handler}", _called(kind, handler), CALLED[handler], may_wait=handler in HANDLERS)
    _check_names(kind, defined)


def _check_call(what: str, call: Any, arguments: tuple[str, ...], *, may_wait: bool = True) -> None:
    if not callable(call):
        raise InvalidCode(f"{what} is {shown(call)}, which cannot be called; write it as a method")
    where = f"{what}{_place(call)}"
    if any(inspect.isgeneratorfunction(code) or inspect.isasyncgenfunction(code) for code in _codes(call)):
        raise InvalidCode(
            f"{where} contains `yield`, which makes it a generator: none of its lines would run; "
            "remove the `yield` and answer with ctx.reply(output), or ctx.send for parts"
        )
    if not may_wait and any(inspect.iscoroutinefunction(code) for code in _codes(call)):
        raise InvalidCode(f"{where} is `async def`, and nothing awaits it: write it as `def`")
    if not _takes(call, arguments):
        taken = inspect.signature(call, follow_wrapped=False)
        raise InvalidCode(f"{where} takes {taken}, and is called with ({', '.join(arguments)})")


def _check_names(kind: type[Agent], defined: list[str]) -> None:
    """Refuse a class that defines a method for a handler whose name it misses, or that handles no task."""
    helpers = dict(_helpers(kind))
    for helper, call in helpers.items():
        if meant := next((each for each in CALLED if _is_meant(helper, call, each, defined)), None):
            where = f"{kind.__qualname__}.{helper}{_place(call)}"
            raise InvalidCode(
                f"{where} is no handler, and SCR never calls it; did you mean {meant}? (a method "
                "of your own needs another name, or a leading underscore)"
            )
    if not BEGINNINGS & {*defined} and kind.__init__ is object.__init__:  # its own may define handlers as it runs
        near = ((helper, each) for helper in helpers for each in MAIL if _is_like(helper, each))
        meant = next((f" (did you mean {each} by {helper}?)" for helper, each in near), "")
        raise InvalidCode(
            f"{kind.__qualname__} handles no task: it defines none of {', '.join(BEGINNINGS)}{meant}; "
            "write on_task(self, ctx, message) to handle tasks"
        )


def _is_meant(name: str, call: Any, handler: str, defined: list[str]) -> bool:
    """Whether a method is a handler under a wrong name.

    Two letters in the wrong order always are one.  The rest only for a handler
    that the class does not define: a difference of case or underscores.  Where
    the method takes what the handler takes, so is a name with a letter too many
    or too few and one of a message without a handler, unless there is an
    `on_message` that may call it; and any likeness in a class that handles no message.
    """
    said, right = _letters(name), _letters(handler)
    if _is_swapped(said, right):
        return True
    if handler in defined:
        return False
    if said == right:
        return True
    if handler not in MAIL or "on_message" in defined or not _takes(call, CALLED[handler]):
        return False
    is_deaf = not any(each in MAIL for each in defined)
    is_other = handler == "on_message" and said in UNHANDLED
    return is_other or _is_one_more(said, right) or _is_one_more(right, said) or (is_deaf and _is_like(name, handler))


def _is_like(name: str, handler: str) -> bool:
    said, right = _letters(name), _letters(handler)
    if any(said.rstrip("s") == verb + right.removeprefix("on") for verb in VERBS):
        return True
    return bool(import_module("difflib").SequenceMatcher(None, said, right).ratio() >= LIKENESS)


def _letters(name: str) -> str:
    return name.replace("_", "").lower()


def _is_swapped(said: str, meant: str) -> bool:
    return said != meant and any(
        said == meant[:n] + meant[n + 1] + meant[n] + meant[n + 2 :]
        for n in range(1, len(meant) - 1)  # no_task is a word
    )


def _is_one_more(longer: str, shorter: str) -> bool:
    return len(longer) == len(shorter) + 1 and any(longer[:n] + longer[n + 1 :] == shorter for n in range(len(longer)))


def _is_own(kind: type[Agent], name: str) -> bool:
    return inspect.getattr_static(kind, name) is not vars(Agent)[name]


def _helpers(kind: type[Agent]) -> Iterator[tuple[str, Any]]:
    """The public methods that the class and its bases add to those of an agent, as they would be called."""
    for base in kind.__mro__:
        if base in (Agent, object):
            continue
        for name, value in vars(base).items():
            if not name.startswith("_") and name not in CALLED and isinstance(value, METHODS):
                yield name, _called(kind, name)


def _called(kind: type[Agent], name: str) -> Any:
    """What a call of this name on an agent of the class calls; anything, where only the agent itself could tell."""
    match static := inspect.getattr_static(kind, name):
        case FunctionType():
            return MethodType(static, kind)
        case staticmethod():
            return static.__func__
        case classmethod():
            return MethodType(static.__func__, kind)
        case partialmethod():
            return static.__get__(object(), kind)
        case _ if static is not None and hasattr(type(static), "__get__"):
            return _anything
        case _:
            return static


def _anything(*_args: Any, **_kwargs: Any) -> None:
    """Stand for a property and the like."""


def _codes(call: Any) -> tuple[Any, ...]:
    """What runs when this is called: a function, or an object and the `__call__` of its class."""
    while isinstance(call, partial):
        call = call.func
    return (call,) if isinstance(call, FunctionType | MethodType) else (call, type(call).__call__)


def _takes(call: Any, arguments: tuple[str, ...]) -> bool:
    """Whether it can be called with so many arguments; what cannot tell, or says it of another function, can."""
    code = getattr(call, "__code__", None)
    if isinstance(code, CodeType) and code.co_argcount == len(arguments) + isinstance(call, MethodType):
        return not code.co_kwonlyargcount or _binds(call, arguments)  # nearly all, and a signature takes its time
    return _binds(call, arguments)


def _binds(call: Any, arguments: tuple[str, ...]) -> bool:
    try:
        signature = None if hasattr(call, "__signature__") else inspect.signature(call, follow_wrapped=False)
    except (TypeError, ValueError):
        return True
    try:
        return signature is None or bool(signature.bind(*arguments))
    except TypeError:
        return False


def _place(call: Any) -> str:
    code = next((found for each in _codes(call) if (found := getattr(each, "__code__", None))), None)
    return f" ({code.co_filename}, line {code.co_firstlineno})" if code else ""
