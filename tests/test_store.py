"""Runs, JSON and tensors: what is written is read again, and what is damaged or hostile is refused in one line."""

import json
import math
import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled import formats, store
from unrolled.errors import RunError

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
OBJECTS = st.dictionaries(
    st.text(), st.recursive(LEAVES, lambda s: st.lists(s) | st.dictionaries(st.text(), s), max_leaves=5)
)


# ---- folders


def test_runs_are_numbered_on(tmp_path):
    names = [store.new_run(name, tmp_path / "runs").name for name in ("weather", "weather", "we", "weather")]
    assert names == ["weather-1", "weather-2", "we-1", "weather-3"]
    (tmp_path / "runs" / "weather-10").mkdir()
    (tmp_path / "runs" / "weather-2").rmdir()
    (tmp_path / "runs" / "weather-99999999999").mkdir()
    assert store.new_run("weather", tmp_path / "runs").name == "weather-11"  # a number is never given twice


def test_two_processes_at_once_get_two_numbers(tmp_path):
    code = "import sys\nfrom unrolled.store import new_run\nsys.stdin.read(1)\n"
    code += "for _ in range(25): print(new_run('a', sys.argv[1]).name)"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen([sys.executable, "-c", code, tmp_path / "runs"], **pipes) for _ in range(4)]
    time.sleep(0.5)  # so that all stand at the start
    for process in processes:
        process.stdin.write("x")
        process.stdin.flush()
    names = [name for process in processes for name in process.communicate()[0].split()]
    assert sorted(names) == sorted(f"a-{n}" for n in range(1, 101))


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("../x", "x-1"),
        ("a/b\\c:d", "a-b-c-d-1"),
        ("", "run-1"),
        ("..", "run-1"),
        ("CON", "CON-1"),
        ("💥", "run-1"),
        ("気温 2024", "気温-2024-1"),
        ("a\nb\0c\x1b[2J", "a-b-c-2J-1"),
        ("-rf", "rf-1"),
        (".hidden", "hidden-1"),
        ("x" * 300, "x" * 80 + "-1"),
        ("字" * 300, "字" * 26 + "-1"),
        ("ﬁle", "file-1"),
    ],
)
def test_a_hostile_name_makes_a_harmless_folder(tmp_path, name, folder):
    run = store.new_run(name, tmp_path / "runs")
    assert run.name == folder
    assert [p.name for p in (tmp_path / "runs").iterdir()] == [folder]
    assert [p.name for p in tmp_path.iterdir()] == ["runs"]


@given(name=st.text(max_size=400))
@settings(max_examples=200)
def test_any_name_is_one_part_of_a_path(name):
    safe = store._file_name(name)
    assert safe == Path(safe).name
    assert 0 < len(safe.encode()) <= 80
    assert safe.isprintable()
    assert safe[0] not in ".-"


def test_out_is_exactly_that_folder_and_no_other_files_are_touched(tmp_path):
    assert store.new_run("x", out=tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert store.new_run("x", out=tmp_path / "a" / "b").is_dir()  # still empty
    (tmp_path / "a" / "b" / "mine").write_text("x")
    with pytest.raises(RunError, match=r"b is there already; go on with it by --resume, or give another --out"):
        store.new_run("x", out=tmp_path / "a" / "b")
    with pytest.raises(RunError, match=r"can't make the folder .*mine: file exists"):
        store.new_run("x", out=tmp_path / "a" / "b" / "mine")
    with pytest.raises(RunError, match=r"can't make a folder in .*mine: file exists"):
        store.new_run("x", root=tmp_path / "a" / "b" / "mine")
    with pytest.raises(RunError, match=r"can't make the folder .*x\\x00y"):
        store.new_run("x", out=f"{tmp_path}/x\0y")
    assert (tmp_path / "a" / "b" / "mine").read_text() == "x"


# ---- manifests


def test_a_manifest_is_read_as_it_was_written(tmp_path):
    store.write_run(tmp_path, {"kind": "forecast", "columns": ["気温"], "error": 1.5})
    first = store.read_run(tmp_path)
    assert (first["columns"], first["error"], first["format"]) == (["気温"], 1.5, store.FORMAT)
    assert abs((datetime.now(UTC) - datetime.fromisoformat(first["created"])).total_seconds()) < 5
    assert first["unrolled"] == store.environment()["unrolled"] is not None
    formats.write_json(tmp_path / "run.json", first | {"created": "2001-01-01T00:00:00+00:00"})
    store.write_run(tmp_path, {"kind": "forecast", "status": "finished"})
    assert store.read_run(tmp_path)["created"] == "2001-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"run\.json is damaged: it is not JSON \(Expecting value.*; restore it from a copy, or train again"),
        ('{"format": 1, "ki', r"run\.json is damaged: it is not JSON \(Unterminated"),
        ("[1]", r"run\.json is damaged: it is not a JSON object"),
        ("{}", r"was not written by unrolled: it has no format number, or no kind"),
        ('{"format": "1", "kind": "forecast"}', r"was not written by unrolled"),
        ('{"format": true, "kind": "forecast"}', r"was not written by unrolled"),
        ('{"format": 1, "kind": ["forecast"]}', r"was not written by unrolled"),
        ('{"format": 2, "kind": "new"}', r"by a newer unrolled: format 2, this one reads up to 1; pip install -U unr"),
        ('{"format": 1' + "0" * 4000 + ', "kind": "new"}', r"newer unrolled: format 10000000000000000000, this"),
        ('{"format": 1' + "0" * 5000 + ', "kind": "new"}', r"run\.json is damaged: it is not JSON \(Exceeds"),
        ('{"format": 0, "kind": "forecast"}', r"has format 0, and the first was 1; restore it, or train again"),
        ('{"format": 1, "kind": "forcast"}', r"unknown kind, 'forcast'; nearest: 'forecast'"),
        ('{"format": 1, "kind": "\\n\\u001b[2J' + "x" * 9999 + '"}', r"unknown kind, '\\n\\x1b\[2Jx{35}'"),
        ('{"format": 1, "x": NaN}', r"run\.json is damaged: it is not JSON \(NaN is no number in JSON\)"),
        ('{"format": 1, "x": -Infinity}', r"-Infinity is no number"),
        ('{"format": 1, "x": 1e999}', r"1e999 is no number"),
        ('{"a":' * 100_000, r"run\.json is damaged: it nests too deeply"),
        (b"\xff\xfe{\0}\0", r"run\.json is damaged: it is not JSON \('utf-8' codec can't decode"),
        (" " * (formats.JSON_LIMIT + 1), r"run\.json has 8388609 bytes, and 8388608 are the most"),
    ],
)
def test_a_manifest_that_cannot_be_used_says_why(tmp_path, content, message):
    (tmp_path / "run.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RunError, match=message) as caught:
        store.read_run(tmp_path)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


def test_a_folder_that_is_no_run_names_those_that_are(tmp_path):
    for name in ("weather-1", "weather-2", "stocks-1"):
        store.write_run(tmp_path / name, {"kind": "forecast"})
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError, match=r"weather-3 is not there; nearest: 'weather-\d', 'weather-\d'"):
        store.read_run(tmp_path / "weather-3")
    with pytest.raises(
        RunError, match=r"empty is not a run: it has no run.json; there are: stocks-1, weather-1, weather-2"
    ):
        store.read_run(tmp_path / "empty")
    with pytest.raises(RunError, match=r"file is a file, not a run's folder"):
        store.read_run(tmp_path / "file")
    for name in ("x" * 300, "nul\0l", "weather-1/run.json/x"):
        with pytest.raises(RunError, match=r"is not there"):
            store.read_run(tmp_path / name)


def test_runs_are_listed_newest_first_with_what_is_wrong(tmp_path):
    assert store.list_runs(tmp_path / "nowhere") == []
    created = {
        "a-1": "2024-01-01T00:00:00+00:00",
        "a-9": "2024-01-03T00:00:00+00:00",
        "a-8": "2024-01-03T00:00:00+00:00",
        "a-10": "2024-01-03T00:00:00+00:00",
    }
    for name, when in created.items():
        store.write_run(tmp_path / name, {"kind": "forecast", "created": when})
    for name, when in {
        "odd-1": "9999-99-99",
        "odd-2": ["x"],
        "odd-4": "0001-01-01",
        "odd-3": "0001-01-01T00:00:00+23:59",
    }.items():
        store.write_run(tmp_path / name, {"kind": "forecast", "created": when})
        os.utime(tmp_path / name, (0, 0))
    (tmp_path / "broken").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "file").write_text("x")
    listed = store.list_runs(tmp_path)
    names = [folder.name for folder, _ in listed]
    assert [n for n in names if n.startswith("a-")] == ["a-10", "a-9", "a-8", "a-1"]
    assert set(names) == {*created, "broken", "odd-1", "odd-2", "odd-3", "odd-4"}
    assert isinstance(dict(listed)[tmp_path / "broken"], RunError)
    assert dict(listed)[tmp_path / "a-1"]["kind"] == "forecast"


def test_the_environment_is_that_of_the_packages():
    found = store.environment()
    assert (found["torch"], found["numpy"]) == (torch.__version__, np.__version__)
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))


def test_importing_the_store_does_not_import_torch():
    code = (
        "import sys; import unrolled.store; sys.exit(any(m in sys.modules for m in ('torch', 'numpy', 'safetensors')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# ---- JSON


@given(content=OBJECTS)
@settings(deadline=None, max_examples=50)
def test_json_comes_back(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "content.json"
    formats.write_json(path, content)
    assert formats.read_json(path) == content
    formats.write_lines(path, [content, {}, content])
    assert formats.read_lines(path) == [content, {}, content]


def test_what_json_cannot_say_becomes_the_nearest_that_it_can(tmp_path):
    path = tmp_path / "x.json"
    numbers = [math.nan, math.inf, np.float32("nan"), 0.1, np.float32(0.5), np.int64(3), np.bool_(True)]
    others = {
        "array": np.array([1.0, np.nan]),
        "tensor": torch.tensor([2]),
        "day": date(2024, 2, 29),
        "path": Path("a"),
    }
    formats.write_json(path, {"numbers": numbers, "tuple": (1, -math.inf), 3: "key", "half": "\ud800", **others})
    assert formats.read_json(path) == {
        "numbers": [None, None, None, 0.1, 0.5, 3, True],
        "tuple": [1, None],
        "3": "key",
        "half": "\ud800",
        "array": [1.0, None],
        "tensor": [2],
        "day": "2024-02-29",
        "path": "a",
    }
    json.loads(path.read_text(), parse_constant=pytest.fail)  # strict readers can read it


RECORDS = st.dictionaries(st.text(max_size=5), LEAVES, max_size=3)


@given(records=st.lists(RECORDS, max_size=4), data=st.data())
@settings(deadline=None, max_examples=50)
def test_lines_survive_a_cut_at_any_byte_and_go_on(tmp_path_factory, records, data):
    path = tmp_path_factory.getbasetemp() / "metrics.jsonl"
    path.unlink(missing_ok=True)
    ends = [0]
    for record in records:
        formats.append_line(path, record)
        ends.append(path.stat().st_size)
    cut = data.draw(st.integers(0, ends[-1]))
    with path.open("ab") as file:
        file.truncate(cut)
    whole = sum(end <= cut for end in ends[1:])
    assert formats.read_lines(path) == records[:whole]
    formats.append_line(path, {"next": 1})
    assert formats.read_lines(path) == [*records[:whole], {"next": 1}]


def test_a_damaged_line_is_named(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"a": 1}\n{"a": \n{"a": 3}\n')
    with pytest.raises(RunError, match=r"metrics\.jsonl is damaged: line 2 is not JSON"):
        formats.read_lines(tmp_path / "metrics.jsonl")


def spliced(base: bytes):
    """The base, damaged: cut, bits flipped, parts doubled, removed or replaced."""

    def damage(edits):
        found = bytearray(base)
        for kind, at, size, new in edits:
            at, size = at % (len(found) + 1), min(size, len(found))
            if kind == "cut":
                del found[at:]
            elif kind == "flip" and found:
                found[at % len(found)] ^= 1 << size % 8
            elif kind == "double":
                found[at:at] = found[at : at + size]
            elif kind == "replace":
                found[at : at + len(new)] = new
            else:
                found[at : at + size] = new
        return bytes(found)

    kinds = st.sampled_from(["cut", "flip", "double", "replace", "insert"])
    positions = st.integers(0, 90) | st.integers(0, len(base))
    return st.lists(st.tuples(kinds, positions, st.integers(0, 40), st.binary(max_size=9)), max_size=5).map(damage)


MANIFEST = json.dumps({"format": 1, "kind": "forecast", "created": "2024-01-01", "x": [1.5, {"y": None}]}).encode()


@given(content=spliced(MANIFEST) | st.binary(max_size=99))
@settings(max_examples=300, deadline=None)
def test_a_damaged_manifest_is_read_or_refused_in_one_line(tmp_path_factory, content):
    folder = tmp_path_factory.getbasetemp() / "fuzzed-runs" / "a-1"
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "run.json").write_bytes(content)
    ((_, listed),) = store.list_runs(folder.parent)
    if isinstance(listed, RunError):
        assert str(listed).isprintable()
    else:
        assert listed == json.loads(content)
        assert (listed["format"], listed["kind"]) == (1, "forecast")
