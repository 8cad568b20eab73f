"""Frozen values: what every message, frame, specification and record is made of.

Pure.
"""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from scr.errors import InvalidSpec

FAULTS_SHOWN = 5
LATER = ConfigDict(defer_build=True)
"""For the adapters of unions, which have no settings of their own: built at their first use."""


class Frozen(BaseModel):
    """A value: it does not change, and a field that it does not know is an error.

    Its validator is built when it is first used: of the many that a process
    imports it uses few, and a person waits for its start.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    @classmethod
    def trusted(cls, **fields: Any) -> Self:
        """Make a value of parts that are valid already, without a look at them; what is left out has its default."""
        made, put = cls.__new__(cls), object.__setattr__
        defaults = _DEFAULTS.get(cls) or _DEFAULTS.setdefault(cls, _defaults(cls))
        put(made, "__dict__", {**defaults, **fields})
        put(made, "__pydantic_fields_set__", set(fields))
        put(made, "__pydantic_extra__", None)
        put(made, "__pydantic_private__", None)
        return made


_DEFAULTS: dict[type[Frozen], dict[str, Any]] = {}


def _defaults(kind: type[Frozen]) -> dict[str, Any]:
    """Return what each field is that is not given; one that has no default is always given."""
    return {name: field.default for name, field in kind.model_fields.items() if not field.is_required()}


class Spec(Frozen):
    """A value that raises InvalidSpec when a program makes it of what does not fit."""

    def __init__(self, /, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            name = f" of {fields['id'][:130]!r}" if isinstance(fields.get("id"), str) else ""
            raise InvalidSpec(complaint(f"specification{name}", error)) from error

    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # validation of a whole does not call it for the parts


def complaint(what: str, error: ValidationError) -> str:
    """One sentence for people: the fields that do not fit, and why."""
    return f"not a valid {what}: {faults(what, error)}"


def faults(what: str, error: ValidationError) -> str:
    """The first fields that do not fit, each with why, a value that holds itself before all; `what` names the whole."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    found.sort(key=lambda fault: fault["type"] != "recursion_loop")
    said = [f"{'.'.join(map(str, fault['loc'])) or what}: {fault['msg']}" for fault in found[:FAULTS_SHOWN]]
    more = [f"and {len(found) - FAULTS_SHOWN} more"] if len(found) > FAULTS_SHOWN else []
    return "; ".join([*said, *more])
