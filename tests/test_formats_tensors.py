"""Tensors on disk: bit for bit, and no file, whatever is in it, runs code, hangs, or takes more memory than it has."""

import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open

from unrolled import formats
from unrolled.errors import RunError

DTYPES = [torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.int64, torch.uint8, torch.bool]


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


@settings(deadline=None, max_examples=50)
@given(
    dtype=st.sampled_from(DTYPES),
    shape=st.lists(st.integers(0, 4), max_size=3),
    content=st.binary(min_size=512, max_size=512),
    name=st.text(max_size=20).filter(lambda name: name != "__metadata__"),
)
def test_tensors_come_back_bit_for_bit(tmp_path_factory, dtype, shape, content, name):
    path = tmp_path_factory.getbasetemp() / "model.safetensors"
    raw = torch.frombuffer(bytearray(content), dtype=torch.uint8)
    raw = raw % 2 if dtype == torch.bool else raw
    tensor = raw.view(dtype)[: int(np.prod(shape))].reshape(shape)  # of NaNs too
    about = {"step": 3, name: [0.1, None, "é"]}
    formats.save_tensors(path, {name: tensor, "across": tensor.mT if len(shape) == 2 else tensor}, about)
    tensors, found = formats.load_tensors(path)
    assert found == about
    assert (tensors[name].dtype, list(tensors[name].shape), bits(tensors[name])) == (dtype, shape, bits(tensor))
    tensors[name].fill_(1)  # one's own memory
    with safe_open(path, "pt") as other:  # any other reader can read it
        assert sorted(other.keys()) == sorted(tensors)


def test_tied_and_required_weights_are_saved(tmp_path):
    weight = torch.nn.Parameter(torch.randn(3, 2))
    formats.save_tensors(tmp_path / "m", {"a": weight, "b": weight, "c": weight[1:]})
    tensors, about = formats.load_tensors(tmp_path / "m")
    assert torch.equal(tensors["a"], weight)
    assert torch.equal(tensors["b"], weight)
    assert torch.equal(tensors["c"], weight[1:])
    assert about == {}


def file_of(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def tensor(shape: list, offsets: list, dtype: object = "F32") -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


HOSTILE = {
    "empty": (b"", "its header should have 0 bytes, and the file has 0"),
    "short": (b"\x01\0\0", "its header should have 1 bytes, and the file has 3"),
    "header of 2^60 bytes": (file_of({}, length=1 << 60), r"should have 1\.15292e\+18 bytes, and the file has 10"),
    "large header": (file_of(b" " * (8 << 20) + b"{}"), "its header has 8388610 bytes, and 8388608 are the most"),
    "no JSON": (file_of(b"\x80\x04."), "its header is not JSON"),
    "a list": (file_of([]), "its header is not a JSON object"),
    "deep": (file_of(b'{"a":' * 90_000), "its header nests too deeply"),
    "deep metadata": (file_of({"__metadata__": {"unrolled": '{"a":' * 90_000}}), "its metadata nests too deeply"),
    "metadata that is no JSON": (file_of({"__metadata__": {"unrolled": "x"}}), "its metadata is not JSON"),
    "metadata that is no text": (file_of({"__metadata__": {"unrolled": 1}}), "its metadata is not text"),
    "metadata that is no object": (file_of({"__metadata__": [1]}), "its metadata is not text"),
    "10^9 numbers": (file_of({"a": tensor([10**9], [0, 4 * 10**9])}), "it is not safetensors"),
    "10^9 numbers in 4 bytes": (file_of({"a": tensor([10**9], [0, 4])}, b"1234"), "it is not safetensors"),
    "10^9 rows of nothing": (file_of({"a": tensor([10**9, 10**9, 10**9, 0], [0, 0])}), "it is not safetensors"),
    "2^63 columns of nothing": (file_of({"a": tensor([0, 2**63], [0, 0])}), "it is not safetensors"),
    "2^62 planes of nothing": (file_of({"a": tensor([0, 2**62, 2**62], [0, 0])}), "it is not safetensors"),
    "2^80 numbers": (file_of({"a": tensor([2**40, 2**40], [0, 4])}, b"1234"), "it is not safetensors"),
    "2^64 rows": (file_of({"a": tensor([2**64], [0, 4])}, b"1234"), "it is not safetensors"),
    "-1 rows": (file_of({"a": tensor([-1], [0, 4])}, b"1234"), "it is not safetensors"),
    "a hole": (file_of({"a": tensor([1], [4, 8])}, b"12345678"), "it is not safetensors"),
    "backwards": (file_of({"a": tensor([1], [4, 0])}, b"1234"), "it is not safetensors"),
    "twice the same bytes": (file_of({n: tensor([1], [0, 4]) for n in "ab"}, b"1234"), "it is not safetensors"),
    "a kind of number there isn't": (file_of({"a": tensor([1], [0, 4], "F33")}, b"1234"), "it is not safetensors"),
    "a kind that torch doesn't have": (file_of({"a": tensor([2], [0, 1], "F4")}, b"1"), "it is not safetensors"),
    "more than it says": (file_of({"a": tensor([1], [0, 4])}, b"12345"), "it is not safetensors"),
    "many": (
        file_of({str(n): tensor([0], [0, 0]) for n in range(10_001)}),
        "has 10001 tensors, and 10000 are",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused(tmp_path, case):
    content, message = HOSTILE[case]
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(RunError, match=rf"model\.safetensors is damaged: .*{message}") as caught:
        formats.load_tensors(tmp_path / "model.safetensors")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


MEMORY = """
import resource, sys
sys.path.insert(0, sys.argv[2])
from test_formats_tensors import HOSTILE
import torch, safetensors.torch
from unrolled import formats
from unrolled.errors import RunError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
nested = b'{"format": 1, "kind": "forecast", "x": [' + b"[]," * 2_700_000 + b"0]}"
tensors = [(content, formats.load_tensors) for content, _ in HOSTILE.values()]
for content, use in [*tensors, (nested, formats.read_json)]:
    open(sys.argv[1], "wb").write(content)
    try:
        use(sys.argv[1])
    except RunError:
        pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux")
def test_hostile_files_take_little_memory_and_time(tmp_path):
    command = [sys.executable, "-c", MEMORY, tmp_path / "m", os.path.dirname(__file__)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 400  # megabytes; the largest file has 8


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def test_nothing_is_ever_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"a": Bomb()}, tmp_path / "model.safetensors")
    (tmp_path / "run.json").write_bytes(pickle.dumps(Bomb()))
    for use, name in ((formats.load_tensors, "model.safetensors"), (formats.read_json, "run.json")):
        with pytest.raises(RunError, match="is damaged"):
            use(tmp_path / name)
    (tmp_path / "m").write_bytes(file_of({"__metadata__": {"unrolled": pickle.dumps(Bomb(), 0).decode()}}))
    with pytest.raises(RunError, match="its metadata is not JSON"):
        formats.load_tensors(tmp_path / "m")
    assert not (tmp_path / "exploded").exists()


def base_file() -> bytes:
    header = {
        "__metadata__": {"unrolled": '{"step": 3}'},
        "w": tensor([2, 3], [0, 24]),
        "n": tensor([], [24, 32], "I64"),
    }
    return file_of(header, bytes(range(32)))


NUMBERS = st.sampled_from([0, 1, 2, 4, 24, 32, -1, 10**9, 2**31, 2**62, 2**63, 2**64, 1.5, None, "4", [], True])
SMALL = st.lists(NUMBERS, max_size=4)
HEADERS = st.dictionaries(
    st.sampled_from(["a", "b", "", "__metadata__"]),
    st.builds(tensor, SMALL, SMALL, st.sampled_from(["F32", "I64", "F4", "F8_E4M3", "C64", "", 3]))
    | st.dictionaries(st.sampled_from(["unrolled", "dtype", "x"]), st.text(max_size=5) | NUMBERS),
)


def damaged(base: bytes):
    edit = st.tuples(st.integers(0, len(base)), st.integers(0, 9), st.binary(max_size=9))

    def apply(edits) -> bytes:
        found = base
        for at, size, new in edits:
            found = found[:at] + new + found[at + size :]
        return found

    flip = st.tuples(st.integers(0, len(base) - 1), st.integers(0, 7)).map(
        lambda f: base[: f[0]] + bytes([base[f[0]] ^ 1 << f[1]]) + base[f[0] + 1 :]
    )
    cut = st.integers(0, len(base)).map(lambda n: base[:n])
    return st.lists(edit, max_size=3).map(apply) | flip | cut


@given(content=damaged(base_file()) | st.builds(file_of, HEADERS, st.binary(max_size=64)))
@settings(max_examples=500, deadline=None)
def test_a_damaged_file_is_loaded_or_refused_in_one_line(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzzed.safetensors"
    path.write_bytes(content)
    refused, tensors = "", {}
    try:
        tensors, _ = formats.load_tensors(path)
    except RunError as error:
        refused = str(error)
    assert refused.isprintable()
    assert sum(t.numel() * t.element_size() for t in tensors.values()) <= len(content)
