"""Which call of a step gets which record: one of the same identity and order among equals, and no other.

Pure.  Records without a digest were written by an SCR that knew steps by their
name and the order in which they came; they are found as they were then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from scr.agent.arguments import key
from scr.agent.steps.identity import Identity, numbered
from scr.errors import InvalidMessage
from scr.messages import MessageId, derive_id
from scr.protocol.frames import StepRecord
from scr.step_names import step_path

NAME_CHARACTERS = 512  # with the names of the steps in whose code it runs, and its mark


class RunningStep(NamedTuple):
    """The step whose code is running: the name of its record, now and as it would have been by order."""

    record: str = ""
    former: str = ""


class StepCall(NamedTuple):
    """One call of a step: the record that is its own, whether or not there is one yet.

    `digest` is what the record bears; it is empty when the record is found by order.
    """

    name: str
    digest: str
    identity: Identity
    order: int
    former: str = ""


@dataclass(slots=True)
class Claims:
    """The records of the message in hand, and the calls of the delivery in hand.

    `orders` counts calls by their identity, `by_order` by their name those that had no record of their identity.
    `failed` are calls that raised: the next equal one repeats them.
    With `looks_back` an earlier delivery may have left records, or questions, that are known by order.
    """

    message_id: MessageId
    recorded: dict[str, StepRecord]
    looks_back: bool = False
    has_open_keys: bool = False
    orders: dict[str, int] = field(default_factory=dict)
    by_order: dict[str, int] = field(default_factory=dict)
    made: dict[str, StepCall] = field(default_factory=dict)
    failed: dict[str, list[StepCall]] = field(default_factory=dict)

    def claim(self, identity: Identity, scope: RunningStep, *, is_question: bool = False) -> StepCall:
        """The record of this call.  Raises InvalidMessage when another step has its name."""
        if self.failed and (failed := self.failed.get(identity.digest)):
            return failed.pop(0)
        order = self.orders[identity.digest] = self.orders.get(identity.digest, 0) + 1
        digest = derive_id(self.message_id, identity.in_full(order)) if is_question else identity.digest
        name = identity.base if order == 1 else identity.record(order)
        if order == 1:
            key(name, "a step's name", NAME_CHARACTERS)
        claim = StepCall(name, digest, identity, order)
        claim = self._found(claim, scope) if self.looks_back else claim
        record = self.recorded.get(claim.name)
        if record and record.digest != claim.digest:
            raise InvalidMessage(
                f"step {identity.name!r} is called with what has the digest {claim.digest}, and {claim.name!r} is "
                f"recorded with {record.digest}: give both a key, `ctx.step.using(key=...)`"
            )
        self.made[claim.name] = claim
        return claim

    def keep(self, record: StepRecord) -> None:
        """The record is in the store."""
        if record.state == "not done":
            self.recorded.pop(record.name, None)
        else:
            self.recorded[record.name] = record

    def fail(self, claim: StepCall) -> None:
        """The call raised."""
        self.failed.setdefault(claim.identity.digest, []).append(claim)

    def id_of(self, claim: StepCall) -> str:
        """An id of the step for the world outside."""
        return derive_id(self.message_id, claim.identity.in_full(claim.order) if claim.digest else claim.name)

    def next_id(self, identity: Identity) -> str:
        """The id that the next step with these arguments will have."""
        failed = self.failed.get(identity.digest)
        calls = sum(claim.identity.called == identity.called for claim in self.made.values())
        order = failed[0].order if failed else calls + 1
        return derive_id(self.message_id, identity.in_full(order))

    def next_by_name(self, path: str) -> str:
        """An id for the next step of that name, whatever it is called with."""
        calls = sum(claim.identity.path == path for claim in self.made.values())
        return derive_id(self.message_id, numbered(path, calls + 1))

    def begun_elsewhere(self, claim: StepCall) -> StepRecord | None:
        """A record of another step of that name that had begun, and that this delivery has not called."""
        return next((record for record in self._others(claim) if record.state == "begun"), None)

    def finished_elsewhere(self, claim: StepCall) -> StepRecord | None:
        """A record of another step of that name that was done, and that this delivery has not called."""
        return next((record for record in self._others(claim) if record.state == "done"), None)

    def is_alone(self, claim: StepCall) -> bool:
        """Whether no other step of that name is known."""
        path = step_path(claim.name)
        others = (other for other in self.made.values() if other is not claim and step_path(other.name) == path)
        return not any(self._others(claim)) and not any(others)

    def _others(self, claim: StepCall) -> Iterator[StepRecord]:
        path = step_path(claim.name)
        for record in self.recorded.values():
            if record.name not in self.made and step_path(record.name) == path:
                yield record

    def _found(self, claim: StepCall, scope: RunningStep) -> StepCall:
        """The record by order where there is none of the identity; never one that is another step's."""
        identity, own = claim.identity, self.recorded.get(claim.name)
        if own and own.digest == claim.digest:
            return claim
        path = f"{scope.former}/{identity.name}" if scope.former else identity.name
        self.by_order[path] = self.by_order.get(path, 0) + 1
        former = numbered(path, self.by_order[path])
        known = self.recorded.get(former)
        if known and not known.digest:
            return StepCall(former, "", identity, claim.order, former)
        name = (identity.marked() if own else identity).record(claim.order)
        return StepCall(name, claim.digest, identity, claim.order, former)
