"""The differential test is a script, not a part of the package: its modules are found where it is."""

import sys
from pathlib import Path

SCRIPTS = str(Path(__file__).parents[3] / "scripts")
if SCRIPTS not in sys.path:
    sys.path.append(SCRIPTS)
