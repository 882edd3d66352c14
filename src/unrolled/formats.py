"""What goes into files and comes out of them: JSON objects, JSON lines, tensors as safetensors.

Nothing is ever unpickled, and no name in a file is imported. Whatever is wrong with a file is a RunError of one line.
"""

import json
import math
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unrolled.files import append, atomic_write, damage, read_file

if TYPE_CHECKING:
    from torch import Tensor

JSON_LIMIT = 8 << 20  # bytes; nested JSON takes some 20 times as much memory
TENSOR_LIMIT = 4 << 30  # bytes
TENSORS = 10_000  # in one file


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
