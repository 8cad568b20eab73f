"""The archive of a store, for a server's loop: asked in a thread of its own, opened again after any trouble."""

from __future__ import annotations

from collections.abc import Callable
from queue import Full
from typing import TypeVar

from scr.errors import StoreError, StoreUnavailable
from scr.server.blocking_calls import InTurn
from scr.store.archive.archive import Archive, open_archive

Value = TypeVar("Value")
QUESTIONS_MAX = 1000
CLOSE_S = 2.0


class Archivist:
    """One connection to the store; questions are answered one after another."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._archive: Archive | None = None
        self._thread = InTurn("scr-archive", QUESTIONS_MAX)

    async def ask(self, question: Callable[[Archive], Value]) -> Value:
        """What the question, called with the archive, returns or raises.  Raises StoreError."""
        try:
            answer = self._thread.call(lambda: self._answer(question))
        except Full as error:
            raise StoreUnavailable(f"the store has {QUESTIONS_MAX} questions to answer first; try again") from error
        return await answer

    def close(self) -> None:
        """Ask nothing more.  Blocks, for a bounded time."""
        self._thread.close(self._drop, CLOSE_S)

    # In the thread.

    def _answer(self, question: Callable[[Archive], Value]) -> Value:
        try:
            if self._archive is None:
                self._archive = open_archive(self._url, create=True)
            return question(self._archive)
        except StoreError:
            self._drop()
            raise

    def _drop(self) -> None:
        archive, self._archive = self._archive, None
        if archive:
            archive.close()
