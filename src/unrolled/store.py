"""Runs on disk: folders of JSON and safetensors, written atomically, versioned, read as if a stranger had made them.

A run is ``runs/<name>-<n>``; its ``run.json``, the manifest, says what it is. Nothing is ever unpickled, and no name in
a file is imported. Whatever is wrong with a file is a RunError of one line.
"""

import json
import math
import os
import platform
import re
import unicodedata
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unrolled.errors import RunError, nearest
from unrolled.files import append, atomic_write, check_entries, damage, read_file, refusal, shown

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
KINDS = ("forecast",)
MANIFEST = "run.json"
JSON_LIMIT = 8 << 20  # bytes; nested JSON takes some 20 times as much memory
TENSOR_LIMIT = 4 << 30  # bytes
TENSORS = 10_000  # in one file


# ---- runs


def new_run(name: str, root: str | Path = "runs", out: str | Path | None = None) -> Path:
    """Make the folder of a new run: ``<root>/<name>-<n>`` with the next number, or exactly ``out``.

    Two processes at once get two numbers. Letters, digits, ``_`` and ``.`` of the name stay, all else becomes a dash.
    Raises RunError when ``out`` is there and isn't empty, or when the folder can't be made.
    """
    if out is not None:
        folder = Path(out)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            taken = next(folder.iterdir(), None) is not None
        except (OSError, ValueError) as error:
            raise refusal("make the folder", folder, error) from error
        if taken:
            raise RunError(f"{shown(folder)} is there already; go on with it by --resume, or give another --out")
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


# ---- JSON


def write_json(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object, atomically. NaN and infinity, which JSON doesn't have, become null."""
    atomic_write(path, json.dumps(_plain(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: str | Path, limit: int = JSON_LIMIT) -> dict[str, Any]:
    """Read a JSON object of at most ``limit`` bytes."""
    return _object(Path(path), read_file(Path(path), limit))


def append_line(path: str | Path, record: Mapping[str, Any]) -> None:
    """Add a record to a file of JSON lines, in place of a last line that was cut off."""
    append(Path(path), _line(record))


def write_lines(path: str | Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Write a file of JSON lines, one a record, atomically."""
    atomic_write(path, b"".join(_line(record) for record in records))


def read_lines(path: str | Path, limit: int = JSON_LIMIT) -> list[dict[str, Any]]:
    """The records of a file of JSON lines, but for a last one that was cut off."""
    path = Path(path)
    lines = read_file(path, limit).split(b"\n")
    return [_object(path, line, f"line {number} ") for number, line in enumerate(lines[:-1], 1)]


def _line(record: Mapping[str, Any]) -> bytes:
    text = json.dumps(_plain(record), ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode("utf-8", "backslashreplace")


def _plain(value: Any) -> Any:
    """The nearest thing that JSON can say."""
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    return _plain(value.tolist()) if hasattr(value, "tolist") else value  # numpy's and torch's scalars and arrays


def _object(path: Path, data: bytes, where: str = "it ") -> dict[str, Any]:
    try:
        content = json.loads(data.decode("utf-8"), parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        what = "nests too deeply" if isinstance(error, RecursionError) else f"is not JSON ({error})"
        raise damage(path, where + what) from error
    if not isinstance(content, dict):
        raise damage(path, f"{where}is not a JSON object")
    return content


def _finite(text: str) -> float:
    value = float(text.replace("Infinity", "inf"))
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is no number in JSON")
    return value


# ---- tensors


def save_tensors(path: str | Path, tensors: Mapping[str, "Tensor"], about: Mapping[str, Any] | None = None) -> None:
    """Write tensors as safetensors, atomically, with ``about`` as JSON in the file's metadata."""
    import torch
    from safetensors.torch import save

    # Cloned, since safetensors has no way to say that two tensors share memory.
    plain = {name: t.detach().cpu().clone(memory_format=torch.contiguous_format) for name, t in tensors.items()}
    atomic_write(path, save(plain, {"unrolled": _line(about or {}).decode()}))


def load_tensors(path: str | Path, limit: int = TENSOR_LIMIT) -> tuple[dict[str, "Tensor"], dict[str, Any]]:
    """The tensors of a safetensors file of at most ``limit`` bytes, on the CPU, and what was saved ``about`` them."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    path = Path(path)
    data = read_file(path, limit)
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > len(data) - 8:
        raise damage(path, f"its header should have {length:.6g} bytes, and the file has {len(data)}")
    if length > JSON_LIMIT:
        raise damage(path, f"its header has {length} bytes, and {JSON_LIMIT} are the most")
    header = _object(path, data[8 : 8 + length], "its header ")
    if (count := len(header.keys() - {"__metadata__"})) > TENSORS:
        raise damage(path, f"it has {count} tensors, and {TENSORS} are the most")
    metadata = header.get("__metadata__") or {}
    about = metadata.get("unrolled", "{}") if isinstance(metadata, dict) else None
    if not isinstance(about, str):
        raise damage(path, "its metadata is not text")
    try:
        tensors = load(data)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError, MemoryError) as error:
        # Not all is found by safetensors: types that torch lacks and sizes that it can't hold come up as others.
        raise damage(path, f"it is not safetensors ({error!r})") from error
    return tensors, _object(path, about.encode("utf-8", "surrogatepass"), "its metadata ")
