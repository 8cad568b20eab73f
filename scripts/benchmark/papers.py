"""A folder of documents to research, as many as are wanted, and a question that they answer."""

from __future__ import annotations

from pathlib import Path

QUESTION = "How do agent runtimes recover from crashes?"
NAMES = ("Alder", "Birch", "Cedar", "Elm", "Hazel", "Larch", "Maple", "Rowan", "Spruce", "Willow")
TOLD = (
    "{name} {n} recovers a crashed agent from its journal within {k} milliseconds.",
    "When a worker of {name} {n} crashes, the supervisor restarts it and delivers the message once more.",
    "The runtime of {name} {n} keeps {k} checkpoints, and a restart begins at the last of them.",
    "An operator of {name} {n} reads {k} log files before every release of the scheduler.",
    "{name} {n} stores the state of every agent in a database of its own, and recovery reads it back.",
    "A timeout of {k} seconds ends a tool call in {name} {n}, and the agent retries it twice.",
    "The garden of the {name} {n} office has {k} benches and a pond.",
)


def write(folder: Path, documents: int, passages: int = 4) -> Path:
    """Write them, each with so many passages that differ from all others; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(documents):
        name = NAMES[n % len(NAMES)]
        told = (
            " ".join(
                TOLD[(n + p + s) % len(TOLD)].format(name=name, n=n, k=(n * 7 + p * 3 + s) % 997 + 1) for s in range(3)
            )
            for p in range(passages)
        )
        Path(folder, f"{n:05}.md").write_text(f"# {name} {n}\n\n" + "\n\n".join(told) + "\n", encoding="utf-8")
    return folder
