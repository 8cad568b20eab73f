"""What may be asked for: an agent or a supervisor, as frozen data.

Whoever asks (a program, an agent, the command line) and whoever supervises
share these words.  A key that is not known or a negative budget is an error
when the value is made; `check` refuses what contradicts itself in a whole tree
before anything is started.  Seconds end in `_s`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, JsonValue, TypeAdapter, ValidationError, field_validator, model_validator
from pydantic_core import to_json

from scr.bounds import DEPTH_MAX, READ_DEPTH, is_deeper, most_of, too_deep
from scr.errors import InvalidSpec
from scr.messages import CLIENT, RUNTIME, AgentId
from scr.moved import reference_today
from scr.retry import Retry
from scr.values import LATER, Spec, complaint

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
TREE_DEPTH = READ_DEPTH - 4  # what carries a tree puts little around it
SomeSeconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


Wanted: TypeAlias = Literal["tasks", "all"]


class Restart(StrEnum):
    """Who comes back: always, after an abnormal end, never."""

    PERMANENT = "permanent"
    TRANSIENT = "transient"
    TEMPORARY = "temporary"


class Strategy(StrEnum):
    """Who is restarted with a child: nobody, those after it, all."""

    ONE_FOR_ONE = "one_for_one"
    REST_FOR_ONE = "rest_for_one"
    ONE_FOR_ALL = "one_for_all"


class OnError(StrEnum):
    """What an exception in a handler means: the message is tried again, or the process ends."""

    RETRY = "retry"
    CRASH = "crash"


class AutoShutdown(StrEnum):
    """Whether a supervisor ends when its significant children have."""

    NEVER = "never"
    ANY_SIGNIFICANT = "any_significant"
    ALL_SIGNIFICANT = "all_significant"


class Code(Spec):
    """What an agent runs: a name that can be imported ("package.module:Class"), or `dill` bytes in base64.

    The bytes are opened inside the agent's own process and nowhere else.  A
    reference to a module of SCR's that has moved is one to where it is now.
    """

    reference: str | None = None
    pickled: str | None = None

    @field_validator("reference")
    @classmethod
    def _moved(cls, reference: str | None) -> str | None:
        return reference and reference_today(reference)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.reference is None) == (self.pickled is None):
            raise ValueError("give either a reference or pickled bytes")
        return self


class Backoff(Spec):
    """A pause before each restart: `base_s`, doubled by every further failure up to `cap_s`.

    With full jitter the pause is drawn between zero and that.  A child that
    stayed up for `reset_after_s` begins again at `base_s`.
    """

    base_s: SomeSeconds
    cap_s: SomeSeconds
    reset_after_s: SomeSeconds = 60.0
    jitter: Literal["full", "none"] = "full"

    @model_validator(mode="after")
    def _cap_above_base(self) -> Self:
        if self.cap_s < self.base_s:
            raise ValueError(f"cap_s {self.cap_s:g} is below base_s {self.base_s:g}")
        return self


class AgentLimits(Spec):
    """How much one agent may use.  None is no limit; passing one ends that agent, with its reason, and nothing else.

    Above `soft_memory_bytes` it is replaced between two messages; above
    `memory_bytes` it is killed at once.  Both are private memory (PSS), looked
    at twice a second.  Where the kernel gives the agent a memory group of its
    own, that ends it without delay at a quarter above `memory_bytes`, counting
    also what the agent has started and the files that it keeps in memory.
    After `max_messages`, or when it is `max_age_s` old, it is replaced between
    two messages.  `cpu_s`, `open_files` and `processes` are kernel limits;
    `processes` counts all of the user's, and does not bind root.
    """

    soft_memory_bytes: Annotated[int, Field(gt=0)] | None = None
    memory_bytes: Annotated[int, Field(gt=0)] | None = None
    cpu_s: Annotated[int, Field(gt=0)] | None = None
    open_files: Annotated[int, Field(ge=16)] | None = None
    processes: Annotated[int, Field(gt=0)] | None = None
    max_messages: Annotated[int, Field(gt=0)] | None = None
    max_age_s: SomeSeconds | None = None

    @model_validator(mode="after")
    def _soft_below_hard(self) -> Self:
        if self.soft_memory_bytes and self.memory_bytes and self.soft_memory_bytes > self.memory_bytes:
            raise ValueError(f"soft_memory_bytes {self.soft_memory_bytes} is above memory_bytes {self.memory_bytes}")
        return self


class AgentSpec(Spec):
    """One agent: what it runs, and what happens when it fails or ends.

    `on_error` says what an exception in a handler means.  "crash": the process
    ends, and that counts as a restart, as in OTP.  "retry": the turn is rolled
    back and the message is tried again as `retry` says, in a fresh process
    unless `fresh_process` is false; at most `retries_max` messages wait for
    their next try; while one does, later messages of the same sending agent
    (and tasks with the same `order_key`) wait too, unless `ordered` is false.
    A death with a message in hand counts against the message, `max_deliveries`
    times; with "retry" it counts against nothing else.

    `messages` says what a function gets: "tasks" (and its own timers), or "all" that is sent to it; a class gets all.

    `shutdown_s` is the time it gets to stop by itself before SIGKILL; "kill"
    means SIGKILL at once, "infinity" waits as long as it takes.  With `park`
    (the default with "retry") the agent has a restart limit of its own (its
    supervisor's numbers), and one restart too many leaves it down until it is
    restarted by hand, instead of ending its supervisor.  A handler that makes no progress for
    `deadline_s` (`deadlines` by type of message) is hung, and ended.
    """

    id: AgentId
    code: Code
    options: dict[str, JsonValue] = {}
    restart: Restart = Restart.PERMANENT
    shutdown_s: Seconds | Literal["infinity", "kill"] = 5.0
    start_timeout_s: SomeSeconds = 30.0
    significant: bool = False
    mailbox_size: Annotated[int, Field(ge=1)] = 1000
    max_deliveries: Annotated[int, Field(ge=1)] = 3
    messages: Wanted = "tasks"
    on_error: OnError = OnError.CRASH
    retry: Retry = Retry()
    retries_max: Annotated[int, Field(ge=1)] = 10_000
    ordered: bool = True
    fresh_process: bool = True
    backoff: Backoff | None = None
    park: bool = False
    limits: AgentLimits = AgentLimits()
    deadline_s: SomeSeconds = 300.0
    deadlines: dict[str, SomeSeconds] = {}

    @model_validator(mode="before")
    @classmethod
    def _parks_when_it_retries(cls, given: Any) -> Any:
        if isinstance(given, dict) and "park" not in given and given.get("on_error") == OnError.RETRY:
            return {**given, "park": not given.get("significant", False)}
        return given

    @model_validator(mode="after")
    def _name_is_free(self) -> Self:
        if self.id in {CLIENT, RUNTIME}:
            raise ValueError(f"{self.id!r} is the address of somebody else: choose another id")
        return self

    def deadline_of(self, message_type: str) -> float:
        """How long a handler of such a message may make no progress."""
        return self.deadlines.get(message_type, self.deadline_s)


class SupervisorSpec(Spec):
    """A supervisor: a node of the policy's tree, not a process.  `children` are in start order.

    It gets as long to stop as all below it need.  A `dynamic` one starts
    empty, treats its children as strangers to each other and adds
    `extra_options` beneath the options of every agent that it starts.

    Beware: a supervisor that gives up ends with the reason `shutdown`, which
    is not abnormal.  Its own supervisor restarts it only when it is permanent;
    a *transient* one stays down.
    """

    id: AgentId
    strategy: Strategy
    children: tuple[AgentSpec | SupervisorSpec, ...] = ()
    max_restarts: Annotated[int, Field(ge=0)] = 3
    within_s: SomeSeconds = 5.0
    auto_shutdown: AutoShutdown = AutoShutdown.NEVER
    restart: Restart = Restart.PERMANENT
    significant: bool = False
    dynamic: bool = False
    max_children: Annotated[int, Field(ge=0)] | None = None
    extra_options: dict[str, JsonValue] = {}
    backoff: Backoff | None = None
    park: bool = False


ChildSpec: TypeAlias = AgentSpec | SupervisorSpec
CHILD_SPEC: TypeAdapter[ChildSpec] = TypeAdapter(ChildSpec, config=LATER)


def parse(data: object) -> ChildSpec:
    """The specification that `data` (a mapping) says.  Raises InvalidSpec naming every field that does not fit."""
    try:
        return CHILD_SPEC.validate_python(data)
    except ValidationError as error:
        raise InvalidSpec(complaint("specification", error)) from error


def walk(spec: ChildSpec) -> Iterator[ChildSpec]:
    """The specification and all below it, in start order."""
    yield spec
    if isinstance(spec, SupervisorSpec):
        for child in spec.children:
            yield from walk(child)


def check(root: ChildSpec) -> None:
    """Refuse a tree that contradicts itself.  Raises InvalidSpec naming the offender."""
    for spec_id, times in Counter(spec.id for spec in walk(root)).items():
        if times > 1:
            raise InvalidSpec(f"the id {spec_id!r} is given {times} times; ids are addresses, give each child its own")
    for spec in walk(root):
        _check_alone(spec)
        if isinstance(spec, SupervisorSpec):
            for child in spec.children:
                check_pair(spec, child)


def check_size(root: SupervisorSpec, frame_bytes: int) -> None:
    """Refuse a tree that no frame can carry to the runtime's process.  Raises InvalidSpec."""
    size, most = len(_text(root, "the tree", TREE_DEPTH)), most_of(frame_bytes)
    if size > most:
        raise InvalidSpec(
            f"the tree is {size} bytes as JSON, and {most} can be handed on: give options that name a file, "
            "or raise limits.frame_bytes"
        )


def check_options(spec: ChildSpec) -> None:
    """Refuse options that no process could be given.  Raises InvalidSpec naming whose they are."""
    options = spec.options if isinstance(spec, AgentSpec) else spec.extra_options
    if options:
        _text(options, f"the options of {spec.id!r}")


def _text(value: object, what: str, depth: int = DEPTH_MAX) -> bytes:
    """The value as JSON.  Raises InvalidSpec when it is nested too deep."""
    try:
        text = to_json(value)
    except ValueError as error:
        raise InvalidSpec(too_deep(what, depth)) from error
    if is_deeper(text, depth):
        raise InvalidSpec(too_deep(what, depth))
    return text


def _check_alone(spec: ChildSpec) -> None:
    check_options(spec)
    if spec.significant and spec.restart is Restart.PERMANENT:
        raise InvalidSpec(f"{spec.id!r} is significant and permanent; what always comes back cannot end its supervisor")
    if spec.significant and spec.park:
        raise InvalidSpec(f"{spec.id!r} is significant and parks; choose whether its end ends its supervisor")
    if isinstance(spec, SupervisorSpec):
        _check_dynamic(spec) if spec.dynamic else _check_static(spec)


def _check_dynamic(spec: SupervisorSpec) -> None:
    if spec.children:
        raise InvalidSpec(f"{spec.id!r} is dynamic and lists children; a dynamic supervisor starts empty")
    if spec.strategy is not Strategy.ONE_FOR_ONE:
        raise InvalidSpec(f"{spec.id!r} is dynamic with the strategy {spec.strategy}; only one_for_one has a meaning")
    if spec.auto_shutdown is not AutoShutdown.NEVER:
        raise InvalidSpec(f"{spec.id!r} is dynamic with auto_shutdown {spec.auto_shutdown}; only never has a meaning")


def _check_static(spec: SupervisorSpec) -> None:
    if spec.max_children is not None:
        raise InvalidSpec(f"{spec.id!r} has max_children {spec.max_children} and is not dynamic; set dynamic=True")
    if spec.extra_options:
        raise InvalidSpec(f"{spec.id!r} has extra_options and is not dynamic; give each child its own options")


def check_pair(supervisor: SupervisorSpec, child: ChildSpec) -> None:
    """Refuse a child that contradicts its supervisor.  Raises InvalidSpec naming both."""
    if child.significant and supervisor.auto_shutdown is AutoShutdown.NEVER:
        raise InvalidSpec(f"{child.id!r} is significant under {supervisor.id!r}, which has auto_shutdown never")
    pause_s = child.backoff.cap_s if child.backoff else 0.0
    if supervisor.max_restarts * pause_s > supervisor.within_s:
        needed_s = supervisor.max_restarts * pause_s
        raise InvalidSpec(
            f"{child.id!r} pauses up to {pause_s:g} s between restarts, so {supervisor.id!r} might never count more"
            f" than {supervisor.max_restarts} restarts in {supervisor.within_s:g} s;"
            f" make within_s at least {needed_s:g}"
        )


def cautions(root: ChildSpec) -> tuple[str, ...]:
    """What is allowed and seldom meant, one sentence each: a warning to whoever makes a runtime of it."""
    found = []
    for parent in walk(root):
        children = parent.children if isinstance(parent, SupervisorSpec) else ()
        for child in children:
            if not isinstance(child, SupervisorSpec):
                continue
            if child.auto_shutdown is not AutoShutdown.NEVER and child.restart is Restart.PERMANENT:
                found.append(
                    f"{child.id!r} shuts itself down and is permanent: {parent.id!r} restarts it at once, each time"
                )
            if child.restart is Restart.TRANSIENT:
                found.append(f"{child.id!r} is a transient supervisor: once it gives up, it stays down")
    return tuple(found)
