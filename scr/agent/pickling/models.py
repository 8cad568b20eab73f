"""Pydantic models that cannot be imported, taken apart and made again.

A model class holds compiled validators that no pickler can take apart, so a
model travels as what its author wrote.  It is made in two halves: the class
with its methods first, its fields when the class is known, so that a field may
be of the class itself or of one that refers to it.  Validators are compiled
when all the code has arrived.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import fields as dataclass_fields
from functools import cached_property, partialmethod
from operator import getitem
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import Any

import dill
from pydantic import BaseModel
from pydantic._internal._decorators import PydanticDescriptorProxy  # the only form in which validators can be handed on
from pydantic._internal._forward_ref import PydanticRecursiveRef
from pydantic._internal._model_construction import ModelMetaclass
from pydantic._internal._type_refs import model_type_ref

from scr.agent.code import importable

WRITTEN = (FunctionType, classmethod, staticmethod, property, cached_property, partialmethod)
SLOTS = (MemberDescriptorType, GetSetDescriptorType)
OWN = {"__module__", "__qualname__", "__doc__", "__orig_bases__", "__slots__"}
MADE = {"__abstractmethods__", "_abc_impl", "__annotations__", "__parameters__", "__signature__", "model_config"}
MADE |= {"__class_vars__", "__private_attributes__", "__hash__", "__dict__", "__weakref__", "__init_subclass__"}
MADE |= {"__static_attributes__", "__firstlineno__"}
COMPILED = ("__pydantic_core_schema__", "__pydantic_validator__", "__pydantic_serializer__")
UNFINISHED: ContextVar[dict[type[BaseModel], Any] | None] = ContextVar("scr_unfinished_models", default=None)


def save_model(pickler: Any, model: type[BaseModel]) -> None:
    """Save a model class: by its name, as what it was parametrised with, or as it was written."""
    if importable(model):
        dill._dill.StockPickler.save_global(pickler, model)  # noqa: SLF001  the documented way to extend dill
        return
    model.model_rebuild(raise_errors=False)  # its author's names are known here, and no more where it arrives
    generic = model.__pydantic_generic_metadata__
    if generic["origin"]:
        pickler.parametrised[model_type_ref(model)] = model
        made: tuple[Any, tuple[Any, ...]] = (getitem, (generic["origin"], generic["args"]))
    else:
        made = (half_made, (type(model), model.__name__, model.__bases__, _written(model), _decorated(model)))
    rest = {
        name: value
        for name, value in vars(model).items()
        if not generic["origin"] and _is_set_later(name, value, model)
    }
    fields = dict(model.__pydantic_fields__)
    own = [name for name in vars(model).get("__annotations__", ()) if name in fields]
    later = (whole, (model, fields, own, dict(model.model_config), sorted(model.__class_vars__), rest))
    dill._dill._save_with_postproc(pickler, made, obj=model, postproc_list=[later])  # noqa: SLF001


def save_reference(pickler: Any, reference: PydanticRecursiveRef) -> None:
    """Save what a parametrised model says of itself in its own fields: the model."""
    pickler.save(pickler.parametrised[reference.type_ref])


def half_made(
    metaclass: type[ModelMetaclass],
    name: str,
    bases: tuple[type, ...],
    namespace: dict[str, Any],
    decorated: dict[str, tuple[Any, Any, Any]],
) -> type[BaseModel]:
    """Make a model class without its fields.  Called where the bytes are opened."""
    proxies = {key: PydanticDescriptorProxy(*parts) for key, parts in decorated.items()}
    made: type[BaseModel] = metaclass(name, bases, namespace | proxies | {"model_config": {"defer_build": True}})
    return made


def whole(
    model: type[BaseModel],
    fields: dict[str, Any],
    own: list[str],
    config: Any,
    class_vars: list[str],
    rest: dict[str, Any],
) -> None:
    """Give a model class its fields, and whatever may refer to it.  Called where the bytes are opened."""
    model.__annotations__ = {name: fields[name].annotation for name in own}
    model.__pydantic_fields__ = fields
    model.__class_vars__ = set(class_vars)
    for name, value in rest.items():
        setattr(model, name, value)
    unfinished = UNFINISHED.get()
    assert unfinished is not None, "code is opened by unpack_code"
    unfinished[model] = config


@contextmanager
def finished() -> Iterator[None]:
    """Compile, at the end, the models that were made inside."""
    models: dict[type[BaseModel], Any] = {}
    token = UNFINISHED.set(models)
    try:
        yield
    finally:
        UNFINISHED.reset(token)
    for model, config in models.items():  # what was compiled meanwhile knew models without their fields
        for name in COMPILED:
            if name in vars(model):
                delattr(model, name)
        model.model_config = config
        model.__pydantic_complete__ = False
    for model in models:
        model.model_rebuild(force=True, raise_errors=False)


def _written(model: type[BaseModel]) -> dict[str, Any]:
    """The namespace of a model class as its author wrote it, without its fields."""
    methods = {
        name: method
        for name, value in vars(model).items()
        if isinstance(value, WRITTEN) and (method := _by_author(value)) is not None and name not in _decorators(model)
    }
    own = {name: value for name, value in vars(model).items() if name in OWN}
    private = {name: model.__private_attributes__[name] for name in _own_private(model)}
    return methods | private | own


def _own_private(model: type[BaseModel]) -> list[str]:
    inherited = {name for base in model.__mro__[1:] for name in getattr(base, "__private_attributes__", ())}
    return [name for name in model.__private_attributes__ if name not in inherited]


def _by_author(value: Any) -> Any:
    """What the author wrote where pydantic has put something of its own around it or in its place."""
    if isinstance(value, FunctionType) and value.__globals__.get("__name__", "").startswith("pydantic."):
        return getattr(value, "__wrapped__", None)
    return value


def _decorators(model: type[BaseModel]) -> dict[str, Any]:
    """The model's own validators, serializers and computed fields by their names."""
    every = model.__pydantic_decorators__
    kinds = [getattr(every, field.name) for field in dataclass_fields(every)]
    return {name: found for kind in kinds for name, found in kind.items() if name in vars(model)}


def _decorated(model: type[BaseModel]) -> dict[str, tuple[Any, Any, Any]]:
    """The same in the parts that make them up."""
    return {name: (vars(model)[name], found.info, found.shim) for name, found in _decorators(model).items()}


def _is_set_later(name: str, value: Any, model: type[BaseModel]) -> bool:
    """Whether an attribute is the author's, and not needed to make the class."""
    is_made = name in OWN | MADE or name.startswith("__pydantic_") or isinstance(value, (*WRITTEN, *SLOTS))
    return not is_made and name not in model.__pydantic_fields__
