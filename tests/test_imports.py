"""One-way floors: a room of the package imports only from rooms above it; and `import unrolled` loads nothing heavy."""

import ast
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

import unrolled

# From the ground, which imports nothing of ours, downwards. Each may import from those before it, and from itself.
FLOORS = [
    "errors",
    "files",
    "formats",
    "shapes",
    "nn",
    "report",
    "lens",
    "data",
    "store",
    "checkpoint",
    "calibration",
    "training",
    "series",
    "text",
    "forecast",
    "translate",
    "saved",
    "comparison",
    "learn",
    "app",
    "cli",
]
# The public names and `python -m unrolled`: they may import every room, and no room may import them.
ROOF = {"__init__", "__main__"}
CONSTANTS = {"__version__"}  # what a room may take from the roof


def rooms_imported(tree: ast.Module, package: list[str]) -> list[tuple[int, str]]:
    """(line, room) of every import of ours, at any depth of the code, in a module of the package ``["unrolled", …]``.

    For ``import unrolled`` or a name of the package itself, what stands for the room is no room.
    """
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = [*above, *(node.module.split(".") if node.module else [])]
            names = [".".join([*base, alias.name]) for alias in node.names]
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
            name = node.args[0].value
            if called not in {"import_module", "__import__"} or not isinstance(name, str):
                continue
            level = len(name) - len(name.lstrip("."))
            names = [".".join([*package[: len(package) - level + 1], name[level:]]) if level else name]
        else:
            continue
        for name in names:
            first, _, rest = name.partition(".")
            if first == "unrolled" and rest not in CONSTANTS:
                found.append((node.lineno, rest.split(".")[0]))
    return list(dict.fromkeys(found))  # `from unrolled.cli import a, b` is one


def violations(source: Path) -> list[str]:
    """What in the package at ``source`` stands against the order of floors, one line each."""
    files = {file: PurePosixPath(*file.relative_to(source).parts) for file in sorted(source.rglob("*.py"))}
    strangers = {place.parts[0].removesuffix(".py") for place in files.values()} - ROOF - set(FLOORS)
    found = [f"'{room}' is no room of the house; give it a floor in FLOORS" for room in sorted(strangers)]
    for file, place in files.items():
        room = place.parts[0].removesuffix(".py")
        if room in ROOF | strangers:
            continue
        package = ["unrolled", *place.parts[:-1]]
        for line, other in rooms_imported(ast.parse(file.read_text(encoding="utf-8")), package):
            if other in strangers:
                continue  # reported above, once
            if other not in FLOORS:
                found.append(f"{place}:{line}: '{room}' imports '{other or 'unrolled'}', which is no room of the house")
            elif FLOORS.index(other) > FLOORS.index(room):
                found.append(f"{place}:{line}: '{room}' imports from '{other}', which is below it")
    return found


def test_no_room_imports_from_a_room_below_it():
    assert violations(Path(unrolled.__file__).parent) == []


# The same within `series`, whose folders stand on each other in this order.
SERIES = ["words", "reading", "panels", "windows", "metrics", "judging", "models", "learning", "leaks", "report"]


def test_no_folder_of_series_imports_from_a_folder_below_it():
    series, found = Path(unrolled.__file__).parent / "series", []
    assert {file.stem for file in series.iterdir() if file.stem[0] != "_"} == set(SERIES)
    for file in series.rglob("*.py"):
        here = file.relative_to(series).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("unrolled.series."):
                there = (node.module or "").split(".")[2]
                if SERIES.index(there) > SERIES.index(here):
                    found.append(f"{file.name}:{node.lineno}: '{here}' imports from '{there}', which is below it")
    assert found == []


def planted(tmp_path: Path, place: str, code: str) -> list[str]:
    file = tmp_path / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(code, encoding="utf-8")
    return violations(tmp_path)


@pytest.mark.parametrize(
    "code",
    [
        "import unrolled.series",
        "import unrolled.series.windows.window as w",
        "import json, unrolled.series.windows.window",
        "from unrolled.series import window",
        "from unrolled.series.windows.window import Windows",
        "from unrolled import errors, series",
        "from ..series import window",
        "from ..series.window import Windows",
        "from .. import errors, series",
        "def late():\n    from unrolled.series import window",
        "class Late:\n    def late(self):\n        from ..series import window",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from unrolled.series import window",
        "try:\n    import unrolled.series\nexcept ImportError:\n    pass",
        "import importlib\nimportlib.import_module('unrolled.series.windows.window')",
        "from importlib import import_module\nimport_module('..series', __package__)",
        "__import__('unrolled.series')",
    ],
)
def test_a_planted_violation_is_found(tmp_path, code):
    line = len(code.splitlines()) - ("except" in code) * 2
    assert planted(tmp_path, "nn/rnn.py", code) == [f"nn/rnn.py:{line}: 'nn' imports from 'series', which is below it"]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import unrolled", "unrolled"),
        ("from unrolled import Forecaster", "Forecaster"),
        ("from unrolled import *", "*"),
        ("from ... import x", "x"),
        ("from unrolled.elsewhere import a, b", "elsewhere"),
    ],
)
def test_an_import_of_the_package_itself_or_of_no_room_is_found(tmp_path, code, name):
    found = planted(tmp_path, "series/windows/window.py", code)
    assert found == [f"series/windows/window.py:1: 'series' imports '{name}', which is no room of the house"]


def test_other_depths_are_found(tmp_path):
    assert planted(tmp_path, "store.py", "from . import cli") == [
        "store.py:1: 'store' imports from 'cli', which is below it"
    ]
    assert len(planted(tmp_path, "nn/__init__.py", "from ..lens import tape")) == 2
    assert len(planted(tmp_path, "nn/deep/deeper.py", "from ...lens import tape")) == 3


def test_a_module_without_a_floor_is_found(tmp_path):
    (tmp_path / "somewhere.py").touch()
    found = planted(tmp_path, "nn/rnn.py", "from unrolled.somewhere import x")
    assert found == ["'somewhere' is no room of the house; give it a floor in FLOORS"]


@pytest.mark.parametrize(
    ("place", "code"),
    [
        (
            "series/windows/window.py",
            "from unrolled.errors import DataError\nfrom unrolled import nn, __version__\nimport numpy",
        ),
        (
            "series/windows/window.py",
            "from . import split\nfrom .split import Part\nfrom unrolled.series import scale\nfrom .. import nn",
        ),
        ("series/__init__.py", "from . import split\nfrom ..nn import cells"),
        ("series/windows/window.py", "import unrolled_extras\nfrom other.unrolled import cli"),
        ("cli/main.py", "from unrolled import forecast, series, errors"),
        ("__init__.py", "from unrolled import cli\nfrom .forecast import Forecaster"),
        ("__main__.py", "from unrolled.cli import main"),
    ],
)
def test_what_the_floors_allow_passes(tmp_path, place, code):
    assert planted(tmp_path, place, code) == []


@pytest.mark.parametrize("heavy", ["torch", "polars"])
def test_import_unrolled_loads_nothing_heavy(heavy):
    program = f"import sys, unrolled; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
