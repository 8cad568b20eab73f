"""What a step is known by: its name, and its key or what it is called with.

Pure.  The digest is SHA-256 of the canonical form.  Code is no part of it: new
code of the same name finds what the old code recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from hashlib import sha256
from types import FunctionType, MethodType
from typing import Any, NamedTuple, Self, TypeAlias

from scr.agent.functions import (
    ABSENT,
    METHODS,
    WRAPPED_MAX,
    added_by,
    carried,
    owner_of,
    unwrapped,
    wrappers_of,
)
from scr.agent.steps.canonical import SCALARS, Forms, NoForm, Uncounted, flat, is_value, written
from scr.errors import InvalidMessage
from scr.step_names import MARK_DIGITS

ORDERED = "~#/"  # what a record's name says beyond the step's own
Args: TypeAlias = Sequence[Any]
Kwargs: TypeAlias = Mapping[str, Any]
Pairs: TypeAlias = tuple[tuple[str, Any], ...]


class StepKey(str):
    """A key for the world outside, made for step `step`.  An open one was made without arguments.

    It counts as nothing among the arguments of that step, which put in their place what an open one stands for.
    """

    __slots__ = ("is_open", "step")
    step: str
    is_open: bool

    def __new__(cls, text: str, step: str, *, is_open: bool) -> Self:
        """The key, with the path of the step."""
        key = super().__new__(cls, text)
        key.step, key.is_open = step, is_open
        return key

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """Elsewhere it is a text."""
        return str, (str(self),)


class Identity(NamedTuple):
    """What one call of a step is known by, but for its order among equals.

    `path` is its name after the record of the step in whose code it runs, and
    `base` the name of its record; `called` is the digest without what the
    function brings along; `open_keys` counts the open keys found in the call.
    """

    name: str
    path: str
    base: str
    digest: str
    called: str
    is_bare: bool = False
    open_keys: int = 0

    def record(self, order: int) -> str:
        """The name under which the nth of equal calls is recorded: unique in the turn."""
        return numbered(self.base, order)

    def in_full(self, order: int) -> str:
        """The whole identity as text, from which ids are derived."""
        return numbered(self.base if self.is_bare else f"{self.path}~{self.digest}", order)

    def marked(self) -> Identity:
        """The same, recorded with its digest in the name."""
        return self._replace(base=f"{self.path}~{self.digest[:MARK_DIGITS]}")


def numbered(name: str, order: int) -> str:
    """The name of the nth of several."""
    return name if order == 1 else f"{name}#{order}"


def identity_of(
    scope: str, name: str, fn: Callable[..., Any] | None, args: Args, kwargs: Kwargs, key: Any = None
) -> Identity:
    """What a step of that name is known by when `fn` is called so.

    Raises InvalidMessage naming what has no value by which it could be told from another.
    """
    if key is not None and not _is_open(key, scope, name):
        return _made(scope, name, _digest(scope, name, _keyed(name, key)))
    skipped = 0
    inner: Any = fn
    if type(fn) is MethodType and isinstance(fn.__self__, Uncounted):
        skipped, inner = 1, fn.__func__
    brought: Pairs | None = ()
    if type(inner) is FunctionType and not inner.__dict__:
        if inner.__closure__ or inner.__defaults__ or inner.__kwdefaults__:
            brought = _flat(carried(inner, is_value, len(args) + skipped, kwargs))
    elif not (inner is None or isinstance(inner, type)):
        return _looked_into(scope, name, fn, args, kwargs)
    if not (args or kwargs) and brought == ():
        return _bare(scope, name)
    given = tuple(args) if SCALARS.issuperset(map(type, args)) else tuple(map(flat, args))
    named = _flat(sorted(kwargs.items())) if kwargs else ()
    if brought is None or named is None or ABSENT in given:
        return _looked_into(scope, name, fn, args, kwargs)
    return _with(scope, name, given, named, brought)


def filled(value: Any, step: str, key: str) -> tuple[Any, int]:
    """A value with `key` in place of the open keys of that step, in lists, tuples and dicts; how many there were."""
    if isinstance(value, StepKey):
        is_own = value.is_open and value.step == step
        return (key, 1) if is_own else (value, 0)
    if type(value) is dict:
        several, count = filled(list(value.values()), step, key)
        return (dict(zip(value, several, strict=True)), count) if count else (value, 0)
    if type(value) not in (list, tuple):
        return value, 0
    parts = [filled(part, step, key) for part in value]
    count = sum(found for _, found in parts)
    return (type(value)(part for part, _ in parts), count) if count else (value, 0)


@lru_cache(maxsize=1024)
def _bare(scope: str, name: str) -> Identity:
    bare = _made(scope, name, _digest(scope, name, "call", (), (), ()))._replace(is_bare=True)
    return bare if any(sign in name for sign in ORDERED) else bare._replace(base=bare.path)


def _made(scope: str, name: str, digest: str) -> Identity:
    path = f"{scope}/{name}" if scope else name
    return Identity(name, path, f"{path}~{digest[:MARK_DIGITS]}", digest, digest)


def _digest(*parts: Any) -> str:
    return sha256(written(parts)).hexdigest()


def _flat(pairs: Iterable[tuple[str, Any]]) -> Pairs | None:
    """The forms of values without parts, each with its label; None when one has parts."""
    formed = tuple([(label, flat(value)) for label, value in pairs])
    return None if any(form is ABSENT for _, form in formed) else formed


def _with(scope: str, name: str, given: Args, named: Pairs, brought: Pairs) -> Identity:
    """The identity of a call of these forms."""
    path, digest = f"{scope}/{name}" if scope else name, _digest(scope, name, "call", given, named, brought)
    called = _digest(scope, name, "call", given, named, ()) if brought else digest
    return Identity(name, path, f"{path}~{digest[:MARK_DIGITS]}", digest, called)


def _looked_into(scope: str, name: str, fn: Any, args: Args, kwargs: Kwargs) -> Identity:
    path = f"{scope}/{name}" if scope else name
    opened: list[StepKey] = []

    def is_own(text: str) -> bool:
        if not isinstance(text, StepKey) or text.step != path:
            return False
        if text.is_open:
            opened.append(text)
        return True

    forms = Forms(is_own)
    try:
        fn, args, kwargs, owner, wrappers = _unfolded(fn, tuple(args), dict(kwargs))
    except Exception as error:
        raise _refused(name, "function", error) from error
    given = tuple([form for _, form in _formed(forms, name, _labelled(fn, args, len(owner)))])
    named = tuple(_formed(forms, name, sorted(kwargs.items()), "argument {!r}"))
    added = (pair for wrapper in wrappers for pair in added_by(wrapper, is_value))
    brought = tuple(_formed(forms, name, (*_brought(fn, owner, args, kwargs), *added)))
    made = _with(scope, name, given, named, brought) if given or named or brought else _bare(scope, name)
    return made._replace(open_keys=len(opened))


def _formed(forms: Forms, step: str, values: Iterable[tuple[str, Any]], form: str = "{}") -> Iterator[tuple[str, Any]]:
    for label, value in values:
        if forms.counts(value):
            try:
                yield label, forms.of(value)
            except Exception as error:
                raise _refused(step, form.format(label), error) from error


def _keyed(name: str, key: Any) -> Any:
    try:
        return "key", str(key) if isinstance(key, StepKey) else Forms().of(key)
    except Exception as error:
        raise _refused(name, "key", error) from error


def _is_open(key: Any, scope: str, name: str) -> bool:
    path = f"{scope}/{name}" if scope else name
    return isinstance(key, StepKey) and key.is_open and key.step == path


def _refused(step: str, label: str, error: Exception) -> InvalidMessage:
    match error:
        case NoForm():
            why = str(error)
        case RecursionError():
            why = "it is nested too deeply"
        case _:
            why = f"its own code raised {type(error).__name__}"
    return InvalidMessage(
        f"step {step!r} cannot be told from others of its name by its {label}: {why}; give the step a key, "
        f"`ctx.step.using(key=...)({step!r}, ...)` or `@scr.step(key=...)`, or pass a value in its place"
    )


def _labelled(fn: Any, args: Args, skipped: int) -> Iterator[tuple[str, Any]]:
    """The arguments that are given by position, with what to call them."""
    code = getattr(fn, "__code__", None)
    names = code.co_varnames[skipped : code.co_argcount] if code else ()
    for n, value in enumerate(args):
        yield f"argument {names[n]!r}" if n < len(names) else f"argument {n + 1}", value


def _brought(fn: Any, owner: tuple[Any, ...], args: Args, kwargs: Kwargs) -> Iterator[tuple[str, Any]]:
    for value in owner:
        yield "object whose method it calls", value
    if isinstance(fn, FunctionType):
        yield from carried(fn, is_value, len(args) + len(owner), kwargs)


def _unfolded(fn: Any, args: Args, kwargs: Kwargs) -> tuple[Any, Args, Kwargs, tuple[Any, ...], list[FunctionType]]:
    """The innermost function, all arguments it gets, the object that it is a method of in a tuple, its decorators."""
    owner: tuple[Any, ...] = ()
    wrappers: list[FunctionType] = []
    for _ in range(WRAPPED_MAX):
        if isinstance(fn, partial):
            fn, args, kwargs = fn.func, (*fn.args, *args), {**fn.keywords, **kwargs}
        elif isinstance(fn, METHODS):
            owner = owner_of(fn) or owner
            fn = fn.__func__ if isinstance(fn, MethodType) else None
        elif (inner := unwrapped(fn)) is not fn:
            wrappers += wrappers_of(fn)
            fn = inner
        else:
            break
    is_code = fn is None or isinstance(fn, type | FunctionType) or hasattr(fn, "__qualname__")
    return (fn, args, kwargs, owner, wrappers) if is_code else (None, args, kwargs, (fn,), wrappers)
