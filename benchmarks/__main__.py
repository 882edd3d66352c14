"""``python -m benchmarks [NAME …]``: run the benchmarks of those names (none: all), and write a JSON file for each.

A target that is missed is written as missed, and is no failure; a benchmark that could not be run is one.
"""

import argparse
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from types import ModuleType

from benchmarks._measure import SIGNS, Clock, Figure, report, write

FOLDER = Path(__file__).parent
WIDTHS = (15, 44, 34, 16)


def names() -> list[str]:
    """Every file here is a benchmark, but for those that begin with an underscore."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))


def module(name: str) -> ModuleType:
    """The benchmark of that name: its first line says what it measures, ``run(quick)`` gives a Result."""
    return import_module(f"benchmarks.{name}")


def about(name: str) -> str:
    return (module(name).__doc__ or "").strip().splitlines()[0]


def row(name: str, figure: Figure) -> str:
    """One line of the table: the figure, its value and spread, its target, and whether that was met."""
    target = "" if figure.target is None else f"{SIGNS[figure.target.bound]} {_number(figure.target.value, figure)}"
    verdict = {None: "", True: "met", False: "MISSED"}[figure.met]
    return _line(name, figure.name, _measured(figure), target, verdict)


def _measured(figure: Figure) -> str:
    headline = _number(figure.value, figure)
    if len(figure.values) == 1:
        return headline
    if figure.statistic == "mean":
        return f"{headline} ± {figure.sd:.3g} (n = {len(figure.values)})"
    return f"{headline} ({min(figure.values):.4g} … {max(figure.values):.4g})"


def _number(value: float, figure: Figure) -> str:
    number = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{number} {figure.unit}".rstrip()


def _line(*cells: str) -> str:
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, (*WIDTHS, 0), strict=True)).rstrip()


def main(arguments: list[str] | None = None) -> int:
    listed = "\n".join(f"  {name:<{WIDTHS[0]}} {about(name)}" for name in names())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure Unrolled against its targets.",
        epilog=f"benchmarks:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="the benchmarks to run (none: all)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where the JSON goes (benchmarks/results)")
    parser.add_argument(
        "--quick", action="store_true", help="tiny settings, to see that it works; written nowhere but to --out"
    )
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.names) - set(names())):
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are {', '.join(names())}")
    out = options.out or (None if options.quick else FOLDER / "results")

    print(_line("benchmark", "figure", "measured (spread)", "target", ""))
    failed = False
    for name in options.names or names():
        load, clock = [round(load, 2) for load in os.getloadavg()], Clock()
        try:
            result = module(name).run(options.quick)
        except Exception:  # noqa: BLE001 - the others are measured all the same
            failed = True
            print(_line(name, "could not be run", "", "", "FAILED"), flush=True)
            traceback.print_exc()
            continue
        for figure in result.figures:
            print(row(name, figure), flush=True)
        if out is not None:
            spent = {"wall_seconds": clock.wall, "cpu_seconds": clock.cpu, "load_average_before": load}
            write(out / f"{name}.json", report(name, about(name), result, quick=options.quick, **spent))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
