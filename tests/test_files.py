"""Files are written whole or not at all, also when the disk is full or the process is killed; no trap catches us."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
import tracemalloc
from contextlib import contextmanager
from pathlib import Path

import pytest

from unrolled import files, formats, store
from unrolled.errors import RunError

POSIX = pytest.mark.skipif(os.name != "posix", reason="named pipes and limits of POSIX systems")
OLD = b"old\n" * 1000


@contextmanager
def within(seconds: int):
    """Fail, rather than hang."""

    def ring(*_):
        raise AssertionError(f"still not back after {seconds} seconds")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def left(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


WRITERS = {
    "atomic_write": lambda path: files.atomic_write(path, b"new" * 5000),
    "write_json": lambda path: formats.write_json(path, {"new": [1] * 5000}),
    "write_lines": lambda path: formats.write_lines(path, [{"new": 1}] * 1000),
    "append_line": lambda path: formats.append_line(path, {"new": [1] * 5000}),
}
STEPS = [("append_line", "write")]
STEPS += [(writer, step) for writer in WRITERS if writer != "append_line" for step in ("write", "fsync", "replace")]


@pytest.mark.parametrize(("writer", "step"), STEPS)
def test_a_full_disk_leaves_the_older_file_and_nothing_else(tmp_path, monkeypatch, writer, step):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    real, calls = getattr(os, step), []

    def full(*arguments):
        calls.append(step)
        if step == "write" and len(calls) == 1:
            return real(arguments[0], arguments[1][:100])  # a part still fits
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, step, full)
    with pytest.raises(RunError, match=r"^can't write .*file: no space left on device; free some space") as e:
        WRITERS[writer](path)
    monkeypatch.undo()
    assert "\n" not in str(e.value)
    assert path.read_bytes() == OLD
    assert left(tmp_path) == ["file"]


FILL = """
import sys
from unrolled import files, formats
from unrolled.errors import RunError
path, limit = sys.argv[1], int(sys.argv[2])
if limit:
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
files.atomic_write(path, b"old" * 100)
much = b"new" * 100_000
for write, name, what in ((files.atomic_write, path, much), (formats.append_line, path + "l", {"much": str(much)})):
    try:
        write(name, what)
    except RunError as error:
        print(error)
assert open(path, "rb").read() == b"old" * 100
"""


@POSIX
def test_a_limit_of_the_system_on_sizes_is_kept_to(tmp_path):
    done = subprocess.run([sys.executable, "-c", FILL, tmp_path / "file", "5000"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("file too large") == 2
    assert left(tmp_path) == ["file", "filel"]
    assert (tmp_path / "filel").read_bytes() == b""


@POSIX
def test_a_disk_that_is_really_full(tmp_path):
    script = f"mount -t tmpfs -o size=64k tmpfs {tmp_path} && exec {sys.executable} -c '{FILL}' {tmp_path}/file 0"
    tools = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", tmp_path], capture_output=True)
    if tools.returncode:
        pytest.skip("no small file system of one's own on this machine")
    script += f"; ls -A {tmp_path}"
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script.replace("exec ", "")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("no space left on device") == 2
    assert done.stdout.splitlines()[2:] == ["file", "filel"]


def test_interrupted_writing_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.atomic_write(tmp_path / "file", b"new")
    assert left(tmp_path) == []


@POSIX
def test_killed_at_any_moment_a_file_is_old_or_new(tmp_path):
    code = "import itertools, sys\nfrom unrolled.files import atomic_write\n"
    code += "for n in itertools.count():\n atomic_write(sys.argv[1], str(n % 10) * 200_000)\n if not n: print(flush=1)"
    path = tmp_path / "file"
    for seed in range(8):
        writer = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE)
        writer.stdout.readline()
        time.sleep(0.02 + random.Random(seed).random() / 20)
        writer.kill()
        writer.wait()
        text = path.read_text()
        assert len(text) == 200_000
        assert len(set(text)) == 1
    files.remove_leftovers(tmp_path)
    assert left(tmp_path) == ["file"]


def test_leftovers_go_and_other_files_stay(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    for name in ("run.json", "checkpoints/.0123456789abcdef.tmp", ".mine.tmp"):
        (tmp_path / name).write_text("x")
    files.remove_leftovers(tmp_path)
    assert left(tmp_path) == [".mine.tmp", "checkpoints", "run.json"]


def test_folders_on_the_way_are_made_and_a_link_is_replaced(tmp_path):
    files.atomic_write(tmp_path / "a" / "b" / "file", "é")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"\xc3\xa9"
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (tmp_path / "a" / "link").symlink_to(outside)
    files.atomic_write(tmp_path / "a" / "link", "new")
    assert outside.read_text() == "mine"
    assert (tmp_path / "a" / "link").read_text() == "new"


@pytest.mark.parametrize("name", ["folder", "folder/file/on", "nul\0l", "x" * 300])
def test_a_path_that_cannot_be_written_says_so(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("mine")
    with pytest.raises(RunError, match=r"^can't write ") as caught:
        files.atomic_write(tmp_path / name, b"new")
    assert "\n" not in str(caught.value)
    assert left(tmp_path) == ["folder", "folder/file"]


def test_a_device_is_not_replaced():
    with pytest.raises(RunError, match="it is a folder or a device"):
        files.atomic_write(os.devnull, b"new")
    assert not os.path.isfile(os.devnull)


def trap(path: Path, kind: str) -> None:
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to(os.devnull)
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "outside":
        (path.parent.parent / "secret").write_text('{"format": 1, "kind": "forecast", "key": "hidden"}')
        path.symlink_to("../secret")


@POSIX
@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "loop", "outside"])
@pytest.mark.parametrize("use", ["read_json", "read_lines", "load_tensors", "append_line"])
def test_what_is_no_plain_file_is_refused(tmp_path, kind, use):
    (tmp_path / "run").mkdir()
    path = tmp_path / "run" / "file"
    trap(path, kind)
    arguments = [{"x": 1}] if use == "append_line" else []
    with within(10), pytest.raises(RunError) as caught:
        getattr(formats, use)(path, *arguments)
    assert "\n" not in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert {"device": "leads out", "outside": "leads out"}.get(kind, "file") in str(caught.value)
    if kind == "outside":
        assert (tmp_path / "secret").read_text().endswith("}")


@POSIX
@pytest.mark.parametrize("kind", ["pipe", "device", "outside"])
@pytest.mark.parametrize("name", ["run.json", "context.parquet", "checkpoints/deep"])
def test_a_run_with_a_trap_in_it_is_refused_whoever_reads_it(tmp_path, kind, name):
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    store.write_run(run, {"kind": "forecast"})
    (run / "checkpoints" / "inside").symlink_to("../run.json")
    assert store.read_run(run)["kind"] == "forecast"
    (run / "run.json").unlink() if name == "run.json" else None
    trap(run / name, kind) if name != "checkpoints/deep" or kind != "outside" else (run / name).symlink_to("/etc")
    with within(10), pytest.raises(RunError, match=r"leads out of the run|neither a file nor a folder"):
        store.read_run(run)


def test_a_file_larger_than_the_limit_is_not_read(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"")
    os.truncate(path, 1 << 40)  # a hole: it takes no space
    with within(10), pytest.raises(RunError, match=r"has 1099511627776 bytes, and 100 are the most"):
        files.read_file(path, 100)
    tracemalloc.start()
    with pytest.raises(RunError, match=r"has 1099511627776 bytes"):
        formats.load_tensors(path, limit=1 << 27)
    assert tracemalloc.get_traced_memory()[1] < 1 << 24
    tracemalloc.stop()
    with pytest.raises(RunError, match="bytes, and 10 are the most"):
        files.read_file(Path("/proc/self/maps"), 10) if os.path.exists("/proc/self/maps") else files.read_file(path, 10)


def test_a_path_with_a_line_break_stays_on_one_line(tmp_path):
    with pytest.raises(RunError, match=r"a\\nb.*no such file or directory; restore it from a copy") as caught:
        files.read_file(tmp_path / "a\nb", 10)
    assert "\n" not in str(caught.value)
