"""A campaign: one round after the other, each a run of its own with a seed of its own, until enough was killed."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import count
from pathlib import Path

from pydantic import JsonValue

from scr.chaos.judge.evidence import RunEvidence
from scr.chaos.judge.figures import Figures, Summary, Verdict, summary
from scr.chaos.judge.pictures import distributions, timeline
from scr.chaos.judge.report import markdown
from scr.chaos.lab.round import Round, RoundProgress, perform
from scr.chaos.lab.test_client import Charge
from scr.chaos.plan.faults import Fault, FaultMix, draw, schedule
from scr.chaos.plan.kinds import HELPERS, KEEPING, KINDS, Way
from scr.chaos.plan.shrink import shrink
from scr.chaos.user.capabilities import unable
from scr.config import Channel
from scr.errors import InvalidInput, RunFailed

PER_ROUND = 500
HISTORY = "history.jsonl"
SEEDS = 1 << 31
DISOBEDIENT = "agents do this themselves when they are ordered to, and those of this workload obey no orders"
NO_VICTIM = "this workload has no agent that may be poisoned"
NO_GUEST = "this workload has no agent that its program starts"
NO_ZYGOTE = "agents that talk over queues are started without a zygote"
NO_FLOOD = "nobody knows how long the tasks of this workload take"


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """What a person asks for.  `only` are the places of the faults that are done, all when it is empty.

    `folder` is where the rounds live; those that were valid are removed.
    """

    seed: int
    folder: Path
    kills: int
    minutes: float = 0.0
    kinds: tuple[str, ...] = tuple(KINDS)
    targets: tuple[str, ...] = ("all",)
    workload: str = "mixed"
    agents: int = 6
    store: str = ""
    gap_s: float = 0.15
    per_round: int = PER_ROUND
    given: JsonValue = None
    only: tuple[int, ...] = ()
    patience_s: float = 90.0
    channel: Channel = "socket"

    @property
    def helpers(self) -> tuple[str, ...]:
        """The processes beside the agents that a run has."""
        return tuple(name for name in HELPERS if self.channel == "socket" or name != "zygote")

    def check(self) -> None:
        """Raises InvalidInput for a kind or a type of process that there is not."""
        if strange := [name for name in self.kinds if name not in KINDS]:
            raise InvalidInput(f"there is no fault {strange[0]!r}; there are {', '.join(KINDS)}")
        known = {"all", *self.helpers, *KEEPING, *self.charge(self.seed).made().types}
        if strange := [name for name in self.targets if name not in known]:
            raise InvalidInput(f"there is no target {strange[0]!r}; there are {', '.join(sorted(known))}")

    def charge(self, seed: int, name: str = "round") -> Charge:
        """What one round is."""
        folder = self.folder / name
        store = self.store or f"sqlite:///{folder}/store.sqlite"
        run = f"chaos-{seed}-{self.folder.name}-{name}"
        return Charge(
            str(folder), store, run, self.workload, self.agents, seed, self.given, self.patience_s, self.channel
        )

    def not_tested(self) -> dict[str, str]:
        """What was asked for and cannot be done here."""
        charge = self.charge(self.seed)
        reasons, made = unable(charge.store), charge.made()
        if "zygote" not in self.helpers:
            reasons |= dict.fromkeys((name for name, kind in KINDS.items() if kind.targets == ("zygote",)), NO_ZYGOTE)
        if not made.guests:
            reasons |= dict.fromkeys((name for name, kind in KINDS.items() if kind.targets == ("guest",)), NO_GUEST)
        if not made.counts:
            obeyed = (name for name, kind in KINDS.items() if kind.way in {Way.ORDER, Way.START})
            reasons |= dict.fromkeys(obeyed, DISOBEDIENT)
            reasons |= {"poison": NO_VICTIM, "flood": NO_FLOOD}
        return {name: reasons[name] for name in self.kinds if name in reasons}

    def faults(self, seed: int, kills: int, left_s: float) -> tuple[Fault, ...]:
        """The schedule of one round."""
        reasons = self.not_tested()
        able = [name for name in self.kinds if name not in reasons]
        types = self.charge(seed).made().types
        found = schedule(seed, FaultMix(kills, able, self.targets, types, self.gap_s, left_s, self.helpers))
        return tuple(fault for fault in found if not self.only or fault.n in self.only)


def commit() -> str:
    """The commit that is tested; empty outside a checkout."""
    here = Path(__file__).parent
    try:
        asked = ["git", "-C", str(here), "describe", "--always", "--dirty"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip()


def seed_of(seed: int, place: int) -> int:
    """The seed of a round: the first has the campaign's own, so that a round is repeated as a campaign of one."""
    return seed if place == 0 else int(draw(seed, "round", place) * SEEDS)


def campaign(plan: CampaignPlan, tell: Callable[[int, RoundProgress], object]) -> tuple[Figures, list[Fault]]:
    """All rounds, up to the first that fails; and the faults that this one had, none when none did.

    Writes the history of every round, pictures of the first and a report into
    the folder.  Blocks.  Raises InvalidInput, RunFailed.
    """
    plan.check()
    plan.folder.mkdir(parents=True, exist_ok=True)
    (plan.folder / HISTORY).unlink(missing_ok=True)
    rounds: list[Summary] = []
    end = time.monotonic() + plan.minutes * 60 if plan.minutes else float("inf")
    reasons, left = plan.not_tested(), plan.kills
    while left > 0 and time.monotonic() < end:
        seed, kills = seed_of(plan.seed, len(rounds)), min(left, plan.per_round)
        faults = plan.faults(seed, kills, max(10.0, end - time.monotonic()))
        place = len(rounds)
        one, done = _round(plan, f"round-{place}", seed, faults, partial(tell, place))
        rounds.append(one)
        if len(rounds) == 1:
            _draw(plan.folder, done)
        left -= kills
        if one.verdict is Verdict.INVALID or plan.only:
            break
    figures = Figures(plan.seed, commit(), tuple(rounds), reasons, 0 if plan.only or plan.minutes else plan.kills)
    (plan.folder / "recovery.svg").write_text(distributions(figures.recoveries))
    is_invalid = bool(rounds) and rounds[-1].verdict is Verdict.INVALID
    return figures, list(rounds[-1].planned) if is_invalid else []


def _round(
    plan: CampaignPlan, name: str, seed: int, faults: Sequence[Fault], tell: Callable[[RoundProgress], object]
) -> tuple[Summary, Round]:
    charge = plan.charge(seed, name)
    shutil.rmtree(charge.folder, ignore_errors=True)
    done = perform(charge, faults, tell)
    one = summary(seed, faults, done.missed, done.evidence, done.failure)
    with (plan.folder / HISTORY).open("a", encoding="utf-8") as file:
        for entry in history(seed, done):
            file.write(json.dumps(entry) + "\n")
    if one.verdict is not Verdict.INVALID:
        shutil.rmtree(charge.folder)
    return one, done


def shrunk(plan: CampaignPlan, failed: Summary, tries: int, tell: Callable[[str], object]) -> list[Fault]:
    """The fewest faults of a round that still break what it broke, of those that were found in so many rounds."""
    broken, names = {violation.invariant for violation in failed.violations}, (f"try-{n}" for n in count(1))

    def fails(some: Sequence[Fault]) -> bool:
        name = next(names)  # in a store that several rounds share, each try is a run of its own
        try:
            one, _ = _round(plan, name, failed.seed, some, lambda _: None)
        except RunFailed as error:
            tell(f"{len(some)} faults: could not be tried: {error}")
            return False
        finally:
            shutil.rmtree(plan.folder / name, ignore_errors=True)
        is_same = bool(broken & {violation.invariant for violation in one.violations}) or bool(
            failed.failure and one.failure
        )
        tell(f"{len(some)} faults: {'still fails' if is_same else 'holds'}")
        return is_same

    return list(shrink(list(failed.planned), fails, tries)[0])


def report(
    plan: CampaignPlan, figures: Figures, repeat: str, fewest: Sequence[Fault], about: Mapping[str, str] | None = None
) -> None:
    """Write it into the campaign's folder; `about` is what its figures have with them: the machine, the day."""
    lines = [f"{fault.n}: {fault.kind} to {fault.target} at {fault.at_s:.2f} s" for fault in fewest]
    (plan.folder / "report.md").write_text(markdown(figures, repeat, lines), encoding="utf-8")
    found = {"store": plan.charge(plan.seed).store.partition(":")[0], "channel": plan.channel}
    told = {**(about or {}), **found, **figures.as_report()}
    (plan.folder / "report.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def history(seed: int, done: Round) -> Iterator[dict[str, object]]:
    """Everything that happened in a round, in order of time: what clients said, faults, events of the run."""
    entries: list[tuple[float, dict[str, object]]] = []
    entries += [(event.at, {"event": event.kind, "seq": event.seq, **event.body}) for event in done.evidence.events()]
    entries += [(fault.at, {"fault": asdict(fault)}) for fault in done.landed]
    entries += [(said.at, {"client": asdict(said)}) for said in done.said]
    for at, entry in sorted(entries, key=lambda pair: pair[0]):
        yield {"round": seed, "at": round(at - done.began, 6), **entry}
    for missed in done.missed:
        yield {"round": seed, "missed": asdict(missed)}


def _draw(folder: Path, done: Round) -> None:
    evidence: RunEvidence = done.evidence
    (folder / "timeline.svg").write_text(timeline(evidence.events(), done.landed))
