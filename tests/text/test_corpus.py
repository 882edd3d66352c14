"""Aligned text: what ends a line, what a pair is, and what is refused, in one line with its number."""

import codecs
import os
from pathlib import Path

import numpy as np
import pytest

from unrolled.errors import DataError
from unrolled.text import lines
from unrolled.text.corpus import Corpus
from unrolled.text.lines import TextFile


@pytest.fixture
def write(tmp_path: Path):
    """Writes bytes or text to a file of a name, and gives its path."""

    def write(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def refused(*files, match: str) -> None:
    with pytest.raises(DataError, match=match) as error:
        Corpus.open(*files, name="train")
    assert "\n" not in str(error.value)


def test_only_newlines_end_a_line(write):
    text = "one\u2028two\r\nthree\u2029\x85four\x0b\x0c\x1c\x1d\x1efive\nlast"
    file = TextFile(write("a", text))
    assert list(file) == ["one\u2028two", "three\u2029\x85four\x0b\x0c\x1c\x1d\x1efive", "last"]
    assert file[-1] == "last"
    assert file[:2] == list(file)[:2]
    with pytest.raises(IndexError):
        file[3]


def test_a_pair_is_composed_and_without_whitespace_at_its_ends(write):
    source = write("a", codecs.BOM_UTF8 + " cafe\u0301\u3000\r\nか\u3099\r\n".encode())
    target = write("b", "\tコーヒー \n\n")
    corpus = Corpus.open(source, target, name="train")
    assert len(corpus) == 2
    assert list(corpus) == [("caf\u00e9", "コーヒー"), ("\u304c", "")]
    assert corpus.raw(0)[0].startswith(" cafe\u0301")


def test_lines_across_chunks_are_whole(write, monkeypatch):
    monkeypatch.setattr(lines, "_CHUNK", 5)
    sentences = ["あいうえお", "", "x" * 13, "短い", "end"]
    assert list(TextFile(write("a", "\n".join(sentences)))) == sentences
    with pytest.raises(DataError, match=r"line 2: the byte 0xE3 isn't UTF-8"):
        TextFile(write("b", "あいうえお\n".encode() + b"abc\xe3\x81"))


def test_some_pairs_share_the_text_and_keep_their_line():
    corpus = Corpus(list("abcd"), list("efgh"), name="letters")
    part = corpus.take([3, 1]).take([0])
    assert (list(part), part.line(0)) == ([("d", "h")], 4)
    assert corpus.pairs([2, 0]) == [("c", "g"), ("a", "e")]
    assert list(corpus.sample(2)) == [("a", "e"), ("d", "h")]


def test_tabs_separate_source_and_target(write):
    corpus = Corpus.open(write("a.tsv", "hello\tやあ\r\nbye\tじゃあ\n"), name="train")
    assert list(corpus) == [("hello", "やあ"), ("bye", "じゃあ")]
    assert corpus.notes == []
    three = Corpus.open(write("b.tsv", "hello\tやあ\tby Tom\nbye\tじゃあ\tby Ann\n"), name="train")
    assert list(three) == list(corpus)
    assert three.notes[0].endswith("has 3 columns: the first is the source, the second the target.")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("hello\n", "line 1 has no tab; .*two files"),
        ("a\tb\nhello\n", "line 2 has no tab where line 1 has 2 columns; mend the line"),
        ("a\tb\na\tb\tc\n", "line 2 has 3 columns where line 1 has 2 columns"),
        ("a\t\nb\t \n", "column 2 is empty in every line"),
    ],
)
def test_a_bad_table_is_refused(write, content, match):
    refused(write("a.tsv", content), match=match)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "is empty; give a text"),
        (b"\n \r\n\t\n", "has 3 lines, and all are blank"),
        (codecs.BOM_UTF8, "is empty"),
        ("hello\n".encode("utf-16"), "the text is UTF-16, not UTF-8; .*iconv -f UTF-16 -t UTF-8 a > utf8-a"),
        ("hello you\n".encode("utf-16-le"), "the text is UTF-16LE"),
        ("hello\n".encode("utf-32"), "the text is UTF-32"),
        (b"one\ntwo\nth\0ree\n", "line 3: a zero byte"),
        ("one\nここは東京です\n".encode("cp932"), r"line 2: the byte 0x82 isn't UTF-8; .*SHIFT_JIS"),
        ("one\nここは東京です\n".encode("euc-jp"), r"line 2: the byte 0xA4 isn't UTF-8; .*EUC-JP"),
        ("one\ntwo\na café here\n".encode("latin-1"), r"line 3: the byte 0xE9 isn't UTF-8; .*WINDOWS-1252"),
        ("one\n東".encode()[:-1], "line 2: the byte 0xE6 isn't UTF-8"),
        (b"one\rtwo\rthree\r", "end in a carriage return alone"),
        (b"one\n" + b"x" * (1 << 20) + b"\nthree\n", "line 2 has 1,048,577 bytes, and 1,048,576 are the most"),
        (b"one\n" + b"x" * (6 << 20), "line 2 has more than 1,048,576 bytes"),
    ],
)
def test_a_bad_file_is_refused(write, content, match):
    refused(write("a", content), write("b", "one\ntwo\nthree\n"), match=match)


def test_what_is_no_file_is_refused(write, tmp_path):
    good = write("good", "one\n")
    refused(good, tmp_path / "none", match="can't read .*none: no such file")
    refused(good, tmp_path, match="is a folder")
    refused(good, good, match="given as source and as target")
    refused(good, "a\0b", match="can't read")
    os.mkfifo(tmp_path / "pipe")
    refused(good, tmp_path / "pipe", match="is not a plain file")


def test_a_changed_file_is_noticed(write):
    path = write("a", "one\ntwo\n")
    file = TextFile(path)
    path.write_text("one\ntwo\nthree\n")
    with pytest.raises(DataError, match="was changed while it was in use"):
        file[0]


def test_unequal_lists_are_refused():
    with pytest.raises(DataError, match="the train has 2 sources and 1 targets"):
        Corpus(["a", "b"], ["c"], name="train")
    with pytest.raises(DataError, match="the train has no sentences"):
        Corpus([], [], name="train")


@pytest.fixture
def sides() -> tuple[list[str], list[str]]:
    """Sentences whose lengths go together."""
    random = np.random.default_rng(0)
    sizes = random.integers(5, 60, 500)
    return ["x" * int(n) for n in sizes], ["y" * int(1.5 * n + random.integers(5)) for n in sizes]


def test_where_files_drift_apart_is_told(write, sides):
    source, target = sides
    a = write("a", "\n".join(source) + "\n")
    refused(a, write("b", "\n".join(target[:200] + target[201:]) + "\n"), match=r"500 lines .* 499; .*line 20[0-2]")
    refused(
        a, write("b", "\n".join(target[:100] + target[110:])), match=r"490; .*near line (99|10[0-3]), .*/a seems to"
    )
    refused(write("c", "\n".join(source[:90])), write("b", "\n".join(target[:94])), match=r"90 .* 94; .* cut off")
    refused(a, write("b", "\n".join(target) + "\n\n\n"), match="500 lines .* 502: the last 2 lines of .*b are blank")
    shuffled = np.random.default_rng(1).permutation(target[:450]).tolist()
    refused(a, write("b", "\n".join(shuffled)), match=r"450; line i of one must translate line i of the other")
