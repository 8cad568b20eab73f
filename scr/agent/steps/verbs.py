"""The ways to take a step: `ctx.step`, `ctx.step_once` and their async forms, each with options before the call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ParamSpec, Protocol, Self, TypeAlias, TypeVar, cast, overload

from scr.agent.steps.canonical import Uncounted
from scr.agent.steps.steps import Done, Hands, NotDone, Step, at_once, run, run_once
from scr.agent.turn import Turn
from scr.errors import InvalidInput
from scr.retry import Retry

P = ParamSpec("P")
R = TypeVar("R")
Reconcile: TypeAlias = Callable[..., Done | NotDone]
AsyncReconcile: TypeAlias = Callable[..., Done | NotDone | Awaitable[Done | NotDone]]


@dataclass(frozen=True, slots=True)
class Options:
    """What is said of a step before the call, since keywords belong to its function."""

    key: Any = None
    retry: Retry | None = None
    reconcile: AsyncReconcile | None = None

    def with_(self, **given: Any) -> Options:
        """These, and those that are given.  Raises InvalidInput for a retry that is none."""
        if not isinstance(retry := given.get("retry"), Retry | None):
            raise InvalidInput(f"a step is retried by a scr.Retry, not by {retry!r}; give scr.Retry(attempts=3)")
        return replace(self, **{name: value for name, value in given.items() if value is not None})


DEFAULT = Options()


class Take(Protocol):
    """What finds the step that is meant, in the turn in hand."""

    def __call__(
        self, name: str, fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], options: Options
    ) -> tuple[Turn, Step]:
        """Find it.  Raises InvalidMessage, ScrError."""
        ...


class Verb(Uncounted):
    """What all ways to take a step share: what finds the step, what carries it out, and the options."""

    __slots__ = ("_hands", "_options", "_take")

    def __init__(self, take: Take, hands: Callable[[], Hands], options: Options = DEFAULT) -> None:
        self._take, self._hands, self._options = take, hands, options

    def __repr__(self) -> str:
        given = (
            f"{name}={value!r}" for name in Options.__slots__ if (value := getattr(self._options, name)) is not None
        )
        return f"<{type(self).__name__} {', '.join(given)}>".replace(" >", ">")

    def _with(self, **given: Any) -> Self:
        return type(self)(self._take, self._hands, self._options.with_(**given))


class PlainStep(Verb):
    """A step: `ctx.step(name, fn, *args, **kwargs)`.

    It runs `fn` for this message, and returns its result, which must be JSON,
    when that is in the store.  A step that has returned is never run again:
    when the message is redelivered after a crash, the recorded result is
    returned.  One that had not returned is run again.  What `fn` raises is a
    failure like any other.  `fn` cannot send, remember or start anything: when
    it is not run again, that would be lost.

    A step is known by its name and its arguments, with the values that a
    closure has captured and the defaults that it uses, or by its key in place
    of all of them; `ctx` and the agent are no arguments, and code is no part of
    it.  A recorded result is given to no other step.  Raises InvalidMessage
    naming the argument that has no value by which it could be told from
    another (a lock, a socket); what the store says when it cannot keep the
    result; and ReplayDiverged.
    """

    __slots__ = ()

    def __call__(self, name: str, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Take the step, and return its result."""
        turn, step = self._take(name, fn, args, kwargs, self._options)
        return cast("R", at_once(run(step, turn, self._hands())))

    def using(self, *, key: Any = None, retry: Retry | None = None) -> Self:
        """Set options for a call: `ctx.step.using(key=order_id)("pay", pay, client)`.

        `key` stands for all arguments; `retry` says how often `fn` is called when it raises, within this turn.
        """
        return self._with(key=key, retry=retry)

    def apply(self, name: str, fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Take the step; every keyword is the function's."""
        return self(name, fn, *args, **kwargs)


class AsyncStep(Verb):
    """`ctx.step` for an `async def` function, in an `async def` handler; several may be under way together."""

    __slots__ = ()

    async def __call__(self, name: str, fn: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Take the step, and return its result."""
        return cast("R", await self.apply(name, fn, args, kwargs))

    def using(self, *, key: Any = None, retry: Retry | None = None) -> Self:
        """Set options for a call, as `ctx.step.using` does."""
        return self._with(key=key, retry=retry)

    async def apply(self, name: str, fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Take the step; every keyword is the function's."""
        turn, step = self._take(name, fn, args, kwargs, self._options)
        return await run(step, turn, self._hands())


class OnceStep(Verb):
    """A step that must not happen twice: `ctx.step_once(name, fn, *args, reconcile=..., **kwargs)`.

    It is in the store that it begins before it does.  When it had begun and it
    is not known how that ended, `reconcile` is called with the same arguments,
    and looks: it returns `scr.Done(value)` when the step had happened,
    `scr.NotDone()` when it had not and is to be run now.  When it raises
    `scr.StepInDoubt`, or there is none, the turn is abandoned: nothing of it is
    sent, the state is what it was, and the message waits for a person
    (`scr doubts`).  So it does when another step of that name had begun, with
    other arguments or another key, that this delivery has not called.

    `fn` raises `scr.NotHappened(error)` where it knows that nothing has
    happened: the handler gets `error`, and the step may be tried again.  After
    any other exception it is in doubt.
    """

    __slots__ = ()

    @overload
    def __call__(
        self, name: str, fn: Callable[..., R], /, *args: Any, reconcile: Reconcile | None, **kwargs: Any
    ) -> R: ...
    @overload
    def __call__(self, name: str, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R: ...
    def __call__(self, name: str, fn: Callable[..., Any], /, *args: Any, reconcile: Any = None, **kwargs: Any) -> Any:
        """Take the step, and return its result."""
        return self._with(reconcile=reconcile).apply(name, fn, args, kwargs)

    def using(self, *, key: Any = None, retry: Retry | None = None, reconcile: Reconcile | None = None) -> Self:
        """Set options for a call, as `ctx.step.using` does; it is retried only after `scr.NotHappened`."""
        return self._with(key=key, retry=retry, reconcile=reconcile)

    def apply(self, name: str, fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Take the step; every keyword is the function's."""
        turn, step = self._take(name, fn, args, kwargs, self._options)
        return at_once(run_once(step, turn, self._hands()))


class AsyncOnceStep(Verb):
    """`ctx.step_once` for an `async def` function, in an `async def` handler; `reconcile` may be either."""

    __slots__ = ()

    @overload
    async def __call__(
        self, name: str, fn: Callable[..., Awaitable[R]], /, *args: Any, reconcile: AsyncReconcile | None, **kwargs: Any
    ) -> R: ...
    @overload
    async def __call__(self, name: str, fn: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs) -> R: ...
    async def __call__(
        self,
        name: str,
        fn: Callable[..., Awaitable[Any]],
        /,
        *args: Any,
        reconcile: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Take the step, and return its result."""
        return await self._with(reconcile=reconcile).apply(name, fn, args, kwargs)

    def using(self, *, key: Any = None, retry: Retry | None = None, reconcile: AsyncReconcile | None = None) -> Self:
        """Set options for a call, as `ctx.step_once.using` does."""
        return self._with(key=key, retry=retry, reconcile=reconcile)

    async def apply(self, name: str, fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Take the step; every keyword is the function's."""
        turn, step = self._take(name, fn, args, kwargs, self._options)
        return await run_once(step, turn, self._hands())
