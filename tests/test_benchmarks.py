"""The benchmarks' machinery: what is written and said of a figure, met or missed. The numbers are for `make bench`."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from unrolled.nn import LSTMCell
from unrolled.series.models import Sizes, StepForecaster
from unrolled.series.models.losses import mae
from unrolled.series.windows.batch import Batch

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "benchmarks").glob("*.py"))
KEYS = {
    *("benchmark", "about", "date", "commit", "changed", "met", "figures", "seeds", "settings", "notes", "quick"),
    *("wall_seconds", "cpu_seconds", "load_average_before", "machine", "packages"),
}
FIGURE_KEYS = {
    *("name", "unit", "value", "statistic", "target", "met"),
    *("median", "mean", "sd", "low", "high", "repeats", "values"),
}


def part(name: str):
    """A module of benchmarks/, which is no part of the installed package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        return import_module(f"benchmarks.{name}")


command, measure = part("__main__"), part("_measure")


@pytest.fixture
def planted(monkeypatch):
    """Benchmarks that give these figures instead of the real ones; an exception is raised."""

    def plant(**results):
        def run(outcome):
            if isinstance(outcome, Exception):
                raise outcome
            return measure.Result(outcome, seeds=[3])

        modules = {
            name: SimpleNamespace(__doc__=f"About {name}.", run=lambda quick, outcome=outcome: run(outcome))
            for name, outcome in results.items()
        }
        monkeypatch.setattr(command, "names", lambda: sorted(modules))
        monkeypatch.setattr(command, "module", modules.__getitem__)

    return plant


def figure(values, bound="at most", limit=2.0, **more):
    return measure.Figure("time", "s", values, measure.Target(bound, limit), **more)


def test_help_lists_every_file(capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["--help"])
    said = capsys.readouterr().out.partition("benchmarks:\n")[2]
    listed = [line.split()[0] for line in said.splitlines()]
    assert ended.value.code == 0
    assert listed == [path.stem for path in FILES if path.name not in ("__init__.py", "__main__.py", "_measure.py")]
    assert all(len(line.split()) > 5 for line in said.splitlines()), "each says what it measures"


@pytest.mark.parametrize("name", command.names())
def test_every_benchmark_has_a_run_and_a_line_in_the_readme(name):
    assert callable(command.module(name).run)
    assert f"`{name}`" in (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")


def test_a_real_run_writes_all_there_is_to_know(tmp_path):
    assert command.main(["startup", "--quick", "--out", str(tmp_path)]) == 0
    written = json.loads((tmp_path / "startup.json").read_text(encoding="utf-8"))
    assert set(written) == KEYS
    assert written["benchmark"] == "startup"
    assert written["quick"] is True
    assert written["cpu_seconds"] > 0
    assert {"cpu", "cores", "memory_gb", "load_average"} <= set(written["machine"])
    assert {"torch", "numpy", "polars"} <= set(written["packages"])
    assert written["packages"]["torch"] == torch.__version__
    assert all(set(figure) == FIGURE_KEYS for figure in written["figures"])
    assert [figure["met"] for figure in written["figures"]] == [
        None if figure["target"] is None else figure["value"] <= figure["target"]["value"]
        for figure in written["figures"]
    ]


def test_the_commit_is_the_one_checked_out():
    head = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    if head.returncode:
        pytest.skip("not a git checkout")
    assert measure.commit()["commit"] == head.stdout.strip()


def test_a_miss_is_written_as_a_miss_and_is_no_failure(planted, tmp_path, capsys):
    planted(fast=[figure([3.0, 1.0, 2.0])], slow=[figure([3.0, 1.0, 2.5])])
    assert command.main(["--out", str(tmp_path)]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[1].split() == ["fast", "time", "2", "s", "(1", "…", "3)", "≤", "2", "s", "met"]
    assert table[2].split() == ["slow", "time", "2.5", "s", "(1", "…", "3)", "≤", "2", "s", "MISSED"]
    fast, slow = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("fast", "slow"))
    assert (slow["met"], slow["figures"][0]["met"], slow["seeds"]) == (False, False, [3])
    assert (fast["met"], fast["figures"][0]["met"]) == (True, True)


@pytest.mark.parametrize(
    ("bound", "value", "met"),
    [
        *(("at most", 2.0, True), ("under", 2.0, False), ("under", 1.9, True)),
        *(("at least", 2.0, True), ("at least", 1.9, False)),
        *((bound, float("nan"), False) for bound in ("at most", "under", "at least")),
    ],
)
def test_targets(bound, value, met):
    assert figure([value], bound).met is met


def test_without_a_target_nothing_is_met_or_missed(planted, tmp_path, capsys):
    planted(plain=[measure.Figure("time", "s", [1.0])])
    assert command.main(["--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["plain", "time", "1", "s"]
    assert json.loads((tmp_path / "plain.json").read_text())["figures"][0]["met"] is None


def test_median_mean_and_spread():
    values = [4.0, 1.0, 7.5, 2.25]
    written = figure(values).as_json()
    assert written["value"] == written["median"] == np.median(values)
    assert written["mean"] == np.mean(values)
    assert written["sd"] == pytest.approx(np.std(values, ddof=1))
    assert (written["low"], written["high"], written["repeats"]) == (1.0, 7.5, 4)
    assert figure(values, statistic="mean").value == np.mean(values)
    assert figure(values, statistic="ratio of medians", given=0.5).met is True
    assert figure([5.0]).sd == 0


def test_what_is_not_finite_is_null(planted, tmp_path):
    planted(broken=[figure([float("nan")])])
    assert command.main(["--out", str(tmp_path)]) == 0
    written = json.loads((tmp_path / "broken.json").read_text())["figures"][0]
    assert (written["value"], written["met"]) == (None, False)


def test_a_benchmark_that_fails_leaves_the_others_and_its_last_result(planted, tmp_path, capsys):
    planted(bad=RuntimeError("no such luck"), good=[figure([1.0])])
    (tmp_path / "bad.json").write_text("before")
    assert command.main(["--out", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert "FAILED" in said.out
    assert "no such luck" in said.err
    assert (tmp_path / "bad.json").read_text() == "before"
    assert (tmp_path / "good.json").exists()


def test_quick_figures_never_become_results(planted, monkeypatch, tmp_path):
    planted(one=[figure([1.0])])
    monkeypatch.setattr(command, "FOLDER", tmp_path)
    command.main(["--quick"])
    assert list(tmp_path.iterdir()) == []
    command.main([])
    assert [path.name for path in tmp_path.rglob("*.json")] == ["one.json"]


def test_an_unknown_name_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["startupp"])
    assert ended.value.code == 2
    assert (
        "there is no benchmark startupp; there are attention, attention_rates, demo, memory, memory_tasks, panels, "
        in capsys.readouterr().err
    )


def test_a_childs_seconds_are_its_own():
    code = "import time\nwhile time.process_time() < 0.3: pass\nprint('done')"
    output, clock, cpu = measure.child([sys.executable, "-c", code])
    assert output == "done\n"
    assert 0.3 <= cpu <= clock.cpu
    assert measure.child([sys.executable, "-c", "pass"])[2] < 0.3, "not those of the child before"


def test_a_child_that_fails_is_told_with_its_words():
    with pytest.raises(RuntimeError, match="ended with code 3: oh no"):
        measure.child([sys.executable, "-c", "import sys; print('oh no', file=sys.stderr); sys.exit(3)"])


def test_the_peak_counts_what_was_taken_and_given_back():
    code = (
        "from benchmarks.memory import peak\nimport numpy as np\n"
        "before = peak()\ntaken = np.ones(5_000_000)\ndel taken\nprint(peak() - before)"
    )
    assert 35e6 < int(measure.child([sys.executable, "-c", code])[0]) < 60e6


def test_the_plain_loop_computes_what_ours_does():
    speed = part("training_speed")
    torch.manual_seed(0)
    ours = StepForecaster(LSTMCell, Sizes(horizon=4, past=2), speed.HIDDEN).double()
    torch.nn.init.normal_(ours.head.weight)
    plain = speed.PlainForecaster(3, speed.HIDDEN, 4).double()
    plain.load_state_dict({name.replace("rnn.", "lstm."): value for name, value in ours.state_dict().items()})
    past, future = torch.randn(5, 7, 3).double(), torch.randn(5, 4).double()
    future[0, 1] = future[3] = float("nan")
    theirs = speed.plain_loss(plain, past, future)
    nothing, one = torch.zeros(5, 4, 0), torch.ones(5, 1)
    batch = Batch(past, nothing, nothing[:, 0], future[..., None], one, one)
    mine = mae(ours(past), batch)
    mine.backward()
    theirs.backward()
    torch.testing.assert_close(theirs, mine)
    for a, b in zip(plain.parameters(), ours.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)


def test_the_plain_loop_learns():
    speed = part("training_speed")
    past = torch.randn(256, 6, 2)
    future = past[:, -1:, 0] + past[:, -1:, 1] - past[:, -2:-1, 1]
    settings = speed.TrainingSettings(epochs=1, learning_rate=1e-2).filled()
    _, first = speed.plain_training(past, future, settings)
    _, later = speed.plain_training(past, future, speed.replace(settings, epochs=20))
    assert later < 0.5 * first
