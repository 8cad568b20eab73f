"""What the simulated world has in place of the supervisor and of what watches handlers."""

from scr.messages import ExitReason
from scr.retry import ErrorInfo
from scr.runtime.dispatch.failures import IncarnationFailure
from scr.supervise.orders import Fate
from tests.simulation.turns_agents import Process

DIED = ErrorInfo(type="killed")


class Care:
    """Watches nothing."""

    def deadline_s(self, *_):
        return 1.0

    def busy(self, *_):
        pass

    idle = wait = go_on = begin_wait = end_wait = busy


class House:
    """In place of the supervisor: starts, replaces, parks and ends processes, some time after it was told to."""

    def __init__(self, world, loop):
        self.world, self.loop, self.rng = world, loop, world.rng
        self.live, self.parked, self.gone = {}, set(), set()

    def start(self, name):
        world = self.world
        if name in self.live:
            return
        self.parked.discard(name)
        self.gone.discard(name)
        world.numbers[name] = number = world.numbers.get(name, 0) + 1
        self.live[name] = process = Process(world, self.loop, world.specs[name], number)
        world.departures.started(process.spec, "root")
        world.turns.open_agent(process.spec)
        world.store.admit(process.spec, "root", number)
        self.loop.call_later(self.rng.random() * 0.1, self.up, process)

    def up(self, process):
        if self.live.get(process.name) is process and not process.is_stopping:
            process.is_up = True
            self.world.turns.up(process.name, process.number, process)

    def end(self, process, *, blamed):
        """The process ends now, unless it has."""
        if self.live.get(process.name) is not process:
            return
        world, name = self.world, process.name
        del self.live[name]
        process.lives = False
        world.dead.append(process)
        world.note("ends", name, process.number, blamed)
        judged = world.witness.exits(process, blamed)
        judged(world.turns.died(IncarnationFailure(name, process.number, DIED), blamed=blamed))
        if name in self.gone | self.parked:
            self.depart(name)
        else:
            self.loop.call_later(self.rng.random() * 0.2, self.start_again, name)

    def depart(self, name):
        if name in self.gone:
            self.world.departures.depart(name, ExitReason.SHUTDOWN, "it was stopped", Fate.ENDED)
        else:
            self.world.departures.depart(name, ExitReason.ERROR, "too much", Fate.PARKED)

    def start_again(self, name):
        if name not in self.gone | self.parked:
            self.start(name)

    def stop(self, name, fate):
        """Take it down in order, to stay."""
        fate.add(name)
        if process := self.live.get(name):
            self.halt(process)
        else:
            self.depart(name)

    def halt(self, process):
        """Tell a process to stop: it may handle what it has, and is handed nothing more."""
        process.is_stopping = True
        self.world.turns.pause(process.name)
        self.loop.call_later(self.rng.random() * 0.3, lambda: self.end(process, blamed=False))

    # What the turns want.

    def tell(self, agent, incarnation, frame):
        process = self.live.get(agent)
        if process and process.number == incarnation:
            process.answered(frame)

    def recycle(self, agent):
        process = self.live.get(agent)
        if process and process.is_up and agent not in self.parked | self.gone:
            self.world.note("recycle", agent, process.number)
            self.halt(process)

    def raised(self, *_):
        pass

    def park(self, agent, why):
        self.world.note("park", agent)
        self.world.witness.parks(agent)
        self.stop(agent, self.parked)

    def distrust(self, agent, incarnation, why):
        process = self.live.get(agent)
        if process and process.number == incarnation:
            self.world.note("distrust", agent, incarnation, why)
            assert process.has_broken, f"{agent} kept to the protocol: {why}"
            self.loop.call_later(self.rng.random() * 0.05, lambda: self.end(process, blamed=True))

    def start_child(self, supervisor, spec, settled):
        self.world.witness.carries(start=spec.id)
        if spec.id in self.live:
            settled(("already_started", f"{spec.id} is there"))
            return
        self.world.specs[spec.id] = spec
        self.start(spec.id)
        settled(None)

    def stop_child(self, agent, settled):
        self.world.witness.carries(stop=agent)
        if agent in self.live:
            self.stop(agent, self.gone)
        settled(None)
