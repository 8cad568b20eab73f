"""What a command looks at: the runtime that is meant, or all runtimes of a server together."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from scr.cli.select_runtime import SERVER, with_command
from scr.client.client import RuntimeClient
from scr.client.connect import connect
from scr.errors import RuntimeGone
from scr.launch.kernel.proc_stats import Vitals, vitals_of
from scr.protocol.control import RuntimeStatus
from scr.protocol.running import Running, read, refuse_several
from scr.protocol.socket_dir import find_runtimes, is_answered, reach, scratches
from scr.views import systems
from scr.views.agents import AgentRow, described, rows_of, summary
from scr.views.systems import RuntimeView


@dataclass(frozen=True, slots=True)
class Look:
    """All that is looked at, at one moment; `at` is monotonic."""

    parts: Sequence[RuntimeView]
    vitals: Mapping[int, Vitals]
    at: float
    server: Running | None = None

    @property
    def rows(self) -> list[AgentRow]:
        """One row for each agent; those of a server's runs below a row for each run."""
        return list(self.parts[0].rows) if self.server is None else systems.agent_rows(self.parts)

    @property
    def summary(self) -> str:
        """All of it in one line."""
        if self.server:
            return systems.summary(self.server, self.parts)
        return summary(self.parts[0].status, self.parts[0].rows)

    @property
    def described(self) -> dict[str, Any]:
        """All of it for programs."""
        if self.server:
            return systems.systems_as_json(self.server, self.parts)
        return described(self.parts[0].status, self.parts[0].rows)


@dataclass(slots=True)
class Systems:
    """Connections to what is looked at, from `find` on; use it as a context manager."""

    server: Running | None
    clients: dict[str, RuntimeClient] = field(default_factory=dict)

    @classmethod
    def find(cls, name: str | None) -> Self:
        """Find the runtime or the server of that name; without one, the only runtime or all of the only server.

        Raises InvalidInput when there is none, or several to choose from.
        """
        with with_command():
            server = _meant(name)
            if server:
                return cls(server)
            client = connect(name)
        return cls(None, {client.id: client})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self.clients.values():
            client.close()

    def look(self, before: Look | None = None) -> Look:
        """Look now; what has changed since the look before is the load.  Raises RuntimeGone when it is over."""
        if self.server:
            self._follow(self.server)
        found = [(client.id, status) for client in tuple(self.clients.values()) if (status := self._status(client))]
        at = time.monotonic()
        pids = [agent.pid for _, status in found for agent in status.agents if agent.pid]
        vitals = {pid: seen for pid in pids if (seen := vitals_of(pid))}
        over_s = at - before.at if before else 0.0
        described_by = {path.name: path for path in find_runtimes()}
        parts = [
            RuntimeView(
                read(described_by[name]) if name in described_by else Running(name),
                status,
                rows_of(status, vitals, before.vitals if before else None, over_s),
            )
            for name, status in found
        ]
        return Look(parts, vitals, at, self.server)

    def wait_end(self, timeout_s: float) -> None:
        """Wait for so long, or until the one runtime ends."""
        if self.server:
            time.sleep(timeout_s)
        else:
            next(iter(self.clients.values())).wait_end(timeout_s)

    def client(self, runtime: str) -> RuntimeClient:
        """The connection to a runtime; to the only one, without a name.  Raises RuntimeGone."""
        found = self.clients.get(runtime) if runtime else next(iter(self.clients.values()), None)
        if found is None:
            raise RuntimeGone(f"the runtime {runtime!r} has ended")
        return found

    def _status(self, client: RuntimeClient) -> RuntimeStatus | None:
        """None for a run of a server that has just ended."""
        try:
            return client.status()
        except RuntimeGone:
            if self.server is None:
                raise
            self.clients.pop(client.id).close()
            return None

    def _follow(self, server: Running) -> None:
        """Connect to the runs that the server has begun since."""
        if not server.pid:
            raise RuntimeGone(f"the server {server.id} has not said which process it is; try again")
        try:
            os.kill(server.pid, 0)
        except ProcessLookupError as error:
            raise RuntimeGone(f"the server {server.id} has ended") from error
        for path in find_runtimes():
            if path.name not in self.clients and read(path).keeper == server.pid and (sock := reach(path.name)):
                client = RuntimeClient()
                client.id = path.name
                client.open(sock)
                self.clients[path.name] = client


def _meant(name: str | None) -> Running | None:
    """Find the server that is meant, be it at work or not; None for a runtime, which `connect` finds.

    Raises SeveralRunning where there are servers among several to choose from.
    """
    if name is not None and not name.startswith(SERVER):
        return None
    running = [read(path) for path in scratches() if is_answered(path)]
    servers = [one for one in running if one.id.startswith(SERVER)]
    if name is not None:
        return next((server for server in servers if server.id == name), None)
    pids = {server.pid for server in servers if server.pid}
    choices = [one for one in running if one.keeper not in pids]
    if servers and len(choices) > 1:
        raise refuse_several("runtime", "--runtime", choices)
    return servers[0] if servers else None
