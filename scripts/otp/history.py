"""Histories as values: a tree of supervisors, how its workers behave, and what happens to them.

`term` writes any of them as an Erlang term, which `otp_world.erl` reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Worker:
    """An agent.  `shutdown` is in milliseconds, or `brutal_kill`, or `infinity`."""

    id: str
    restart: str
    shutdown: int | str
    significant: bool


@dataclass(frozen=True, slots=True)
class Static:
    """A supervisor with a list of children: `supervisor` of Erlang."""

    id: str
    strategy: str
    max_restarts: int
    period_s: int
    auto_shutdown: str
    restart: str
    significant: bool
    children: tuple[Spec, ...]


@dataclass(frozen=True, slots=True)
class Dynamic:
    """A supervisor whose children are all added while it runs: `DynamicSupervisor` of Elixir."""

    id: str
    max_restarts: int
    period_s: int
    max_children: int | str
    restart: str
    significant: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The outcomes of the next starts of a worker: `ok`, `fail`, `crash` (it ends while it starts) or `ignore`."""

    worker: str
    outcomes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Behave:
    """The manner of a worker from now on.

    `obey`, `deaf`, `boom` and `normal` say how it takes a stop; `on_stop` and `on_start` that it kills `victim` then.
    """

    worker: str
    manner: str
    victim: str = "none"


@dataclass(frozen=True, slots=True)
class Exit:
    """A worker ends by itself, or is killed."""

    worker: str
    reason: str


@dataclass(frozen=True, slots=True)
class Together:
    """Several workers end before the supervisors, which are suspended, look."""

    supervisors: tuple[str, ...]
    exits: tuple[Exit, ...]


@dataclass(frozen=True, slots=True)
class Sleep:
    """Time passes."""

    ms: int


@dataclass(frozen=True, slots=True)
class Add:
    """`start_child`."""

    supervisor: str
    spec: Spec


@dataclass(frozen=True, slots=True)
class Terminate:
    """`terminate_child`."""

    supervisor: str
    child: str


@dataclass(frozen=True, slots=True)
class Restart:
    """`restart_child`."""

    supervisor: str
    child: str


@dataclass(frozen=True, slots=True)
class Delete:
    """`delete_child`."""

    supervisor: str
    child: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The root is asked to shut down."""


Spec: TypeAlias = Worker | Static | Dynamic
Operation: TypeAlias = Plan | Behave | Exit | Together | Sleep | Add | Terminate | Restart | Delete | Stop


@dataclass(frozen=True, slots=True)
class History:
    """A tree, what is set up before it starts, and the operations after it has."""

    seed: int
    tree: Static
    setup: tuple[Plan | Behave, ...]
    operations: tuple[Operation, ...]


def term(value: Any) -> str:
    """Write a value as an Erlang term: a tuple becomes a list, a record a tuple that begins with its name."""
    match value:
        case bool():
            return str(value).lower()
        case int() | str():
            return str(value)
        case tuple():
            return f"[{','.join(map(term, value))}]"
        case _:
            inside = [type(value).__name__.lower(), *(term(getattr(value, field.name)) for field in fields(value))]
            return f"{{{','.join(inside)}}}"


def specs(spec: Spec) -> Iterator[tuple[Spec, str | None]]:
    """Yield every specification from this one down, each with the supervisor that lists it."""
    below: list[tuple[Spec, str | None]] = [(spec, None)]
    while below:
        spec, above = below.pop()
        yield spec, above
        if isinstance(spec, Static):
            below += [(child, spec.id) for child in reversed(spec.children)]


def all_specs(history: History) -> Iterator[tuple[Spec, str | None]]:
    """Yield every specification of a history, those that are added included, each with its supervisor."""
    yield from specs(history.tree)
    for operation in history.operations:
        if isinstance(operation, Add):
            yield from ((spec, above or operation.supervisor) for spec, above in specs(operation.spec))
