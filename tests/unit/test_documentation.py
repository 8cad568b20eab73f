"""What the pages of `scr/docs` and the README refer to exists, and the pages are installed."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import scr

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "scr" / "docs"
PAGES = [ROOT / "README.md", *sorted((ROOT / ".github").rglob("*.md")), *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)]*))?\)")
NAMED = re.compile(r"`((?:tests|scr|scripts)/[\w./-]+)(?:::(test_\w+))?`|`::(test_\w+)`")


def anchors(page):
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def names(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_link_leads_to_a_page_or_a_heading_that_exists(page):
    for target, anchor in LINK.findall(page.read_text()):
        place = (page.parent / target).resolve() if target else page
        assert place.exists(), target
        assert not anchor or anchor in anchors(place), anchor


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_file_and_every_test_that_is_named_exists(page):
    path = None
    for named, test, further in NAMED.findall(page.read_text()):
        path = ROOT / named if named else path
        assert path.exists(), named
        if test or further:
            assert f"def {test or further}(" in path.read_text(), (path, test or further)


def test_every_promise_that_the_code_cites_is_defined_with_its_tests():
    page = (DOCS / "promises.md").read_text()
    sections = dict(re.findall(r"^## (I\d+)\. (.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    assert list(sections) == [f"I{number}" for number in range(1, 19)]
    assert [name for name, section in sections.items() if "::test_" not in section] == []
    sources = " ".join(path.read_text() for path in (ROOT / "scr").rglob("*.py") if "corpus" not in path.parts)
    assert {cited for group in re.findall(r"\((I\d+(?:, I\d+)*)\)", sources) for cited in group.split(", ")} <= set(
        sections
    )


def test_the_index_leads_to_every_page_that_no_folder_of_its_own_lists():
    told = {(DOCS / target).resolve() for target, _ in LINK.findall((DOCS / "index.md").read_text())}
    listed = {
        (DOCS / "decisions" / target).resolve()
        for target, _ in LINK.findall((DOCS / "decisions" / "index.md").read_text())
    }
    own = [
        page
        for page in DOCS.rglob("*.md")
        if page.parent.name != "guides" and page.name not in {"index.md", "tutorial.md"}
    ]
    assert [page for page in own if page not in told | listed] == []


def test_a_page_is_short_enough_to_be_read():
    assert [names(page) for page in PAGES if len(page.read_text().splitlines()) > 300] == []


def test_the_pages_are_in_the_wheel(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    installed = set(zipfile.ZipFile(wheel).namelist())
    assert {page.relative_to(ROOT).as_posix() for page in DOCS.rglob("*.md")} <= installed


def test_the_site_has_every_page_with_links_that_work_and_every_public_name(tmp_path):
    site = tmp_path / "site"
    subprocess.run([sys.executable, ROOT / "scripts" / "docs_site.py", site], check=True, capture_output=True)
    built = [page.relative_to(DOCS).with_suffix(".html") for page in DOCS.rglob("*.md")]
    assert [page for page in built if not (site / page).exists()] == []
    for page in built:
        text = (site / page).read_text()
        for target, anchor in re.findall(r'(?:href|src)="(?!https?:)([^"#]*)#?([^"]*)"', text):
            place = (site / page).parent / target if target else site / page
            assert place.exists(), (page, target)
            assert not anchor or f'id="{anchor}"' in place.read_text(), (page, anchor)
    reference = (site / "api" / "scr.html").read_text()
    assert [name for name in scr.__all__ if f'id="{name}"' not in reference] == []
