"""Functions that are declared to be steps: called in a handler, they are steps of its turn; elsewhere, functions.

Which turn is in hand is known by a context variable that the loop sets around
each handler, so that they need no `ctx`.  Tasks of `asyncio` inherit it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar, overload

from scr.agent.context import Context
from scr.agent.handler_thread import refuse_elsewhere
from scr.agent.steps.verbs import AsyncReconcile
from scr.retry import Retry

P = ParamSpec("P")
R = TypeVar("R")
IN_HAND: ContextVar[Context | None] = ContextVar("scr_turn_in_hand", default=None)


@contextmanager
def in_hand(ctx: Context) -> Iterator[None]:
    """Inside, a message is handled with this context.  Called by the loop."""
    token = IN_HAND.set(ctx)
    try:
        yield
    finally:
        IN_HAND.reset(token)


@overload
def step(fn: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def step(
    *, name: str | None = None, key: Any = None, retry: Retry | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def step(
    fn: Callable[..., Any] | None = None, /, *, name: str | None = None, key: Any = None, retry: Retry | None = None
) -> Any:
    """Make a function, `def` or `async def`, a step of whatever turn it is called in: see `Context.step`.

        @scr.step
        def fetch(url): ...

    The step bears the function's qualified name, or `name`; what the function
    returns must be JSON, and comes back as JSON says it.  `key` and `retry` are
    those of `ctx.step.using`; a `key` that can be called makes the key of the
    arguments.  Outside of a turn the function is called and nothing is
    recorded; `fetch.__wrapped__` is the function itself.  Raises ScrError in a
    thread that a handler has started.
    """
    declare = partial(_declared, name=name, key=key, retry=retry)
    return declare if fn is None else declare(fn)


@overload
def step_once(fn: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def step_once(
    *,
    name: str | None = None,
    key: Any = None,
    retry: Retry | None = None,
    reconcile: AsyncReconcile | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def step_once(
    fn: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    key: Any = None,
    retry: Retry | None = None,
    reconcile: AsyncReconcile | None = None,
) -> Any:
    """As `scr.step`, for what must not happen twice: see `Context.step_once`.

        @scr.step_once(reconcile=find_charge)
        def charge(card, amount, key): ...

    `reconcile` is called with the same arguments as the function.
    """
    declare = partial(_declared, name=name, key=key, retry=retry, reconcile=reconcile, is_once=True)
    return declare if fn is None else declare(fn)


@dataclass(frozen=True)
class Declared:
    """What is behind a declared function.  An agent's code that calls one can be shipped: this is imported there."""

    fn: Callable[..., Any]
    name: str
    key: Any = None
    retry: Retry | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function: as a step where a turn is in hand."""
        refuse_elsewhere(f"call step {self.name!r}")
        ctx = IN_HAND.get()
        return self.fn(*args, **kwargs) if ctx is None else self.taken(ctx, args, kwargs)

    def taken(self, ctx: Context, args: Any, kwargs: Any) -> Any:
        """Take the step in this turn."""
        verb = ctx.step_async if inspect.iscoroutinefunction(self.fn) else ctx.step
        return verb.using(key=self.key_of(args, kwargs), retry=self.retry).apply(self.name, self.fn, args, kwargs)

    def key_of(self, args: Any, kwargs: Any) -> Any:
        """The key of a call with these arguments, where one was declared."""
        return self.key(*args, **kwargs) if callable(self.key) else self.key


@dataclass(frozen=True)
class DeclaredOnce(Declared):
    """The same, of a function that must not be run twice."""

    reconcile: AsyncReconcile | None = None

    def taken(self, ctx: Context, args: Any, kwargs: Any) -> Any:
        """Take the step in this turn."""
        verb: Any = ctx.step_once_async if inspect.iscoroutinefunction(self.fn) else ctx.step_once
        options = verb.using(key=self.key_of(args, kwargs), retry=self.retry, reconcile=self.reconcile)
        return options.apply(self.name, self.fn, args, kwargs)


def _declared(fn: Callable[..., Any], *, name: str | None, is_once: bool = False, **options: Any) -> Callable[..., Any]:
    kind = DeclaredOnce if is_once else Declared
    return _function(kind(fn, name or fn.__qualname__, **options))


def _function(declared: Declared) -> Callable[..., Any]:
    """A function of the same kind as the one that was declared: it can be a method, and be awaited."""

    def called(*args: Any, **kwargs: Any) -> Any:
        return declared(*args, **kwargs)

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        return await declared(*args, **kwargs)

    return wraps(declared.fn)(awaited if inspect.iscoroutinefunction(declared.fn) else called)
