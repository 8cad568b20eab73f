"""The limits that the kernel keeps, taken on by an agent's process before it runs any code of the agent's."""

from __future__ import annotations

import resource

from scr.errors import StartFailed
from scr.specs import AgentLimits


def take_on(limits: AgentLimits) -> None:
    """Lower this process's limits; what it starts inherits them.  Raises StartFailed when the kernel refuses.

    CPU seconds end in SIGXCPU, and a second later in SIGKILL; too many open
    files or processes are an OSError where they are asked for.
    """
    wanted = {
        resource.RLIMIT_CPU: limits.cpu_s,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_NPROC: limits.processes,
    }
    for kind, limit in wanted.items():
        if limit is not None:
            _lower(kind, limit)


def _lower(kind: int, limit: int) -> None:
    _, hard = resource.getrlimit(kind)
    grace = 1 if kind == resource.RLIMIT_CPU else 0
    ceiling = limit + grace if hard == resource.RLIM_INFINITY else min(limit + grace, hard)
    try:
        resource.setrlimit(kind, (min(limit, ceiling), ceiling))
    except (OSError, ValueError) as error:
        raise StartFailed(f"the kernel refuses a limit of {limit}: {error}") from error
