from __future__ import annotations

import os

import pytest

from scr.apps.research.text.documents import ReadingLimits, Skipped, check_documents, read_folder, tally
from scr.errors import InvalidDocuments


def reasons(library):
    return {skip.path: skip.reason for skip in library.skipped}


def test_documents_of_all_kinds_are_read_in_order_of_their_paths(write):
    folder = write({"b.md": "b", "a/z.txt": "z", "a/b.rst": "b", "c.html": "<p>c", "d.py": "no", "e.MD": "e"})
    assert [document.path for document in read_folder(folder).documents] == [
        "a/b.rst",
        "a/z.txt",
        "b.md",
        "c.html",
        "e.MD",
    ]


def test_a_binary_a_large_and_an_empty_file_are_skipped_with_their_reasons(write):
    folder = write({"ok.md": "text", "image.txt": b"\x89PNG\0\0", "large.md": "x" * 200, "empty.md": " \n"})
    library = read_folder(folder, ReadingLimits(file_bytes_max=100))
    assert reasons(library) == {"image.txt": "binary", "large.md": "larger than 0.0001 MB", "empty.md": "empty"}
    assert tally(library.skipped) == "3 files skipped: 1 binary, 1 empty, 1 larger than 0.0001 MB"


def test_a_large_file_is_not_read_into_memory(write):
    folder = write({"ok.md": "text", "large.md": "x"})
    os.truncate(folder / "large.md", 200_000_000)
    assert reasons(read_folder(folder)) == {"large.md": "larger than 5 MB"}


def test_one_broken_character_is_replaced_and_the_document_kept(write):
    folder = write({"latin.md": ("word " * 50).encode() + b"caf\xe9"})
    assert read_folder(folder).documents[0].text.endswith("caf\ufffd")


def test_a_file_that_is_not_utf_8_at_all_is_skipped(write):
    folder = write({"ok.md": "text", "greek.txt": "Πάντα ρεῖ".encode("iso8859-7", errors="replace")})
    assert reasons(read_folder(folder)) == {"greek.txt": "not UTF-8"}


def test_links_are_not_followed_so_that_loops_and_the_outside_stay_out(write, tmp_path):
    folder = write({"ok.md": "text", "sub/deep.md": "text"})
    (tmp_path / "outside.md").write_text("secret")
    (folder / "loop").symlink_to(folder)
    (folder / "sub" / "up").symlink_to("..")
    (folder / "link.md").symlink_to(tmp_path / "outside.md")
    library = read_folder(folder)
    assert [document.path for document in library.documents] == ["ok.md", "sub/deep.md"]
    assert reasons(library) == {"link.md": "a symbolic link"}


def test_a_pipe_with_the_name_of_a_document_does_not_hang_the_reader(write):
    folder = write({"ok.md": "text"})
    os.mkfifo(folder / "pipe.md")
    assert reasons(read_folder(folder)) == {"pipe.md": "not a regular file"}


def test_an_unreadable_file_is_skipped(write, monkeypatch):
    folder = write({"ok.md": "text", "shut.md": "text"})
    opened = os.open

    def refuse(path, flags, *rest):
        if str(path).endswith("shut.md"):
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, flags, *rest)

    monkeypatch.setattr("scr.apps.research.text.documents.os.open", refuse)
    assert reasons(read_folder(folder)) == {"shut.md": "not readable"}


def test_what_lies_beyond_the_limits_of_a_run_is_skipped_and_counted(write):
    folder = write({f"{n}.md": "x" * 10 for n in range(5)})
    assert len(read_folder(folder, ReadingLimits(files_max=3)).skipped) == 2
    skipped = read_folder(folder, ReadingLimits(total_bytes_max=25)).skipped
    assert [skip.path for skip in skipped] == ["2.md", "3.md", "4.md"]


def test_a_name_that_is_not_utf_8_can_be_told(write):
    folder = write({"ok.md": "text"})
    with open(os.fsencode(folder) + b"/\xff.md", "wb") as file:
        file.write(b"text")
    assert {document.path for document in read_folder(folder).documents} == {"ok.md", "?.md"}


def test_line_ends_of_all_systems_count_the_same(write):
    folder = write({"a.md": b"one\r\ntwo\rthree\nfour"})
    assert read_folder(folder).documents[0].text == "one\ntwo\nthree\nfour"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("missing", "there is no folder"),
        ("file.md", "is a file, not a folder"),
        ("empty", "holds no readable document"),
    ],
)
@pytest.mark.parametrize("use", [read_folder, check_documents])
def test_a_folder_that_cannot_be_used_is_refused_in_one_sentence(write, tmp_path, use, name, sentence):
    write({"file.md": "text"}, folder=".")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidDocuments, match=sentence) as caught:
        use(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_folder_of_skipped_files_only_says_why(write):
    with pytest.raises(InvalidDocuments, match="1 file skipped: 1 binary"):
        read_folder(write({"a.md": b"\0"}))


def test_nothing_skipped_is_not_mentioned():
    assert tally(()) == ""
    assert tally((Skipped(path="a", reason="binary"),)) == "1 file skipped: 1 binary"


def test_a_folder_is_checked_by_its_first_document_and_refused_in_the_words_of_the_reader(write, monkeypatch):
    folder = write({"a.md": b"\0binary", "b.md": "# Read", "c.md": "# Not read"})
    opened = []
    really = os.open
    monkeypatch.setattr(os, "open", lambda path, *rest, **more: opened.append(path.name) or really(path, *rest, **more))
    check_documents(folder)
    assert opened[-1] != "a.md", "it went on past what is no document"
    assert set(opened) < {"a.md", "b.md", "c.md"}, "and stopped at the first that is one"
    for name in ("b.md", "c.md"):
        (folder / name).unlink()
    with pytest.raises(InvalidDocuments) as reading:
        read_folder(folder)
    with pytest.raises(InvalidDocuments) as checking:
        check_documents(folder)
    assert str(checking.value) == str(reading.value)
