"""What the three readers of markup make of a document: prose with line numbers, and the titles above it."""

from __future__ import annotations

import pytest

from scr.apps.research.text import markdown, restructured, webpage


def told(blocks):
    """(first line, titles, text, is an item) of each block."""
    return [
        (block.lines[0][0], [h.title for h in block.headings], " ".join(text for _, text in block.lines), block.item)
        for block in blocks
    ]


MARKDOWN = """\
---
title: not prose
---
# Top *title*

A **bold** [link
over lines](http://example.org/a_(b)) and `code`.
Second line, ![image](x.png)with an <b>html</b> tag &amp; an entity.

Setext title
------------

- first item
  goes on
- [x] second item

1. numbered

```python
never = "prose"
```

    indented code

| a | b |
|---|---|
| 1 | 2 |

<!-- a comment
over lines -->
> quoted text [^1]

:::{note}
Prose in a note.
:::

[ref]: http://example.org
## Second level
snake_case_name stays and 2 * 3 * 4 too.
"""


def test_markdown_gives_prose_under_its_titles_with_the_right_lines():
    top, setext, second = ["Top title"], ["Top title", "Setext title"], ["Top title", "Second level"]
    assert told(markdown.parse(MARKDOWN)) == [
        (6, top, "A bold link over lines and code. Second line, with an html tag & an entity.", False),
        (13, setext, "first item goes on", True),
        (15, setext, "second item", True),
        (17, setext, "numbered", True),
        (31, setext, "quoted text", False),
        (34, setext, "Prose in a note.", False),
        (39, second, "snake_case_name stays and 2 * 3 * 4 too.", False),
    ]


def test_a_markdown_link_over_two_lines_keeps_the_lines_of_its_words():
    (block,) = markdown.parse("One [two\nthree](x) four\nfive")
    assert block.lines == ((1, "One two"), (2, "three four"), (3, "five"))


RST = """\
=====
Title
=====

First paragraph with :class:`~a.b.Name`, ``code`` and a `link <http://example.org>`_.
It ends with a colon::

    literal block = 1

Section
-------

.. note:: Prose of the note
   goes on here.

.. code-block:: python

   never = "prose"

.. function:: f(x)
   :noindex:

   What f does.

.. a comment
   over lines

term
    Definition of the term.

* item one
* item two
  continued

:param x: what x is

>>> doctest()
output

===== =====
a     b
===== =====
1     2
===== =====

Last |sub| paragraph [1]_.
"""


def test_restructured_text_gives_prose_under_its_titles_with_the_right_lines():
    section = ["Title", "Section"]
    assert told(restructured.parse(RST)) == [
        (5, ["Title"], "First paragraph with Name, code and a link. It ends with a colon:", False),
        (13, section, "Prose of the note goes on here.", False),
        (23, section, "What f does.", False),
        (28, section, "term", False),
        (29, section, "Definition of the term.", False),
        (31, section, "item one", True),
        (32, section, "item two continued", True),
        (35, section, "what x is", True),
        (46, section, "Last sub paragraph .", False),
    ]


def test_plain_text_is_split_at_blank_lines():
    assert told(restructured.parse("One\ntwo\n\nthree")) == [(1, [], "One two", False), (4, [], "three", False)]


HTML = """\
<html><head><title>no</title><style>p {}</style></head>
<body>
<nav><p>Navigation</p></nav>
<h1>Top <em>title</em><a class="headerlink" href="#x">¶</a></h1>
<p>First <b>bold</b>
and &lt;second&gt; line.</p>
<script>never("prose")</script>
<ul><li>one item</li><li><p>another item</p></li></ul>
<pre>code</pre>
<h2>Section</h2>
<div class="sphinxsidebar"><p>Sidebar</p></div>
<p>Unclosed
<p>Last
<footer>Copyright</footer>
</body></html>
"""


def test_html_gives_what_a_reader_sees_with_the_right_lines():
    assert told(webpage.parse(HTML)) == [
        (5, ["Top title"], "First bold and <second> line.", False),
        (8, ["Top title"], "one item", True),
        (8, ["Top title"], "another item", True),
        (12, ["Top title", "Section"], "Unclosed", False),
        (13, ["Top title", "Section"], "Last", False),
    ]


def test_of_a_page_with_a_main_part_only_that_is_read():
    page = "<body><p>Before</p><main><p>Middle</p></main><p>After</p></body>"
    assert [text for _, _, text, _ in told(webpage.parse(page))] == ["Middle"]


@pytest.mark.parametrize("reader", [markdown.parse, restructured.parse, webpage.parse])
@pytest.mark.parametrize("text", ["", "\n\n", "```", "# ", "<", "<p", "<!--", ".. ", "===", "[x](", "*" * 50, "`" * 7])
def test_broken_markup_is_read_as_far_as_it_goes(reader, text):
    for block in reader(text):
        assert all(number >= 1 for number, _ in block.lines)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("reader", [markdown.parse, restructured.parse, webpage.parse])
@pytest.mark.parametrize(
    "unit", ["*a ", "[", "[a](", "`a ", "_a ", "**a ", "<a ", "<!--", "<![", "&amp;", "<b>", ":a:`", "|a ", "{#", "!["]
)
def test_no_document_keeps_a_reader_busy_for_ever(reader, unit):
    reader(unit * 60_000)
    reader((unit * 20 + "\n") * 3_000)


def test_a_comment_over_lines_moves_no_line():
    page = "<p>one</p><!-- a <!-- b\n\n --><p>two</p>\n<!-- open\n <p>three</p>"
    assert [(line, text) for line, _, text, _ in told(webpage.parse(page))] == [(1, "one"), (3, "two")]


def test_text_after_the_last_tag_is_read():
    assert [text for _, _, text, _ in told(webpage.parse("<p>one <b>two</b> three"))] == ["one two three"]
