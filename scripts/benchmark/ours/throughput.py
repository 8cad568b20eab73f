"""How many messages are handled in a second: one to one, a hundred to a hundred, one to a hundred and back."""

from __future__ import annotations

from typing import Any

from benchmark.clock import Samples
from benchmark.ours.system import STORES, ask, ask_all, missing, quiet, start, store_of
from scr.client.client import RuntimeClient

SMALL, LARGE = "x" * 20, "x" * 65_536
BATCH = 100
MAILBOX = 10_000
BUDGET_S = 3.0
ONE_PAIR = {"_process", "_queue"}
SHAPES = ("one_small", "one_large", "many_small", "fan")


def throughput(messages: int, pairs: int, folder: str, **_: object) -> Samples:
    """With each durability, and over each kind of channel."""
    found: Samples = {}
    for suffix in STORES:
        if why := missing(suffix):
            found |= {name + suffix: why for name in SHAPES}
            continue
        with store_of(suffix, folder) as store, quiet(store=store, suffix=suffix) as runtime:
            shapes = flows(runtime, messages, 1 if suffix in ONE_PAIR else pairs)
            found |= {name + suffix: rates for name, rates in shapes.items()}
    return found


def flows(runtime: RuntimeClient, messages: int, pairs: int) -> Samples:
    """All the shapes, or with one pair those of one pair."""
    start_pairs(runtime, 1)
    found: Samples = {
        "one_small": flow(runtime, 1, messages, SMALL),
        "one_large": flow(runtime, 1, messages // 10, LARGE, batch=20),
    }
    if pairs > 1:
        start_pairs(runtime, pairs, first=1)
        found["many_small"] = flow(runtime, pairs, messages // pairs, SMALL, batch=10)
        found["fan"] = fanned(runtime, pairs, messages // 2)
    return found


def start_pairs(runtime: RuntimeClient, number: int, first: int = 0) -> None:
    """Start the pairs from `first` on."""
    for n in range(first, number):
        start(runtime, f"source-{n}", "Source", mailbox_size=MAILBOX)
        start(runtime, f"sink-{n}", "Sink", mailbox_size=MAILBOX)


def flow(runtime: RuntimeClient, pairs: int, each: int, pad: str, batch: int = BATCH) -> list[float]:
    """Messages per second while all pairs are at it, for `BUDGET_S` at most, as far as a warm-up can foretell."""
    batch = min(batch, each)

    def jobs(count: int) -> list[tuple[str, Any]]:
        return [(f"source-{n}", {"to": f"sink-{n}", "count": count, "batch": batch, "pad": pad}) for n in range(pairs)]

    foretold = rate(ask_all(runtime, jobs(2 * batch))) * BUDGET_S / pairs
    return [rate(ask_all(runtime, jobs(max(2 * batch, min(each, round(foretold))))))]


def fanned(runtime: RuntimeClient, leaves: int, messages: int) -> list[float]:
    """Messages per second from one to all and back."""
    start(runtime, "hub", "Hub", mailbox_size=MAILBOX)
    to = []
    for n in range(leaves):
        to.append(f"leaf-{n}")
        start(runtime, to[-1], "Echo")

    def fan(rounds: int) -> float:
        return rate([ask(runtime, "hub", {"to": to, "rounds": rounds, "pad": SMALL})])

    foretold = fan(2) * BUDGET_S
    return [fan(max(2, round(min(messages, foretold)) // (2 * leaves)))]


def rate(flows: list[Any]) -> float:
    """From when the first began, when the last ended, and how many messages all had."""
    return float(sum(f[2] for f in flows) / (max(f[1] for f in flows) - min(f[0] for f in flows)))
