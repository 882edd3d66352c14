"""The phrasebook among the data sets, as text files, and on the command line."""

import pytest

import unrolled.data
from unrolled.cli import main
from unrolled.data import phrasebook
from unrolled.errors import DataError

FILES = [f"{part}.{side}" for part in phrasebook.PARTS for side in ("en", "ja")]


def test_text_files(tmp_path):
    folder = phrasebook.export(tmp_path / "new" / "pairs", seed=3, size=2000)
    assert sorted(file.name for file in folder.iterdir()) == sorted(FILES)
    book = phrasebook.load(3, 2000)
    for part in phrasebook.PARTS:
        sides = [(folder / f"{part}.{side}").read_text(encoding="utf-8").splitlines() for side in ("en", "ja")]
        assert list(zip(*sides, strict=True)) == list(getattr(book, part))


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "dev.ja").write_text("mine")
    with pytest.raises(DataError, match=r"dev\.ja' is there already, and is not overwritten; give another folder"):
        phrasebook.export(tmp_path, size=2000)
    assert [file.name for file in tmp_path.iterdir()] == ["dev.ja"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "pairs").touch()
    with pytest.raises(DataError, match="is a file, and the phrasebook is eight of them; give the name of a folder"):
        phrasebook.export(tmp_path / "pairs")


def test_the_command_writes_it_and_lists_it(tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["data", "export", "phrasebook", str(tmp_path / "pairs")])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"{tmp_path / 'pairs'}\n"
    assert (tmp_path / "pairs" / "train.ja").read_text(encoding="utf-8").count("\n") == 18_000
    with pytest.raises(SystemExit):
        main(["data", "list"])
    assert "phrasebook: Sentences in English and Japanese" in capsys.readouterr().out


def test_it_is_no_table():
    with pytest.raises(
        DataError, match=r"a corpus of sentences, not a table; take unrolled\.data\.phrasebook\.load\(\)"
    ):
        unrolled.data.load("phrasebook")
    with pytest.raises(DataError, match="no data set is named 'phrasbook'; nearest: 'phrasebook'"):
        unrolled.data.load("phrasbook")
