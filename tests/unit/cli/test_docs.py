"""`scr docs`: the topics, one page, and topics that do not exist."""

import sys

import pytest

from scr.cli.commands.docs import FOLDER, chosen, topics
from scr.errors import InvalidInput


def test_every_page_is_listed_with_its_title_and_the_index_comes_first(scr):
    said = scr("docs")
    listed = [line.split()[0] for line in said.out.splitlines() if line][:-1]
    assert said.code == 0
    assert listed[0] == "index"
    assert sorted(listed) == sorted(
        page.relative_to(FOLDER).with_suffix("").as_posix() for page in FOLDER.rglob("*.md")
    )
    assert "promises" in listed
    assert "The promises, and the tests that defend each" in said.out


def test_programs_get_the_topics_with_their_paths(scr):
    found = scr("docs", "--json").json
    assert found["status"] == "done"
    assert {one["topic"]: one["path"] for one in found["topics"]} == {
        name: str(path) for name, path in topics().items()
    }
    assert all(one["title"] for one in found["topics"])


@pytest.mark.parametrize("topic", ["decisions/delivery", "delivery", "delivery.md"])
def test_a_page_is_markdown_where_stdout_is_no_terminal(scr, topic):
    said = scr("docs", topic)
    assert said.code == 0
    assert said.out == (FOLDER / "decisions" / "delivery.md").read_text()


def test_a_folder_stands_for_its_index(scr):
    assert scr("docs", "decisions").out == (FOLDER / "decisions" / "index.md").read_text()


def test_programs_get_a_page_as_one_object(scr):
    found = scr("docs", "promises", "--json").json
    assert (found["topic"], found["path"]) == ("promises", str(FOLDER / "promises.md"))
    assert found["text"] == (FOLDER / "promises.md").read_text()


def test_a_page_is_drawn_on_a_terminal(scr, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    said = scr("docs", "delivery")
    assert said.code == 0
    assert "Why at-least-once delivery" in said.out
    assert "**Decision.**" not in said.out


@pytest.mark.parametrize(
    ("topic", "near"), [("promisses", "promises"), ("delivrey", "delivery"), ("decison", "decisions")]
)
def test_an_unknown_topic_is_refused_with_the_nearest_ones(scr, topic, near):
    said = scr("docs", topic, "--json")
    assert said.code == 2
    assert said.json["status"] == "bad_input"
    assert said.json["error"].startswith(f"there is no topic {topic!r}; did you mean {near!r}")
    assert said.err.startswith("scr: there is no topic")


def test_a_topic_of_two_folders_must_be_named_whole():
    pages = {"guides/retries": FOLDER / "a.md", "reference/retries": FOLDER / "b.md"}
    with pytest.raises(InvalidInput, match="guides/retries, reference/retries"):
        chosen("retries", pages)
    assert chosen("guides/retries", pages) == ("guides/retries", FOLDER / "a.md")
