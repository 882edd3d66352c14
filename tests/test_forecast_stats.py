"""`fit(stats=True)`: Theta and exponential smoothing in the evaluation, the report and the run, there and back."""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import unrolled as ur
from unrolled.errors import RunError, UnrolledError
from unrolled.formats import read_json, write_json
from unrolled.series.judging import sample

needs_statsmodels = pytest.mark.skipif(
    find_spec("statsmodels") is None, reason="statsmodels is not installed; pip install 'unrolled[stats]' brings it"
)
BOTH = ["Theta", "exponential smoothing"]


def table(length: int = 120) -> pl.DataFrame:
    return pl.DataFrame({"n": range(length), "y": 5 + np.random.default_rng(0).normal(size=200).cumsum()[:length]})


def fitted(run: str | Path | bool = False, length: int = 120) -> ur.Forecaster:
    about = {"horizon": 3, "lookback": 8, "hidden": 4, "training": ur.TrainingSettings(epochs=1, threads=1)}
    return ur.Forecaster(**about).fit(table(length), target="y", stats=True, run=run)


@needs_statsmodels
def test_all_windows_of_a_short_test_part_and_the_run_keeps_them(tmp_path):
    f = fitted(tmp_path / "run")
    assert f.evaluate()["method"].to_list()[-2:] == BOTH
    assert f.evaluation.statistical is None
    assert "Theta" in Path(tmp_path, "run/report.html").read_text(encoding="utf-8")
    loaded = ur.load(tmp_path / "run")
    assert loaded.evaluations == f.evaluations
    again = ur.Forecaster.resume(tmp_path / "run", table(), epochs=2)
    assert again.evaluate()["method"].to_list()[-2:] == BOTH
    updated = loaded.update(table(200))
    assert updated.evaluate()["method"].to_list()[-2:] == BOTH


@needs_statsmodels
def test_some_windows_of_a_long_one_stand_beside_it(tmp_path, monkeypatch):
    monkeypatch.setattr(sample, "FITS", 5)
    f = fitted(tmp_path / "run")
    assert set(BOTH).isdisjoint(f.evaluate()["method"])
    some = f.evaluation.statistical
    assert some is not None
    assert (f.evaluation.windows, some.windows) == (22, 5)
    assert list(some.overall)[-2:] == BOTH
    assert f.evaluation.sentences()[1].startswith("Beside Theta and exponential smoothing, in 5 of the 22 windows: ")
    page = Path(tmp_path, "run/report.html").read_text(encoding="utf-8")
    assert "Beside Theta and exponential smoothing" in page
    assert ur.load(tmp_path / "run").evaluations == f.evaluations
    manifest = read_json(tmp_path / "run/run.json")
    assert manifest["stats"] is True
    assert any("in 5 of 22 test windows, at every 5th origin" in note for note in manifest["notes"])
    inner = manifest["evaluations"][0]["statistical"]
    for wrong in ([], inner | {"statistical": inner}, inner | {"overall": {}}, inner | {"target": "z"}):
        manifest["evaluations"][0]["statistical"] = wrong
        write_json(tmp_path / "run/run.json", manifest)
        with pytest.raises(RunError, match="has no evaluation as it should"):
            ur.load(tmp_path / "run")


def test_without_statsmodels_it_is_said_before_anything_is_trained(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "statsmodels"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    with pytest.raises(UnrolledError, match=r"pip install 'unrolled\[stats\]'"):
        fitted(tmp_path / "run")
    assert not list(tmp_path.iterdir())
