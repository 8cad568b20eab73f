"""What a function is, but for its code: its name, what it brings along, what it is bound to.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from scr.moved import name_before

LOCAL = ("<locals>", "<lambda>")
WRAPPED_MAX = 200
ABSENT: tuple[str, ...] = ("absent",)
METHODS = (MethodType, BuiltinFunctionType, type([].__len__))


def name_of(thing: Any) -> str:
    """Return the qualified name of a class or function, with its module, by the first name that both had."""
    return name_before(getattr(thing, "__module__", None) or "", getattr(thing, "__qualname__", ""))


def is_made(fn: FunctionType) -> bool:
    """Whether a function is made where other code runs, so that its name alone does not say what it does."""
    return any(mark in fn.__qualname__ for mark in LOCAL)


def carried(
    fn: FunctionType, is_value: Callable[[Any], bool], given: int = 0, named: Collection[str] = ()
) -> Iterator[tuple[str, Any]]:
    """The values that a function brings along, each with what it is called.

    These are the captured ones, and the defaults that are used when `given` arguments are given by position and
    those `named` by name.  A default of an importable function is code unless `is_value` says otherwise.
    """
    code = fn.__code__
    for name, value in _defaults(fn, given):
        if name not in named and (is_made(fn) or is_value(value)):
            yield f"default of {name!r}", value
    for name, cell in zip(code.co_freevars, fn.__closure__ or (), strict=True):
        if name != "__class__":
            yield f"captured variable {name!r}", _content(cell)


def _defaults(fn: FunctionType, given: int) -> Iterator[tuple[str, Any]]:
    defaults, count = fn.__defaults__ or (), fn.__code__.co_argcount
    for n in range(max(given, count - len(defaults)), count):
        yield fn.__code__.co_varnames[n], defaults[n - count]
    if fn.__kwdefaults__:
        yield from fn.__kwdefaults__.items()


def unwrapped(fn: Any) -> Any:
    """The function inside of decorators that say what they wrap."""
    for _ in range(WRAPPED_MAX):
        inner = getattr(fn, "__dict__", {}).get("__wrapped__")
        if inner is None:
            break
        fn = inner
    return fn


def wrappers_of(fn: Any) -> Iterator[FunctionType]:
    """The decorators' functions around the innermost one, the outermost first."""
    for _ in range(WRAPPED_MAX):
        inner = getattr(fn, "__dict__", {}).get("__wrapped__")
        if inner is None:
            return
        if isinstance(fn, FunctionType):
            yield fn
        fn = inner


def added_by(wrapper: FunctionType, is_value: Callable[[Any], bool]) -> Iterator[tuple[str, Any]]:
    """What a decorator's function brings along beside the function that it wraps: values, not objects without one."""
    inner = getattr(wrapper, "__wrapped__", None)
    for label, value in carried(wrapper, is_value):
        if value is not inner and is_value(value):
            yield label, value


def owner_of(method: Any) -> tuple[Any] | None:
    """What a method is bound to, in a tuple of one; a function of a module is bound to nothing."""
    owner = getattr(method, "__self__", None)
    return None if owner is None or isinstance(owner, ModuleType) else (owner,)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # assigned later
        return ABSENT
