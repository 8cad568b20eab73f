"""Looks on at the simulated turns: the promises are judged from what the world saw.

That is what the store has kept, what processes were sent and told, and who waits.
"""

from collections import Counter, defaultdict
from contextlib import contextmanager

from scr.charging import PARKED_AFTER, Charges
from scr.mail.pending import Phase
from scr.messages import CLIENT, RUNTIME, Failure, Result
from scr.step_names import is_later
from scr.telemetry.events import MessageBuried, MessageCancelled, TurnCommitted
from tests.simulation.turns_store import opened
from tests.simulation.turns_world import EPOCH

ACCEPTS = {"accept", "commit", "bury", "fire", "carried", "exhume"}
SLACK_S = 1e-6
LOGGED = {TurnCommitted: "committed", MessageBuried: "buried", MessageCancelled: "cancelled"}
FATAL = "scr.errors.Fatal"
OTHERS = "scr.errors.AgentError"


class Witness:
    """Looks on at all that happens, and raises AssertionError at the first broken promise."""

    def __init__(self, world):
        self.world = world
        self.accepted, self.outcomes, self.logged = {}, {}, {}  # by id: the message, how it ended in store and log
        self.committed = []  # the turns that are kept, in order
        self.results = set()  # ids of messages whose answer is in the store
        self.places, self.exempt, self.last = {}, set(), defaultdict(int)  # I10: see `ordered`
        self.charges, self.rows, self.owed = {}, Counter(), set()
        self.waiting, self.asked = [], {}
        self.seen = Counter()

    # The store.

    def wrote(self, verb, given, fields):
        """What the shell asks of the store, before that keeps it."""
        if verb == "park":
            self.exempt.add(given[0])

    def refused(self, verb, given):
        self.seen["refused"] += 1

    def kept(self, verb, given, heard):
        if verb in ACCEPTS:
            kept = opened(self.world.memory)
            for message_id in [known for known in kept if known not in self.accepted]:
                self.accept(kept[message_id].message)
        match verb:
            case "accept":
                ended = self.outcomes.get(given[0].message_id)
                assert ended is None, f"{given[0]} was {ended}, and is accepted once more"
            case "commit":
                self.keep_turn(given[0])
            case "bury":
                self.end(given[0].message.message_id, "buried")
                self.check_letter(given[0])
            case "cancel" if given[0] in self.accepted:
                self.end(given[0], "cancelled")
            case "exhume" if heard[0][0]:
                assert self.outcomes.pop(given[0]) == "buried"
                self.logged.pop(given[0], None)
                self.charges.pop(given[0], None)
                self.exempt.add(given[0])
            case "append" if kind := LOGGED.get(type(given[0].event)):
                ended = given[0].event.message_id
                assert ended not in self.logged or self.world.deaths, f"{ended} is {kind}, and was {self.logged[ended]}"
                self.logged[given[0].event.message_id] = kind

    def accept(self, message):
        self.accepted[message.message_id] = message
        if lane := self.lane(message):
            self.last[lane] += 1
            self.places[message.message_id] = lane, self.last[lane]

    def end(self, message_id, outcome):
        assert message_id in self.accepted, f"{message_id} was never accepted and is {outcome}"
        assert message_id not in self.outcomes, f"{message_id} was {self.outcomes[message_id]} and is {outcome}"
        self.outcomes[message_id] = outcome
        self.seen[outcome] += 1

    def check_letter(self, letter):
        if error := letter.error:
            charged = self.charges[letter.message.message_id]
            assert (error.attempts, error.deaths) == (charged.attempts, charged.deaths), (
                f"{letter} was charged {charged}"
            )

    def keep_turn(self, turn):
        frame, message = turn.frame, self.accepted[turn.frame.message_id]
        self.end(frame.message_id, "committed")
        self.ordered(frame.message_id)
        self.committed.append(turn)
        answered = {answer.message_id for answer in turn.answers}
        for sent in frame.sends:
            assert sent.to == CLIENT or sent.message_id in answered or sent.message_id in self.accepted
            if isinstance(sent, Result):
                self.results.add(sent.in_reply_to)
        if turn.failure:
            self.results.add(turn.failure.in_reply_to)
        if message.sender != RUNTIME:
            self.rows[turn.agent] = 0

    # I10.

    def lane(self, message):
        if message.sender == CLIENT:
            return (CLIENT, message.payload.order_key, message.to) if message.payload.order_key else None
        return None if message.sender == RUNTIME else (message.sender, message.to)

    def ordered(self, message_id):
        """Messages of one lane are handled in order, but for those that waited for a person or were dead."""
        lane, place = self.places.get(message_id, (None, 0))
        if lane is None or message_id in self.exempt or not self.world.specs[lane[-1]].ordered:
            return
        handled = self.last.get(("handled", lane), 0)
        assert place > handled, f"{message_id} is number {place} of {lane}, and number {handled} was handled before"
        self.last["handled", lane] = place

    # Processes.

    def delivered(self, process, frame):
        """A message is handed over when it is in the store with its steps, and open; to a process that lives."""
        message_id, world = frame.message.message_id, self.world
        assert process.lives, f"{message_id} was sent to a process that has ended"
        assert world.house.live[process.name] is process
        assert not process.is_stopping, f"{message_id} was handed to a process that was told to stop"
        assert not process.has_ended, f"{message_id} was handed to an agent that has ended with its turn"
        kept = opened(world.memory).get(message_id)
        if kept is None and isinstance(frame.message, Failure) and frame.message.payload.reason == "refused":
            return  # it is made anew if it is lost: the start that was asked for is in the store until it is kept
        assert kept or message_id in self.outcomes, f"{frame.message} was handed over and is not in the store"
        assert message_id not in self.outcomes, f"{message_id} was handed over and is {self.outcomes[message_id]}"
        relied = {step.name for step in frame.steps} - {step.name for step in kept.steps}
        assert not relied, f"{message_id} was handed over with steps that are not kept: {relied}"
        assert frame.attempt == self.charges.get(message_id, Charges()).attempts + 1

    def pays(self, message_id):
        self.world.paid[message_id] = self.world.paid.get(message_id, 0) + 1
        assert self.world.paid[message_id] == 1, f"{message_id} was paid twice"
        begun = [step.name for step in opened(self.world.memory)[message_id].steps]
        assert "pay" in begun, f"{message_id} was paid for before the store knew that it begins"

    def asks(self, process, ref, message_id, timeout_s):
        self.asked[process, ref] = message_id, self.world.now + timeout_s + SLACK_S

    def answered(self, process, answer):
        """A question has one answer, in time; one with a value is of a turn that is in the store."""
        message_id, until = self.asked.pop((process, answer.ref), (None, 0.0))
        if message_id is None:
            return
        assert self.world.now <= until, f"{message_id} was answered {self.world.now - until} s late"
        first = message_id.partition(".")[0]
        is_kept = any(known.partition(".")[0] == first for known in self.results)
        assert answer.error or is_kept, f"{message_id} has an answer that is not kept"
        self.seen[f"asked: {answer.error}"] += 1

    # Failures: I11, I15.

    def cell(self, message_id):
        return self.world.turns.router.get(message_id)

    @contextmanager
    def fails(self, process, frame):
        """The handler of a process raises: what that message is charged with, and what becomes of it."""
        message_id, spec = frame.message_id, process.spec
        pending = self.cell(message_id)
        has_it = pending and pending.turn.phase in {Phase.IN_HAND, Phase.AHEAD} and pending.message.to == process.name
        is_its = has_it and (pending.turn.phase is Phase.IN_HAND or self.world.turns.router.is_begun(pending))
        is_its = is_its and pending.turn.incarnation == process.number
        may_wait = self.world.turns.router.retries(process.name) < spec.retries_max
        before = pending.turn.charges if pending else Charges()
        yield
        if not is_its:
            assert process.has_broken or pending is None or pending.turn.charges == before
            return
        is_charged = pending.turn.charges.attempts > before.attempts or not frame.in_doubt  # a doubt may cost nothing
        raised = frame.after_s is None and is_charged
        self.judge(pending, before.attempts + raised, before.deaths)
        after = pending.turn
        if raised:
            is_last = after.charges.attempts >= spec.retry.attempts or FATAL in frame.names or not may_wait
            assert after.phase is (Phase.OVER if is_last else Phase.RETRYING), f"{message_id} is {after.phase}"
            self.count(process, message_id, after.charges.attempts >= spec.retry.attempts, frame.names)
        if after.phase is Phase.RETRYING:
            left_s = after.due - EPOCH - self.world.now
            most_s = spec.retry.cap_s if raised else spec.retry.outage_s
            assert 0 <= left_s <= most_s + SLACK_S, f"{message_id} is tried again in {left_s} s"
        elif after.phase is Phase.BEHIND:
            self.exempt.add(message_id)
        self.seen[f"failed: {after.phase}"] += 1

    def judge(self, pending, attempts, deaths):
        charges = pending.turn.charges
        assert (charges.attempts, charges.deaths) == (attempts, deaths), f"{pending.turn} was charged wrongly"
        self.charges[pending.message.message_id] = charges

    def count(self, process, message_id, is_exhausted, names=()):
        """Messages in a row that became dead letters by the agent's own failures keep it down."""
        if not is_exhausted or FATAL in names or OTHERS in names or is_later(message_id):
            return
        self.rows[process.name] += 1
        if self.rows[process.name] >= PARKED_AFTER and process.spec.park:
            assert process.name in self.owed, f"{process.name} has {PARKED_AFTER} dead letters in a row and goes on"
            self.owed.discard(process.name)
            self.rows[process.name] = 0
            self.seen["parked"] += 1

    def parks(self, agent):
        assert self.rows[agent] == PARKED_AFTER - 1, f"{agent} is parked after {self.rows[agent] + 1} dead letters"
        self.owed.add(agent)

    def exits(self, process, blamed):
        """A process ends: returns what judges it when the turns have heard of that."""
        pending, spec = self.world.turns.router.in_hand(process.name), process.spec
        has_it = pending is not None and pending.turn.phase is Phase.IN_HAND
        before = pending.turn.charges if has_it else Charges()

        def judged(is_explained):
            is_retrying = spec.on_error == "retry"
            assert is_explained == (has_it and blamed and is_retrying), "what a message explains, and nothing else"
            if not has_it:
                return
            self.judge(pending, before.attempts, before.deaths + blamed)
            is_over = blamed and pending.turn.charges.deaths >= spec.max_deliveries
            assert (pending.turn.phase is Phase.OVER) == is_over, f"{pending.turn} after a death"
            self.seen["died: over" if is_over else "died: again"] += 1
            self.count(process, pending.message.message_id, is_over)

        return judged

    # I3.

    @contextmanager
    def in_vain(self, process, frame):
        """A frame of an older incarnation has no effect."""
        before = self.standing()
        yield
        assert self.standing() == before, f"{frame} of {process.name} {process.number} had an effect"
        self.seen["of old"] += 1

    def standing(self):
        router = self.world.turns.router
        turns = [pending.turn for pending in router.open_messages()]
        return turns, len(self.world.store.pending), len(self.world.log), dict(self.world.turns._writing.states)

    def carries(self, start=None, stop=None):
        """An agent is started or stopped only by a turn that is in the store."""
        wanted = self.world.memory._effects.values()
        assert any((e.start.spec.id == start if e.start else e.stop == stop) for e in wanted), "by no turn"
        self.seen["effects"] += 1

    # Clients.

    def submits(self, message):
        def kept():
            known = message.message_id in self.accepted or message.message_id in self.world.memory._known
            assert known, f"{message.message_id} is acknowledged and not in the store"

        return kept, lambda error: None

    def waits(self, message, timeout_s):
        """Who waits is told once, and in time; what it is told is in the store."""
        wait = [0, self.world.now + (timeout_s or 1.0) + SLACK_S, self.world.loop, message.message_id]
        self.waiting.append(wait)

        def tell(outcome):
            wait[0] += 1
            assert wait[0] == 1, f"who waits for {message.message_id} was told twice"
            assert timeout_s is None or self.world.now <= wait[1], f"told late of {message.message_id}"
            if outcome.error is None:
                assert message.message_id in self.results, f"the answer to {message.message_id} is not kept"
            self.seen[f"client: {outcome.error}"] += 1

        return tell

    # I9, and the end.

    def restored(self, image):
        """What the store has is what the runtime has."""
        self.rows.clear()
        self.asked = {key: asked for key, asked in self.asked.items() if key[0].lives}
        self.charges = {
            kept.message.message_id: Charges(kept.attempts, kept.deaths, kept.outage_since) for kept in image.mail
        }
        for kept in image.mail:
            pending = self.cell(kept.message.message_id)
            if pending is None:  # buried at once: its agent is gone
                assert kept.message.to not in self.world.turns.router
                continue
            is_tried = kept.due is not None and not kept.parked
            phase = Phase.IN_DOUBT if kept.parked else Phase.RETRYING if is_tried else Phase.WAITING
            assert pending.turn.phase is phase, f"{kept} is {pending.turn.phase}"
            assert pending.turn.charges == self.charges[kept.message.message_id]
            assert tuple(pending.steps.values()) == kept.steps
        for kept in image.agents:  # one that was asked to stop has ended
            is_gone = kept.spec.id not in self.world.turns.router
            assert is_gone or self.world.turns.state_of(kept.spec.id) == kept.state

    def settled(self):
        """All is calm, and nothing will happen any more."""
        world = self.world
        assert not world.store.pending
        assert not opened(world.memory), f"open for ever: {list(opened(world.memory).values())}"
        assert not world.turns.router.open_messages(), "the runtime knows of messages that the store has ended"
        assert self.outcomes.keys() == self.accepted.keys(), "each accepted message has its outcome"
        unheard = [wait[3] for wait in self.waiting if wait[0] == 0 and wait[2].lives]
        assert not unheard, f"who waits for {unheard} was never told"
        silent = [name for (process, _), (name, _) in self.asked.items() if process.lives]
        assert not silent, f"the agents that asked {silent} were never told"
        if not world.deaths:
            self.compare_log()
        for kept in world.memory._agents.values():
            assert world.turns.state_of(kept.spec.id) == kept.state, f"{kept.spec.id} has another state than the store"

    def compare_log(self):
        for message_id, outcome in self.outcomes.items():
            is_answer = isinstance(self.accepted[message_id], Result | Failure) and outcome == "cancelled"
            assert is_answer or self.logged.get(message_id) == outcome, f"{message_id} is {outcome} in the store alone"
