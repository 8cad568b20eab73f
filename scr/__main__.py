"""`python -m scr` is `scr`: it imports nothing from the working directory, where `-m` looks first."""

import os
import sys
from importlib import import_module

if __name__ == "__main__":
    if not sys.flags.safe_path and sys.path[:1] == [os.getcwd()]:  # noqa: PTH109  pathlib would be imported from there
        del sys.path[0]
    import_module("scr.cli.main").main()
