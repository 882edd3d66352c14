"""`unrolled runs`: the saved runs in a folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from unrolled.comparison.leaderboard import Leaderboard

WIDE = 1000  # characters, of which the table takes what it needs: a name cut short could not be given to `predict`

TENTHS = 10  # seconds below which their tenths are shown


@click.command(short_help="List the saved runs, newest first, or compare them.")
@click.argument("folders", type=click.Path(path_type=Path), nargs=-1)
@click.option("--compare", is_flag=True, help="A leaderboard of the runs that were scored on the same data.")
def runs(folders: tuple[Path, ...], compare: bool) -> None:
    """List the saved runs in FOLDERS (runs), newest first; a folder may be a run itself.

    With --compare, finished runs that forecast the same values, as many steps ahead, on the same test part, stand
    beside each other, the lowest mean absolute error first; of the others it says why they can't be compared.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from unrolled.store import find_runs

    folders = folders or (Path("runs"),)
    found = find_runs(folders)
    if not found:
        where = ", ".join(map(str, folders))
        click.echo(f"no runs in {where}; unrolled forecast FILE --target COLUMN makes one")
        return
    if compare:
        _compare(found)
        return
    kinds = {
        "forecast": (("target", "cell", "horizon", "MAE", "skill"), _row),
        "translation": (("source", "model", "sentences", "BLEU", "chrF"), _translation),
    }
    for kind, (columns, row) in kinds.items():
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for name in ("run", "made", *columns, "status"):
            number = name in ("horizon", "MAE", "skill", "sentences", "BLEU", "chrF")
            table.add_column(name, justify="right" if number else "left", no_wrap=True)
        for path, manifest in found:
            if isinstance(manifest, dict) and manifest["kind"] == kind:
                known = str(manifest.get("created", ""))[:10], *row(manifest), str(manifest.get("status", ""))
                table.add_row(*map(_text, (str(path), *known)))
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
        _names(columns.get("target", "")),
        str(shape.get("cell", "")),
        str(shape.get("horizon", "")),
        f"{mae:.4g}" if isinstance(mae, float) else "",
        f"{skill:+.1%}" if isinstance(skill, float) else "",
    ]


def _translation(manifest: dict[str, Any]) -> list[str]:
    """The same of a translation run."""
    shape, evaluation = _part(manifest, "architecture"), _part(manifest, "evaluation")
    values = [_part(evaluation, metric).get("value") for metric in ("BLEU", "chrF")]
    transformer = shape.get("model") == "transformer"
    looks = "" if transformer or shape.get("attention") is None else f", {shape['attention']}"
    return [
        str(_part(manifest, "asked").get("source") or ""),
        "transformer" if transformer else f"{shape.get('cell', '')}{looks}",
        str(evaluation.get("sentences", "")),
        *(f"{value:.1f}" if isinstance(value, float) else "" for value in values),
    ]


def _names(target: Any) -> str:
    return ", ".join(map(str, target)) if isinstance(target, list) else str(target)


def _part(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    found = manifest.get(name)
    return found if isinstance(found, dict) else {}


def _compare(found: "list[tuple[Path, Any]]") -> None:
    from unrolled.comparison.leaderboard import leaderboards
    from unrolled.files import shown

    boards, left = leaderboards(found)
    for board in boards:
        _show(board)
    if boards:
        click.echo(
            "\nRanked on the test part: the best of many runs looks a little better here than it will do on new data."
        )
    else:
        click.echo("no two runs were scored on the same data")
    if left:
        click.echo("\nNot compared:")
    for path, why in left:
        click.echo(f"  {shown(path)}: {why if why.isprintable() else ascii(why)}")


def _show(board: "Leaderboard") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    scored, best = board.scored, board.best_baseline
    steps = "1 step" if scored.horizon == 1 else f"{scored.horizon} steps"
    title = f"{scored.target}, {steps} ahead: {scored.windows:,} test windows, {scored.begins} to {scored.ends}"
    click.echo("\n" + str(_text(title)))
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("", "run", "model", "seed", "MAE", "MASE", "skill", "held", "seconds"):
        table.add_column(name, justify="left" if name in ("run", "model") else "right", no_wrap=True)
    for place, one in enumerate(board.entries, 1):
        skill = board.skill(one)
        figures = (
            f"{one.mae:.4g}",
            "" if one.mase is None else f"{one.mase:.4g}",
            "" if skill is None else f"{skill:+.1%}",
            "" if one.coverage is None or one.level is None else f"{one.coverage:.1%} of {100 * one.level:g}%",
            "" if one.seconds is None else f"{one.seconds:.1f}" if one.seconds < TENTHS else f"{one.seconds:,.0f}",
        )
        table.add_row(*map(_text, (str(place), str(one.run), one.model, one.seeds, *figures)))
    Console(width=WIDE).print(table)
    if best is not None:
        click.echo(
            str(_text(f"Skill: 1 − MAE / {best.baseline_mae:.4g}, that of the best baseline, the {best.baseline} "))
            + f"forecast of {_text(str(best.run))}.\n"
            "Held: the share of the values that lay in their intervals, of the share that was promised."
        )


def _text(text: str) -> Any:
    """As Text, in which brackets are brackets and not rich's markup; what isn't printable as its escape."""
    from rich.text import Text

    return Text(text if text.isprintable() else ascii(text))
