"""Runs that were damaged: any part of their run.json replaced by anything."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st


def damage_run(data: st.DataObject, run: Path, folder: Path, words: Sequence[str]) -> None:
    """Make ``folder`` a copy of the run with one part of run.json replaced; ``words`` are texts that mean something
    there."""
    if not folder.exists():
        shutil.copytree(run, folder)
    changed = json.loads((run / "run.json").read_text())
    *before, last = data.draw(st.sampled_from(_places(changed)))
    part = changed
    for key in before:
        part = part[key]
    part[last] = data.draw(_anything(words))
    (folder / "run.json").write_text(json.dumps(changed))


def _places(part: Any, path: tuple = ()) -> list[tuple]:
    inner = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    return [path] * bool(path) + [place for key, value in inner for place in _places(value, (*path, key))]


def _anything(words: Sequence[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**40), 10**40)
        | st.integers(-3, 1025)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=8)
        | st.sampled_from(words),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=6,
    )
