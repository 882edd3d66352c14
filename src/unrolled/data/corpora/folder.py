"""Where downloads stay: a folder of the user's, and one process at a time in it."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unrolled.files import refusal

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


def cache() -> Path:
    """The folder that the variable UNROLLED_CACHE names, or ``unrolled`` in the one that the system has for such files.

    That is ~/.cache or what XDG_CACHE_HOME says, ~/Library/Caches on macOS, and %LOCALAPPDATA% on Windows.
    """
    if given := os.environ.get("UNROLLED_CACHE"):
        return Path(given).expanduser().absolute()
    if sys.platform == "win32":
        place = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        place = Path.home() / "Library" / "Caches"
    else:
        place = os.environ.get("XDG_CACHE_HOME", "")
        place = place if os.path.isabs(place) else Path.home() / ".cache"  # a relative one is to be ignored
    return Path(place) / "unrolled"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Have ``folder``, which is made if need be, to oneself: wait until no other process is in here.

    The lock is the system's own on the empty file ``.lock``: it goes with the process, however that ends.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("ab")
        _lock(file.fileno())
    except OSError as error:
        raise refusal("write", folder, error) from error
    with file:
        yield


def _lock(file: int) -> None:
    if sys.platform != "win32":
        return fcntl.flock(file, fcntl.LOCK_EX)
    while True:
        try:
            return msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:  # another process has it
            time.sleep(0.1)
