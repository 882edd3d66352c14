"""`unrolled runs`: the saved runs in a folder."""

from pathlib import Path
from typing import Any

import click

WIDE = 1000  # characters, of which the table takes what it needs: a name cut short could not be given to `predict`


@click.command(short_help="List the saved runs, newest first.")
@click.argument("folder", type=click.Path(path_type=Path), default=Path("runs"))
def runs(folder: Path) -> None:
    """List the saved runs in FOLDER (runs), newest first."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from unrolled.store import list_runs

    found = list_runs(folder)
    if not found:
        click.echo(f"no runs in {folder}; unrolled forecast FILE --target COLUMN makes one")
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("run", "made", "target", "cell", "horizon", "MAE", "skill", "status"):
        number = name in ("horizon", "MAE", "skill")
        table.add_column(name, justify="right" if number else "left", no_wrap=True)
    for path, manifest in found:
        if isinstance(manifest, dict):  # as Text, in which brackets are brackets and not rich's markup
            table.add_row(*(Text(text if text.isprintable() else ascii(text)) for text in (str(path), *_row(manifest))))
    if table.row_count:
        Console(width=WIDE).print(table)
    for _, error in found:
        if not isinstance(error, dict):  # a run that can't be read
            click.echo(error)


def _row(manifest: dict[str, Any]) -> list[str]:
    """What the table shows of a manifest, in which nothing but format and kind has been looked at."""
    shape, columns = _part(manifest, "architecture"), _part(manifest, "columns")
    evaluations = manifest.get("evaluations")
    evaluation = evaluations[0] if isinstance(evaluations, list) and evaluations else {}
    evaluation = evaluation if isinstance(evaluation, dict) else {}
    errors = next(iter(_part(evaluation, "overall").values()), None)
    mae, skill = errors.get("MAE") if isinstance(errors, dict) else None, evaluation.get("skill")
    return [
        str(manifest.get("created", ""))[:10],
        _names(columns.get("target", "")),
        str(shape.get("cell", "")),
        str(shape.get("horizon", "")),
        f"{mae:.4g}" if isinstance(mae, float) else "",
        f"{skill:+.1%}" if isinstance(skill, float) else "",
        str(manifest.get("status", "")),
    ]


def _names(target: Any) -> str:
    return ", ".join(map(str, target)) if isinstance(target, list) else str(target)


def _part(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    found = manifest.get(name)
    return found if isinstance(found, dict) else {}
