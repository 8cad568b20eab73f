"""Settings of a runtime, from arguments or the environment (`SCR_STANDBYS=4`), and the bounds of everything."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from scr.bounds import FRAME_BYTES

PREFIX = "SCR_"
Channel: TypeAlias = Literal["socket", "queue"]


class Limits(BaseModel):
    """How much there may be of anything (I7).  Full means a clear error to whoever sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frame_bytes: Annotated[int, Field(ge=1024, le=1 << 30)] = FRAME_BYTES
    sends_per_turn: Annotated[int, Field(ge=1)] = 1000
    dead_letters: Annotated[int, Field(ge=1)] = 1000
    crashes: Annotated[int, Field(ge=1)] = 200
    events_kept: Annotated[int, Field(ge=1)] = 10_000
    output_lines_per_s: Annotated[int, Field(ge=1)] = 1000
    tail_bytes: Annotated[int, Field(ge=0)] = 8192
    store_pending: Annotated[int, Field(ge=1)] = 10_000
    store_patience_s: Annotated[float, Field(gt=0)] = 30.0
    stop_s: Annotated[float, Field(gt=0)] = 1.8


class Settings(BaseModel):
    """How one runtime works.

    `standbys` is the number of processes that wait, started and idle, to
    become an agent.  `store` is a URL: `memory:`, `sqlite:///path` or
    `postgresql://...`; a run in it is owned for `lease_s`, again and again.

    `launcher` starts the agents: "zygote" forks them from a process that has
    imported everything (Linux), "spawn" starts a fresh interpreter for each,
    anywhere.  `channel` is what an agent and the runtime talk over: "socket",
    a private socket pair, or "queue", a private pair of `multiprocess` queues.
    Of the two, one that you leave out follows from the other: the zygote goes
    with sockets, "spawn" with queues, and so the other way round for "queue".
    A zygote, which runs before a queue is made, can be handed a socket only:
    `launcher="zygote"` with `channel="queue"` is an error.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    launcher: Literal["zygote", "spawn"] = "zygote"
    channel: Channel = "socket"
    standbys: Annotated[int, Field(ge=0, le=1000)] = 2
    preload: tuple[str, ...] = ()
    store: str = "memory:"
    lease_s: Annotated[float, Field(ge=0.5)] = 5.0
    limits: Limits = Limits()

    @model_validator(mode="before")
    @classmethod
    def _pair(cls, given: Any) -> Any:
        """Choose the launcher or the channel that was left out by the one that was given."""
        match given:
            case {"channel": _, "launcher": _}:
                return given
            case {"channel": "queue"}:
                return {**given, "launcher": "spawn"}
            case {"launcher": "spawn"}:
                return {**given, "channel": "queue"}
            case _:
                return given

    @field_validator("channel")
    @classmethod
    def _fits(cls, channel: Channel, info: ValidationInfo) -> Channel:
        """Refuse queues for a launcher that cannot hand them over."""
        if channel == "queue" and info.data.get("launcher") == "zygote":
            raise ValueError(
                "channel='queue' does not go with launcher='zygote': a zygote, which runs before a queue is made, can "
                "be handed a socket only; leave the launcher out, or say launcher='spawn'"
            )
        return channel
