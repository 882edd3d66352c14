"""Files written whole or not at all, and read as if a stranger had made them.

Nothing follows a link out of its folder, waits for a named pipe, or reads more than a limit. Every failure is a
RunError of one line that names the path, what happened, and how to mend it.
"""

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from unrolled.errors import RunError

# Without O_NONBLOCK, opening a named pipe would wait until somebody writes to it.
_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def atomic_write(path: str | Path, data: bytes | str) -> None:
    """Write a file whole or not at all: an older file at ``path`` stays until the new one is safely on the disk.

    Folders on the way are made. Raises RunError where that can't be done, with nothing left behind.
    """
    path = Path(path)
    # What UTF-8 can't write, half a surrogate pair, becomes \udxxx: in JSON that is the very same character.
    content = data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data
    temporary = path.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if os.path.exists(path) and not os.path.isfile(path):  # as root, /dev/null could be replaced
            raise RunError(f"can't write {shown(path)}: it is a folder or a device; give the name of a file")
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o666)
        try:
            try:
                _write(file, content)
                os.fsync(file)
            finally:
                os.close(file)
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
    except (OSError, ValueError) as error:
        raise refusal("write", path, error) from error
    with suppress(OSError):  # the new name too, where folders can be synced
        parent = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)


def append(path: Path, line: bytes, reach: int = 1 << 20) -> None:
    """Add a line to a file, in place of a last one that was cut off (within ``reach`` bytes of the end).

    Raises RunError where that can't be done, with nothing of the line left behind.
    """
    file = _open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    try:
        size = os.fstat(file).st_size
        os.lseek(file, max(0, size - reach), os.SEEK_SET)
        tail = os.read(file, reach)
        whole = size - len(tail) + tail.rfind(b"\n") + 1
        try:
            if whole < size:
                os.ftruncate(file, whole)
            _write(file, line)
        except OSError:
            with suppress(OSError):
                os.ftruncate(file, whole)
            raise
    except OSError as error:
        raise refusal("write", path, error) from error
    finally:
        os.close(file)


def remove_leftovers(folder: Path) -> None:
    """Remove what an atomic write that was killed has left behind; not while another process writes there."""
    for leftover in folder.rglob(f".{'?' * 16}.tmp"):
        with suppress(OSError):
            leftover.unlink()


def read_file(path: Path, limit: int) -> bytes:
    """All of a plain file of at most ``limit`` bytes."""
    with os.fdopen(_open(path, os.O_RDONLY), "rb") as file:
        try:
            size = os.fstat(file.fileno()).st_size
            data = file.read(limit + 1) if size <= limit else b""
        except (OSError, MemoryError) as error:
            raise refusal("read", path, error) from error
    if size > limit or len(data) > limit:
        raise RunError(
            f"{shown(path)} has {max(size, len(data))} bytes, and {limit} are the most; is it the right file?"
        )
    return data


def check_entries(folder: Path) -> None:
    """No link out of a run, and no pipe or device in it, whoever reads the file in the end."""
    home = os.path.realpath(folder)
    for place, folders, files in os.walk(folder):
        for entry in (Path(place) / name for name in [*folders, *files]):
            if not Path(os.path.realpath(entry)).is_relative_to(home):
                raise RunError(f"{shown(entry)} is a link that leads out of the run; copy what it leads to there")
            if os.path.exists(entry) and not os.path.isfile(entry) and not os.path.isdir(entry):
                raise RunError(f"{shown(entry)} is neither a file nor a folder; remove it, no run has such a thing")


def shown(path: Path) -> str:
    """The path in an error: on one line, whatever is in it."""
    return str(path) if str(path).isprintable() else ascii(str(path))


def damage(path: Path, why: str) -> RunError:
    """The error for a file whose content can't be right."""
    return RunError(f"{shown(path)} is damaged: {why[:200]}; restore it from a copy, or train again")


def refusal(verb: str, path: Path, error: Exception) -> RunError:
    """The error for what the system refuses."""
    number = error.errno if isinstance(error, OSError) else None
    mend = {
        errno.ENOENT: "restore it from a copy, or check its name" if verb == "read" else "check its name",
        errno.ENOSPC: "free some space, or choose another folder; what was there is as it was",
        errno.EDQUOT: "free some space, or choose another folder; what was there is as it was",
        errno.EACCES: "get permission, or choose another folder",
        errno.EPERM: "get permission, or choose another folder",
        errno.EROFS: "choose another folder",
    }.get(number or 0, "check the path")
    why = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return RunError(f"can't {verb} {shown(path)}: {why.lower()}; {mend}")


def _write(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _open(path: Path, flags: int) -> int:
    """Open a plain file that doesn't lead out of its folder."""
    try:
        real = Path(os.path.realpath(path))
        if not real.is_relative_to(os.path.realpath(path.parent)):
            raise RunError(f"{shown(path)} is a link that leads out of its folder; copy the file itself there")
        file = os.open(real, flags | _FLAGS, 0o666)
    except (OSError, ValueError) as error:
        raise refusal("write" if flags & os.O_CREAT else "read", path, error) from error
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise RunError(f"{shown(path)} is not a plain file; restore it from a copy")
    return file
