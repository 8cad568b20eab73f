"""Code that cannot be imported, as bytes: `dill`, taught to ship pydantic models.

A model class holds compiled validators that no pickler can take apart, so a
model made in a notebook, in `__main__` or in a function travels as what its
author wrote (fields, methods, validators, configuration) and is made again.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any

import dill
from pydantic import BaseModel
from pydantic._internal._decorators import PydanticDescriptorProxy  # the only form in which validators can be handed on
from pydantic._internal._model_construction import ModelMetaclass

from scr.behaviour.code import importable

WRITTEN = (FunctionType, classmethod, staticmethod, property)


def pack_code(thing: Any) -> bytes:
    """The bytes of a class or function.  Raises whatever `dill` raises, and for what it only warns of, too."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", dill.PicklingWarning)
        packed: bytes = dill.dumps(thing, recurse=True)
    return packed


def unpack_code(data: bytes) -> Any:
    """The class or function again: runs what the bytes say, so only in the process that is to run it anyway."""
    return dill.loads(data)  # noqa: S301  the user's own code, in its own process


def written(model: type[BaseModel]) -> dict[str, Any]:
    """The namespace of a model class as its author wrote it, with annotations resolved."""
    own = vars(model)
    fields = [name for name in own.get("__annotations__", {}) if name in model.__pydantic_fields__]
    namespace: dict[str, Any] = {name: value for name, value in own.items() if isinstance(value, WRITTEN)}
    namespace |= {name: own[name] for name in model.__class_vars__ if name in own}
    namespace |= {name: model.__pydantic_fields__[name] for name in fields}
    namespace["__annotations__"] = {name: model.__pydantic_fields__[name].annotation for name in fields}
    namespace |= {"__module__": model.__module__, "__qualname__": model.__qualname__, "__doc__": model.__doc__}
    return namespace | {"model_config": dict(model.model_config)}


def remade(
    name: str, bases: tuple[type, ...], namespace: dict[str, Any], validators: dict[str, tuple[Any, Any, Any]]
) -> type[BaseModel]:
    """The model class again.  Called by `dill` where the bytes are opened."""
    proxies = {key: PydanticDescriptorProxy(*parts) for key, parts in validators.items()}
    made: type[BaseModel] = ModelMetaclass(name, bases, namespace | proxies)
    return made


def decorated(model: type[BaseModel]) -> dict[str, tuple[Any, Any, Any]]:
    """The model's own validators and serializers, in the parts that make them up."""
    decorators = model.__pydantic_decorators__
    kinds = (decorators.field_validators, decorators.model_validators, decorators.field_serializers)
    return {
        name: (vars(model)[name], found.info, found.shim)
        for kind in kinds
        for name, found in kind.items()
        if name in vars(model)
    }


@dill.register(ModuleType)  # type: ignore[untyped-decorator]  # dill has no types
def _save_module(pickler: Any, module: ModuleType) -> None:
    """By its name: dill ships the contents of what is installed in a place that it does not know, ours included."""
    if module.__name__ != "__main__" and getattr(module, "__spec__", None):
        pickler.save_reduce(import_module, (module.__name__,), obj=module)
    else:
        dill._dill.save_module(pickler, module)  # noqa: SLF001  what dill does with every module


@dill.register(ModelMetaclass)  # type: ignore[untyped-decorator]  # dill has no types
def _save_model(pickler: Any, model: type[BaseModel]) -> None:
    if importable(model):
        dill._dill.StockPickler.save_global(pickler, model)  # noqa: SLF001  the documented way to extend dill
        return
    parts = (model.__name__, model.__bases__, written(model), decorated(model))
    pickler.save_reduce(remade, parts, obj=model)
