"""What says of itself only its name in `__main__`: enums, type variables, named tuples and their like, made again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar
from enum import Enum, EnumMeta, Flag
from functools import singledispatch
from importlib import import_module
from threading import Lock, RLock, local
from types import BuiltinFunctionType, FunctionType, GetSetDescriptorType, MemberDescriptorType, new_class
from typing import (
    Any,
    Generic,
    NamedTuple,
    NewType,
    NotRequired,
    ParamSpec,
    Required,
    TypeVar,
    TypeVarTuple,
    get_type_hints,
)

import dill

from scr.agent.code import importable

KNOWN = {"__dict__", "__weakref__", "__annotations__", "__orig_bases__", "__parameters__", "__slots__", "__members__"}
NAMED = ("__module__", "__qualname__", "__doc__")
FRESH: dict[type, Callable[[], Any]] = {local: local, type(Lock()): Lock, type(RLock()): RLock}
UNSET: Any = object()


class BlankTuple(NamedTuple):
    """A named tuple of nothing: what every named tuple is given by `typing`."""


def _two_halves(pickler: Any, obj: Any, made: tuple[Any, tuple[Any, ...]], later: Iterable[Any] = ()) -> None:
    """Save what makes the object, and then what is to be done with it, which may refer to it."""
    dill._dill._save_with_postproc(pickler, made, obj=obj, postproc_list=list(later))  # noqa: SLF001


def _by_name(pickler: Any, obj: Any, name: str) -> bool:
    """Save the name of what another process finds by importing it; False when there is none."""
    module = sys.modules.get(getattr(obj, "__module__", None) or "")
    if module is None or module.__name__ == "__main__" or getattr(module, name, None) is not obj:
        return False
    dill._dill.StockPickler.save_global(pickler, obj, name)  # noqa: SLF001
    return True


# Enums.


def save_enum(pickler: Any, kind: type[Enum]) -> None:
    """Save an enum class as its bases, its members' values and what its author wrote in it."""
    if importable(kind):
        dill._dill.StockPickler.save_global(pickler, kind)  # noqa: SLF001
        return
    boundary = {"boundary": vars(kind)["_boundary_"]} if issubclass(kind, Flag) else {}
    values = {name: member.value for name, member in kind.__members__.items()}
    parts = (type(kind), kind.__name__, kind.__bases__, boundary, _written_enum(kind), values)
    _refuse_other(kind, parts)
    rest = {name: value for name, value in vars(kind).items() if _is_other(kind, name, value) and not _is_method(value)}
    _two_halves(pickler, kind, (made_enum, parts), [(_set_all, (kind, rest))] if rest else ())


def made_enum(
    metaclass: type[EnumMeta],
    name: str,
    bases: tuple[type, ...],
    boundary: dict[str, Any],
    written: dict[str, Any],
    values: dict[str, Any],
) -> Any:
    """Make an enum class.  Called where the bytes are opened."""
    settings = {"metaclass": metaclass, **boundary}
    return new_class(name, bases, settings, lambda body: body.update(written | values))


def _refuse_other(kind: type[Enum], parts: tuple[Any, ...]) -> None:
    """Raise PicklingError when the enum cannot be made again from the values of its members."""
    try:
        again = made_enum(*parts)
        is_same = _members(kind) == _members(again)
    except Exception as error:
        raise dill.PicklingError(f"the enum {kind.__qualname__} cannot be made again: {error}") from error
    if not is_same:
        raise dill.PicklingError(f"the members of the enum {kind.__qualname__} are not given by their values alone")


def _members(kind: Any) -> dict[str, Any]:
    return {
        name: (
            member.name,
            member.value,
            {k: v for k, v in vars(member).items() if not k.startswith("_") and not hasattr(kind, k)},
        )
        for name, member in kind.__members__.items()
    }


def _written_enum(kind: type[Enum]) -> dict[str, Any]:
    own = {name: value for name, value in vars(kind).items() if _is_other(kind, name, value) and _is_method(value)}
    named = {name: vars(kind)[name] for name in NAMED if name in vars(kind)}
    new = vars(kind).get("__new_member__")
    return named | own | ({"__new__": new} if isinstance(new, FunctionType) and new.__module__ != "enum" else {})


def _is_method(value: Any) -> bool:
    return hasattr(type(value), "__get__")


def _is_other(kind: type[Enum], name: str, value: Any) -> bool:
    """Whether an attribute of an enum class is its author's and no member."""
    is_sunder = name.startswith("_") and name.endswith("_") and name != "_missing_"
    is_dunder = name.startswith("__") and name.endswith("__")
    by_enum = getattr(getattr(value, "__func__", value), "__module__", None) == "enum" or name in kind.__members__
    if is_sunder and not is_dunder:
        return False
    if is_dunder and (name in KNOWN or not isinstance(value, FunctionType | classmethod | staticmethod | property)):
        return False
    return not by_enum and not isinstance(value, MemberDescriptorType | GetSetDescriptorType | BuiltinFunctionType)


def _set_all(kind: type, attributes: dict[str, Any]) -> None:
    """Set attributes of a class that was made.  Called where the bytes are opened."""
    for name, value in attributes.items():
        setattr(kind, name, value)


# Named tuples and typed dicts.


def save_class(pickler: Any, kind: type) -> None:
    """Save a plain class as `dill` does it, and a named tuple with all that its author wrote in it."""
    if importable(kind):
        dill._dill.save_type(pickler, kind)  # noqa: SLF001
    elif "_field_defaults" in vars(kind):
        _save_named_tuple(pickler, kind)
    elif "__pydantic_validator__" in vars(kind):
        raise dill.PicklingError("a pydantic dataclass cannot be taken apart, as a BaseModel can")
    else:
        hints = _hints(kind) if "__dataclass_fields__" in vars(kind) else {}
        with _own_bases(kind):
            dill._dill.save_type(pickler, kind, [(typed, (kind, hints))] if hints else None)  # noqa: SLF001


def _hints(kind: Any) -> dict[str, Any]:
    """What the annotations of a class mean, which is known in its module and no more where it arrives."""
    try:
        return get_type_hints(kind, include_extras=True)
    except Exception:  # noqa: BLE001  an annotation may be any expression, of names that are not there yet
        return {}


def typed(kind: Any, hints: dict[str, Any]) -> None:
    """Give the fields of a dataclass the types that they mean.  Called where the bytes are opened."""
    kind.__annotations__ = {name: hints.get(name, given) for name, given in vars(kind)["__annotations__"].items()}
    for name, field in kind.__dataclass_fields__.items():
        field.type = hints.get(name, field.type)


@contextmanager
def _own_bases(kind: Any) -> Iterator[None]:
    """Inside, the class has `__orig_bases__` of its own: `dill` would take those that it inherits for its bases."""
    if "__orig_bases__" in vars(kind) or not hasattr(kind, "__orig_bases__"):
        yield
        return
    kind.__orig_bases__ = kind.__bases__
    try:
        yield
    finally:
        del kind.__orig_bases__


def _save_named_tuple(pickler: Any, kind: Any) -> None:
    written = vars(kind)
    bases = tuple(base for base in written.get("__orig_bases__", ()) if base is not NamedTuple)
    named = {name: written[name] for name in NAMED if name in written}
    made = (made_named_tuple, (kind.__name__, bases, kind._fields, kind._field_defaults, named))
    given = vars(BlankTuple).keys() | KNOWN | set(kind._fields)
    rest = {name: value for name, value in written.items() if name not in given}
    rest["__annotations__"] = written.get("__annotations__", {}) | _hints(kind)
    _two_halves(pickler, kind, made, [(_set_all, (kind, rest))])


def made_named_tuple(
    name: str, bases: tuple[Any, ...], fields: tuple[str, ...], defaults: dict[str, Any], named: dict[str, str]
) -> type:
    """Make a named tuple whose fields may be anything yet.  Called where the bytes are opened."""
    written = {"__annotations__": dict.fromkeys(fields, Any)} | defaults | named
    return new_class(name, (NamedTuple, *bases), {}, lambda body: body.update(written))


def save_typed_dict(pickler: Any, kind: Any) -> None:
    """Save a typed dict with all its keys, inherited ones too."""
    if importable(kind):
        dill._dill.StockPickler.save_global(pickler, kind)  # noqa: SLF001
        return
    named = {name: getattr(kind, name) for name in NAMED}
    keys = (sorted(kind.__required_keys__), sorted(kind.__optional_keys__))
    parts = (type(kind).__module__, kind.__name__, getattr(kind, "__parameters__", ()), *keys, kind.__total__, named)
    hints = {"__annotations__": kind.__annotations__ | _hints(kind)}
    _two_halves(pickler, kind, (made_typed_dict, parts), [(_set_all, (kind, hints))])


def made_typed_dict(
    module: str,
    name: str,
    parameters: tuple[Any, ...],
    required: list[str],
    optional: list[str],
    total: bool,
    named: dict[str, str],
) -> Any:
    """Make a typed dict whose values may be anything yet.  Called where the bytes are opened."""
    keys = dict.fromkeys(required, Required[Any]) | dict.fromkeys(optional, NotRequired[Any])
    bases = (import_module(module).TypedDict, *((Generic.__class_getitem__(parameters),) if parameters else ()))
    return new_class(name, bases, {"total": total}, lambda body: body.update({"__annotations__": keys} | named))


# Type variables, new types, context variables, what belongs to a thread, functions of many types.


def save_type_variable(pickler: Any, variable: Any) -> None:
    """Save a TypeVar, ParamSpec or TypeVarTuple: one of that name, the same for all that is in the same bytes."""
    if _by_name(pickler, variable, variable.__name__):
        return
    kinds = ("covariant", "contravariant", "infer_variance")
    given = {name: True for name in kinds if getattr(variable, f"__{name}__", False)}
    if (bound := getattr(variable, "__bound__", None)) is not None:
        given["bound"] = bound
    parts = (type(variable), variable.__name__, getattr(variable, "__constraints__", ()), given, variable.__module__)
    pickler.save_reduce(made_type_variable, parts, obj=variable)


def made_type_variable(kind: Any, name: str, constraints: tuple[Any, ...], given: dict[str, Any], module: str) -> Any:
    """Make a type variable.  Called where the bytes are opened."""
    made = kind(name, *constraints, **given)
    made.__module__ = module
    return made


def save_new_type(pickler: Any, kind: Any) -> None:
    """Save a NewType."""
    if not _by_name(pickler, kind, kind.__qualname__):
        pickler.save_reduce(made_new_type, (kind.__qualname__, kind.__supertype__, kind.__module__), obj=kind)


def made_new_type(name: str, supertype: Any, module: str) -> Any:
    """Make a NewType.  Called where the bytes are opened."""
    made: Any = NewType(name, supertype)  # type: ignore[misc]  # its name is known when it is made
    made.__module__ = module
    return made


def save_context_variable(pickler: Any, variable: ContextVar[Any]) -> None:
    """Save a context variable: that of a module by its name, that of a script with its default and no other value."""
    if not _by_place(pickler, variable):
        try:
            parts: tuple[Any, ...] = (variable.name, Context().run(variable.get))
        except LookupError:
            parts = (variable.name,)
        pickler.save_reduce(made_context_variable, parts, obj=variable)


def made_context_variable(name: str, default: Any = UNSET) -> ContextVar[Any]:
    """Make a context variable.  Called where the bytes are opened."""
    return ContextVar(name) if default is UNSET else ContextVar(name, default=default)


def save_fresh(pickler: Any, thing: Any) -> None:
    """Save a lock or a `threading.local`: by its name where a module has it, else as a free or an empty one."""
    if not _by_place(pickler, thing):
        pickler.save_reduce(FRESH[type(thing)], (), obj=thing)


def _by_place(pickler: Any, obj: Any) -> bool:
    """Save the module and the name of what knows neither; False when it is in none that can be imported."""
    for module in tuple(sys.modules.values()):
        if getattr(module, "__spec__", None) is None or module.__name__ == "__main__":
            continue
        for name, value in tuple(vars(module).items()):
            if value is obj:
                pickler.save_reduce(getattr, (module, name), obj=obj)
                return True
    return False


def save_function(pickler: Any, function: FunctionType) -> None:
    """Save a function as `dill` does it, one of `functools.singledispatch` as those that it chooses from."""
    registry = getattr(function, "registry", None)
    if importable(function) or function.__globals__.get("__name__") != "functools" or not registry:
        dill.Pickler.dispatch[FunctionType](pickler, function)
        return
    others = [(kind, chosen) for kind, chosen in registry.items() if kind is not object]
    later = [(registered, (function, kind, chosen)) for kind, chosen in others]
    _two_halves(pickler, function, (singledispatch, (registry[object],)), later)


def registered(function: Any, kind: type, chosen: Callable[..., Any]) -> None:
    """Have a function of `functools.singledispatch` choose this for a type.  Called where the bytes are opened."""
    function.register(kind, chosen)


BY_TYPE: dict[type, Callable[[Any, Any], None]] = {
    type: save_class,
    FunctionType: save_function,
    TypeVar: save_type_variable,
    ParamSpec: save_type_variable,
    TypeVarTuple: save_type_variable,
    NewType: save_new_type,
    ContextVar: save_context_variable,
    **dict.fromkeys(FRESH, save_fresh),
}


def way_of(kind: type) -> Callable[[Any, Any], None] | None:
    """How the classes of a metaclass are saved, where `dill` does not know."""
    if issubclass(kind, EnumMeta):
        return save_enum
    is_typed_dict = kind.__name__ == "_TypedDictMeta" and kind.__module__ in {"typing", "typing_extensions"}
    return save_typed_dict if is_typed_dict else None
