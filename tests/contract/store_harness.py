"""A bench for each kind of store: a runtime's loop that does only what the store hands over."""

from dataclasses import replace
from queue import SimpleQueue

from scr.config import Limits
from scr.messages import CLIENT, Down, DownPayload, Failure, FailurePayload, Pong, Task, TaskPayload, origin
from scr.protocol.frames import Commit
from scr.specs import AgentSpec, Code, Strategy, SupervisorSpec
from scr.store.archive.archive import open_archive
from scr.store.memory import MemoryStore
from scr.store.records import CommittedTurn, Opening
from scr.store.sql.lease import this_process
from scr.store.sql.opening import open_store

TREE = SupervisorSpec(id="root", strategy=Strategy.ONE_FOR_ONE)
LIMITS = Limits(dead_letters=3, crashes=3, store_patience_s=20, stop_s=20)


def task(message_id, *, sender="a", to="b", value=None, reply=None):
    fields = origin(message_id=message_id, sender=sender, to=to, at=1.5) | {"in_reply_to": reply}
    return Task(payload=TaskPayload(task_id="t", input=value), **fields)


def answer(message_id, reply):
    return Pong(**(origin(message_id=message_id, sender="b", to=CLIENT, at=2.5) | {"in_reply_to": reply}))


def failure(message_id, of, to="a"):
    payload = FailurePayload(message_id=of, agent="b", reason="quarantined")
    return Failure(
        payload=payload, **(origin(message_id=message_id, sender="runtime", to=to, at=3.5) | {"in_reply_to": of})
    )


def down(message_id, watcher, agent):
    payload = DownPayload(agent=agent, reason="killed")
    return Down(payload=payload, **origin(message_id=message_id, sender="runtime", to=watcher, at=3.5))


def spec(agent):
    return AgentSpec(id=agent, code=Code(reference="a:b"))


def turn(message_id, agent="b", answers=(), **fields):
    return CommittedTurn(agent, 1, Commit(message_id=message_id, **fields), answers)


def ids(image):
    return [kept.message.message_id for kept in image.mail]


class Bench:
    """One run in one store.  `lost` and `changed` are what the store has told."""

    def __init__(self, url, run="run", *, limits=LIMITS):
        self.url, self.run, self.limits = url, run, limits
        self.calls, self.lost, self.changed, self.stores = SimpleQueue(), [], [], []
        self.store = self.open()

    def open(self, *, owner=None, lease_s=5.0, runtime="runtime"):
        """A store of its own; what was open before is still there."""
        opening = Opening(self.run, runtime, owner or str(this_process()), TREE, "a title", lease_s)
        store = open_store(
            self.url,
            opening,
            call=self.calls.put,
            lost=self.lost.append,
            changed=self.changed.append,
            limits=self.limits,
        )
        self.stores.append(store)
        return store

    def pump(self, is_done, limit_s=30):
        """Be the loop until then."""
        while not is_done():
            self.calls.get(timeout=limit_s)()

    def told(self, verb, *given, **fields):
        """What the verb calls back with."""
        heard = []
        verb(*given, then=lambda *values: heard.append(values), **fields)
        self.pump(lambda: heard)
        return heard[0][0] if heard[0] else None

    def settle(self):
        """Everything so far is kept."""
        self.told(self.store.find, "nothing")

    def dead(self):
        """The dead letters, oldest first."""
        if isinstance(self.store, MemoryStore):
            return dead_in(self.store)
        self.settle()
        with open_archive(self.url) as archive:
            return archive.letters(self.run, self.limits.dead_letters)

    def reopened(self, *, release=True):
        """What the next owner begins from; the store is its from now on."""
        if isinstance(self.store, MemoryStore):
            self.store = MemoryStore(self.limits.dead_letters, self.limits.crashes, self.store.present())
        else:
            self.store.close(release=release)
            self.store = self.open()
        return self.store.image

    def close(self):
        for store in self.stores:
            store.close()


def dead_in(memory):
    """The dead letters of a store in memory, oldest first."""
    return tuple(letter for letter, _ in memory._dead.values())


def comparable(image):
    """Without what a store in memory does not keep, and the order of steps, which means nothing."""
    mail = tuple(replace(kept, steps=tuple(sorted(kept.steps, key=lambda step: step.name))) for kept in image.mail)
    return replace(image, epoch=0, past={}, mail=mail)
