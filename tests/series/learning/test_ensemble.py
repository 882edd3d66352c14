"""Several networks that forecast together: the mean of each, after training, and when it was cut off between them."""

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal

import unrolled as ur
from unrolled.formats import read_lines
from unrolled.nn.names import CELLS
from unrolled.series.learning.ensemble import Ensemble
from unrolled.series.models import Sizes, StepForecaster

SETTINGS = ur.TrainingSettings(epochs=2, threads=1, seed=4)
ROWS = pl.DataFrame({"y": np.sin(np.arange(200) / 4) + np.random.default_rng(0).normal(0, 0.3, 200)})


def forecaster(ensemble: int = 3, settings: ur.TrainingSettings = SETTINGS, **about) -> ur.Forecaster:
    shape = {"horizon": 3, "lookback": 8, "hidden": 4, "ensemble": ensemble}
    return ur.Forecaster(**shape | about, training=settings)


def test_an_ensemble_says_the_mean_of_its_members():
    torch.manual_seed(0)
    members = [StepForecaster(CELLS["gru"], Sizes(horizon=3, known=2, static=1, levels=2), 4) for _ in range(3)]
    for member in members:
        torch.nn.init.normal_(member.head.weight)
    past, known, static = torch.randn(5, 7, 3), torch.randn(5, 3, 2), torch.randn(5, 1)
    said = Ensemble(members)(past, known, static)
    alone = [member(past, known, static) for member in members]
    torch.testing.assert_close(said, (alone[0] + alone[1] + alone[2]) / 3)
    assert not torch.equal(alone[0], alone[1])
    assert (said.diff(dim=-1) >= 0).all()


def test_forecasts_are_the_mean_of_forecasters_with_seeds_that_follow(tmp_path):
    whole = forecaster().fit(ROWS, target="y")
    seeds = [replace(SETTINGS, seed=seed) for seed in (4, 5, 6)]
    alone = [forecaster(1, own).fit(ROWS, target="y") for own in seeds]
    mean = np.mean([one.predict()["y"].to_numpy() for one in alone], axis=0)
    np.testing.assert_allclose(whole.predict()["y"].to_numpy(), mean, atol=2e-6)
    errors = [one.evaluation.overall["LSTM"]["RMSE"] for one in alone]
    assert whole.evaluation.model == "3 × LSTM"
    assert whole.evaluation.overall["3 × LSTM"]["RMSE"] <= max(e for e in errors if e is not None)
    loaded = ur.load(whole.save(tmp_path / "run"))
    assert_frame_equal(loaded.predict(), whole.predict(), check_exact=True)
    assert_frame_equal(loaded.predict(ROWS[100:150]), whole.predict(ROWS[100:150]), check_exact=True)


class Stop(BaseException):
    """What takes the place of `kill -9`."""


def killed() -> None:
    raise Stop


def interrupted() -> None:
    signal.raise_signal(signal.SIGINT)


def stopping(after: int, how: Callable[[], None]) -> Callable[[object], None]:
    """Progress that ends it all when it is told for the time numbered ``after``."""
    told: list[object] = []

    def on_progress(progress: object) -> None:
        told.append(progress)
        if len(told) == after:
            how()

    return on_progress


def outcome(folder: Path) -> dict[str, object]:
    manifest = json.loads((folder / "run.json").read_text())
    names = ("model.safetensors", "forecast.csv", "context.parquet")
    lines = {path.name: [line | {"seconds": 0} for line in read_lines(path)] for path in folder.glob("metrics*.jsonl")}
    return {
        **{name: (folder / name).read_bytes() for name in names},
        **{part: manifest[part] for part in ("status", "architecture", "fitted", "evaluations", "notes")},
        **lines,
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[dict[str, object], int]:
    """What an uninterrupted run comes to, and how often it told of its progress."""
    folder, told = tmp_path_factory.mktemp("whole") / "run", []
    forecaster().fit(ROWS, target="y", run=folder, on_progress=told.append)
    return outcome(folder), len(told)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_killed_in_any_member_it_goes_on_to_the_same_bits(share, whole, tmp_path):
    expected, told = whole
    with pytest.raises(Stop):
        forecaster().fit(ROWS, target="y", run=tmp_path / "run", on_progress=stopping(int(share * told), killed))
    assert not (tmp_path / "run" / "model.safetensors").exists()
    ur.Forecaster.resume(tmp_path / "run", ROWS)
    assert outcome(tmp_path / "run") == expected


def test_interrupted_it_has_the_members_so_far_and_goes_on(whole, tmp_path):
    """Ctrl-C in the second of three: the mean of two, one of them half trained, and then all three."""
    expected, told = whole
    folder = tmp_path / "run"
    f = forecaster().fit(ROWS, target="y", run=folder, on_progress=stopping(told // 2, interrupted))
    assert f.interrupted
    assert f.evaluation.model == "2 × LSTM"
    loaded = ur.load(folder)
    assert loaded.interrupted
    assert_frame_equal(loaded.predict(), f.predict(), check_exact=True)
    assert json.loads((folder / "run.json").read_text())["fitted"]["members"] == 2
    again = ur.Forecaster.resume(folder, ROWS)
    assert again.evaluation.model == "3 × LSTM"
    assert outcome(folder) == expected


def test_interrupted_in_its_first_member_it_is_a_single_network(tmp_path):
    folder = tmp_path / "run"
    f = forecaster().fit(ROWS, target="y", run=folder, on_progress=stopping(1, interrupted))
    assert f.evaluation.model == "LSTM"
    assert_frame_equal(ur.load(folder).predict(), f.predict(), check_exact=True)


def test_refitted_members_see_all_rows(tmp_path):
    plain = forecaster(2).fit(ROWS, target="y")
    f = forecaster(2).fit(ROWS, target="y", refit=True, run=tmp_path / "run")
    assert_frame_equal(f.evaluate(), plain.evaluate(), check_exact=True)
    assert f.predict()["y"].to_list() != plain.predict()["y"].to_list()
    names = {path.name for path in (tmp_path / "run" / "checkpoints").iterdir()}
    assert names == {f"{name}{end}.safetensors" for name in ("fit", "refit") for end in ("", "-2")}
    assert_frame_equal(ur.load(tmp_path / "run").predict(), f.predict(), check_exact=True)
