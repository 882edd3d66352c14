"""What comes out of an archive is the member that was asked for; what is wrong with one is said."""

import gzip
import io
import tarfile
import zipfile

import pytest

from unrolled.data.corpora import archives
from unrolled.data.corpora.archives import unpack
from unrolled.errors import DataError, RunError

TEXT = "私 は 犬 です 。\n".encode() * 1000


def tar(path, members):
    """A .tar.gz of (name, content) pairs, or of links, where the content is the name that it leads to."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members:
            about = tarfile.TarInfo(name)
            if isinstance(content, str):
                about.type, about.linkname, content = tarfile.SYMTYPE, content, b""
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    return path


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def gzipped(path, content):
    path.write_bytes(gzip.compress(content))
    return path


@pytest.mark.parametrize(("pack", "ending"), [(tar, ".tar.gz"), (zipped, ".zip")])
class TestArchive:
    def test_gives_the_member(self, tmp_path, pack, ending):
        path = pack(tmp_path / f"a{ending}", [("x/other", b"no"), ("x/text", TEXT), ("text", b"no")])
        assert unpack(path, "x/text") == TEXT

    def test_writes_nothing_whatever_its_members_are_called(self, tmp_path, pack, ending):
        folder = tmp_path / "in"
        folder.mkdir()
        path = pack(folder / f"a{ending}", [("../evil", b"evil"), ("/tmp/evil-too", b"evil"), ("text", TEXT)])
        before = sorted(tmp_path.rglob("*"))
        assert unpack(path, "text") == TEXT
        assert sorted(tmp_path.rglob("*")) == before

    def test_without_the_member_is_another_one(self, tmp_path, pack, ending):
        path = pack(tmp_path / f"a{ending}", [("texts", TEXT)])
        with pytest.raises(DataError) as failed:
            unpack(path, "text")
        assert str(failed.value) == (
            f"{path} has no plain file 'text', so it isn't the corpus that is known here; remove it"
        )

    @pytest.mark.parametrize("rest", [10, 0.5])
    def test_that_is_cut_off(self, tmp_path, pack, ending, rest):
        path = pack(tmp_path / f"a{ending}", [("text", TEXT)])
        whole = path.read_bytes()
        path.write_bytes(whole[: rest if rest > 1 else int(len(whole) * rest)])
        with pytest.raises(DataError, match=r"a\..* is damaged: .*; remove it, and run this again$"):
            unpack(path, "text")

    def test_that_is_none(self, tmp_path, pack, ending):
        path = tmp_path / f"a{ending}"
        path.write_text("<html>Log in to the network first</html>")
        with pytest.raises(DataError, match=r"is damaged: .*[Nn]ot a .*; remove it, and run this again$"):
            unpack(path, "text")

    def test_has_a_limit(self, tmp_path, pack, ending, monkeypatch):
        path = pack(tmp_path / f"a{ending}", [("text", bytes(10_000_000))])
        assert path.stat().st_size < 20_000
        monkeypatch.setattr(archives, "MOST", 1_000_000)
        with pytest.raises(DataError) as failed:
            unpack(path, "text")
        assert str(failed.value) == f"{path} has more than 1,000,000 bytes when unpacked; is it the right file?"


def test_what_stands_before_the_member_counts_too(tmp_path, monkeypatch):
    path = tar(tmp_path / "a.tar.gz", [("zeros", bytes(10_000_000)), ("text", TEXT)])
    assert unpack(path, "text") == TEXT
    monkeypatch.setattr(archives, "MOST", 1_000_000)
    with pytest.raises(DataError, match="more than 1,000,000 bytes when unpacked"):
        unpack(path, "text")


def test_a_page_that_is_packed_is_no_tar(tmp_path):
    path = gzipped(tmp_path / "a.tar.gz", b"<html>Log in first</html>" * 100)
    with pytest.raises(DataError, match=r"a\.tar\.gz is damaged: .*; remove it, and run this again"):
        unpack(path, "text")


def test_a_link_is_no_text(tmp_path):
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(DataError, match="has no plain file 'text'"):
        unpack(tar(tmp_path / "a.tar.gz", [("text", str(tmp_path / "secret"))]), "text")


def test_a_locked_member_is_damage(tmp_path):
    path = zipped(tmp_path / "a.zip", [("text", TEXT)])
    whole = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        whole[whole.index(mark) + offset] |= 1  # the flag of a member that needs a password
    path.write_bytes(whole)
    with pytest.raises(DataError, match=r"a\.zip is damaged: .*password.*; remove it, and run this again"):
        unpack(path, "text")


class TestFile:
    def test_packed(self, tmp_path):
        assert unpack(gzipped(tmp_path / "a.gz", TEXT)) == TEXT

    def test_plain(self, tmp_path):
        (tmp_path / "a.en").write_bytes(TEXT)
        assert unpack(tmp_path / "a.en") == TEXT

    def test_cut_off(self, tmp_path):
        path = gzipped(tmp_path / "a.gz", TEXT)
        path.write_bytes(path.read_bytes()[:50])
        with pytest.raises(DataError, match=r"a\.gz is damaged: .*; remove it, and run this again"):
            unpack(path)

    def test_rubbish(self, tmp_path):
        path = gzipped(tmp_path / "a.gz", TEXT)
        whole = bytearray(path.read_bytes())
        whole[10] = 0xFF  # a first block of a kind that there isn't
        path.write_bytes(whole)
        with pytest.raises(DataError, match=r"a\.gz is damaged: Error -3 while decompressing.*; remove it"):
            unpack(path)

    def test_turned_bit(self, tmp_path):
        path = gzipped(tmp_path / "a.gz", TEXT)
        whole = bytearray(path.read_bytes())
        whole[-6] ^= 1  # in the checksum at the end
        path.write_bytes(whole)
        with pytest.raises(DataError, match=r"a\.gz is damaged: CRC check failed"):
            unpack(path)

    def test_has_a_limit(self, tmp_path, monkeypatch):
        path = gzipped(tmp_path / "bomb.gz", bytes(10_000_000))
        monkeypatch.setattr(archives, "MOST", 10_000_000)
        assert len(unpack(path)) == 10_000_000
        monkeypatch.setattr(archives, "MOST", 9_999_999)
        with pytest.raises(DataError, match=r"bomb\.gz has more than 9,999,999 bytes when unpacked"):
            unpack(path)

    def test_gone(self, tmp_path):
        with pytest.raises(RunError, match=r"can't read .*gone\.gz: no such file or directory"):
            unpack(tmp_path / "gone.gz")
