"""Forecaster: from a table to an evaluated network and its forecasts, and back from disk."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path
from statistics import fmean
from typing import Any

import polars as pl
import torch
from torch import nn

from unrolled.errors import RunError, SettingsError, nearest
from unrolled.files import atomic_write, remove_leftovers
from unrolled.formats import read_lines, write_lines
from unrolled.nn.names import cell_name, cell_named
from unrolled.report import render
from unrolled.series.judging.evaluation import COMMON, Evaluation, evaluation_table
from unrolled.series.judging.intervals import METHODS
from unrolled.series.judging.statistical import check_installed
from unrolled.series.leaks.copies import copy_notes
from unrolled.series.leaks.evidence import Pipeline, Recipe, check_pipeline
from unrolled.series.learning.architecture import Architecture
from unrolled.series.learning.backtest import Backtest, backtest, check_folds
from unrolled.series.learning.fit import Files
from unrolled.series.learning.fitted import Fitted, context_table, load_fitted, save_fitted
from unrolled.series.learning.plan import Plan, facts
from unrolled.series.learning.strategies import Compared, compare_strategies
from unrolled.series.learning.trial import Trial, judge, learn, prepared
from unrolled.series.learning.update import new_rows, update
from unrolled.series.models import STRATEGIES
from unrolled.series.panels.panel import Panel, filled
from unrolled.series.panels.roles import Columns
from unrolled.series.panels.source import Source
from unrolled.series.reading import table as tables
from unrolled.series.report import backtest_section, forecast_document, strategies_section, with_section
from unrolled.series.windows.split import Split
from unrolled.store import environment, new_run, read_run, write_run
from unrolled.training import Progress, TrainingSettings, device_named

log = logging.getLogger("unrolled")

_UPDATED = "It had been trained before, on"  # what a note on an update begins with

MODELS = {"step": "multi-output", "seq2seq": "seq2seq"}  # what each forecasts by when no strategy is named


class Forecaster:
    """A recurrent network that forecasts columns of a table ``horizon`` steps ahead, beside baselines.

    ``cell`` is "rnn", "lstm", "gru", "mingru", or a cell class of one's own; ``model`` the network around it, "step"
    or "seq2seq" (encoder and decoder, with ``attention`` "dot", say), and ``strategy`` how it says several
    steps: "multi-output", "recursive", "direct", or "seq2seq", whose ``teacher_forcing`` is the probability that
    training reads the truth, falling by ``schedule`` "linear" or "constant". ``lookback`` is how many steps the network
    reads before each forecast (None: three seasons of the table's frequency, or twice the horizon when that is longer).
    ``dropout`` acts between layers and before the head. ``loss`` is "mae", "mse", "huber", "smape" or "quantile";
    ``scaling`` "standard", "min-max", "robust", "log", or "returns", which is for prices: their returns are read, and
    share splits taken out (None: as an embedded data set has it, else "standard"). ``level`` is that of the prediction
    intervals (None: there are none), calibrated on the validation part's errors ("split"), or on the latest ones, wider
    where intervals missed more than they promised, and narrower where less ("rolling"). The network speaks of changes
    from the last value, or with ``skip`` "linear" from the linear autoregression's forecast; with "mean" its forecast
    is averaged with that one's. ``ensemble`` networks of as many seeds forecast their mean.

    >>> import unrolled as ur
    >>> f = ur.Forecaster(horizon=24, cell="gru", training=ur.TrainingSettings(epochs=1))
    >>> f = f.fit("weather", target="temp", only=["JFK"], past=[])
    >>> f.predict().columns
    ['origin', 'time_hour', 'step', 'temp', 'temp_lower', 'temp_upper']
    """

    def __init__(
        self,
        horizon: int = 24,
        cell: str | type[nn.Module] = "lstm",
        *,
        model: str | None = None,
        strategy: str | None = None,
        lookback: int | None = None,
        hidden: int = 64,
        layers: int = 1,
        dropout: float = 0.0,
        attention: str | None = None,
        teacher_forcing: float | None = None,
        schedule: str | None = None,
        loss: str = "mae",
        scaling: str | None = None,
        level: float | None = 0.9,
        intervals: str = "rolling",
        skip: str = "last",
        ensemble: int = 1,
        training: TrainingSettings | None = None,
    ):
        sizes = {"horizon": horizon, "lookback": lookback, "hidden": hidden, "layers": layers, "ensemble": ensemble}
        for name, value in sizes.items():
            if value is not None and (isinstance(value, bool) or not isinstance(value, Integral) or value < 1):
                raise SettingsError(f"{name} has to be a whole number of at least 1, got {value!r}")
        if level is not None and not 0 < level < 1:
            raise SettingsError(f"the level of intervals lies between 0 and 1, such as 0.9 for 90%, got {level}")
        if intervals not in METHODS:
            raise SettingsError(f"there are no intervals {intervals!r}{nearest(str(intervals), METHODS)}")
        if loss == "quantile" and level is None:
            raise SettingsError("the loss 'quantile' learns the bounds of intervals, and level=None asks for none")
        _check_scale(loss, scaling)
        self.cell: type[nn.Module] = cell_named(cell) if isinstance(cell, str) else cell
        self.lookback = None if lookback is None else int(lookback)
        self.level, self.intervals = None if level is None else float(level), intervals
        self.training = (training or TrainingSettings()).filled()
        self._shape: dict[str, Any] = {
            "cell": cell_name(self.cell),
            "strategy": _strategy(model, strategy),
            "loss": loss,
            "quantiles": quantiles(level or 0.9) if loss == "quantile" else (),
            "scaling": scaling,
            "horizon": int(horizon),
            "hidden": int(hidden),
            "layers": int(layers),
            "dropout": dropout,
            "attention": attention,
            "teacher_forcing": teacher_forcing,
            "schedule": schedule,
            "skip": skip,
            "ensemble": int(ensemble),
        }
        with torch.device("meta"):  # what doesn't fit together is said now
            sizes = {"targets": 1, "past": 0, "known": 0, "static": 0, "lookback": 1}
            shape: dict[str, Any] = {**self._shape, **sizes, "scaling": scaling or "standard"}
            Architecture(**shape).build(self.cell)
        self._result: Result | None = None
        self._expected: dict[str, Any] | None = None

    def expect_backtest(self, *, folds: int, refit: str | int = "always", sliding: bool = False) -> "Forecaster":
        """Say before :meth:`fit` that :meth:`backtest` will follow with these, so that folds that can't be are refused
        before anything is trained, with the errors of that method.
        """
        self._expected = {"folds": folds, "refit": refit, "sliding": sliding}
        return self

    def fit(
        self,
        table: Any,
        *,
        target: str | Sequence[str],
        time: str | None = None,
        series: str | None = None,
        only: Sequence[str] | None = None,
        past: Sequence[str] | None = None,
        future: Sequence[str] | None = None,
        static: Sequence[str] | None = None,
        angles: Sequence[str] | None = None,
        calendar: bool = False,
        wide: bool = False,
        frequency: str | None = None,
        fill: str | None = None,
        refit: bool = False,
        stats: bool = False,
        run: str | Path | bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> "Forecaster":
        """Split in time (70/10/20), scale by the training part, train, choose by validation, score on the test part.

        ``table`` is a path (CSV, TSV, Parquet, gzipped or not), a pandas, polars or arrow frame, or the name of an
        embedded data set, which brings its own column names. The names in a text file's ``series`` column are kept as
        they are written: 007 is not 7. ``past`` names the covariates known up to the present,
        ``future`` those known ahead, for which the table goes on a horizon beyond the last target, ``static`` those
        with one value a series; naming any turns off the automatic choice, all other numeric columns as ``past``.
        ``angles`` are in degrees, and become sine and cosine; ``calendar`` adds hour, weekday and season of the time
        stamps; ``wide`` reads a table with a column a series. ``refit`` trains once more, on all rows, before it
        predicts the future. ``stats`` fits Theta and exponential smoothing beside the other baselines, in at most 200
        test windows (needs ``unrolled[stats]``). ``run`` is a new folder that holds checkpoints while it trains and
        everything when it's done; True makes ``runs/<name>-<n>``.

        Raises DataError for a table that can't be used, SettingsError for options that contradict each other.
        """
        if stats:
            check_installed()
        source = Source.open(table, series)
        columns = Columns(target, time, series, only, past, frequency, fill, future, static, angles, calendar, wide)
        columns = source.with_defaults(columns)
        horizon, scaling = self._shape["horizon"], source.scaling(self._shape["scaling"])
        _check_scale(self._shape["loss"], scaling)
        panel, cuts, lookback = prepared(columns, source.frame, horizon, self.lookback, scaling)
        if self._expected is not None:
            check_folds(panel, cuts, lookback, horizon, **self._expected)
        checked = check_pipeline(Pipeline(columns, lookback, horizon, scaling), source.frame, panel, cuts)
        panel = replace(panel, notes=(*panel.notes, checked, *copy_notes(panel, cuts, horizon)))
        plan = Plan(
            Architecture.of(panel, lookback=lookback, **self._shape | {"scaling": scaling}),
            Columns.found(panel, columns.only),
            self.training,
            refit,
            self.level,
            self.intervals,
            source.name,
            facts(panel, cuts),
            panel.notes,
            stats,
        )
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
        if plan.stats:
            check_installed()
        if any(note.startswith(_UPDATED) for note in plan.notes):
            raise RunError(f"{folder} is an update, which can't be resumed; update the run before it: unrolled update")
        remove_leftovers(folder)
        source = Source.open(plan.source if table is None else table, plan.columns.series)
        panel, cuts = _prepared(plan, source.frame)
        if facts(panel, cuts) != plan.data:
            raise RunError(
                f"the table {source.name} is not what {folder} was trained on; give that one, or start a new run"
            )
        if epochs is not None or minutes is not None:
            plan = replace(plan, training=replace(plan.training, epochs=epochs, minutes=minutes))
            for leftover in folder.glob("checkpoints/refit*.safetensors"):
                leftover.unlink()  # how long to refit follows from the longer training
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
        """The errors on the test part, of the model and of each baseline; of several targets the first."""
        return self._fitted().evaluations[0]

    @property
    def evaluations(self) -> list[Evaluation]:
        """The errors on the test part, an evaluation a target."""
        return self._fitted().evaluations

    def evaluate(self, *, by_step: bool = False, metrics: Sequence[str] = COMMON) -> Any:
        """The errors on the test part as a table, the model first; with ``by_step`` for each step ahead.

        ``metrics`` may also name RMSSE, WAPE (in percent), R2, and direction, the share of right directions.
        """
        result = self._fitted()
        return tables.like(evaluation_table(result.evaluations, by_step, metrics), result.kind)

    def backtest(
        self,
        table: Any = None,
        *,
        folds: int = 5,
        refit: str | int = "always",
        sliding: bool = False,
        on_fold: Callable[[int, int], None] | None = None,
    ) -> Backtest:
        """How it would have done from origins that roll through the test part, in ``folds`` stretches, each forecast by
        a network that saw nothing of it.

        ``refit`` says when it is trained anew: "always", before each fold; "never", only before the first; K, before
        every K-th. With ``sliding`` each training part is as long as the first, else it grows. ``on_fold`` is told how
        many of how many folds are done. After a fit the report gets a section on it; a loaded forecaster needs the
        ``table``, and only run.json says what came of it: its report stays as it is.

        Raises DataError for more folds than the test part has room for, SettingsError for settings that can't be.
        """
        plan, (panel, cuts) = self._fitted().plan, self._data(table)
        more = {"folds": folds, "refit": refit, "sliding": sliding, "level": plan.level, "intervals": plan.intervals}
        found = backtest(plan.architecture, self.cell, panel, cuts, plan.training, on_fold=on_fold, **more)
        self._add(backtest_section(found), backtest=found.as_json())
        return found

    def strategies(self, *names: str, table: Any = None, on_done: Callable[[int, int], None] | None = None) -> Compared:
        """Its own data forecast by each of the strategies (all four where none is named), trained with its settings.

        A loaded forecaster needs the ``table``. ``on_done`` is told how many of how many strategies are done.
        Raises SettingsError for a strategy that there isn't.
        """
        plan, (panel, cuts) = self._fitted().plan, self._data(table)
        found = compare_strategies(
            plan.architecture, self.cell, panel, cuts, plan.training, names or tuple(STRATEGIES), on_done
        )
        self._add(strategies_section(found), strategies=found.as_json())
        return found

    def update(
        self,
        table: Any,
        *,
        run: str | Path | bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> "Forecaster":
        """A forecaster that went on training on the rows of ``table`` after the data of this one, which stays as it is.

        The new rows are split in time as in :meth:`fit`; training starts from the weights, with the scaler, and at a
        tenth of the learning rate. It is scored beside the network as it was before. Rows of a look-back before the
        new ones are needed: give the whole table, or the newest part of it. ``run`` as in :meth:`fit`.

        Raises DataError for a table without enough new rows, or with series that it was not trained on.
        """
        result = self._fitted()
        source = Source.open(table, result.plan.columns.series)
        if result.plan.stats:
            check_installed()
        panel, cuts = new_rows(result.fitted, source.frame)
        before, trial = update(result.fitted, self.cell, panel, cuts, self.training, on_progress)
        notes = (*panel.notes, f"{_UPDATED} {result.plan.source}.")
        for note in notes:
            log.info(note)
        plan = replace(result.plan, refit=False, source=source.name, data=facts(panel, cuts), notes=notes)
        folder = new_run(source.stem, out=None if run is True else run) if run else None
        updated = Forecaster._planned(plan, self.cell)
        return updated._conclude(plan, trial, trial, panel, cuts, source, folder, before)

    def predict(self, table: Any = None, *, fill: str | None = None) -> Any:
        """The forecasts after the last row of each series of ``table``; without one, after the data it was fitted on.

        Rows that follow on that data need no look-back of their own. ``fill`` replaces the rule for gaps that it was
        fitted with. Returns the table's series and time columns, the step ahead (1 … horizon), and the target, as the
        kind of frame that came in. Time stamps are in the table's zone, or have its offset; in UTC, which a note says,
        where there are two offsets or one that is no zone's all year.
        """
        result = self._fitted()
        if table is None:
            return tables.like(result.future, result.kind)
        source = Source.open(table, result.plan.columns.series)
        return tables.like(result.fitted.predict(source.frame, fill), source.kind)

    @property
    def document(self) -> dict[str, Any]:
        """The report as JSON, which :func:`unrolled.report.render` makes a page of.

        Raises RunError for a forecaster that was loaded.
        """
        document = self._fresh().document
        assert document is not None
        return document

    def report(self, path: str | Path) -> None:
        """Write the report, one HTML file that opens offline."""
        atomic_write(Path(path), render(self.document))

    def save(self, run: str | Path) -> Path:
        """Write everything into a new folder, which :func:`load` reads. Raises RunError when it's there already."""
        result = self._fresh()
        folder = new_run("forecast", out=run)
        _write(folder, result)
        return folder

    def _recipe(self) -> Recipe:
        """What :func:`unrolled.check_leaks` builds it from, so that the object itself is left alone."""
        return Recipe(self.cell, self.lookback, self._shape)

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

    def _data(self, table: Any) -> tuple[Panel, Split]:
        """The panel and split of a table, or those that it was fitted on."""
        result = self._fitted()
        if table is not None:
            return _prepared(result.plan, Source.open(table, result.plan.columns.series).frame)
        if result.panel is None or result.cuts is None:
            raise RunError("a loaded forecaster has no data to train on again; give it: table=…")
        return result.panel, result.cuts

    def _add(self, section: dict[str, Any], **parts: Any) -> None:
        """Write down what was found later, where there is a run: in its manifest, and as a section of the report where
        its document is at hand.
        """
        result = self._fitted()
        if result.document is not None:
            self._result = result = replace(result, document=with_section(result.document, section))
        if result.folder is not None:
            if result.document is not None:
                atomic_write(result.folder / REPORT, render(result.document))
            write_run(result.folder, read_run(result.folder) | parts)

    @classmethod
    def _planned(cls, plan: Plan, cell: type[nn.Module] | None) -> "Forecaster":
        shape = plan.architecture
        same = ("hidden", "layers", "dropout", "attention", "teacher_forcing", "schedule", "loss", "scaling", "skip")
        return cls(
            shape.horizon,
            shape.cell_class(cell),
            strategy=shape.strategy,
            lookback=shape.lookback,
            level=plan.level,
            intervals=plan.intervals,
            ensemble=shape.ensemble,
            training=plan.training,
            **{name: getattr(shape, name) for name in same},
        )

    def _carry_out(
        self, plan: Plan, panel: Panel, cuts: Split, source: Source, folder: Path | None, on_progress
    ) -> "Forecaster":
        """Train, evaluate, perhaps train again on all rows, predict; keep everything in ``folder`` if there is one."""
        for note in plan.notes:
            log.info(note)
        shape = plan.architecture
        files = folder and Files(_checkpoint(folder, "fit"), folder / METRICS)
        trial = learn(shape, self.cell, panel, cuts, plan.training, files=files, on_progress=on_progress)
        last = trial
        if plan.refit and not trial.interrupted:
            # For as many epochs as the best weights took: on all rows there is nothing left to choose by.
            steps = fmean(state.best_step for state in trial.states)
            epochs = max(1, round(steps * plan.training.batch_size / len(trial.examples.windows("train"))))
            settings = replace(plan.training, epochs=epochs, minutes=None, threads=trial.states[0].threads)
            files = folder and Files(_checkpoint(folder, "refit"), None)
            whole = Split(cuts.test, cuts.test, cuts.test)
            last = learn(shape, self.cell, panel, whole, settings, files=files, on_progress=on_progress)
        return self._conclude(plan, trial, last, panel, cuts, source, folder)

    def _conclude(
        self,
        plan: Plan,
        trial: Trial,
        last: Trial,
        panel: Panel,
        cuts: Split,
        source: Source,
        folder: Path | None,
        before: Trial | None = None,
    ) -> "Forecaster":
        """Judge the trial, predict the future with the last one, write everything down."""
        if plan.stats:
            log.info("Fitting Theta and exponential smoothing, which takes a minute at most …")
        judged = judge(trial, plan.level, plan.intervals, before, plan.stats)
        new = [note for note in judged.notes if note not in plan.notes]  # a run that goes on has them already
        for note in new:
            log.info(note)
        plan = replace(plan, notes=(*plan.notes, *new))
        evaluations, lookback = judged.evaluations(panel), plan.architecture.lookback
        series_type = source.frame.schema.get(panel.series) if panel.series else None
        rows = panel.as_traded(filled(panel, until=cuts.train))
        context = context_table(panel, rows, lookback, plan.architecture.horizon, series_type)
        shape = replace(plan.architecture, ensemble=len(last.states))
        scaler, threads = last.examples.scaler, last.states[0].threads
        fitted = Fitted(shape, plan.columns, last.model.cpu(), scaler, judged.intervals, panel.names, context, threads)
        future = fitted.predict()
        document = forecast_document(plan, trial, judged, evaluations, future)
        self._result = Result(
            plan,
            fitted,
            evaluations,
            trial.states[0].records,
            future,
            source.kind,
            last.states[-1].ended,
            document,
            folder,
            panel,
            cuts,
            sum(state.seconds for one in {id(one): one for one in (trial, last)}.values() for state in one.states),
        )
        if folder is not None:
            _write(folder, self._result)
        return self


@dataclass(frozen=True)
class Result:
    """What a fit leaves behind; ``document`` is the report's, which needs the data, so a loaded run has none, nor its
    ``panel`` and ``cuts``.
    """

    plan: Plan
    fitted: Fitted
    evaluations: list[Evaluation]
    records: list[dict[str, Any]]
    future: pl.DataFrame
    kind: str
    ended: str
    document: dict[str, Any] | None
    folder: Path | None
    panel: Panel | None = None
    cuts: Split | None = None
    seconds: float = 0.0  # of all trainings; a loaded run doesn't need it


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
        evaluations = [Evaluation.from_json(one) for one in manifest["evaluations"]]
        status = str(manifest["status"])
        shape = plan.architecture
        if tuple(one.target for one in evaluations) != plan.columns.targets:
            raise TypeError(f"{len(evaluations)} evaluations of {shape.targets} targets, or of others")
        if any(len(one.by_step[one.model]["MAE"]) != shape.horizon for one in evaluations):
            raise TypeError(f"its evaluations don't have {shape.horizon} steps")
    except (KeyError, TypeError) as error:
        raise RunError(
            f"{folder / 'run.json'} has no evaluation as it should ({error!r}); restore it, or train again"
        ) from error
    records = read_lines(folder / METRICS)
    forecaster._result = Result(plan, fitted, evaluations, records, fitted.predict(), "polars", status, None, folder)
    return forecaster


def quantiles(level: float) -> tuple[float, ...]:
    """The lower bound, the median and the upper bound of a central interval.

    >>> quantiles(0.9)
    (0.05, 0.5, 0.95)
    """
    return round((1 - level) / 2, 9), 0.5, round((1 + level) / 2, 9)


def _check_scale(loss: str, scaling: str | None) -> None:
    """Refuse a relative loss on a scale that is relative already. Errors: `SettingsError`."""
    if loss == "smape" and scaling in ("log", "returns"):
        raise SettingsError(
            f"the loss 'smape' needs the data's own scale, and scaling {scaling!r} leaves it; take 'mae', or scaling "
            "'standard'"
        )


def _strategy(model: str | None, strategy: str | None) -> str:
    if model is not None and model not in MODELS:
        raise SettingsError(f"unknown model {model!r}{nearest(str(model), MODELS)}")
    strategy = strategy or MODELS[model or "step"]
    if model is not None and (strategy == "seq2seq") != (model == "seq2seq"):
        raise SettingsError(f"the model {model!r} can't forecast by the strategy {strategy!r}; leave one of them out")
    return strategy


def _prepared(plan: Plan, frame: pl.DataFrame) -> tuple[Panel, Split]:
    """The panel and the split that a plan makes of a table."""
    shape = plan.architecture
    panel, cuts, _ = prepared(plan.columns, frame, shape.horizon, shape.lookback, shape.scaling)
    return panel, cuts


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
    evaluations = [one.as_json() for one in result.evaluations]
    _write_manifest(
        folder, result.plan, status, fitted=fitted, seconds=round(result.seconds, 3), evaluations=evaluations
    )


def _write_manifest(folder: Path, plan: Plan, status: str, **parts: Any) -> None:
    write_run(
        folder,
        {"kind": KIND, "status": status, **plan.as_json(), "dtype": "float32", "environment": environment(), **parts},
    )
