"""The documents in a folder: what is read, what is skipped and why.

A thin shell over the file system, deterministic (sorted by path) and bounded:
no file of this folder can make a reader hang (a FIFO), run out of the folder (a
symbolic link) or fill the memory (a large file).
"""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, TypeVar

from scr.errors import InvalidDocuments
from scr.values import Frozen

SUFFIXES = (".md", ".txt", ".rst", ".html")
BINARY_SAMPLE_BYTES = 8192
REPLACED_SHARE_MAX = 0.02
TOLD_EVERY = 10


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """How much of a folder is read; what lies beyond is skipped with its reason."""

    file_bytes_max: int = 5_000_000
    total_bytes_max: int = 64_000_000
    files_max: int = 5000
    depth_max: int = 32


class Skipped(Frozen):
    """A file that was not read.  `reason` completes the sentence "it is …"."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Document:
    """One readable file.  `path` is relative to the folder, with slashes; lines end in a line feed."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Library:
    """What one folder holds."""

    documents: tuple[Document, ...]
    skipped: tuple[Skipped, ...]


Tell: TypeAlias = Callable[[int, int, str], object]
"""Told how many of how many documents are done, and what is done with them."""
T = TypeVar("T")


def tell_nothing(_done: int, _total: int, _what: str) -> None:
    """Tell nothing."""


def each_told(items: Sequence[T], tell: Tell, what: str) -> Iterator[T]:
    """Yield the items one by one; with every tenth, tell how many are done."""
    for number, item in enumerate(items):
        if number and number % TOLD_EVERY == 0:
            tell(number, len(items), what)
        yield item


def read_folder(folder: Path, limits: ReadingLimits | None = None, tell: Tell = tell_nothing) -> Library:
    """Read every document below `folder`.

    Raises InvalidDocuments when the folder is missing, unreadable or holds nothing to read.
    """
    limits = limits or ReadingLimits()
    check_folder(folder)
    documents: list[Document] = []
    skipped: list[Skipped] = []
    total_bytes = 0
    for parts in each_told(sorted(_candidates(folder, limits, skipped)), tell, "opening documents"):
        path, name = _place(folder, parts)
        if len(documents) >= limits.files_max:
            skipped.append(Skipped(path=name, reason=f"beyond the first {limits.files_max} files"))
            continue
        text, reason = _read(path, limits.file_bytes_max)
        if not reason and total_bytes + len(text) > limits.total_bytes_max:
            reason = f"beyond the first {_megabytes(limits.total_bytes_max)}"
        if reason:
            skipped.append(Skipped(path=name, reason=reason))
        else:
            total_bytes += len(text)
            documents.append(Document(name, text))
    if not documents:
        raise InvalidDocuments(_nothing(folder, tuple(skipped)))
    return Library(tuple(documents), tuple(sorted(skipped, key=lambda skip: (skip.path, skip.reason))))


def check_documents(folder: Path) -> None:
    """Raises InvalidDocuments as `read_folder` would; reads no more than it takes to find one document."""
    check_folder(folder)
    limits, skipped = ReadingLimits(), list[Skipped]()
    for parts in _candidates(folder, limits, skipped):
        path, name = _place(folder, parts)
        _, reason = _read(path, limits.file_bytes_max)
        if not reason:
            return
        skipped.append(Skipped(path=name, reason=reason))
    raise InvalidDocuments(_nothing(folder, tuple(skipped)))


def check_folder(folder: Path) -> None:
    """Raises InvalidDocuments, with what to do, unless `folder` is a directory that can be listed."""
    try:
        with os.scandir(folder) as entries:
            next(iter(entries), None)
    except FileNotFoundError as error:
        raise InvalidDocuments(f"there is no folder {str(folder)!r}: name one that holds documents") from error
    except NotADirectoryError as error:
        raise InvalidDocuments(f"{str(folder)!r} is a file, not a folder: name the folder that it is in") from error
    except (OSError, ValueError) as error:
        raise InvalidDocuments(f"the folder {str(folder)!r} cannot be read ({error}): check its permissions") from error


def tally(skipped: tuple[Skipped, ...]) -> str:
    """One clause for people: "3 files skipped: 2 binary, 1 larger than 5 MB"; empty when none was."""
    if not skipped:
        return ""
    counts = sorted(Counter(skip.reason for skip in skipped).items(), key=lambda item: (-item[1], item[0]))
    files = "1 file" if len(skipped) == 1 else f"{len(skipped)} files"
    return f"{files} skipped: {', '.join(f'{count} {reason}' for reason, count in counts)}"


def _nothing(folder: Path, skipped: tuple[Skipped, ...]) -> str:
    why = f" ({tally(skipped)})" if skipped else ""
    return f"the folder {str(folder)!r} holds no readable document{why}: put {', '.join(SUFFIXES)} files into it"


def _candidates(folder: Path, limits: ReadingLimits, skipped: list[Skipped]) -> Iterator[tuple[str, ...]]:
    """Every file with a known suffix, as the parts of its path below the folder; links are never followed."""

    def unreadable(error: OSError) -> None:
        _, name = _place(folder, Path(str(error.filename)).relative_to(folder).parts)
        skipped.append(Skipped(path=name, reason="in a folder that is not readable"))

    for parent, folders, files in os.walk(folder, onerror=unreadable, followlinks=False):
        above = Path(parent).relative_to(folder).parts
        is_deep = len(above) >= limits.depth_max
        folders[:] = [] if is_deep else sorted(name for name in folders if not name.startswith("."))
        yield from ((*above, file) for file in files if file[file.rfind(".", 1) :].lower() in SUFFIXES)


def _place(folder: Path, parts: Sequence[str]) -> tuple[Path, str]:
    """Where a file is, and its name for people: relative to the folder, with slashes."""
    return folder.joinpath(*parts), "/".join(parts).encode(errors="replace").decode()


def _read(path: Path, bytes_max: int) -> tuple[str, str]:
    """The text of one file and an empty reason, or no text and the reason why."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return "", "not a regular file"
            if status.st_size > bytes_max:
                return "", f"larger than {_megabytes(bytes_max)}"
            data = file.read(bytes_max + 1)
    except OSError as error:
        return "", "a symbolic link" if error.errno == errno.ELOOP else "not readable"
    return _decode(data)


def _decode(data: bytes) -> tuple[str, str]:
    """Broken characters are replaced as long as they are few: one bad byte must not cost a whole document."""
    if b"\0" in data[:BINARY_SAMPLE_BYTES]:
        return "", "binary"
    text = data.decode("utf-8-sig", errors="replace")
    if text.count("\ufffd") > REPLACED_SHARE_MAX * len(text):
        return "", "not UTF-8"
    if not text.strip():
        return "", "empty"
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", " "), ""


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1_000_000:g} MB"
