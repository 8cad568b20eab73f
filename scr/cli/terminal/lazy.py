"""What only a terminal needs, loaded only for one: the first lines must not wait for the imports of a drawing."""

from __future__ import annotations

from contextlib import AbstractContextManager
from importlib import import_module

from scr.apps.research.running.session import Screen


def live_view(title: str, since: float) -> AbstractContextManager[Screen]:
    """The live view; `since` is monotonic."""
    view: AbstractContextManager[Screen] = import_module("scr.cli.terminal.live").LiveView(title, since)
    return view


def draw(markdown: str) -> None:
    """Markdown, drawn."""
    import_module("scr.cli.terminal.markdown").draw(markdown)
