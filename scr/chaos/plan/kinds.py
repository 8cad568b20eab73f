"""Every kind of fault, as data: how it is brought about, to whom, how often, for how long.

Pure.  What a machine cannot do is reported as not tested (`able.py`), never left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

HELPERS = ("table", "memory", "zygote", "standby")
KEEPING = ("runtime", "tree", "keeper")
"""Whose death ends the runtime: the runtime itself, all processes of the run at once, the process that keeps it."""
DEADLINE_S = 7.0
"""The longest deadline of the workloads' agents, and a moment for a new process."""


class Way(StrEnum):
    """How a fault is brought about.

    `signal`: a signal to the process.  `start`: the same, and its next starts
    fail.  `limit`: a limit of its that is set from
    outside.  `order`: the agent does it itself, in the middle of a turn, when
    it finds the order.  `client`: a client does it.  `store`, `trace`: something
    between the runtime, or the zygote, and the kernel.  `clock`: the wall clock
    that all processes of the run read.
    """

    SIGNAL = "signal"
    START = "start"
    LIMIT = "limit"
    ORDER = "order"
    CLIENT = "client"
    STORE = "store"
    TRACE = "trace"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One kind.  `ends`: the process that is hit ends by it, sooner or later; `hold_s`: how long it lasts, if it does.

    `found_s`: the time until the fault is noticed, where that takes a deadline.
    `times`: how often it happens at least and at most, to one message or to the starts of one agent.
    `targets` are types of process; `agent` stands for every type of agent of the workload.
    """

    name: str
    way: Way
    targets: tuple[str, ...]
    weight: float
    ends: bool = False
    hold_s: float = 0.0
    found_s: float = 0.0
    times: tuple[int, int] = (1, 1)


KINDS = {
    kind.name: kind
    for kind in (
        FaultKind("kill", Way.SIGNAL, ("agent", *HELPERS, *KEEPING), 60.0, ends=True),
        FaultKind("stop", Way.SIGNAL, ("agent", "standby", "zygote"), 1.0, ends=True, found_s=DEADLINE_S),
        FaultKind("stop_cont", Way.SIGNAL, ("agent", *HELPERS, "runtime", "keeper"), 3.0, hold_s=0.3),
        FaultKind("fds", Way.LIMIT, ("agent", "runtime"), 1.0, hold_s=0.5),
        FaultKind("segv", Way.ORDER, ("agent",), 3.0, ends=True),
        FaultKind("abort", Way.ORDER, ("agent",), 3.0, ends=True),
        FaultKind("exit0", Way.ORDER, ("agent",), 3.0, ends=True),
        FaultKind("exit1", Way.ORDER, ("agent",), 3.0, ends=True),
        FaultKind("thread", Way.ORDER, ("agent",), 2.0, ends=True),
        FaultKind("gil", Way.ORDER, ("agent",), 0.7, ends=True, found_s=DEADLINE_S),
        FaultKind("block", Way.ORDER, ("agent",), 0.7, ends=True, found_s=DEADLINE_S),
        FaultKind("memory_hog", Way.ORDER, ("agent",), 0.4, ends=True),
        FaultKind("fork_bomb", Way.ORDER, ("agent",), 0.6),
        FaultKind("setsid", Way.ORDER, ("agent",), 0.6),
        FaultKind("close_channel", Way.ORDER, ("agent",), 1.0, ends=True),
        FaultKind("half_frame", Way.ORDER, ("agent",), 0.7, ends=True, found_s=DEADLINE_S),
        FaultKind("huge_frame", Way.ORDER, ("agent",), 1.0, ends=True),
        FaultKind("garbage", Way.ORDER, ("agent",), 1.0, ends=True),
        FaultKind("raises", Way.ORDER, ("agent",), 4.0, times=(1, 3)),
        FaultKind("try_later", Way.ORDER, ("agent",), 1.0, times=(1, 3)),
        FaultKind("fails", Way.ORDER, ("guest",), 0.8, times=(4, 4)),
        FaultKind("fatal", Way.ORDER, ("guest",), 0.4),
        FaultKind("start_fails", Way.START, ("agent",), 2.0, ends=True, times=(1, 3)),
        FaultKind("never_starts", Way.START, ("guest",), 0.6, ends=True, times=(7, 12)),
        FaultKind("misfit", Way.CLIENT, ("guest",), 0.8),
        FaultKind("poison", Way.CLIENT, ("victim",), 0.6),
        FaultKind("flood", Way.CLIENT, ("runtime",), 0.4),
        FaultKind("slow_reader", Way.CLIENT, ("runtime",), 0.5, hold_s=1.0),
        FaultKind("store_locked", Way.STORE, ("runtime",), 0.5, hold_s=0.5),
        FaultKind("store_slow", Way.TRACE, ("runtime",), 0.5, hold_s=1.0),
        FaultKind("store_full", Way.TRACE, ("runtime",), 0.4, hold_s=0.5),
        FaultKind("store_read_only", Way.TRACE, ("runtime",), 0.4, hold_s=0.5),
        FaultKind("store_eio", Way.TRACE, ("runtime",), 0.3, hold_s=0.5),
        FaultKind("fork_refused", Way.TRACE, ("zygote",), 0.5, hold_s=0.5),
        FaultKind("clock_jump", Way.CLOCK, ("runtime",), 0.5, hold_s=1.0),
    )
}
"""By name.  Names are public: reports and command lines use them."""

ENDERS = frozenset(kind.name for kind in KINDS.values() if kind.ends)


def type_of(agent: str) -> str:
    """The type of an agent: its id without the number at its end."""
    return agent.rstrip("0123456789").rstrip("-") or agent


def ends_runtime(kind: str, target: str) -> bool:
    """Whether the keeper has to start a runtime again after it."""
    return kind == "kill" and target in KEEPING
