"""A text out of what was downloaded: only the member that is asked for, into memory, up to a limit."""

import gzip
import io
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

from unrolled.errors import DataError
from unrolled.files import refusal

MOST = 1 << 30  # bytes unpacked; the corpora here have a fraction of it
# Content that can't be right, as these libraries say it; RuntimeError is zipfile's for a member with a password.
_BROKEN = (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError, zipfile.BadZipFile, RuntimeError)


def unpack(path: Path, member: str = "") -> bytes:
    """The content of a ``member`` of a .tar.gz or .zip, or that of another file, unpacked if it is a .gz.

    No name in an archive ever becomes a name on the disk. Raises DataError for an archive that is damaged, has no such
    plain file, or turns out larger than ``MOST``, and RunError where the disk fails.
    """
    try:
        if path.name.endswith(".tar.gz"):
            content = _from_tar(path, member)
        elif path.name.endswith(".zip"):
            content = _from_zip(path, member)
        else:
            with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as file:
                content = _Limited(file, path).read()
    except _BROKEN as error:
        why = " ".join(str(error).split())[:100] or type(error).__name__
        raise DataError(f"{path} is damaged: {why}; remove it, and run this again") from error
    except OSError as error:
        raise refusal("read", path, error) from error
    if content is None:
        raise DataError(f"{path} has no plain file {member!r}, so it isn't the corpus that is known here; remove it")
    return content


class _Limited(io.RawIOBase):
    """What is read from ``file``, until it is more than ``MOST``: a small archive can hold terabytes of zeros."""

    def __init__(self, file: Any, path: Path):
        self.file, self.path, self.left = file, path, MOST

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        count = self.file.readinto(buffer)
        self.left -= count
        if self.left < 0:
            raise DataError(f"{self.path} has more than {MOST:,} bytes when unpacked; is it the right file?")
        return count


def _from_tar(path: Path, wanted: str) -> bytes | None:
    with gzip.open(path) as packed, tarfile.open(fileobj=_Limited(packed, path), mode="r|") as archive:
        for member in archive:
            if member.name == wanted and member.isreg() and (file := archive.extractfile(member)):
                return file.read()
    return None


def _from_zip(path: Path, wanted: str) -> bytes | None:
    with zipfile.ZipFile(path) as archive:
        if wanted not in archive.namelist():
            return None
        with archive.open(wanted) as file:
            return _Limited(file, path).read()
