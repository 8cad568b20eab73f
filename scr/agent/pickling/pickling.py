"""Code that cannot be imported, as bytes: `dill`, taught what classes of scripts and notebooks are made of.

`dill` takes apart functions and plain classes.  What holds compiled parts, or
says of itself only a name in `__main__`, travels as its author wrote it and is
made again (`shipped_models`, `shipped_types`).  The same program makes the
same bytes whenever it runs, so that a start of the same agent is known as one.
"""

from __future__ import annotations

import dis
import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from threading import Lock
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import dill
from pydantic import BaseModel
from pydantic._internal._decorators import PydanticDescriptorProxy  # as version 0.1.0 has left it in bytes
from pydantic._internal._forward_ref import PydanticRecursiveRef
from pydantic._internal._model_construction import ModelMetaclass

from scr.agent.descriptions import described, shown
from scr.agent.pickling.models import finished, save_model, save_reference
from scr.agent.pickling.types import BY_TYPE, way_of
from scr.errors import InvalidCode
from scr.moved import today

NAMES = {"LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_NAME"}
PLAIN = (str, bytes, int, float, type(None))
ALONE = Lock()  # warnings and `dill` are set for the whole process while code is packed


def pack_code(thing: Any) -> bytes:
    """Return the bytes of a class or function.

    Raises InvalidCode naming what cannot travel and what to do about it.
    """
    file = io.BytesIO()
    packer = Packer(file, recurse=True)
    with ALONE, warnings.catch_warnings(), _own_globals():
        warnings.simplefilter("error", dill.PicklingWarning)
        try:
            packer.dump(thing)
        except Exception as error:
            raise InvalidCode(packer.complaint(thing, error)) from error
    return file.getvalue()


def unpack_code(data: bytes) -> Any:
    """The class or function again: runs what the bytes say, so only in the process that is to run it anyway."""
    with finished():
        return Opener(io.BytesIO(data)).load()


class Opener(dill.Unpickler):  # type: ignore[misc]  # dill has no types
    """Code on its way back from bytes, which may name modules that have moved since."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what a module has under a name.  Raises ImportError or AttributeError."""
        return super().find_class(today(module), name)


def remade(
    name: str, bases: tuple[type, ...], namespace: dict[str, Any], validators: dict[str, tuple[Any, Any, Any]]
) -> type[BaseModel]:
    """Make a model class from bytes that version 0.1.0 has left in a store.  Called by `dill` as it opens them."""
    proxies = {key: PydanticDescriptorProxy(*parts) for key, parts in validators.items()}
    made: type[BaseModel] = ModelMetaclass(name, bases, namespace | proxies)
    return made


def _save_module(pickler: Any, module: ModuleType) -> None:
    """By its name: dill ships the contents of what is installed in a place that it does not know, ours included."""
    if module.__name__ != "__main__" and getattr(module, "__spec__", None):
        pickler.save_reduce(import_module, (module.__name__,), obj=module)
    else:
        dill._dill.save_module(pickler, module)  # noqa: SLF001  what dill does with every module


def _save_set(pickler: Any, values: set[Any] | frozenset[Any]) -> None:
    """Save the elements in an order that does not change from process to process, where they have one."""
    if values and all(isinstance(value, PLAIN) for value in values):
        ordered = sorted(values, key=lambda value: (type(value).__name__, repr(value)))
        pickler.save_reduce(type(values), (ordered,), obj=values)
    else:
        dill.Pickler.dispatch[type(values)](pickler, values)


HERE: dict[type, Callable[[Any, Any], None]] = {
    ModuleType: _save_module,
    set: _save_set,
    frozenset: _save_set,
    PydanticRecursiveRef: save_reference,
}


class Dispatch(dict[type, Callable[[Any, Any], None]]):
    """How each type is saved: here, by the kind that its class is of, or as `dill` does it."""

    def get(self, key: type, default: Any = None) -> Any:
        """The way of a type."""
        if key in self:
            return self[key]
        if issubclass(key, ModelMetaclass):
            return save_model
        return way_of(key) or dill.Pickler.dispatch.get(key, default)


class Packer(dill.Pickler):  # type: ignore[misc]  # dill has no types
    """One piece of code on its way into bytes.

    `parametrised` are the models that stand in its fields only by a reference;
    `stuck` is what could not be saved, `inside` what that is a part of.
    """

    dispatch = Dispatch(BY_TYPE | HERE)

    def __init__(self, file: io.BytesIO, **settings: Any) -> None:
        super().__init__(file, **settings)
        self.parametrised: dict[str, type[BaseModel]] = {}
        self.stuck: Any = None
        self.inside: Any = None

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        """Save a value.  Remembers where that failed."""
        try:
            super().save(obj, save_persistent_id)
        except Exception as error:
            self.stuck = obj if self.stuck is None and not isinstance(error, RecursionError) else self.stuck
            is_named = isinstance(obj, type | FunctionType) and obj is not self.stuck
            self.inside = obj if self.inside is None and is_named else self.inside
            raise

    def save_global(self, obj: Any, name: str | None = None) -> None:
        """Save a name, where another process finds it."""
        if getattr(obj, "__module__", None) == "__main__":
            raise dill.PicklingError(f"no other process finds {name or obj.__qualname__} in __main__")
        super().save_global(obj, name)

    def complaint(self, thing: Any, error: Exception) -> str:
        """Say what cannot travel, and what to do."""
        whole, stuck = _named(thing), self.stuck
        inside = f" in {_named(self.inside)}" if self.inside not in (None, thing) else ""
        culprit = whole if stuck is None or stuck is thing else f"{_named(stuck)}, which {whole} uses{inside},"
        why = f"{type(error).__name__}: {described(error)['message'][:300]}"
        return (
            f"{culprit} cannot be sent to another process: {why}; "
            f"move {_moved(stuck, self.inside, thing)} into a module of its own and import it, "
            "or make what cannot travel in on_start"
        )


def _named(thing: Any) -> str:
    name = getattr(thing, "__qualname__", None)
    return name if isinstance(name, str) else shown(thing)


def _moved(*things: Any) -> str:
    """The first of these that can be moved."""
    return next((_named(thing) for thing in things if isinstance(thing, type | FunctionType)), "it")


@contextmanager
def _own_globals() -> Iterator[None]:
    """Inside, `dill` saves with a function the globals that it uses itself, in the order of their names.

    Its own search is by a set, whose order changes from process to process,
    misses what the body of a class in a function uses, and never ends for two
    functions that call each other.
    """
    before = dill.detect.globalvars
    dill.detect.globalvars = _globals_of
    try:
        yield
    finally:
        dill.detect.globalvars = before


def _globals_of(function: Any, **_: bool) -> dict[str, Any]:
    function = function.__func__ if isinstance(function, MethodType) else function
    if not isinstance(function, FunctionType):
        return {}
    return {
        name: function.__globals__[name] for name in sorted(_names(function.__code__)) if name in function.__globals__
    }


def _names(code: CodeType) -> set[str]:
    own = {instruction.argval for instruction in dis.get_instructions(code) if instruction.opname in NAMES}
    return own.union(*(_names(inner) for inner in code.co_consts if isinstance(inner, CodeType)))
