"""Questions over a folder, as a person asks them: what stands on standard output is true of the folder."""

import pytest

PONDS = "# Ponds\n\nA pond is a body of water. Ponds freeze in winter because the wind does not move the water.\n"
PAGE = """\
<html><body><section class="wy-nav-content-wrap"><div role="main"><h1>Widget</h1>
<p>A failed upload of the widget is retried nine times.</p></div></section></body></html>
"""


@pytest.fixture
def ask(scr, tmp_path):
    """Run a question over documents (name -> text) to its end."""

    def run(question, documents):
        folder = tmp_path / "docs"
        folder.mkdir()
        for name, text in documents.items():
            (folder / name).write_text(text)
        return scr("run", question, "--docs", str(folder), "--workers", "1")

    return run


def test_the_words_of_a_page_whose_text_is_skipped_are_not_denied(ask):
    said = ask("How many times is a failed upload retried?", {"one.html": PAGE})
    assert said.code == 3
    assert "No document mentions" not in said.out
    assert "1 document without readable text: `one.html`." in said.out


def test_an_unknown_word_does_not_refuse_the_rest_of_a_question(ask):
    said = ask("Why do ponds freeze in Reykjavik?", {"ponds.md": PONDS})
    assert said.code == 0
    assert "Ponds freeze in winter because the wind does not move the water. [1]" in said.out
    assert "No document mentions \u201creykjavik\u201d." in said.out
    assert "has evidence" not in said.out


def test_a_question_in_a_script_that_no_document_uses_is_refused_with_its_words(ask):
    question = "\u8fdb\u7a0b\u5982\u4f55\u5171\u4eab\u72b6\u6001"
    said = ask(question, {"ponds.md": PONDS, "code.md": "```\nrun()\n```\n"})
    assert said.code == 3
    assert f"do not answer this question.** No document mentions \u201c{question}\u201d." in said.out
    assert "2 documents (1 passage; 1 without readable text) read." in said.out
