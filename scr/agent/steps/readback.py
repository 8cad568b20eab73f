"""Check that a model can be read back from its JSON exactly, before anything relies on that JSON."""

from __future__ import annotations

from math import isfinite
from typing import Any, TypeVar

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import from_json, to_json

from scr.agent.steps.alike import MISSING, ReadbackDifference, children, differences, shown
from scr.errors import InvalidMessage
from scr.values import faults

Model = TypeVar("Model", bound=BaseModel)
DESCENTS_MAX = 20


def dumped(model: BaseModel) -> bytes:
    """Write a model as JSON, under the names of its fields; what is computed or excluded is not written.

    Raises ValueError for what JSON cannot say.
    """
    return model.__pydantic_serializer__.to_json(model, by_alias=False, round_trip=True, warnings=False)


def read(kind: type[Model], text: bytes) -> Model:
    """Read what `dumped` has written.  Raises ValidationError."""
    return kind.model_validate_json(text, by_alias=False, by_name=True)


def written(model: BaseModel, what: str) -> bytes:
    """Write a model as JSON.  Raises InvalidMessage with the field that JSON cannot say."""
    try:
        return dumped(model)
    except ValueError as error:
        raise _unsayable(model, what, error) from error


def exact(model: BaseModel, kind: type[BaseModel], text: bytes, what: str) -> tuple[JsonValue, BaseModel]:
    """Return what `text`, written from `model`, says, and the model that it is read back as.

    Raises InvalidMessage with the field's path when `kind` does not read exactly the same model from it.
    """
    try:
        value: JsonValue = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise _unsayable(model, what, error) from error
    try:
        back = read(kind, text)
        found = next(differences(model, back), None)
    except ValidationError as error:
        raise InvalidMessage(
            f"{what} could not be read back: {faults('the whole', error)}; give the field what fits it"
        ) from error
    except Exception as error:
        raise InvalidMessage(
            f"{what} could not be read back: {type(error).__name__} {shown(str(error))}; its validators must take "
            "what its serializers write"
        ) from error
    if found:
        raise InvalidMessage(f"{what}: {describe_difference(found)}")
    return value, back


def refuse_inexact(model: BaseModel, what: str) -> None:
    """Raise InvalidMessage with the field's path when a model's JSON does not say all that the model holds."""
    exact(model, type(model), written(model, what), what)


def describe_difference(difference: ReadbackDifference) -> str:
    """Say in one sentence what did not come back, and what to do."""
    now, back = difference.now, difference.back
    place = f"{difference.path.lstrip('.')}: " if difference.path else ""
    if now is MISSING or back is MISSING:
        fate = "is there only after" if now is MISSING else "is lost when"
        return f"{place}{fate} it is read back; {_remedy(now, back)}"
    if type(now) is type(back):
        return f"{place}{shown(now)} came back as {shown(back)}; {_remedy(now, back)}"
    return f"{place}{_kind(now)} came back as {_kind(back)}; {_remedy(now, back)}"


def _remedy(now: Any, back: Any) -> str:
    if hasattr(now, "get_secret_value"):
        return "a secret is not written out: read it where it is used, or declare the field with exclude=True"
    if type(now) is int and type(back) is float:
        return "store float(x), or declare the field as int | float"
    if hasattr(now, "tzinfo") and type(now) is type(back):
        return "store a time in UTC (`.astimezone(datetime.UTC)`) and the name of the zone in a field of its own"
    if isinstance(now, BaseModel) and isinstance(now, type(back)):
        return f"declare the field as {type(now).__name__}, or as a union of all that it may hold"
    if type(now) is type(back):
        return "its validators and serializers must agree on it"
    if isinstance(now, float):
        return "JSON has no such number: store None, or give the model ser_json_inf_nan='strings'"
    return "declare the field with the type that it holds, or store what JSON can say"


def _kind(value: Any) -> str:
    name = type(value).__name__
    if value is None or (isinstance(value, float) and not isfinite(value)):
        return repr(value)
    return f"{'an' if name[0] in 'AEIOaeio' else 'a'} {name}"


def _unsayable(model: BaseModel, what: str, error: ValueError) -> InvalidMessage:
    """Find the innermost part of a model that JSON cannot say, and make the refusal."""
    path, value = "", model
    for _ in range(DESCENTS_MAX):
        inner = next(((label, part) for label, part in children(value) if not _is_sayable(value, label, part)), None)
        if inner is None:
            break
        path, value = path + inner[0], inner[1]
    place = f"{path.lstrip('.')}: " if path else ""
    reason = str(error).splitlines()[0]
    return InvalidMessage(f"{what}: {place}{_kind(value)} cannot be written as JSON and read back: {reason}")


def _is_sayable(owner: Any, label: str, part: Any) -> bool:
    """Tell whether JSON can say a part: of a model as the model would write it, of others as anything is written."""
    try:
        if isinstance(owner, BaseModel) and not owner.__pydantic_root_model__:
            text = owner.__pydantic_serializer__.to_json(owner, include={label[1:]}, by_alias=False, warnings=False)
        else:
            text = to_json(part, inf_nan_mode="constants")
        from_json(text, allow_inf_nan=False)
    except ValueError:
        return False
    return True
