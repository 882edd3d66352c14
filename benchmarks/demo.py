"""`unrolled demo` in an empty folder: wall and CPU seconds from nothing to the report."""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks._measure import Figure, Result, Target, child, program


def run(quick: bool = False) -> Result:
    with TemporaryDirectory() as folder:
        command = ["data", "list"] if quick else ["demo"]
        _, clock, cpu = child([program(), *command], cwd=Path(folder))
        wall = clock.wall
        if not quick and not list(Path(folder).glob("runs/*/report.html")):
            raise RuntimeError("unrolled demo has left no report")
    return Result(
        [
            Figure("unrolled demo, wall", "s", [wall], Target("at most", 180)),
            Figure("unrolled demo, CPU", "s", [cpu]),
        ],
        settings={"command": " ".join(["unrolled", *command])},
    )
