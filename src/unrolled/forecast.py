"""Forecaster: from a table to an evaluated network and its forecasts, and back from disk."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import Any

import polars as pl
from torch import nn

from unrolled.errors import RunError, SettingsError
from unrolled.files import atomic_write, remove_leftovers
from unrolled.formats import read_lines, write_lines
from unrolled.nn.names import cell_named
from unrolled.report import render
from unrolled.series import table as tables
from unrolled.series.evaluation import Evaluation, evaluate
from unrolled.series.examples import Examples
from unrolled.series.fit import fit_network
from unrolled.series.fitted import Fitted, context_table, load_fitted, save_fitted
from unrolled.series.models import forecast
from unrolled.series.panel import Panel, filled
from unrolled.series.plan import Architecture, Columns, Plan, cell_name, facts
from unrolled.series.report import forecast_document
from unrolled.series.source import Source
from unrolled.series.split import Split, check_length, default_lookback, split, with_look_backs, with_training_rows
from unrolled.store import environment, new_run, read_run, write_run
from unrolled.training import Progress, TrainingSettings, device_named

log = logging.getLogger("unrolled")


class Forecaster:
    """A recurrent network that forecasts a column of a table ``horizon`` steps ahead, beside baselines.

    ``cell`` is "rnn", "lstm", "gru", "mingru", or a cell class of one's own. ``lookback`` is how many steps the network
    reads before each forecast (None: three seasons of the table's frequency, or twice the horizon when that is longer).
    ``dropout`` acts between layers and before the head.

    >>> import unrolled as ur
    >>> f = ur.Forecaster(horizon=24, cell="gru", training=ur.TrainingSettings(epochs=1))
    >>> f = f.fit("weather", target="temp", only=["JFK"], past=[])
    >>> f.predict().columns
    ['origin', 'time_hour', 'step', 'temp']
    """

    def __init__(
        self,
        horizon: int = 24,
        cell: str | type[nn.Module] = "lstm",
        *,
        lookback: int | None = None,
        hidden: int = 64,
        layers: int = 1,
        dropout: float = 0.0,
        training: TrainingSettings | None = None,
    ):
        for name, value in {"horizon": horizon, "lookback": lookback, "hidden": hidden, "layers": layers}.items():
            if value is not None and (isinstance(value, bool) or not isinstance(value, Integral) or value < 1):
                raise SettingsError(f"{name} has to be a whole number of at least 1, got {value!r}")
        if not 0 <= dropout < 1:
            raise SettingsError(f"dropout has to be at least 0 and below 1, got {dropout}")
        self.cell: type[nn.Module] = cell_named(cell) if isinstance(cell, str) else cell
        self.horizon, self.hidden, self.layers, self.dropout = int(horizon), int(hidden), int(layers), dropout
        self.lookback = None if lookback is None else int(lookback)
        self.training = training or TrainingSettings()
        self._result: Result | None = None

    def fit(
        self,
        table: Any,
        *,
        target: str,
        time: str | None = None,
        series: str | None = None,
        only: Sequence[str] | None = None,
        past: Sequence[str] | None = None,
        frequency: str | None = None,
        fill: str | None = None,
        refit: bool = False,
        run: str | Path | bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> "Forecaster":
        """Split in time (70/10/20), scale by the training part, train, choose by validation, score on the test part.

        ``table`` is a path (CSV, TSV, Parquet, gzipped or not), a pandas, polars or arrow frame, or the name of an
        embedded data set, which brings its own column names. ``past`` names the covariates known up to the present
        (None: all other numeric columns; (): only the target). ``refit`` trains once more, on all rows, before it
        predicts the future. ``run`` is a new folder that holds checkpoints while it trains and everything when it's
        done; True makes ``runs/<name>-<n>``.

        Raises DataError for a table that can't be used, SettingsError for options that contradict each other.
        """
        source = Source.open(table)
        asked = {
            "time": time,
            "series": series,
            "only": only,
            "past": past,
            "frequency": frequency,
            "fill": fill,
        }
        columns = Columns(
            target, **{name: source.defaults.get(name) if value is None else value for name, value in asked.items()}
        )
        panel, cuts = _prepared(columns, source.frame)
        lookback = self.lookback or default_lookback(panel, cuts, self.horizon)
        panel = with_look_backs(panel, lookback)
        check_length(panel, cuts, lookback, self.horizon)
        shape = Architecture(
            cell_name(self.cell), len(panel.channels), lookback, self.horizon, self.hidden, self.layers, self.dropout
        )
        found = Columns.found(panel, columns.only)
        plan = Plan(shape, found, self.training, refit, source.name, facts(panel, cuts), panel.notes)
        device_named(self.training.device)
        folder = None
        if run:
            folder = new_run(source.stem, out=None if run is True else run)
            _write_manifest(folder, plan, "training")
        return self._carry_out(plan, panel, cuts, source, folder, on_progress)

    @classmethod
    def resume(
        cls,
        run: str | Path,
        table: Any = None,
        *,
        epochs: int | None = None,
        minutes: float | None = None,
        cell: type[nn.Module] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> "Forecaster":
        """Go on with a run that was cut off, to the same bits under a budget of epochs; or train longer, with a larger
        budget.

        ``table`` is the run's data (None: from where it was read). Raises RunError when the data isn't what it was.
        """
        folder = Path(run)
        plan = Plan.from_json(read_run(folder), folder)
        remove_leftovers(folder)
        source = Source.open(plan.source if table is None else table)
        panel, cuts = _prepared(plan.columns, source.frame)
        panel = with_look_backs(panel, plan.architecture.lookback)
        if facts(panel, cuts) != plan.data:
            raise RunError(
                f"the table {source.name} is not what {folder} was trained on; give that one, or start a new run"
            )
        if epochs is not None or minutes is not None:
            plan = replace(plan, training=replace(plan.training, epochs=epochs, minutes=minutes))
            _checkpoint(folder, "refit").unlink(missing_ok=True)  # how long to refit follows from the longer training
        return cls._planned(plan, cell)._carry_out(plan, panel, cuts, source, folder, on_progress)

    @property
    def run(self) -> Path | None:
        """The folder of the run, where there is one."""
        return self._fitted().folder

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the training early; the best weights up to then are the model's."""
        return self._fitted().ended == "interrupted"

    @property
    def evaluation(self) -> Evaluation:
        """The errors on the test part, of the model and of each baseline."""
        return self._fitted().evaluation

    def evaluate(self, *, by_step: bool = False) -> Any:
        """The errors on the test part as a table, the model first; with ``by_step`` for each step ahead."""
        return tables.like(self.evaluation.table(by_step), self._fitted().kind)

    def predict(self, table: Any = None, *, fill: str | None = None) -> Any:
        """The forecasts after the last row of each series of ``table``; without one, after the data it was fitted on.

        Rows that follow on that data need no look-back of their own. ``fill`` replaces the rule for gaps that it was
        fitted with. Returns the table's series and time columns, the step ahead (1 … horizon), and the target, as the
        kind of frame that came in.
        """
        result = self._fitted()
        if table is None:
            return tables.like(result.future, result.kind)
        source = Source.open(table)
        return tables.like(result.fitted.predict(source.frame, fill), source.kind)

    def report(self, path: str | Path) -> None:
        """Write the report, one HTML file that opens offline."""
        atomic_write(Path(path), render(self._fresh().document))

    def save(self, run: str | Path) -> Path:
        """Write everything into a new folder, which :func:`load` reads. Raises RunError when it's there already."""
        result = self._fresh()
        folder = new_run("forecast", out=run)
        _write(folder, result)
        return folder

    def _fitted(self) -> "Result":
        if self._result is None:
            raise SettingsError("this Forecaster has not been fitted; call fit(table, target=…) first, or load(run)")
        return self._result

    def _fresh(self) -> "Result":
        result = self._fitted()
        if result.document is None:
            raise RunError(
                "this Forecaster was loaded from a run, which has its report and its files already; copy the folder"
            )
        return result

    @classmethod
    def _planned(cls, plan: Plan, cell: type[nn.Module] | None) -> "Forecaster":
        shape = plan.architecture
        return cls(
            shape.horizon,
            shape.cell_class(cell),
            lookback=shape.lookback,
            hidden=shape.hidden,
            layers=shape.layers,
            dropout=shape.dropout,
            training=plan.training,
        )

    def _carry_out(
        self, plan: Plan, panel: Panel, cuts: Split, source: Source, folder: Path | None, on_progress
    ) -> "Forecaster":
        """Train, evaluate, perhaps train again on all rows, predict; keep everything in ``folder`` if there is one."""
        for note in plan.notes:
            log.info(note)
        shape, device = plan.architecture, device_named(plan.training.device)

        def trained(name: str, cuts: Split, settings: TrainingSettings):
            examples = Examples.build(panel, cuts, shape.lookback, shape.horizon, device)
            files = {}
            if folder is not None:
                files["checkpoint"] = _checkpoint(folder, name)
                files["metrics"] = folder / METRICS if name == "fit" else None
            return examples, *fit_network(shape, self.cell, examples, settings, on_progress=on_progress, **files)

        examples, model, state = trained("fit", cuts, plan.training)
        test = examples.windows("test")
        ahead = forecast(model, (past for past, _ in test.batches())).numpy()
        ahead = examples.scaler.restore(ahead, examples.series_of(test))
        evaluation = evaluate(examples, shape.cell.upper(), ahead, test, "test", panel.frequency.season)
        records, scaler = state.records, examples.scaler
        if plan.refit and state.ended != "interrupted":
            # For as many epochs as the best weights took: on all rows there is nothing left to choose by.
            epochs = max(1, round(state.best_step * plan.training.batch_size / len(examples.windows("train"))))
            settings = replace(plan.training, epochs=epochs, minutes=None, threads=state.threads)
            everything, model, state = trained("refit", Split(cuts.test, cuts.test, cuts.test), settings)
            scaler = everything.scaler
        series_type = source.frame.schema[panel.series] if panel.series else None
        context = context_table(panel, filled(panel, until=cuts.train), shape.lookback, series_type)
        fitted = Fitted(shape, plan.columns, model.cpu(), scaler, panel.names, context, state.threads)
        future = fitted.predict()
        document = forecast_document(plan, examples, test, ahead, evaluation, records, future)
        self._result = Result(plan, fitted, evaluation, records, future, source.kind, state.ended, document, folder)
        if folder is not None:
            _write(folder, self._result)
        return self


@dataclass(frozen=True)
class Result:
    """What a fit leaves behind; ``document`` is the report's, which needs the data, so a loaded run has none."""

    plan: Plan
    fitted: Fitted
    evaluation: Evaluation
    records: list[dict[str, Any]]
    future: pl.DataFrame
    kind: str
    ended: str
    document: dict[str, Any] | None
    folder: Path | None


KIND, METRICS, FORECAST, REPORT = "forecast", "metrics.jsonl", "forecast.csv", "report.html"


def load(run: str | Path, *, cell: type[nn.Module] | None = None) -> Forecaster:
    """The forecaster of a saved run: predicts without data, and the same numbers as when it was saved.

    ``cell`` is the class of a cell of one's own: no name in a file is ever imported.
    Raises RunError when the folder is missing, damaged, foreign, of a newer version, or holds no finished forecast.
    """
    folder = Path(run)
    manifest = read_run(folder)
    if manifest["kind"] != KIND:
        raise RunError(f"{folder} holds a {manifest['kind']} run, and a {KIND} run is needed")
    plan = Plan.from_json(manifest, folder)
    if "fitted" not in manifest:
        raise RunError(f"{folder} was cut off in training; go on with it: unrolled forecast --resume {folder}")
    fitted = load_fitted(folder, manifest["fitted"], plan.architecture, plan.columns, cell)
    forecaster = Forecaster._planned(plan, cell)
    try:
        evaluation, status = Evaluation.from_json(manifest["evaluation"]), str(manifest["status"])
    except (KeyError, TypeError) as error:
        raise RunError(
            f"{folder / 'run.json'} has no evaluation as it should ({error!r}); restore it, or train again"
        ) from error
    future = fitted.predict()
    forecaster._result = Result(
        plan,
        fitted,
        evaluation,
        read_lines(folder / METRICS),
        future,
        "polars",
        status,
        None,
        folder,
    )
    return forecaster


def _prepared(columns: Columns, frame: pl.DataFrame) -> tuple[Panel, Split]:
    panel = columns.read(frame)
    cuts = split(panel)
    return with_training_rows(panel, cuts), cuts


def _checkpoint(folder: Path, name: str) -> Path:
    return folder / "checkpoints" / f"{name}.safetensors"


def _write(folder: Path, result: Result) -> None:
    """Everything of a finished run; run.json comes last, so that a folder that has it whole is whole."""
    assert result.document is not None
    fitted = save_fitted(result.fitted, folder)
    write_lines(folder / METRICS, result.records)
    atomic_write(folder / FORECAST, tables.csv(result.future))
    atomic_write(folder / REPORT, render(result.document))
    status = "interrupted" if result.ended == "interrupted" else "finished"
    _write_manifest(folder, result.plan, status, fitted=fitted, evaluation=result.evaluation.as_json())


def _write_manifest(folder: Path, plan: Plan, status: str, **parts: Any) -> None:
    write_run(
        folder,
        {"kind": KIND, "status": status, **plan.as_json(), "dtype": "float32", "environment": environment(), **parts},
    )
