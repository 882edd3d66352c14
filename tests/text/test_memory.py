"""A corpus of a million pairs is held as indices: its text stays on the disk."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import resource, sys
from unrolled.text.corpus import Corpus

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6

before = peak()
corpus = Corpus.open(sys.argv[1], sys.argv[2], name="train")
indexed = peak()
assert len(corpus) == 1_000_000 and corpus[777_777][0].startswith("sentence 777777 ")
assert sum(len(source) for source, _ in corpus.take(range(0, 1_000_000, 100))) > 0
print(indexed - before, peak() - before)
"""


@pytest.mark.slow
def test_a_million_pairs_take_less_than_their_text(tmp_path: Path):
    for name, text in (
        ("a", "sentence {} is made to be as long as usual .\n"),
        ("b", "文 {} は 普通 の 長さ に 作っ て ある 。\n"),
    ):
        with (tmp_path / name).open("w", encoding="utf-8") as file:
            file.writelines(text.format(i) for i in range(1_000_000))
    size = sum((tmp_path / name).stat().st_size for name in "ab") / 1e6
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "a"), str(tmp_path / "b")], capture_output=True, text=True
    )
    assert not told.returncode, told.stderr
    indexed, read = map(float, told.stdout.split())
    assert size > 100
    assert indexed < 60, f"{indexed:.0f} MB"
    assert read < 60, f"{read:.0f} MB"
