"""Runs on disk: folders with a versioned manifest, written atomically, read as if a stranger had made them.

A run is ``runs/<name>-<n>``; its ``run.json``, the manifest, says what it is. Nothing is ever unpickled, and no name in
a file is imported. Whatever is wrong with a file is a RunError of one line.
"""

import os
import platform
import re
import unicodedata
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from unrolled.errors import RunError, nearest
from unrolled.files import check_entries, refusal, shown
from unrolled.formats import read_json, write_json

FORMAT = 1
KINDS = ("forecast", "translation")
MANIFEST = "run.json"


def new_run(name: str, root: str | Path = "runs", out: str | Path | None = None) -> Path:
    """Make the folder of a new run: ``<root>/<name>-<n>`` with the next number, or exactly ``out``.

    Two processes at once get two numbers. Letters, digits, ``_`` and ``.`` of the name stay, all else becomes a dash.
    Raises RunError when ``out`` is there and isn't empty, or when the folder can't be made.
    """
    if out is not None:
        folder = Path(out)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            raise refusal("make the folder", folder, error) from error
        check_free(folder)
        return folder
    root, name = Path(root), _file_name(name)
    try:
        root.mkdir(parents=True, exist_ok=True)
        numbers = [int(m[1]) for p in root.iterdir() if (m := re.fullmatch(re.escape(name) + r"-([0-9]{1,9})", p.name))]
        number = max(numbers, default=0)
        while True:
            number += 1
            with suppress(FileExistsError):  # another process was faster
                folder = root / f"{name}-{number}"
                folder.mkdir()
                return folder
    except (OSError, ValueError) as error:
        raise refusal("make a folder in", root, error) from error


def check_free(folder: str | Path) -> None:
    """Raises RunError where something is in the folder, or it is none; one that isn't there is free."""
    folder = Path(folder)
    try:
        taken = next(folder.iterdir(), None) is not None
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise refusal("make the folder", folder, error) from error
    if taken:
        raise RunError(f"{shown(folder)} is there already; go on with it by --resume, or give another --out")


def _file_name(name: str) -> str:
    kept = [c if unicodedata.category(c)[0] in "LNM" or c in "_." else "-" for c in unicodedata.normalize("NFKC", name)]
    short = re.sub("-+", "-", "".join(kept)).encode()[:80].decode(errors="ignore")  # file systems take 255 bytes
    return short.strip("-.") or "run"


def write_run(folder: str | Path, manifest: Mapping[str, Any]) -> None:
    """Write ``run.json``. The format, the version that writes it and the time of the first writing are added."""
    path = Path(folder) / MANIFEST
    created = datetime.now(UTC).isoformat(timespec="seconds")
    if os.path.exists(path):
        with suppress(RunError):
            created = read_json(path).get("created", created)
    write_json(path, {"format": FORMAT, "unrolled": _version("unrolled"), "created": created, **manifest})


def read_run(folder: str | Path) -> dict[str, Any]:
    """The manifest of a run. Raises RunError for what isn't one, is damaged or newer, or has links that lead out."""
    folder = Path(folder)
    path = folder / MANIFEST
    if not os.path.isdir(folder):
        what = "a file, not a run's folder" if os.path.lexists(folder) else "not there"
        raise RunError(f"{shown(folder)} is {what}{_other_runs(folder)}")
    if not os.path.lexists(path):
        raise RunError(f"{shown(folder)} is not a run: it has no {MANIFEST}{_other_runs(folder)}")
    check_entries(folder)
    manifest = read_json(path)
    found, kind = manifest.get("format"), manifest.get("kind")
    if type(found) is not int or not isinstance(kind, str):
        raise RunError(f"{shown(path)} was not written by unrolled: it has no format number, or no kind")
    if found > FORMAT:
        raise RunError(
            f"{shown(path)} was written by a newer unrolled: format {str(found)[:20]}, this one reads up to {FORMAT}; "
            "pip install -U unrolled"
        )
    if found < 1:
        raise RunError(f"{shown(path)} has format {str(found)[:20]}, and the first was 1; restore it, or train again")
    if kind not in KINDS:
        raise RunError(f"{shown(path)} holds a run of an unknown kind, {kind[:40]!r}{nearest(kind[:40], KINDS)}")
    return manifest


def list_runs(root: str | Path = "runs") -> list[tuple[Path, dict[str, Any] | RunError]]:
    """Every folder in ``root`` with its manifest, or with what is wrong with it; the newest first."""
    runs: list[tuple[float, tuple[Path, dict[str, Any] | RunError]]] = []
    for folder in _folders(Path(root)):
        created = 0.0
        with suppress(OSError):
            created = folder.stat().st_mtime
        try:
            manifest = read_run(folder)
            with suppress(ValueError, OverflowError, OSError):
                created = datetime.fromisoformat(str(manifest.get("created"))).timestamp()
            runs.append((created, (folder, manifest)))
        except RunError as error:
            runs.append((created, (folder, error)))

    def number(folder: Path) -> int:  # of two runs in one second, the later has the higher number
        return int(match[0]) if (match := re.search(r"[0-9]{1,9}$", folder.name)) else 0

    return [run for _, run in sorted(runs, key=lambda r: (r[0], number(r[1][0])), reverse=True)]


def find_runs(places: Iterable[str | Path]) -> list[tuple[Path, dict[str, Any] | RunError]]:
    """The runs of several places, each a run or a folder of runs as :func:`list_runs` reads it; none twice."""
    runs: dict[Path, tuple[Path, dict[str, Any] | RunError]] = {}
    for place in map(Path, places):
        if os.path.lexists(place / MANIFEST):
            try:
                found: list[tuple[Path, dict[str, Any] | RunError]] = [(place, read_run(place))]
            except RunError as error:
                found = [(place, error)]
        else:
            found = list_runs(place)
        for path, manifest in found:
            runs.setdefault(Path(os.path.realpath(path)), (path, manifest))
    return list(runs.values())


def environment() -> dict[str, str | None]:
    """Versions of what a result depends on."""
    packages = {name: _version(name) for name in ("torch", "numpy", "polars", "unrolled")}
    return {"python": platform.python_version(), "platform": platform.platform(), **packages}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(p for p in root.iterdir() if os.path.isdir(p) and not p.name.startswith("."))
    except (OSError, ValueError):
        return []


def _other_runs(folder: Path) -> str:
    runs = [p.name for p in _folders(folder.parent) if os.path.lexists(p / MANIFEST) and p.name.isprintable()]
    return nearest(folder.name, runs) or "; `unrolled runs` lists those that there are"
