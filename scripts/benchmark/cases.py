"""What is measured: the cases as data, each with its rows and what is aimed at.  Pure.

A side hands back samples by name; a row is one statistic of them.  Units of samples are seconds, bytes, and
per second; a row says in which unit it is shown.
"""

from __future__ import annotations

from typing import Any

from benchmark.case import EVERY_PEER, FLOOR, OURS, Bound, Case, Row, Unit

IN_POSTGRES = "the same, in PostgreSQL over a local socket"


def _spaced(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _trip(id_: str, label: str, **more: Any) -> Row:
    return Row(id_, label, "us", **more)


def _rate(id_: str, label: str, **more: Any) -> Row:
    return Row(id_, label, "/s", more_is_better=True, **more)


RECOVERY = Case(
    "recovery",
    "Recovery: SIGKILL of the process that holds a task, until the task is answered",
    (
        Row(
            "recovery_p50",
            "with a standby, p50",
            "ms",
            "warm",
            aim="at most 3x the floor, 3 ms, a 100th of any peer that recovers by itself",
            bounds=(Bound(3, FLOOR), Bound(0.003), Bound(0.01, EVERY_PEER)),
            drawn=True,
            told=True,
        ),
        Row(
            "recovery_p99",
            "with a standby, p99",
            "ms",
            "warm",
            "p99",
            aim="at most 15 ms",
            bounds=(Bound(0.015),),
            told=True,
        ),
        Row("recovery_cold", "without a standby, p50", "ms", "cold"),
        Row("by_hand", "with the caller's help, p50", "ms", "by_hand"),
    ),
    full={"kills": 40},
    quick={"kills": 8},
)
ROUND_TRIP = Case(
    "round_trip",
    "Round trip: agent, runtime, agent, runtime, agent",
    (
        _trip(
            "pair",
            "between two agents",
            aim="at most 3x the floor, less than every peer",
            bounds=(Bound(3, FLOOR), Bound(1, EVERY_PEER)),
            drawn=True,
            told=True,
        ),
        _trip("pair_runtime", "of it, the runtime is on a processor", told=True),
        _trip("pair_agents", "of it, the two agents are on a processor", told=True),
        _trip("pair_queue", "the same, over queues in place of socket pairs"),
        _trip("pair_process", "the same, kept in a file (no turn lost by any kill)"),
        _trip("pair_durable", "the same, on the disk (no turn lost by power)"),
        _trip("pair_postgres", IN_POSTGRES),
        _trip("self", "from one agent to itself"),
        _trip("self_process", "the same, kept in a file"),
        _trip(
            "self_durable",
            "from one agent to itself, on the disk: one durable hop",
            aim="at most one fdatasync + 250 us",
            bounds=(Bound(1, FLOOR, "disk", plus=250e-6),),
            told=True,
        ),
        _trip("self_durable_runtime", "of it, the runtime is on a processor"),
        _trip("self_durable_agents", "of it, the agent is on a processor"),
        _trip("self_postgres", IN_POSTGRES),
        _trip("disk", "one fdatasync"),
        _trip("client", "from a client to an agent and back"),
    ),
    full={"trips": 1000},
    quick={"trips": 200},
)
THROUGHPUT = Case(
    "throughput",
    "Throughput: messages handled per second",
    (
        _rate(
            "one_small",
            "one to one, small",
            aim="at least 20 000/s and more than every peer",
            bounds=(Bound(20_000), Bound(1, EVERY_PEER)),
            drawn=True,
            told=True,
        ),
        _rate("one_small_queue", "the same, over queues in place of socket pairs"),
        _rate("one_small_process", "the same, kept in a file"),
        _rate(
            "one_small_durable",
            "one to one, small, on the disk",
            aim="at least 10 000/s",
            bounds=(Bound(10_000),),
            told=True,
        ),
        _rate("one_small_postgres", IN_POSTGRES),
        _rate("one_large", "one to one, 64 kB"),
        _rate("one_large_queue", "the same, over queues in place of socket pairs"),
        _rate("one_large_process", "the same, kept in a file"),
        _rate("one_large_durable", "the same, on the disk"),
        _rate("one_large_postgres", IN_POSTGRES),
        _rate("many_small", "a hundred to a hundred, small"),
        _rate(
            "many_small_durable",
            "a hundred to a hundred, small, on the disk",
            aim="at least 10 000/s",
            bounds=(Bound(10_000),),
            told=True,
        ),
        _rate("many_small_postgres", IN_POSTGRES, aim="at least 3 000/s", bounds=(Bound(3_000),)),
        _rate("fan", "one to a hundred and back, small"),
        _rate("fan_durable", "the same, on the disk"),
        _rate("fan_postgres", IN_POSTGRES),
    ),
    full={"messages": 10_000, "pairs": 100},
    quick={"messages": 2_000, "pairs": 10},
    limit_s=240.0,
)


def _starts(size: int, **rate: Any) -> tuple[Row, ...]:
    at_most_4_mb: dict[str, Any] = (
        {"aim": "at most 4 MB", "bounds": (Bound(4 << 20),), "told": True} if size == 200 else {}
    )
    return (
        _rate(f"rate_{size}", f"{size} processes: ready per second", **rate),
        Row(f"size_{size}", f"{size} processes: private memory of each (PSS)", "MB", drawn=size == 20, **at_most_4_mb),
        Row(f"idle_{size}", "all of them together, idle", "% of a core"),
        Row(f"stop_{size}", "all of them stopped", "s"),
    )


START = Case(
    "start",
    "Start: from nothing to ready",
    (
        *_starts(20, drawn=True),
        *_starts(200, aim="at least 150/s", bounds=(Bound(150),), told=True),
        *_starts(1000, aim="at least 150/s", bounds=(Bound(150),)),
    ),
    full={"sizes": [20, 200, 1000]},
    quick={"sizes": [20]},
    rounds=1,
    limit_s=150.0,
)


def _gets(size: int, label: str) -> tuple[Row, ...]:
    half: dict[str, Any] = (
        {"aim": "at most half of the Manager's", "bounds": (Bound(0.5, "multiprocessing"),)} if size == 100 else {}
    )
    return (
        _trip(f"get_{size}_1", f"get {label} again, 1 reader", drawn=size == 100, told=size == 100, **half),
        _trip(f"get_{size}_10", "10 readers at once", **half),
        _trip(f"get_{size}_100", "100 readers at once", **half),
        _trip(f"first_{size}_1", f"the first read of a key, {label}, 1 reader", drawn=size == 100, told=size == 100),
        _trip(f"first_{size}_10", "10 readers at once"),
        _trip(f"first_{size}_100", "100 readers at once"),
        _trip(f"put_{size}", f"put {label}, and read back"),
    )


TABLE = Case(
    "table",
    "Table: what all can read",
    (*_gets(100, "100 B"), *_gets(1000, "1 kB"), *_gets(65_536, "64 kB")),
    full={"sizes": [100, 1000, 65_536], "readers": [1, 10, 100], "reads": 1000},
    quick={"sizes": [100, 1000], "readers": [1, 10], "reads": 200},
)


def _growing(id_: str, label: str, unit: Unit, sizes: tuple[int, ...], **last: Any) -> tuple[Row, ...]:
    def at(size: int, **more: Any) -> Row:
        return Row(f"{id_}_{size}", f"{label}, {_spaced(size)}", unit, **more)

    return (
        *(at(size) for size in sizes[:-1]),
        at(sizes[-1], **last),
        Row(f"{id_}_slope", "its growth", "exponent"),
    )


CROWDS = (10, 100, 1000)
GROWTH = Case(
    "growth",
    "Growth: the same as there is more of everything",
    (
        *_growing(
            "trip",
            "round trip among agents",
            "us",
            CROWDS,
            aim="at most 1.5x that at 10",
            bounds=(Bound(1.5, OURS, "trip_10"),),
            told=True,
        ),
        *_growing("recovery", "recovery among agents", "ms", CROWDS),
        *_growing("flow", "messages per second among agents", "/s", CROWDS),
        *_growing("exit", "an exit noticed among agents", "ms", CROWDS),
        Row("resume_1000", "a run of 1 000 events opened again", "ms"),
        Row(
            "resume_100000",
            "a run of 100 000 events opened again",
            "ms",
            aim="at most 1 s",
            bounds=(Bound(1),),
            told=True,
        ),
        Row("resume_1000000", "a run of 1 000 000 events opened again", "ms"),
        Row("resume_slope", "its growth", "exponent"),
        *_growing("one_for_one", "a crash decided, one_for_one, by children", "us", CROWDS),
        *_growing("rest_for_one", "a crash decided, rest_for_one, by children", "us", CROWDS),
        *_growing("one_for_all", "a crash decided, one_for_all, by children", "us", CROWDS),
    ),
    full={"crowds": [10, 100, 1000], "events": [1_000, 100_000, 1_000_000]},
    quick={"crowds": [10, 100], "events": [1_000, 100_000]},
    peers=False,
    rounds=1,
    limit_s=300.0,
)


def _jobs(size: int, **wall: Any) -> tuple[Row, ...]:
    return (
        Row(f"wall_{size}", f"`scr run`, {_spaced(size)} documents, 2 workers", "s", **wall),
        Row(f"cpu_{size}", "processor time of all processes", "s"),
        Row(f"peak_{size}", "peak memory of all processes (PSS)", "MB"),
    )


JOB = Case(
    "job",
    "The job: research in a folder, against the same research code called in one process",
    (
        Row("demo_first", "`scr demo`: first agent up", "s", aim="at most 0.5 s", bounds=(Bound(0.5),)),
        Row("demo", "`scr demo`: whole run", "s", aim="at most 3 s", bounds=(Bound(3),)),
        *_jobs(10),
        *_jobs(1000, aim="at most 1.25x the one process", bounds=(Bound(1.25, FLOOR),), told=True),
        *_jobs(10_000, aim="less than the one process", bounds=(Bound(1, FLOOR),), told=True),
        Row("index", "10 000 passages indexed", "s", aim="at most 3 s", bounds=(Bound(3),)),
    ),
    full={"sizes": [10, 1000, 10_000], "workers": 2},
    quick={"sizes": [10], "workers": 2},
    peers=False,
    rounds=1,
    limit_s=240.0,
)
LOAD = Case(
    "load",
    "Supervision under load",
    (
        Row("noticed", "an exit noticed while messages flow", "ms", drawn=True, told=True),
        _rate("noticed_at", "messages per second meanwhile (10 000 wanted)"),
        Row("kills", "100 killed at once: all up again", "ms", told=True),
        Row("hung", "a handler that holds its interpreter: replaced after its deadline", "ms"),
        Row("sibling", "a sibling's round trip meanwhile, against before", ""),
    ),
    full={"kills": 100, "exits": 20, "deadline_s": 2.0},
    quick={"kills": 20, "exits": 5, "deadline_s": 1.0},
)
FLAT: dict[str, Any] = {"aim": "at most 1 MB (flat)", "bounds": (Bound(1 << 20),)}
MEMORY = Case(
    "memory",
    "Memory of the runtime: what it grows by with the messages that it hands on",
    (
        Row("rise", "for each 100 000 messages", "MB", **FLAT),
        Row("handled", "measured over so many messages", ""),
        Row("rise_process", "for each 100 000 messages, kept in a file", "MB", told=True, **FLAT),
        Row("handled_process", "measured over so many messages", ""),
    ),
    full={"seconds": 40.0},
    quick=None,
    floor=False,
    peers=False,
    rounds=1,
    limit_s=150.0,
)
CASES = {case.id: case for case in (RECOVERY, ROUND_TRIP, THROUGHPUT, START, TABLE, GROWTH, JOB, LOAD, MEMORY)}
