"""A download is whole and checked under its name, or isn't there: whatever server, network, disk and user do."""

import errno
import hashlib
import io
import os
import socket
import threading
import time

import pytest

from unrolled.data.corpora import transfer
from unrolled.data.corpora.transfer import download
from unrolled.errors import DataError, RunError

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()
WEAK = {"ETag": 'W/"one"', "Accept-Ranges": "bytes"}
DATED = {"ETag": 'W/"one"', "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}


@pytest.fixture
def url(server):
    server.files["file.bin"] = CONTENT
    return server.url + "file.bin"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "place" / "file.bin"


def there(path):
    """The names in the folder of a download."""
    return sorted(p.name for p in path.parent.iterdir()) if path.parent.exists() else []


def cut(server, url, path, after=100_000, **about):
    """Let a first try be cut off; returns the error's text."""
    server.cut_after = after
    with pytest.raises(DataError) as failed:
        download(url, path, **about)
    server.cut_after = None
    return str(failed.value)


class TestWhole:
    def test_the_first_copy_is_recorded_as_sha256sum_does(self, url, path):
        assert download(url, path) == path
        assert path.read_bytes() == CONTENT
        assert there(path) == ["file.bin", "file.bin.sha256"]
        assert (path.parent / "file.bin.sha256").read_text() == f"{SHA256}  file.bin\n"

    def test_a_known_checksum_needs_no_record(self, url, path):
        download(url, path, SHA256)
        assert there(path) == ["file.bin"]

    def test_progress_ends_with_the_whole(self, url, path):
        said = []
        download(url, path, on_progress=lambda *words: said.append(words))
        assert len(said) > 1
        assert said == sorted(said)
        assert said[-1] == (len(CONTENT), len(CONTENT))

    def test_there_is_no_file_under_the_name_before_the_end(self, url, path):
        seen = []
        download(url, path, on_progress=lambda done, total: seen.append((path.exists(), there(path))))
        assert set(map(str, seen)) == {str((False, ["file.bin.part", "file.bin.part.json"]))}

    def test_asks_for_no_compression_and_says_who_it_is(self, server, url, path):
        download(url, path)
        headers = server.requests[0][1]
        assert headers["Accept-Encoding"] == "identity"
        assert headers["User-Agent"].startswith("unrolled/")

    def test_an_empty_file_is_one(self, server, path):
        server.files["empty"] = b""
        assert download(server.url + "empty", path).read_bytes() == b""


class TestOnceMore:
    @pytest.mark.parametrize("sha256", [None, SHA256])
    def test_asks_the_network_only_once(self, server, url, path, sha256):
        for _ in range(2):
            assert download(url, path, sha256).read_bytes() == CONTENT
        assert len(server.requests) == 1

    @pytest.mark.parametrize("sha256", [None, SHA256])
    def test_a_damaged_file_is_noticed_and_left_alone(self, url, path, sha256):
        download(url, path, sha256)
        path.write_bytes(b"other")
        with pytest.raises(DataError) as failed:
            download(url, path, sha256)
        assert str(failed.value) == (
            f"{path} is damaged: expected sha256 {SHA256}, got {OTHER}; remove it, and run this again"
        )
        assert path.read_bytes() == b"other"

    def test_a_file_put_there_by_hand_is_held_to(self, server, url, path):
        path.parent.mkdir()
        path.write_bytes(CONTENT)
        download(url, path)
        assert server.requests == []
        path.write_bytes(b"other")
        with pytest.raises(DataError, match="is damaged: expected sha256"):
            download(url, path)

    def test_what_its_publisher_has_changed_is_noticed(self, server, url, path):
        download(url, path)
        path.unlink()
        server.files["file.bin"] = b"other"
        with pytest.raises(DataError) as failed:
            download(url, path)
        assert str(failed.value) == (
            f"{url} has a wrong checksum: expected sha256 {SHA256}, got {OTHER}; it was removed; if the publisher has "
            f"changed it, remove {path}.sha256 to take the new one"
        )
        assert there(path) == ["file.bin.sha256"]
        (path.parent / "file.bin.sha256").unlink()
        assert download(url, path).read_bytes() == b"other"

    def test_a_damaged_record_is_noticed(self, url, path):
        download(url, path)
        (path.parent / "file.bin.sha256").write_text("\x00rubbish")
        with pytest.raises(DataError) as failed:
            download(url, path)
        assert str(failed.value) == (
            f"{path}.sha256 is damaged: expected a sha256 of 64 digits, got '\\x00rubbish'; remove it"
        )


def test_a_wrong_checksum_leaves_nothing(url, path):
    with pytest.raises(DataError) as failed:
        download(url, path, OTHER)
    assert str(failed.value) == (f"{url} has a wrong checksum: expected sha256 {OTHER}, got {SHA256}; it was removed")
    assert there(path) == []


class TestCutOff:
    @pytest.mark.parametrize("headers", [{"ETag": '"one"'}, DATED], ids=["tag", "date"])
    def test_goes_on_where_it_was_cut(self, server, url, path, headers):
        server.headers = headers
        said = cut(server, url, path)
        assert said == (f"can't get {url}: the connection was cut off; run this again to go on from byte 100,000")
        assert there(path) == ["file.bin.part", "file.bin.part.json"]
        server.sent = 0
        counted = []
        assert download(url, path, on_progress=lambda *words: counted.append(words)).read_bytes() == CONTENT
        assert server.ranges_asked() == [None, "bytes=100000-"]
        assert server.requests[1][1]["If-Range"] == headers.get("Last-Modified", '"one"')
        assert server.sent == len(CONTENT) - 100_000
        assert counted[0][0] > 100_000
        assert counted[-1] == (len(CONTENT), len(CONTENT))
        assert there(path) == ["file.bin", "file.bin.sha256"]

    def test_goes_on_more_than_once(self, server, url, path):
        cut(server, url, path, 1000)
        assert "from byte 3,000" in cut(server, url, path, 2000)
        assert download(url, path, SHA256).read_bytes() == CONTENT
        assert server.ranges_asked() == [None, "bytes=1000-", "bytes=3000-"]

    @pytest.mark.parametrize("headers", [{}, WEAK, {"ETag": '"one"', "Accept-Ranges": "none"}], ids=str)
    def test_begins_again_where_the_version_or_the_part_is_not_to_be_had(self, server, url, path, headers):
        server.headers = headers
        assert cut(server, url, path) == f"can't get {url}: the connection was cut off; run this again"
        assert there(path) == []
        assert download(url, path).read_bytes() == CONTENT
        assert server.ranges_asked() == [None, None]

    def test_takes_the_whole_from_a_server_that_sends_no_parts(self, server, url, path):
        server.ranges = False
        cut(server, url, path)
        assert download(url, path).read_bytes() == CONTENT
        assert server.ranges_asked() == [None, "bytes=100000-"]

    def test_takes_the_whole_of_a_file_that_has_changed(self, server, url, path):
        cut(server, url, path)
        server.files["file.bin"], server.headers = CONTENT[::-1], {"ETag": '"two"'}
        assert download(url, path).read_bytes() == CONTENT[::-1]

    def test_takes_the_whole_where_there_is_no_more(self, server, url, path):
        cut(server, url, path)
        server.files["file.bin"] = CONTENT[:50_000]
        assert download(url, path).read_bytes() == CONTENT[:50_000]
        assert server.ranges_asked() == [None, "bytes=100000-", None]

    def test_takes_the_whole_where_another_part_comes(self, server, url, path):
        cut(server, url, path)
        server.wrong_part = True
        with pytest.raises(DataError) as failed:
            download(url, path)
        assert server.ranges_asked() == [None, "bytes=100000-", None]
        assert str(failed.value) == (
            f"can't get {url}: the server sends a part that nobody asked for; get it in another way, and put it at "
            f"{path}"
        )
        assert there(path) == []

    def test_does_not_go_on_with_what_is_from_elsewhere(self, server, url, path):
        cut(server, url, path)
        server.files["new.bin"] = CONTENT[::-1]
        assert download(server.url + "new.bin", path).read_bytes() == CONTENT[::-1]
        assert server.ranges_asked() == [None, None]

    @pytest.mark.parametrize("rubbish", ["", "[]", '{"url": 1}', "\udcff"])
    def test_begins_again_where_the_version_is_damaged(self, server, url, path, rubbish):
        cut(server, url, path)
        (path.parent / "file.bin.part.json").write_text(rubbish, errors="surrogateescape")
        assert download(url, path).read_bytes() == CONTENT
        assert server.ranges_asked() == [None, None]

    def test_a_wrong_beginning_is_noticed_by_the_checksum(self, server, url, path):
        cut(server, url, path)
        with (path.parent / "file.bin.part").open("r+b") as part:
            part.write(b"wrong")
        with pytest.raises(DataError, match="has a wrong checksum"):
            download(url, path, SHA256)
        assert download(url, path, SHA256).read_bytes() == CONTENT

    def test_by_the_user(self, server, url, path):
        def interrupt(done, total):
            if done > 100_000:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            download(url, path, on_progress=interrupt)
        assert there(path) == ["file.bin.part", "file.bin.part.json"]
        kept = (path.parent / "file.bin.part").stat().st_size
        assert download(url, path).read_bytes() == CONTENT
        assert server.ranges_asked() == [None, f"bytes={kept}-"]

    def test_of_unknown_length_is_noticed_by_the_last_chunk(self, server, url, path):
        server.chunked = True
        assert "the connection was cut off" in cut(server, url, path)
        assert not path.exists()


class TestLength:
    def test_may_come_in_chunks(self, server, url, path):
        server.chunked = True
        assert download(url, path).read_bytes() == CONTENT

    def test_may_be_unknown_where_the_checksum_is_known(self, server, url, path):
        server.length = False
        assert download(url, path, SHA256).read_bytes() == CONTENT

    def test_may_not_be_unknown_where_nothing_is_known(self, server, url, path):
        server.length = False
        with pytest.raises(DataError) as failed:
            download(url, path)
        assert str(failed.value) == (
            f"can't get {url}: no checksum of it is known and the server doesn't say how long it is, so that half of "
            f"it would pass for the whole; get it in another way, and put it at {path}"
        )
        assert there(path) == []

    @pytest.mark.parametrize("chunked", [False, True])
    def test_has_a_limit(self, server, url, path, chunked, monkeypatch):
        monkeypatch.setattr(transfer, "MOST", 200_000)
        server.chunked = chunked
        with pytest.raises(DataError) as failed:
            download(url, path)
        assert str(failed.value) == f"can't get {url}: it has more than 200,000 bytes; is it the right file?"
        assert there(path) == []

    def test_the_limit_itself_is_within(self, url, path, monkeypatch):
        monkeypatch.setattr(transfer, "MOST", len(CONTENT))
        assert download(url, path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (404, "404 Not Found; get it in another way, and put it at {path}"),
        (403, "403 Forbidden; get it in another way, and put it at {path}"),
        (410, "410 Gone; get it in another way, and put it at {path}"),
        (429, "429 Too Many Requests; run this again later"),
        (500, "500 Internal Server Error; run this again later"),
        (503, "503 Service Unavailable; run this again later"),
        (599, "599; run this again later"),
    ],
)
def test_a_server_that_refuses(server, url, path, status, says):
    server.status = status
    with pytest.raises(DataError) as failed:
        download(url, path)
    assert str(failed.value) == f"can't get {url}: the server says {says.format(path=path)}"
    assert there(path) == []


def test_a_server_that_refuses_the_rest_leaves_the_beginning(server, url, path):
    cut(server, url, path)
    server.status = 503
    with pytest.raises(DataError, match="503 Service Unavailable; run this again later"):
        download(url, path)
    server.status = None
    assert download(url, path).read_bytes() == CONTENT
    assert server.ranges_asked()[-1] == "bytes=100000-"


class TestNoNetwork:
    def test_nobody_listens(self, path):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{closed.getsockname()[1]}/file.bin"
        with pytest.raises(DataError) as failed:
            download(url, path)
        assert str(failed.value) == (
            f"can't get {url}: connection refused; check the network, or get it in another way, and put it at {path}"
        )
        assert there(path) == []

    def test_no_such_host(self, path, monkeypatch):
        def lookup(*_, **__):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", lookup)
        monkeypatch.setenv("no_proxy", "*")
        with pytest.raises(DataError) as failed:
            download("http://example.invalid/file.bin", path)
        assert str(failed.value) == (
            "can't get http://example.invalid/file.bin: name or service not known; check the network, or get it in "
            f"another way, and put it at {path}"
        )

    def test_what_is_there_needs_none(self, url, path):
        path.parent.mkdir()
        path.write_bytes(CONTENT)
        assert download("http://127.0.0.1:1/file.bin", path, SHA256) == path


class TestTimeout:
    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch):
        monkeypatch.setattr(transfer, "TIMEOUT", 0.2)

    def test_before_the_answer(self, server, url, path):
        server.stall = 1.0
        with pytest.raises(DataError) as failed:
            download(url, path)
        assert str(failed.value) == (
            f"can't get {url}: no answer in 0.2 seconds; check the network, or get it in another way, and put it at "
            f"{path}"
        )

    def test_in_the_middle(self, server, url, path, monkeypatch):
        monkeypatch.setattr(transfer, "CHUNK", 1000)
        server.before_end = lambda: time.sleep(1.0)
        with pytest.raises(DataError) as failed:
            download(url, path)
        assert str(failed.value) == (
            f"can't get {url}: no answer in 0.2 seconds; run this again to go on from byte 128,000"
        )
        server.before_end = lambda: None
        assert download(url, path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("said", "shown"), [(b"SSH-2.0-x\r\n", "SSH-2.0-x"), (b"", "Remote end closed"), (b"\x01\n", "x01")]
)
def test_an_answer_that_is_no_http(path, said, shown):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/file.bin"

        def answer():
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(said)

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(DataError) as failed:
            download(url, path)
    text = str(failed.value)
    assert text.startswith(f"can't get {url}: ")
    assert shown in text
    assert text.endswith(f"; check the network, or get it in another way, and put it at {path}")
    assert text.isprintable()


class TestDisk:
    def test_that_takes_no_more_keeps_what_is_there(self, server, url, path):
        resource = pytest.importorskip("resource")
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        try:
            with pytest.raises(RunError) as failed:
                download(url, path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert str(failed.value) == f"can't write {path}.part: file too large; check the path"
        assert there(path) == ["file.bin.part", "file.bin.part.json"]
        assert download(url, path).read_bytes() == CONTENT
        assert server.ranges_asked() == [None, "bytes=100000-"]

    def test_that_takes_a_few_bytes_at_a_time_gets_them_all(self):
        class Slow(io.BytesIO):
            def write(self, data):
                return super().write(data[:3])

        transfer._append(file := Slow(), b"ten bytes.")
        assert file.getvalue() == b"ten bytes."

    def test_that_can_not_be_synced_has_nothing_under_the_name(self, url, path, monkeypatch):
        def full(_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            patch.setattr(transfer, "atomic_write", lambda path, text: path.write_text(text))
            with pytest.raises(RunError) as failed:
                download(url, path, SHA256)
        assert str(failed.value) == (
            f"can't write {path}.part: no space left on device; free some space, or choose another folder; what was "
            "there is as it was"
        )
        assert not path.exists()
        assert download(url, path, SHA256).read_bytes() == CONTENT

    def test_that_has_a_file_for_a_folder(self, url, path):
        path.parent.write_text("no folder")
        with pytest.raises(RunError) as failed:
            download(url, path)
        assert str(failed.value) == f"can't write {path.parent}: file exists; check the path"
