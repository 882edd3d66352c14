"""A server on this machine that misbehaves when asked to, and a cache of one's own."""

import dataclasses
import gzip
import hashlib
import io
import re
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from unrolled.data import corpora


@dataclass
class Server:
    """What is served, how, and what was asked for."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"one"', "Accept-Ranges": "bytes"})
    ranges: bool = True  # whether it sends a part when asked to
    status: int | None = None  # instead of the file
    cut_after: int | None = None  # bytes of the body, then the connection is closed
    length: bool = True
    chunked: bool = False
    wrong_part: bool = False  # answers each request for a part with another one
    stall: float = 0.0  # seconds before the answer
    before_end: Callable[[], object] = lambda: None  # runs when half of the body is sent
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    sent: int = 0  # bytes of bodies

    def ranges_asked(self) -> list[str | None]:
        return [headers.get("Range") for _, headers in self.requests]


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format, *args) -> None:
            pass

        def do_GET(self) -> None:
            self.close_connection = True
            server.requests.append((self.path, dict(self.headers)))
            time.sleep(server.stall)
            content = server.files.get(self.path.removeprefix("/"))
            status = server.status or (404 if content is None else 200)
            if status != 200 or content is None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start, code = 0, 200
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            version = self.headers.get("If-Range")
            if (
                server.ranges
                and asked
                and version in (None, server.headers.get("ETag"), server.headers.get("Last-Modified"))
            ):
                start, code = int(asked[1]) - server.wrong_part, 206
                if start >= len(content):
                    self.send_response(416)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
            elif server.wrong_part:
                start, code = 1, 206
            self.send_response(code)
            if code == 206:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            body = content[start:]
            for name, value in server.headers.items():
                self.send_header(name, value)
            if server.chunked:
                self.send_header("Transfer-Encoding", "chunked")
            elif server.length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            half = len(body) // 2
            for n, piece in enumerate((body[:half], body[half:])):
                if n == 1:
                    self.wfile.flush()
                    server.before_end()
                piece = piece if server.cut_after is None else piece[: max(0, server.cut_after - n * half)]
                server.sent += len(piece)
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if server.chunked and piece else piece)
            if server.chunked and server.cut_after is None:
                self.wfile.write(b"0\r\n\r\n")

    return Handler


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address) -> None:
        """Say nothing of a client that has gone: many a test lets it."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on a free port of this machine; ``server.files["name"] = b"content"``."""
    about = Server()
    with _Quiet(("127.0.0.1", 0), _handler(about)) as running:
        about.url = f"http://127.0.0.1:{running.server_port}/"
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield about
        running.shutdown()


@pytest.fixture(autouse=True)
def cached(tmp_path, monkeypatch) -> Path:
    """The folder of downloads, empty; and requests to this machine go through no proxy."""
    monkeypatch.setenv("UNROLLED_CACHE", str(tmp_path / "cache"))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    return tmp_path / "cache"


class Serve:
    """``serve("kftt")`` has the corpus come from the server, with a few pairs in it."""

    pairs: ClassVar = {"train": 5, "dev": 2, "test": 3}

    def __init__(self, server: Server, monkeypatch):
        self.server, self.monkeypatch, self.known = server, monkeypatch, corpora.describe

    def __call__(self, name: str, changed: dict[str, bytes] | None = None) -> corpora.About:
        """Serve the corpus, with the texts ``changed``; returns what is known of it, with this server's URL."""
        about = self.known(name)
        contents = {file: self.text(part, lang) for part, all_ in about.parts.items() for lang, file in all_.items()}
        self.server.files |= self.packed(about, contents | (changed or {}))
        sums = {file: hashlib.sha256(self.server.files[file]).hexdigest() for file in about.sha256}
        served = dataclasses.replace(about, url=self.server.url, sha256=sums)
        self.monkeypatch.setattr(corpora, "describe", lambda asked: served if asked == name else self.known(asked))
        return served

    def text(self, part: str, language: str, pairs: int | None = None) -> bytes:
        """A little text in UTF-8 that tells its part and language."""
        return "".join(f"{part} {language} 猫 {n}\n" for n in range(pairs or self.pairs[part])).encode()

    def packed(self, about: corpora.About, contents: dict[str, bytes]) -> dict[str, bytes]:
        """The files that a corpus consists of, by name, with these contents of its texts."""
        if about.archive is None:
            return {name: gzip.compress(text) if name.endswith(".gz") else text for name, text in contents.items()}
        buffer = io.BytesIO()
        if about.archive.endswith(".zip"):
            with zipfile.ZipFile(buffer, "w") as archive:
                for name, content in {"README": b"read me", **contents}.items():
                    archive.writestr(name, content)
        else:
            with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
                for name, content in {"../README": b"read me", **contents}.items():
                    member = tarfile.TarInfo(name)
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
        return {about.archive: buffer.getvalue()}


@pytest.fixture
def serve(server, monkeypatch) -> Serve:
    """See ``Serve``."""
    return Serve(server, monkeypatch)
