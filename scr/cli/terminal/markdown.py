"""Markdown on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markdown import Markdown


def draw(markdown: str) -> None:
    """Print it in the terminal's width."""
    Console().print(Markdown(markdown))
