"""How a process ended and what it had used by then, as the kernel tells it.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process and the children that it had waited for used: peak resident memory, CPU time."""

    memory_bytes: int = 0
    cpu_s: float = 0.0


@dataclass(frozen=True, slots=True)
class WaitStatus:
    """An exit code, or the signal that ended it, or neither when somebody else reaped it.

    Two ends are the same end whatever they had used.
    """

    code: int | None = None
    signal: int | None = None
    usage: Usage = field(default=Usage(), compare=False)

    @property
    def lost(self) -> bool:
        """Whether nobody can tell any more how it ended."""
        return self.code is None and self.signal is None

    @classmethod
    def of(cls, returncode: int | None, usage: Usage = Usage()) -> WaitStatus:
        """From the convention of `subprocess` and `multiprocessing`: minus n is signal n; None is lost."""
        if returncode is None:
            return cls()
        return cls(signal=-returncode, usage=usage) if returncode < 0 else cls(code=returncode, usage=usage)
