"""The bundled corpus: what the offline research reads when the user brings no documents.

The extractive writer quotes single sentences, so a document must be plain text of a readable size, with headings that
say what a passage is about, and with sentences that are its own.
"""

import re
from collections import Counter
from itertools import chain
from pathlib import Path

import pytest

CORPUS = Path(__file__).parents[2] / "scr" / "apps" / "research" / "corpus"
DOCUMENTS = sorted(CORPUS.glob("*.md"))
LONG_SENTENCE_WORDS = 8
REGISTRY = re.compile(
    r"pypi\.org|pythonhosted\.org|npmjs\.|crates\.io|hex\.pm|rubygems\.org|proxy\.golang\.org|ghcr\.io"
)
MACHINE_PATH = re.compile(r"/(?:home|root|work|tmp|Users)/")
BARE_PRONOUN = re.compile(r"^(?:It|Its|This|That|These|Those|They|Their|He|She)\b")

each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8")


def headings(text: str, level: int) -> list[str]:
    marks = "#" * level
    return [line.removeprefix(marks).strip() for line in text.splitlines() if re.match(rf"{marks} \S", line)]


def sentences(text: str) -> list[str]:
    """Return the prose of a document, sentence by sentence; a list item counts as a paragraph of its own."""
    prose = "\n".join("" if line.startswith("#") else line for line in text.splitlines())
    paragraphs = re.split(r"\n\s*\n|\n(?=- )", prose)
    joined = (" ".join(paragraph.split()).removeprefix("- ") for paragraph in paragraphs)
    return [s for paragraph in joined for s in re.split(r"(?<=[.!?:]) (?=[A-Z`\"])", paragraph) if s]


def wording(sentence: str) -> str:
    """Return the words alone, so that a changed comma does not hide a copied sentence."""
    return " ".join(re.findall(r"[a-z0-9]+", sentence.lower()))


def test_the_corpus_is_large_enough_to_research_from():
    assert len(DOCUMENTS) >= 20


def test_the_corpus_holds_only_markdown_with_kebab_case_names():
    strangers = [p.name for p in CORPUS.iterdir() if not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*\.md", p.name)]
    assert strangers == []


@each_document
def test_a_document_is_utf8_of_readable_size(path: Path):
    assert 300 <= len(text_of(path).split()) <= 900


@each_document
def test_a_document_opens_with_its_only_title(path: Path):
    text = text_of(path)
    assert text.startswith("# ")
    assert len(headings(text, 1)) == 1


@each_document
def test_a_document_has_at_least_three_sections_with_names_of_their_own(path: Path):
    sections = headings(text_of(path), 2)
    assert len(sections) >= 3
    assert len(sections) == len(set(sections))


@each_document
def test_no_section_is_empty(path: Path):
    bodies = re.split(r"^## .*$", text_of(path), flags=re.MULTILINE)[1:]
    assert all(len(sentences(body)) >= 2 for body in bodies)


@each_document
def test_lines_fit_a_terminal(path: Path):
    assert [line for line in text_of(path).splitlines() if len(line) > 120 or line != line.rstrip()] == []


@each_document
def test_a_document_names_no_registry_and_no_path_of_a_machine(path: Path):
    text = text_of(path)
    assert not REGISTRY.search(text)
    assert not MACHINE_PATH.search(text)


@each_document
def test_a_sentence_can_be_quoted_alone(path: Path):
    own = sentences(text_of(path))
    assert [s for s in own if BARE_PRONOUN.match(s)] == []
    assert [s for s in own if len(s.split()) > 40] == []


def test_no_long_sentence_stands_twice_in_the_corpus():
    every = chain.from_iterable({wording(s) for s in sentences(text_of(path))} for path in DOCUMENTS)
    within = chain.from_iterable(
        [w for w, n in Counter(map(wording, sentences(text_of(path)))).items() if n > 1] for path in DOCUMENTS
    )
    counted = Counter(w for w in every if len(w.split()) >= LONG_SENTENCE_WORDS)
    assert [w for w, n in counted.items() if n > 1] == []
    assert [w for w in within if len(w.split()) >= LONG_SENTENCE_WORDS] == []


def test_every_title_is_different():
    titles = Counter(chain.from_iterable(headings(text_of(path), 1) for path in DOCUMENTS))
    assert [title for title, n in titles.items() if n > 1] == []
