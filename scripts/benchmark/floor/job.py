"""The same research code, called in one process: no agents, no runtime, no store."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmark import papers
from benchmark.clock import Samples
from benchmark.usage import Usage

RESEARCH = (
    "import sys; from pathlib import Path; from scr.apps.research.pipeline import research; "
    "print(research(sys.argv[1], Path(sys.argv[2]), Path('index.sqlite')).model_dump_json())"
)


def job(sizes: list[int], folder: str, **_: object) -> Samples:
    """Folders of more and more documents."""
    found: Samples = {}
    for size in sizes:
        place = Path(folder, str(size))
        docs = papers.write(place / "docs", size)
        used = Usage([sys.executable, "-c", RESEARCH, papers.QUESTION, str(docs)], place)
        assert used.code == 0, f"the research ended with {used.code}"
        found |= {f"wall_{size}": [used.wall_s], f"cpu_{size}": [used.cpu_s], f"peak_{size}": [used.peak_bytes]}
    return found
