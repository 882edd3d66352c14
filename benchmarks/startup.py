"""CPU seconds of `unrolled --help` and of `import unrolled`, and whether either imports torch.

CPU seconds rather than wall: they hardly depend on what else the machine is doing. The first run, which may have to
compile and to read from disk, is not counted.
"""

import sys

from benchmarks._measure import Figure, Result, Target, child, program

HELP = "import sys\nfrom unrolled.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
IMPORT = "import sys, unrolled\n"
TELL = "print('\\nimported:', 'torch' in sys.modules)\n"


def run(quick: bool = False) -> Result:
    repeats = 2 if quick else 7

    def cpu(*command) -> list[float]:
        return [child(command)[2] for _ in range(repeats + 1)][1:]

    def imports_torch(code: str) -> float:
        output = child([sys.executable, "-c", code + TELL])[0]
        return float(output.splitlines()[-1] == "imported: True")

    return Result(
        [
            Figure("unrolled --help, CPU", "s", cpu(program(), "--help"), Target("at most", 0.3)),
            Figure("import unrolled, CPU", "s", cpu(sys.executable, "-c", "import unrolled"), Target("at most", 1.0)),
            Figure("Python alone, CPU", "s", cpu(sys.executable, "-c", "pass")),
            Figure(
                "of the two, how many import torch",
                "",
                [imports_torch(HELP) + imports_torch(IMPORT)],
                Target("at most", 0),
            ),
        ],
        settings={"repeats": repeats, "warm_up_runs": 1},
    )
