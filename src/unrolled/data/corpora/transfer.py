"""One file from the network onto the disk: whole, checked and under its name, or not there at all.

What arrives goes to ``NAME.part``. A cut connection leaves it there, with what the server calls this version of the
file (its ETag, or its date) in ``NAME.part.json``: the next try asks for the rest of that very version (RFC 9110,
Range and If-Range), and takes the whole file where the server has another one by now or can't send a part.
"""

import hashlib
import http.client
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from io import FileIO
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from unrolled import __version__
from unrolled.errors import DataError
from unrolled.files import atomic_write, refusal

TIMEOUT = 30.0  # seconds without a byte
MOST = 1 << 30  # bytes; the corpora here have a tenth of it
CHUNK = 1 << 16

Told = Callable[[int, int | None], None]  # bytes so far, and bytes in all where the server says so


def download(url: str, path: Path, sha256: str | None = None, on_progress: Told | None = None) -> Path:
    """The file at ``url`` as ``path``, unless it is there already; either way its checksum is checked.

    Without ``sha256`` the first copy is taken as it comes, and its sum is written beside it, as ``NAME.sha256``; every
    later copy has to have that sum. A file that somebody has put at ``path`` by hand is taken in the same way.

    Raises DataError where the network or the server fails, and for a wrong checksum: what has just come is removed,
    what was there stays. Raises RunError where the disk fails.
    """
    expected = sha256 or recorded(path)
    if path.exists():
        if expected is None:
            record(path)
        elif (got := digest(path)) != expected:
            raise DataError(f"{path} is damaged: expected sha256 {expected}, got {got}; remove it, and run this again")
        return path
    with _disk(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    transfer = _Transfer(url, path, expected is not None, on_progress)
    transfer.receive()
    if expected is None:
        record(path, of=transfer.part)
    elif (got := digest(transfer.part)) != expected:
        transfer.forget()
        advice = "" if sha256 else f"; if the publisher has changed it, remove {_record(path)} to take the new one"
        raise DataError(f"{url} has a wrong checksum: expected sha256 {expected}, got {got}; it was removed{advice}")
    with _disk(path):
        os.replace(transfer.part, path)
    transfer.forget()
    return path


def digest(path: Path) -> str:
    """The sha256 of a file's content."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise refusal("read", path, error) from error


def record(path: Path, *, of: Path | None = None) -> None:
    """Write the checksum of ``path`` beside it as the command sha256sum does, ``of`` a file that will be there."""
    atomic_write(_record(path), f"{digest(of or path)}  {path.name}\n")


def recorded(path: Path) -> str | None:
    """The checksum that stands beside ``path``, if there is one. Raises DataError where it isn't one."""
    try:
        text = _record(path).read_bytes()[:100].decode("ascii", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise refusal("read", _record(path), error) from error
    if not (found := re.match(r"[0-9a-f]{64}(?=\s)", text)):
        raise DataError(f"{_record(path)} is damaged: expected a sha256 of 64 digits, got {text[:20]!r}; remove it")
    return found[0]


def forget_record(path: Path) -> None:
    """Hold ``path`` to its checksum no longer."""
    with _disk(_record(path)):
        _record(path).unlink(missing_ok=True)


def _record(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise refusal("write", path, error) from error


@dataclass
class _Transfer:
    """One file on its way. Only a file that is ``checked`` afterwards may come without a length."""

    url: str
    path: Path
    checked: bool
    on_progress: Told | None

    @property
    def part(self) -> Path:
        return self.path.with_name(f"{self.path.name}.part")

    @property
    def version(self) -> Path:
        """The file that says of which version of which URL ``part`` is the beginning."""
        return self.path.with_name(f"{self.path.name}.part.json")

    def receive(self) -> None:
        """Bring ``part`` to its full length."""
        have, version = self.kept()
        response = self.ask(have, version)
        if response is not None:
            with response:
                start, total = _span(response)
                if start in (0, have):
                    return self.write(response, start, total)
        if not have:
            raise DataError(f"can't get {self.url}: the server sends a part that nobody asked for; {self.by_hand()}")
        self.forget()  # another part than the one that is missing, or none at all: so from the beginning
        return self.receive()

    def ask(self, have: int, version: str) -> http.client.HTTPResponse | None:
        """Ask for what follows the first ``have`` bytes of this ``version``; None where the server has no more."""
        headers = {"User-Agent": f"unrolled/{__version__}", "Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": version}
        with self.network():
            try:
                return urlopen(Request(self.url, headers=headers), timeout=TIMEOUT)
            except HTTPError as error:
                error.close()
                if have and error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    return None
                raise

    def write(self, response: http.client.HTTPResponse, start: int, total: int | None) -> None:
        """Append to ``part`` what comes from byte ``start`` on."""
        if total is None and not self.checked and not response.chunked:
            raise DataError(
                f"can't get {self.url}: no checksum of it is known and the server doesn't say how long it is, so that "
                f"half of it would pass for the whole; {self.by_hand()}"
            )
        if not start:
            self.keep(response)
        done = start
        with _disk(self.part):
            file = self.part.open("ab" if start else "wb", buffering=0)  # so that closing it writes nothing more
        with file:
            while max(done, total or 0) <= MOST:
                with self.network():
                    chunk = response.read(CHUNK)
                if not chunk:
                    break
                with _disk(self.part):
                    _append(file, chunk)
                done += len(chunk)
                if self.on_progress:
                    self.on_progress(done, total)
            with _disk(self.part):
                os.fsync(file.fileno())
        if max(done, total or 0) > MOST:
            self.forget()
            raise DataError(f"can't get {self.url}: it has more than {MOST:,} bytes; is it the right file?")
        if total is not None and done != total:
            with self.network():
                raise http.client.IncompleteRead(b"", total - done)

    def kept(self) -> tuple[int, str]:
        """How many bytes are there from an earlier try, and of which version of the file they are."""
        try:
            about = json.loads(self.version.read_bytes())
            if about["url"] == self.url and isinstance(about["version"], str):
                return self.part.stat().st_size, about["version"]
        except (OSError, ValueError, KeyError, TypeError):  # nothing that can be gone on with
            pass
        return 0, ""

    def keep(self, response: http.client.HTTPResponse) -> None:
        """Note the version that begins to arrive, where the server knows one and can send a part of it."""
        self.forget()
        tag, date = response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
        version = tag if tag.startswith('"') else date  # a weak ETag, W/"…", is no promise of the same bytes
        if version and response.headers.get("Accept-Ranges") != "none":
            atomic_write(self.version, json.dumps({"url": self.url, "version": version}))

    def forget(self) -> None:
        """Remove all that is there of an earlier try, the version last of all."""
        with _disk(self.part):
            self.part.unlink(missing_ok=True)
            self.version.unlink(missing_ok=True)

    @contextmanager
    def network(self) -> Iterator[None]:
        """Turn what the network does into a DataError."""
        try:
            yield
        except HTTPError as error:
            known = error.code in set(HTTPStatus)
            said = f"the server says {error.code}" + (f" {HTTPStatus(error.code).phrase}" if known else "")
            later = error.code >= 500 or error.code == HTTPStatus.TOO_MANY_REQUESTS
            mend = "run this again later" if later else self.by_hand()
            raise DataError(f"can't get {self.url}: {said}; {mend}") from error
        except http.client.IncompleteRead as error:
            raise DataError(f"can't get {self.url}: the connection was cut off; {self.again()}") from error
        except (OSError, http.client.HTTPException) as error:
            mend = self.again(f"check the network, or {self.by_hand()}")
            raise DataError(f"can't get {self.url}: {_why(error)}; {mend}") from error

    def again(self, otherwise: str = "run this again") -> str:
        """How to go on, after removing what can't be gone on with."""
        if have := self.kept()[0]:
            return f"run this again to go on from byte {have:,}"
        self.forget()
        return otherwise

    def by_hand(self) -> str:
        return f"get it in another way, and put it at {self.path}"


def _why(error: Exception) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        return f"no answer in {TIMEOUT:g} seconds"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror.lower()
    said = " ".join(str(reason).split())[:200] or type(reason).__name__
    return said if said.isprintable() else ascii(said)


def _append(file: FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _span(response: http.client.HTTPResponse) -> tuple[int | None, int | None]:
    """The first byte of an answer, and how many the whole file has; None for what isn't said."""
    if response.status != HTTPStatus.PARTIAL_CONTENT:
        return 0, response.length
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip())
    if found is None:
        return None, None
    start = int(found[1])
    rest = None if response.length is None else start + response.length
    return start, rest if found[2] == "*" else int(found[2])
