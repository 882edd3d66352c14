"""Rolling-origin backtests: the folds by arithmetic, each against a fit of its own that saw nothing later."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import unrolled as ur
from unrolled.errors import DataError, RunError, SettingsError
from unrolled.nn.names import CELLS
from unrolled.series.learning.architecture import Architecture
from unrolled.series.learning.backtest import Backtest, backtest, fold_splits
from unrolled.series.learning.trial import judge, learn
from unrolled.series.panels.panel import Panel
from unrolled.series.windows.scale import Scaler
from unrolled.series.windows.split import Split, split
from unrolled.store import read_run
from unrolled.training import TrainingSettings

SETTINGS = TrainingSettings(epochs=1, threads=1)
ROWS = 200


@pytest.fixture(autouse=True)
def one_process(request, monkeypatch) -> None:
    """What starts processes takes seconds, each of which reads torch; the one test that does is slow."""
    if "processes" not in request.node.name:
        monkeypatch.setattr("os.cpu_count", lambda: 1)


@given(
    train=st.integers(5, 60),
    validation=st.integers(1, 20),
    test=st.integers(1, 60),
    horizon=st.integers(1, 6),
    folds=st.integers(1, 12),
    sliding=st.booleans(),
)
def test_folds_partition_the_test_part_in_order(train, validation, test, horizon, folds, sliding):
    cuts = Split(train, train + validation, train + validation + test)
    if folds > test // horizon:
        with pytest.raises(
            DataError, match=rf"^{folds} folds of the {test} steps .* take at most {test // horizon} fol"
        ):
            fold_splits(cuts, folds, horizon, sliding)
        return
    splits = fold_splits(cuts, folds, horizon, sliding)
    assert len(splits) == folds
    tested = [step for one in splits for step in range(*one.part("test"))]
    assert tested == list(range(*cuts.part("test")))
    lengths = [len(range(*one.part("test"))) for one in splits]
    assert min(lengths) >= horizon
    assert max(lengths) - min(lengths) <= 1
    for one in splits:
        assert one.part("validation")[1] == one.part("test")[0]
        assert one.validation - one.train == validation
        assert one.begin == (one.train - train if sliding else 0)
    assert splits[0].train == train  # the first is trained on what the split trains on


def test_more_folds_than_there_is_room_for_are_refused_with_how_many_there_are():
    cuts = Split(70, 80, 100)
    with pytest.raises(DataError) as refused:
        fold_splits(cuts, 5, 6)
    assert str(refused.value) == (
        "5 folds of the 20 steps to test on are shorter than the horizon of 6; take at most 3 folds"
    )
    assert len(fold_splits(cuts, 3, 6)) == 3
    with pytest.raises(
        DataError, match=r"^1 folds of the 20 steps to test on are shorter than the horizon of 21; take"
    ):
        fold_splits(cuts, 1, 21)
    for wrong in (0, -1, 1.5, True, "3"):
        with pytest.raises(
            SettingsError, match=rf"^folds has to be a whole number of at least 1, got {re.escape(repr(wrong))}$"
        ):
            fold_splits(cuts, wrong, 6)  # pyright: ignore[reportArgumentType]


# ---- against fits of their own


@pytest.fixture(scope="module")
def panel(panel_of) -> Panel:
    """Two series of 200 days, one ten times the other, whose levels rise: a scaler that saw more would show."""
    t = np.arange(ROWS)
    rng = np.random.default_rng(0)
    series = [np.sin(t / 4) + t / 40 + 0.3 * rng.normal(size=ROWS) for _ in range(2)]
    return panel_of([series[0], 10 * series[1]], [0, 0])


def shaped(panel: Panel, **asked) -> Architecture:
    return Architecture.of(panel, **{"cell": "gru", "lookback": 6, "horizon": 3, "hidden": 4} | asked)


def rolled(panel: Panel, **asked) -> Backtest:
    return backtest(shaped(panel), CELLS["gru"], panel, split(panel), SETTINGS, **{"folds": 3} | asked)


def truncated(panel: Panel, until: int, change: Callable[[np.ndarray], np.ndarray] = lambda rows: rows) -> Panel:
    """The panel with every row from position ``until`` on changed."""
    values = panel.values.copy()
    for a, b in zip(panel.offsets[:-1], panel.offsets[1:], strict=True):
        values[a + until : b] = change(values[a + until : b])
    return replace(panel, values=values)


def maes(found) -> dict[str, float | None]:
    return {method: own["MAE"] for method, own in found.overall.items()}


def test_the_first_fold_is_a_fit_on_the_table_that_ends_with_it(panel):
    cuts = split(panel)
    end = fold_splits(cuts, 3, 3)[0].test
    short = replace(
        panel,
        values=np.concatenate([panel.values[a : a + end] for a in panel.offsets[:-1]]),
        offsets=np.array([0, end, 2 * end]),
    )
    alone = judge(learn(shaped(panel), CELLS["gru"], short, Split(140, 160, end), SETTINGS), 0.9, "rolling")
    fold = rolled(panel).folds[0]
    assert (fold.number, fold.trained, fold.windows) == (1, True, len(alone.test.windows))
    assert fold.errors["y"] == pytest.approx(maes(alone.evaluations(short)[0]), rel=1e-6)
    assert fold.train == ("2020-01-01", "2020-05-19")  # 140 days
    assert fold.test == ("2020-06-09", "2020-06-21")  # from the 161st on


@pytest.mark.parametrize("sliding", [False, True])
def test_no_row_at_or_after_a_folds_start_moves_what_was_learnt_for_it(panel, sliding):
    """Weights, scaler, intervals, and the forecasts whose look-back lies before: bit for bit."""
    for number, cuts in enumerate(fold_splits(split(panel), 3, 3, sliding)):
        start = cuts.validation
        found = []
        for own in (panel, truncated(panel, start, lambda rows: 1000 - 7 * rows)):
            trial = learn(shaped(panel), CELLS["gru"], own, cuts, SETTINGS)
            said = trial.say("test")
            first = said.windows.origins - panel.offsets[said.windows.series] == start
            assert first.sum() == 2
            weights = [value.tolist() for value in trial.model.state_dict().values()]
            scaler = trial.examples.scaler
            found.append((weights, scaler.centre.tolist(), scaler.scale.tolist(), said.levels[first].tolist()))
        assert found[0] == found[1], number
    before = rolled(panel, sliding=sliding)
    after = rolled(truncated(panel, fold_splits(split(panel), 3, 3)[2].validation, lambda rows: -rows), sliding=sliding)
    assert before.folds[:2] == after.folds[:2]
    assert before.folds[2].errors != after.folds[2].errors


@pytest.mark.parametrize("sliding", [False, True])
def test_each_folds_scaler_is_that_of_its_own_training_part(panel, sliding):
    centres = []
    for cuts in fold_splits(split(panel), 3, 3, sliding):
        trial = learn(shaped(panel), CELLS["gru"], panel, cuts, SETTINGS)
        expected = panel.values[cuts.begin : cuts.train, 0].mean()
        assert trial.examples.scaler.centre[0, 0] == pytest.approx(expected)
        centres.append(expected)
    assert len(set(centres)) == 3


@pytest.mark.parametrize(
    ("refit", "trained"),
    [
        ("always", [1, 1, 1, 1, 1]),
        ("never", [1, 0, 0, 0, 0]),
        (2, [1, 0, 1, 0, 1]),
        (1, [1, 1, 1, 1, 1]),
        (9, [1, 0, 0, 0, 0]),
    ],
)
def test_when_it_is_trained_anew(panel, refit, trained):
    found = rolled(panel, folds=5, refit=refit)
    assert [fold.trained for fold in found.folds] == [bool(one) for one in trained]
    assert found.refit == refit
    ends = [fold.train[1] for fold in found.folds]
    assert len(set(ends)) == sum(trained)
    tests = [fold.test for fold in found.folds]
    assert tests == sorted(tests)


def test_without_refitting_a_later_fold_is_forecast_by_the_first_network(panel):
    cuts, later = fold_splits(split(panel), 2, 3)
    trial = learn(shaped(panel), CELLS["gru"], panel, cuts, SETTINGS)
    known = replace(trial.examples, cuts=Split(cuts.train, later.validation, later.test))
    alone = judge(replace(trial, examples=known), 0.9, "rolling").evaluations(panel)[0]
    fold = rolled(panel, folds=2, refit="never").folds[1]
    assert fold.errors["y"] == pytest.approx(maes(alone), rel=1e-9)
    assert fold.train == ("2020-01-01", "2020-05-19")
    assert fold.errors["y"]["GRU"] != rolled(panel, folds=2).folds[1].errors["y"]["GRU"]


def test_sliding_folds_train_on_as_many_steps_as_the_first(panel):
    found = rolled(panel, sliding=True)
    assert [fold.train[0] for fold in found.folds] == ["2020-01-01", "2020-01-14", "2020-01-28"]
    growing = rolled(panel)
    assert {fold.train[0] for fold in growing.folds} == {"2020-01-01"}
    assert [a.train[1] for a in found.folds] == [b.train[1] for b in growing.folds]
    assert found.folds[0] == growing.folds[0]
    assert found.folds[2].errors["y"]["GRU"] != growing.folds[2].errors["y"]["GRU"]


def test_all_folds_together_are_their_windows_together(panel):
    found = rolled(panel)
    [whole] = found.evaluations
    weights = [fold.windows for fold in found.folds]
    assert whole.part == "backtest"
    assert whole.windows == sum(weights)
    for method, errors in whole.overall.items():
        mean = np.average([fold.errors["y"][method] or 0.0 for fold in found.folds], weights=weights)
        assert errors["MAE"] == pytest.approx(mean, rel=1e-6)
    judged = [
        judge(learn(shaped(panel), CELLS["gru"], panel, cuts, SETTINGS), 0.9, "rolling")
        for cuts in fold_splits(split(panel), 3, 3)
    ]
    assert whole.intervals is not None
    for method in ("rolling", "split"):
        held = [one.held[0]["methods"][method] for one in judged if one.held is not None]
        share = np.average([one["coverage"] for one in held], weights=weights)
        by_step = np.average([one["by_step"] for one in held], weights=weights, axis=0)
        assert whole.intervals["methods"][method]["coverage"] == pytest.approx(share)
        assert whole.intervals["methods"][method]["by_step"] == pytest.approx(by_step.tolist())
        assert whole.intervals["methods"][method]["windows"] == sum(weights)
    table = found.table()
    assert table.columns[:5] == ["fold", "from", "to", "trained anew", "windows"]
    assert table["GRU"].to_list() == [fold.errors["y"]["GRU"] for fold in found.folds]


@pytest.mark.slow
def test_folds_run_in_any_number_of_processes_to_the_same_bits(panel, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    told = []
    found = rolled(panel, on_fold=lambda *at: told.append(at))
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert found == rolled(panel)
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_what_is_done_is_told_fold_by_fold(panel):
    told = []
    rolled(panel, folds=5, refit=2, on_fold=lambda *at: told.append(at))
    assert told == [(2, 5), (4, 5), (5, 5)]


@pytest.mark.parametrize("refit", ["sometimes", 0, -2, 1.5, True, None])
def test_ways_to_refit_that_there_are_not_are_refused(panel, refit):
    with pytest.raises(SettingsError, match=rf"^folds are refitted always, never, or every K of them, got {refit!r}$"):
        rolled(panel, refit=refit)


def test_a_fold_without_a_window_that_can_be_scored_is_refused_by_its_number(panel):
    gone = panel.values.copy()
    for offset in panel.offsets[:-1]:
        gone[offset + 172 : offset + 188] = np.nan
    gapped = replace(panel, values=gone, fill="forward")
    with pytest.raises(
        DataError, match=r"^fold 2 of 3: so many values are missing that the test part has no window of look-back 6"
    ):
        rolled(gapped)


# ---- of a forecaster


def rows(count: int = ROWS) -> pl.DataFrame:
    t = np.arange(count)
    y = np.sin(t / 4) + 0.3 * np.random.default_rng(0).normal(size=count)
    return pl.DataFrame({"y": y, "z": 3 * y + np.cos(t / 7)})


def forecaster(**about) -> ur.Forecaster:
    return ur.Forecaster(**{"horizon": 3, "lookback": 8, "hidden": 4, "training": SETTINGS} | about)


def test_a_run_keeps_its_backtest_and_a_loaded_one_needs_the_table(tmp_path):
    f = forecaster().fit(rows(), target=["y", "z"], run=tmp_path / "run")
    before = f.predict()
    found = f.backtest(folds=2, refit="never", sliding=True)
    assert [one.target for one in found.evaluations] == ["y", "z"]
    assert found.table()["target"].to_list() == ["y", "z", "y", "z"]
    saved = read_run(tmp_path / "run")["backtest"]
    assert (saved["refit"], saved["sliding"], len(saved["folds"])) == ("never", True, 2)
    assert saved["evaluations"][1]["target"] == "z"
    g = ur.load(tmp_path / "run")
    assert_frame_equal(g.predict(), before, check_exact=True)
    with pytest.raises(RunError, match=r"^a loaded forecaster has no data to .*; give it: "):
        g.backtest(folds=2)
    assert g.backtest(rows(), folds=2, refit="never", sliding=True) == found


def test_without_intervals_a_backtest_has_none():
    found = forecaster(level=None).fit(rows(), target="y").backtest(folds=2)
    assert found.evaluations[0].intervals is None
    assert found.evaluations[0].coverage_sentence() is None


def test_a_scaler_of_all_the_data_would_have_shown(panel):
    """The oracle above can fail: with statistics over everything the first fold's would be others."""
    assert Scaler.fit(panel, 140).centre[0, 0] != pytest.approx(Scaler.fit(panel, 200).centre[0, 0], rel=0.05)
