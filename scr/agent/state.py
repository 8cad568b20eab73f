"""The state of one agent: opened from the store at a start, refused at a commit that could not be opened again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import to_json

from scr.agent.agent import Agent
from scr.agent.steps.alike import ReadbackDifference, differences, same
from scr.agent.steps.readback import dumped, exact, read, written
from scr.errors import InvalidCode, InvalidMessage, StartFailed
from scr.values import complaint


class Committed:
    """The last committed state of an agent, or the state with which a new agent began.

    Defaults that differ each time (an id, a time) are committed with the first turn: the next incarnation
    would have others.  `check` gets the JSON of each changed state, and raises InvalidMessage to refuse it.
    """

    def __init__(
        self, name: str, state: BaseModel, *, is_new: bool, check: Callable[[bytes], None] = lambda _: None
    ) -> None:
        self._what, self._kind, self._check = f"state of {name}", type(state), check
        self._text = self._base = written(state, self._what)
        self._next: bytes | None = None
        self._copy: BaseModel | None = None
        self._next_copy: BaseModel | None = None
        self._is_due = is_new and written(self._kind(), self._what) != self._text

    def begin(self, state: BaseModel) -> None:
        """Take the state that `on_start` leaves as the one to return to; the first turn commits it."""
        if isinstance(state, self._kind):
            with suppress(InvalidMessage):  # the first turn says so
                self._base = written(state, self._what)

    def changed(self, state: BaseModel) -> JsonValue:
        """Return the state as JSON when it is not the one that was committed last, else None.

        Raises InvalidMessage with the field's path when the next incarnation would not read exactly this state.
        Nothing is committed before `settle`.
        """
        self._next = self._next_copy = None
        if not isinstance(state, self._kind):
            raise InvalidMessage(
                f"{self._what} was replaced by a {type(state).__name__}; it must stay a {self._kind.__qualname__}"
            )
        text = written(state, self._what)
        if text == self._text and not self._is_due and self._is_same(state):
            return None
        self._check(text)
        value, copy = exact(state, self._kind, text, self._what)
        self._next, self._next_copy = text, copy
        return value if text != self._text or self._is_due else None

    def _is_same(self, state: BaseModel) -> bool:
        """Tell whether a state with the committed text is the committed one by value and type, too."""
        try:
            if self._copy is None:
                self._copy = self._read(self._text)
            return same([state], [self._copy])
        except Exception:  # noqa: BLE001  its values may compare as they like
            return False

    def holds(self, text: str) -> bool:
        """Tell whether the state that is committed next holds this text: in itself, or as a part of a string."""
        return to_json(text)[1:-1] in (self._text if self._next is None else self._next)

    def settle(self) -> None:
        """Take what `changed` returned last as committed."""
        self._base = self._text if self._next is None else self._next
        if self._next is not None:
            self._text, self._copy = self._next, self._next_copy
            self._next, self._is_due = None, False

    def again(self) -> BaseModel:
        """Return a fresh copy of the state with which the last turn began, for the turn after one that failed."""
        return self._read(self._base)

    def _read(self, text: bytes) -> BaseModel:
        try:
            return read(self._kind, text)
        except ValidationError:  # never committed: defaults that do not fit their own fields
            return self._kind()


def restored(name: str, kind: type[Agent], stored: JsonValue) -> BaseModel:
    """Return the committed state, or the model's defaults; one that does not fit is the agent's own to migrate.

    Raises InvalidCode for a `State` that is no model, StartFailed naming the field that does not fit.
    """
    if not (isinstance(kind.State, type) and issubclass(kind.State, BaseModel)):
        raise InvalidCode(f"State of {kind.__qualname__} must be a subclass of pydantic.BaseModel, not {kind.State!r}")
    if stored is None:
        return _begun(name, kind)
    try:
        return _read_stored(kind.State, stored)
    except ValidationError:
        migrated = kind.migrate(stored) if isinstance(stored, dict) else stored
    try:
        return _read_stored(kind.State, migrated)
    except ValidationError as error:
        raise StartFailed(
            f"{complaint(f'state of {name}', error)}; {kind.__qualname__} has changed since it was committed: give new "
            f"fields a default and keep the old ones readable, or write {kind.__qualname__}.migrate(state), which "
            "returns what fits"
        ) from error


def _read_stored(kind: type[BaseModel], stored: JsonValue) -> BaseModel:
    """Read a stored state: by the names of its fields, as `dumped` wrote it, else by names and aliases."""
    with suppress(ValueError):
        text = to_json(stored)
        state = read(kind, text)
        if dumped(state) == text:
            return state
    with suppress(ValueError):
        return kind.model_validate_json(to_json(stored), by_alias=True, by_name=True)
    return kind.model_validate(stored, by_alias=True, by_name=True)


def _begun(name: str, kind: type[Agent]) -> BaseModel:
    """Make the state of a new agent.  A default 0 of a float field becomes 0.0, as the next incarnation would read."""
    try:
        state = kind.State()
    except ValidationError as error:
        raise StartFailed(
            f"{complaint(f'state of {name}', error)}; each field of {kind.State.__qualname__} needs a default that fits"
        ) from error
    with suppress(ValueError):
        back = read(kind.State, dumped(state))
        found = list(differences(state, back))
        if found and all(map(_is_same_number, found)):
            return back
    return state


def _is_same_number(difference: ReadbackDifference) -> bool:
    return type(difference.now) in (int, float) and bool(difference.now == difference.back)
