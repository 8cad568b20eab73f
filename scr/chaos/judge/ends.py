"""What must hold of ends and restarts: whom they are charged to, and what outlives an agent that is kept down.

Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from scr.chaos.judge.evidence import RunEvent, RunEvidence
from scr.chaos.plan.kinds import HELPERS
from scr.charging import PARKED_AFTER
from scr.specs import OnError

WINDOW_SLACK_S = 0.05  # a restart is counted a moment before it is told of
BY_HAND_S = 10.0
DEPLOY_S = 2.0
WANTED = frozenset({"stop", "kill"})
REFUSED = frozenset({"StartFailed", "RuntimeGone", None})


def explained(of: RunEvidence) -> frozenset[int]:
    """The ends, by their events, that a message of an agent that retries was charged with: they count nowhere else."""
    return frozenset(
        event.cause
        for event in of.events()
        if event.kind == "turn_failed" and _retries(of, event.body["agent"]) and event.cause
    )


def _retries(of: RunEvidence, agent: str) -> bool:
    spec = of.specs.get(agent)
    return spec is not None and spec.on_error is OnError.RETRY


def _parks(of: RunEvidence, agent: str) -> bool:
    spec = of.specs.get(agent)
    return spec is not None and spec.park


DOWN = {"forgotten", "stopped"}


def _is_kept_down(event: RunEvent) -> bool:
    """The agent is parked, or has left the tree while its mail and its state wait."""
    return event.kind == "agent_parked" or (event.kind == "agent_gone" and event.body.get("fate") in DOWN)


def limits_passed(of: RunEvidence) -> Iterator[str]:
    """No child is restarted oftener than its supervisor allows, and no supervisor gives up before."""
    restarts: defaultdict[str, list[float]] = defaultdict(list)
    ended: set[str] = set()
    for event in _counted(of):
        agent, supervisor = event.body.get("agent", ""), event.body.get("supervisor", "")
        limit = of.limits.get(supervisor)
        match event.kind:
            case "runtime_up":
                restarts.clear()
                ended.clear()
            case _ if _is_kept_down(event):
                restarts.pop(agent, None)
                ended.discard(agent)
            case "agent_exited":
                ended.add(agent)
            case "agent_starting" if agent in ended:
                ended.discard(agent)
                whose = agent if _parks(of, agent) else supervisor
                restarts[whose].append(event.at)
                yield from _passed(whose, restarts[whose], limit)
            case "supervisor_gave_up" if limit and _within(restarts[supervisor], event.at, limit[1]) < limit[0]:
                yield f"{supervisor} gave up, and had restarted {len(restarts[supervisor])} times"


def _counted(of: RunEvidence) -> Iterator[RunEvent]:
    """All events but ends that count against no limit: wanted ones, and those that a message explains.

    A start for which no process could be made has no end of its own: the next thing that is told of its agent is one.
    """
    known = explained(of)
    begun: set[str] = set()
    for event in of.events():
        agent, is_kept_down = event.body.get("agent", ""), _is_kept_down(event)
        if agent in begun and (event.kind == "agent_starting" or is_kept_down):
            yield event._replace(kind="agent_exited")
        if event.kind == "runtime_up":
            begun.clear()
        elif event.kind == "agent_starting":
            begun.add(agent)
        elif is_kept_down or event.kind in {"agent_up", "agent_exited"}:
            begun.discard(agent)
        if event.kind != "agent_exited" or not (event.body.get("asked") in WANTED or event.seq in known):
            yield event


def _within(stamps: Iterable[float], at: float, within_s: float) -> int:
    return sum(at - stamp <= within_s + WINDOW_SLACK_S for stamp in stamps)


def _passed(whose: str, at: list[float], limit: tuple[int, float] | None) -> Iterator[str]:
    if limit is None or len(at) <= limit[0]:
        return
    most, within_s = limit
    took_s = at[-1] - at[-1 - most]
    if took_s < within_s - WINDOW_SLACK_S:
        yield f"{whose} restarted {most + 1} times in {took_s:.2f} s, and may {most} times in {within_s:g} s"


def parked_for_others(of: RunEvidence) -> Iterator[str]:
    """An agent is parked only by ends of its own that no message explains, or by dead letters of its own in a row."""
    ends: defaultdict[str, list[float]] = defaultdict(list)
    row: defaultdict[str, int] = defaultdict(int)
    home: dict[str, str] = {}
    by_hand: set[str] = set()
    for event in _counted(of):
        agent = event.body.get("agent", "")
        match event.kind:
            case "runtime_up":
                for known in (ends, row, by_hand):
                    known.clear()
            case "agent_starting":
                home[agent] = event.body["supervisor"]
            case "agent_up":
                by_hand.discard(agent)
            case "agent_exited":
                ends[agent].append(event.at)
            case "message_buried":
                row[event.body.get("to", "")] += 1
            case "turn_committed":
                row[agent] = 0
            case "agent_parked":
                most, within_s = of.limits.get(home.get(agent, ""), (0, 0.0))
                counted = _within(ends[agent], event.at, within_s)
                if not _parks(of, agent) and agent in of.specs:
                    yield f"{agent} was parked, and is not to be"
                elif counted <= most and row[agent] < PARKED_AFTER and agent not in by_hand:
                    yield f"{agent} was parked after {counted} ends that count and {row[agent]} dead letters in a row"
                ends.pop(agent, None)
        if _is_kept_down(event):
            by_hand.add(agent)


def restarted_for_others(of: RunEvidence) -> Iterator[str]:
    """An agent that is well is not restarted: not for another's failures, nor for none."""
    came_up = {_who(event) for event in of.events() if event.kind == "agent_up"}
    failed: set[tuple[str, int]] = set()
    kept_down: dict[str, float] = {}
    stopped: dict[str, int] = {}
    for event in of.events():
        who = agent, incarnation = _who(event)
        match event.kind:
            case "runtime_up":
                stopped.clear()
            case "turn_failed":
                failed.add(who)
            case _ if _is_kept_down(event):
                kept_down[agent] = event.at
            case "agent_exited" if event.body.get("asked") in WANTED and agent in of.specs and agent not in HELPERS:
                is_own = who in failed or who not in came_up or _is_deployed(of, agent, event.at)
                if not is_own and event.at - kept_down.get(agent, float("-inf")) > BY_HAND_S:
                    stopped[agent] = incarnation
            case "agent_starting" if agent in stopped:
                yield f"{agent} was restarted, and its incarnation {stopped.pop(agent)} had not failed"


def _who(event: RunEvent) -> tuple[str, int]:
    return event.body.get("agent", ""), event.body.get("incarnation", 0)


def _is_deployed(of: RunEvidence, agent: str, at: float) -> bool:
    return any(deploy.agent == agent and deploy.at - DEPLOY_S <= at <= deploy.until + DEPLOY_S for deploy in of.deploys)


def ended_for_good(of: RunEvidence) -> Iterator[str]:
    """What an agent has outlives its failures: in a campaign no agent is stopped for good."""
    for life in of.rows["agents"] if of.counts else ():
        if life["gone_seq"] is not None:
            yield f"{life['agent']} was ended for good after event {life['gone_seq']}: its mail and its state are gone"


def deploys_accepted(of: RunEvidence) -> Iterator[str]:
    """Code that does not fit is refused, with the error that says so."""
    for deploy in of.deploys:
        if deploy.refused not in REFUSED:
            how = f"refused with {deploy.refused}" if deploy.refused else "accepted"
            yield f"{deploy.code} does not fit {deploy.agent}, and was {how}"
