"""Each corpus by its own definition, from a server that has an archive of the same layout with a few pairs in it."""

import dataclasses
import gzip
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import unrolled.data
from unrolled.data import corpora
from unrolled.data.corpora import cache
from unrolled.errors import DataError, RunError, SettingsError
from unrolled.text.corpus import Corpus

ENJA = Path(os.environ.get("UNROLLED_DATA", "no such folder"), "enja")
LANGUAGES = {"kftt": "ja-en", "multi30k": "en-de", "tanaka-en-ja": "en-ja", "tatoeba-en-ja": "en-ja"}


@pytest.mark.parametrize("name", corpora.names())
class TestEach:
    def test_says_what_it_is_and_on_which_terms(self, name):
        about = corpora.describe(name)
        for field in dataclasses.fields(about):
            if field.name not in ("archive", "pairs", "sha256"):
                assert getattr(about, field.name), field.name
        for url in (about.url, about.homepage, about.licence_url):
            assert url.startswith("https://")
        assert about.url.endswith("/")
        assert name in repr(about)

    def test_has_every_language_in_every_part(self, name):
        about = corpora.describe(name)
        assert set(about.parts) in ({"train"}, {"train", "dev", "test"})
        assert all(set(texts) == set(about.languages) for texts in about.parts.values())

    def test_comes_from_where_nothing_changes_or_is_held_to_the_first_download(self, name):
        about = corpora.describe(name)
        single = {file for texts in about.parts.values() for file in texts.values()}
        assert set(about.sha256) == (set() if about.archive else single)
        assert all(re.fullmatch("[0-9a-f]{64}", known) for known in about.sha256.values())
        assert len(set(about.sha256.values())) == len(about.sha256)
        assert about.archive or re.search(rf"/{about.version}[0-9a-f]{{33}}/", about.url)

    def test_becomes_aligned_texts(self, name, serve, cached):
        about = serve(name)
        got = unrolled.data.corpus(name)
        assert got.about == about
        assert "-".join(got.languages) == LANGUAGES[name]
        for part in serve.pairs:
            texts = getattr(got, part)
            if part not in about.parts:
                assert texts is None
                continue
            assert [path.parent for path in texts] == [cached / f"{name}-{about.version}"] * 2
            assert [path.name for path in texts] == [f"{part}.{language}" for language in got.languages]
            assert [path.read_bytes() for path in texts] == [serve.text(part, language) for language in got.languages]
            assert len(Corpus.open(*texts)) == serve.pairs[part]

    def test_goes_the_other_way_as_well(self, name, serve):
        serve(name)
        source, target = LANGUAGES[name].split("-")
        got = corpora.corpus(name, f"{target}-{source}")
        assert got.languages == (target, source)
        assert [path.name for path in got.train] == [f"train.{target}", f"train.{source}"]

    def test_needs_the_network_only_once(self, name, serve, server):
        serve(name)
        first = corpora.corpus(name)
        asked = len(server.requests)
        assert asked == len(server.files) if name != "multi30k" else asked == 6
        server.status = 503
        assert corpora.corpus(name) == first
        assert len(server.requests) == asked

    def test_tells_how_far_it_is(self, name, serve, server):
        serve(name)
        said = []
        corpora.corpus(name, on_progress=lambda *words: said.append(words))
        ends = {file: done for file, done, _ in said}
        assert ends == {path.removeprefix("/"): len(server.files[path[1:]]) for path, _ in server.requests}

    def test_cut_off_goes_on(self, name, serve, server):
        serve(name)
        server.cut_after = 20
        with pytest.raises(DataError, match="the connection was cut off; run this again to go on from byte 20"):
            corpora.corpus(name)
        server.cut_after = None
        corpora.corpus(name)
        assert server.ranges_asked()[:2] == [None, "bytes=20-"]


@pytest.mark.parametrize("pair", ["en-fr", "de-cs", "fr-en"])
def test_multi30k_has_four_languages(serve, server, pair):
    serve("multi30k")
    got = corpora.corpus("multi30k", pair)
    assert [path.read_bytes() for path in got.test] == [serve.text("test", language) for language in pair.split("-")]
    assert len(server.requests) == 6


def test_a_third_language_brings_only_its_own_files(serve, server):
    serve("multi30k")
    corpora.corpus("multi30k", "en-de")
    corpora.corpus("multi30k", "en-fr")
    assert [path for path, _ in server.requests[6:]] == [
        "/train.fr.gz", "/val.fr.gz", "/test_2016_flickr.fr.gz",
    ]  # fmt: skip


@pytest.mark.skipif(
    not ENJA.is_dir(), reason="the Tanaka corpus is not there; UNROLLED_DATA names the folder of the data"
)
def test_the_known_checksums_are_those_of_the_tanaka_corpus():
    known = corpora.describe("tanaka-en-ja")
    assert known.sha256 == {name: hashlib.sha256((ENJA / name).read_bytes()).hexdigest() for name in known.sha256}
    for part, pairs in known.pairs.items():
        assert len(Corpus.open(ENJA / f"{part}.en", ENJA / f"{part}.ja")) == pairs


class TestWrong:
    def test_checksum(self, serve, server, cached):
        serve("multi30k")
        server.files["val.de.gz"] = gzip.compress(b"else\n")
        with pytest.raises(DataError, match=r"/val\.de\.gz has a wrong checksum: expected sha256 .*; it was removed$"):
            corpora.corpus("multi30k")
        left = {path.name for path in cached.rglob("*dev*")} | {path.name for path in cached.rglob("*val.de*")}
        assert left == set()

    def test_lengths(self, serve, cached):
        about = corpora.describe("tatoeba-en-ja")
        serve(
            "tatoeba-en-ja", {about.parts["train"]["ja"]: serve.text("train", "ja", 4) + b"no end of line\nbut a last"}
        )
        with pytest.raises(DataError) as failed:
            corpora.corpus("tatoeba-en-ja")
        assert str(failed.value) == (
            "tatoeba-en-ja isn't the corpus that is known here: train.en 5 lines and train.ja 6 lines, and each line "
            f"needs its translation; remove {cached / 'tatoeba-en-ja-v2023-04-12'} to download it again"
        )
        assert not list(cached.rglob("train*"))

    def test_layout(self, serve, server, cached):
        about = serve("kftt")
        server.files[about.archive] = serve.packed(about, {"kftt-data-2.0/text": b""})[about.archive]
        with pytest.raises(DataError, match=r"kftt-data-1\.0\.tar\.gz has no plain file 'kftt-data-1\.0/"):
            corpora.corpus("kftt")
        assert not list(cached.rglob("train*"))

    @pytest.mark.parametrize("name", ["kftt", "tatoeba-en-ja"])
    def test_a_page_instead_of_the_archive_is_held_to_by_nobody(self, serve, server, cached, name):
        about = serve(name)
        right, server.files[about.archive] = server.files[about.archive], b"<html>Log in to the network first</html>"
        with pytest.raises(DataError, match=r"is damaged: .*; remove it, and run this again$") as failed:
            corpora.corpus(name)
        server.files[about.archive] = right
        with pytest.raises(DataError, match="is damaged"):
            corpora.corpus(name)
        Path(str(failed.value).partition(" is damaged")[0]).unlink()
        assert corpora.corpus(name).train[0].read_bytes() == serve.text("train", about.languages[0])

    def test_name(self):
        with pytest.raises(DataError) as failed:
            corpora.corpus("multi30")
        assert str(failed.value) == "no corpus is named 'multi30'; nearest: 'multi30k'"

    def test_name_that_leads_elsewhere(self):
        with pytest.raises(DataError, match=r"no corpus is named '\.\./weather'"):
            corpora.describe("../weather")

    @pytest.mark.parametrize(
        ("languages", "says"),
        [
            ("en-xx", "multi30k has no language 'xx'; there are: en, de, fr, cs"),
            ("en-en", "'en-en' is one language twice; give another target"),
            ("en", "languages are written like 'en-de', source and target, got 'en'"),
            ("en-de-fr", "languages are written like 'en-de', source and target, got 'en-de-fr'"),
            (("en", "de"), "languages are written like 'en-de', source and target, got \"('en', 'de')\""),
        ],
    )
    def test_languages(self, languages, says, cached):
        with pytest.raises(SettingsError) as failed:
            corpora.corpus("multi30k", languages)
        assert str(failed.value) == says
        assert not cached.exists()


class TestCache:
    @pytest.mark.parametrize("change", [lambda p: p.write_bytes(b"edited\n"), Path.unlink])
    def test_a_text_that_has_changed_is_written_again(self, serve, server, change):
        serve("kftt")
        train = corpora.corpus("kftt").train[0]
        change(train)
        server.status = 503
        assert corpora.corpus("kftt").train[0].read_bytes() == serve.text("train", "ja")

    def test_whole_texts_do_without_the_archive(self, serve, server, cached):
        serve("kftt")
        corpora.corpus("kftt")
        (cached / "kftt-1.0" / "downloads" / "kftt-data-1.0.tar.gz").unlink()
        server.status = 503
        assert corpora.corpus("kftt").dev[1].read_bytes() == serve.text("dev", "en")

    def test_a_part_that_has_changed_needs_only_its_own_files(self, serve, server):
        serve("multi30k")
        got = corpora.corpus("multi30k")
        for file in got.train[0].parent.glob("downloads/val.*"):
            file.unlink()
        got.train[0].unlink()
        server.status = 503
        assert corpora.corpus("multi30k").train[0].read_bytes() == serve.text("train", "en")

    def test_whole_texts_are_read_where_nothing_can_be_written(self, serve, monkeypatch):
        serve("kftt")
        first = corpora.corpus("kftt")
        monkeypatch.setattr(corpora, "alone", None)  # nothing is to be locked, or written
        assert corpora.corpus("kftt") == first

    def test_a_text_without_its_checksum_does_not_count(self, serve, cached):
        serve("kftt")
        corpora.corpus("kftt")
        (cached / "kftt-1.0" / "train.ja").write_bytes(b"half a te")
        (cached / "kftt-1.0" / "train.ja.sha256").unlink()
        assert corpora.corpus("kftt").train[0].read_bytes() == serve.text("train", "ja")

    def test_what_came_first_is_said(self, serve, server):
        serve("kftt")
        archive = "kftt-data-1.0.tar.gz"
        assert corpora.corpus("kftt").trusted == {archive: hashlib.sha256(server.files[archive]).hexdigest()}
        serve("multi30k")
        assert corpora.corpus("multi30k").trusted == {}

    def test_an_archive_put_there_by_hand_is_taken(self, serve, server, cached):
        about = serve("kftt")
        place = cached / "kftt-1.0" / "downloads" / about.archive
        place.parent.mkdir(parents=True)
        place.write_bytes(server.files[about.archive])
        server.status = 503
        assert corpora.corpus("kftt").test[0].read_bytes() == serve.text("test", "ja")

    def test_a_file_in_its_place(self, serve, cached):
        serve("kftt")
        cached.write_text("no folder")
        with pytest.raises(RunError) as failed:
            corpora.corpus("kftt")
        assert str(failed.value) == f"can't write {cached / 'kftt-1.0'}: not a directory; check the path"

    def test_two_processes_at_once_download_once(self, serve, server):
        about = corpora.describe("tatoeba-en-ja")
        contents = {file: serve.text("train", language) for language, file in about.parts["train"].items()}
        server.files |= serve.packed(about, contents)
        server.stall = 0.5
        program = (
            "import dataclasses, sys; from unrolled.data import corpora; known = corpora.describe;"
            "corpora.describe = lambda name: dataclasses.replace(known(name), url=sys.argv[1]);"
            "print(corpora.corpus('tatoeba-en-ja').train[1].read_bytes().decode(), end='')"
        )
        words = [sys.executable, "-X", "utf8", "-c", program, server.url]
        both = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
        ended = [process.communicate(timeout=60) for process in both]
        assert ended == [(serve.text("train", "ja"), b"")] * 2
        assert len(server.requests) == 1


class TestFolder:
    def test_is_the_one_that_the_variable_names(self, monkeypatch, tmp_path):
        monkeypatch.setenv("UNROLLED_CACHE", str(tmp_path))
        assert cache() == tmp_path
        monkeypatch.setenv("UNROLLED_CACHE", "~/here")
        assert cache() == Path.home() / "here"
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("UNROLLED_CACHE", "here")
        assert cache() == tmp_path / "here"

    @pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="XDG is for the other systems")
    def test_is_else_the_users(self, monkeypatch):
        monkeypatch.delenv("UNROLLED_CACHE")
        monkeypatch.setenv("XDG_CACHE_HOME", "/var/tmp/mine")
        assert cache() == Path("/var/tmp/mine/unrolled")
        for given in ("", "relative/one"):
            monkeypatch.setenv("XDG_CACHE_HOME", given)
            assert cache() == Path.home() / ".cache" / "unrolled"
        monkeypatch.delenv("XDG_CACHE_HOME")
        assert cache() == Path.home() / ".cache" / "unrolled"


def test_a_corpus_is_no_table():
    with pytest.raises(DataError) as failed:
        unrolled.data.load("kftt")
    assert str(failed.value) == (
        "'kftt' is a corpus of sentences, not a table; take unrolled.data.corpus('kftt'), or the command unrolled data "
        "fetch kftt"
    )
