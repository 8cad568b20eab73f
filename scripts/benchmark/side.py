"""One measurement, in a process of its own: `python -m benchmark.side MODULE CASE PARAMETERS RESULT`.

Run by the venv of whoever is measured.  Imports nothing of SCR: a peer's venv has none.
"""

from __future__ import annotations

import json
import sys
import traceback
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any


def measured(module: str, case: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The samples of one side in one case, or why it has none."""
    try:
        side = import_module(module)
    except ImportError as error:
        return {"cannot": f"not installed ({error.name})"}
    work = getattr(side, case, None)
    if work is None:
        return {"cannot": getattr(side, "CANNOT", {}).get(case, "has nothing of the kind")}
    try:
        return {"samples": work(**parameters), "versions": {name: version(name) for name in getattr(side, "USES", ())}}
    except Exception as error:  # noqa: BLE001  a side that fails is a result of the benchmark
        traceback.print_exc()
        return {"cannot": f"failed: {type(error).__name__}: {str(error)[:200]}"}


def main() -> None:
    """Measure, and write what was found."""
    module, case, parameters, result = sys.argv[1:]
    found = measured(module, case, json.loads(parameters))
    Path(result).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
