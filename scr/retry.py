"""How often something that fails is tried, and what is told of its last error.

Pure.
"""

from __future__ import annotations

from itertools import product
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from scr import errors
from scr.errors import ScrError, TaskFailed
from scr.values import Frozen, Spec


class Retry(Spec):
    """How often a message (or a step) is tried whose handler (or function) raises, and the pauses between.

    `attempts` counts all tries.  The pause before the second is `base_s`, each further one `factor` times as long, up
    to `cap_s`; with full jitter it is drawn between zero and that.  `on` names the exceptions that are worth another
    try, all when it is empty; `never_on` those that are not: classes, or their names, with or without the module; a
    name stands for its subclasses too.  `outage_s` is how long `scr.TryLater` may put a message off in all.
    """

    attempts: Annotated[int, Field(ge=1)] = 4
    base_s: Annotated[float, Field(ge=0)] = 0.1
    cap_s: Annotated[float, Field(ge=0)] = 30.0
    factor: Annotated[float, Field(ge=1)] = 2.0
    jitter: Literal["full", "none"] = "full"
    on: tuple[str, ...] = ()
    never_on: tuple[str, ...] = ()
    outage_s: Annotated[float, Field(gt=0)] = 86_400.0

    @field_validator("on", "never_on", mode="before")
    @classmethod
    def _names(cls, given: Any) -> Any:
        several = given if isinstance(given, tuple | list | set | frozenset) else (given,)
        names = tuple(error_name(one) if isinstance(one, type) else one for one in several)
        is_set = isinstance(given, set | frozenset)  # of another order in each process
        return tuple(sorted(names, key=str)) if is_set else names

    @model_validator(mode="before")
    @classmethod
    def _has_something_to_try(cls, given: Any) -> Any:
        on, never_on = (given.get("on"), given.get("never_on")) if isinstance(given, dict) else ((), ())
        for wanted, never in product(_classes(on), _classes(never_on)):
            if wanted is not never and issubclass(wanted, never):
                raise ValueError(
                    f"{wanted.__name__} in on is a {never.__name__}, and that stands in never_on; drop one"
                )
        return given

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.cap_s < self.base_s:
            raise ValueError(f"cap_s {self.cap_s:g} is below base_s {self.base_s:g}")
        if both := set(self.on) & set(self.never_on):
            raise ValueError(f"{', '.join(sorted(both))} stands in on and in never_on; name it in one of them")
        return self


def _classes(given: Any) -> list[type]:
    """The exception classes among what `on` or `never_on` is given."""
    several = given if isinstance(given, tuple | list | set | frozenset) else (given,)
    return [one for one in several if isinstance(one, type)]


def error_name(kind: type) -> str:
    """The full name of an exception class: "module.Name", and the bare name of a built-in one.

    Raises ValueError for a class that is no exception.
    """
    if not issubclass(kind, BaseException):
        raise ValueError(f"{kind!r} is no exception; name exception classes")  # noqa: TRY004  pydantic wraps these
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


class ErrorInfo(Frozen):
    """The last error of a message that failed: its type's name, its text, the traceback, and how often it was tried."""

    type: str
    message: str = ""
    traceback: str = ""
    attempts: int = 0
    deaths: int = 0


def error_of(name: str | None, detail: str, info: ErrorInfo | None) -> ScrError:
    """The error that an answer carries: by its name in `scr.errors`, with its sentence and what is known of its cause.

    A name that this SCR does not know is a ScrError.
    """
    found: Any = getattr(errors, name or "", None)
    is_told = isinstance(found, type) and issubclass(found, ScrError) and found is not errors.TryLater
    kind: type[ScrError] = found if is_told else ScrError
    if info is None:
        return kind(detail)
    if kind is not TaskFailed:
        return kind(f"{detail}\n\nIn the agent's process:\n{info.traceback}" if info.traceback else detail)
    error = TaskFailed(
        detail,
        error_type=info.type,
        error_message=info.message,
        traceback=info.traceback,
        attempts=info.attempts,
        deaths=info.deaths,
    )
    if info.traceback:
        error.add_note(f"In the agent's process:\n{info.traceback}")
    return error
