"""Windows of arrays and panels, and origins of one phase, against loops over every row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import unrolled as ur
from unrolled.errors import SettingsError, ShapeError
from unrolled.series.windows.examples import Examples
from unrolled.series.windows.split import Split, origins

sizes = {"lookback": st.integers(1, 6), "horizon": st.integers(1, 6), "stride": st.integers(1, 4)}


@given(rows=st.integers(1, 30), channels=st.integers(0, 2), season=st.integers(1, 5), data=st.data(), **sizes)
def test_windows_are_the_slices_of_a_loop(rows, channels, season, data, lookback, horizon, stride):
    phase = data.draw(st.none() | st.integers(0, season - 1))
    values = np.arange(rows * max(1, channels), dtype=float).reshape(rows, -1)
    values = values if channels else values[:, 0]
    at = [t for t in range(rows + 1) if t - lookback >= 0 and t + horizon <= rows]
    at = [t for t in at if phase is None or t % season == phase][::stride]
    past, future = ur.windows(values, lookback, horizon, stride=stride, phase=phase, season=season)
    assert past.shape == (len(at), lookback, *values.shape[1:])
    assert future.shape == (len(at), horizon, *values.shape[1:])
    for i, t in enumerate(at):
        np.testing.assert_array_equal(past[i], values[t - lookback : t])
        np.testing.assert_array_equal(future[i], values[t : t + horizon])
    if at:
        assert np.shares_memory(past, values)
        assert np.shares_memory(future, values)


ragged = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 12)), min_size=1, max_size=3)  # (length, start)


@given(shape=ragged, phase=st.none() | st.integers(0, 6), each=st.booleans(), **sizes)
def test_origins_of_a_phase_are_those_of_a_loop(panel_of, shape, phase, each, lookback, horizon, stride):
    panel = panel_of([np.arange(float(n)) for n, _ in shape], starts=[start for _, start in shape])  # days: a week
    phases = None if phase is None else [(phase + each * i) % 7 for i in range(len(shape))]
    given_phase = phase if phases is None or not each else np.array(phases)
    expected = []
    for i, (n, start) in enumerate(shape):
        rows = [t for t in range(n) if t >= lookback and t + horizon <= n and 3 <= start + t <= 35 - horizon]
        rows = [t for t in rows if phases is None or (start + t) % 7 == phases[i]][::stride]
        expected += [int(panel.offsets[i]) + t for t in rows]
    assert origins(panel, (3, 35), lookback, horizon, stride, given_phase).tolist() == expected
    pairs = ur.windows(panel, lookback, horizon, stride=stride, phase=phase)
    for (past, future), (n, start), offset in zip(pairs, shape, panel.offsets, strict=False):
        rows = [t for t in range(n) if t >= lookback and t + horizon <= n]
        rows = [t for t in rows if phase is None or (start + t) % 7 == phase][::stride]
        assert future[:, 0, 0].tolist() == [panel.values[offset + t, 0] for t in rows]
        assert len(past) == len(rows)


def test_windows_of_examples_at_one_day_of_the_week(panel_of):
    panel = panel_of([np.random.default_rng(0).normal(size=100)])
    examples = Examples.build(panel, Split(70, 80, 100), lookback=5, horizon=2)
    assert examples.windows("train", phase=3).times.tolist() == list(range(10, 69, 7))
    assert examples.windows("train", stride=2, phase=3).times.tolist() == list(range(10, 69, 14))
    assert examples.windows("test", phase=np.array([6])).times.tolist() == [83, 90, 97]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lookback": 0}, "lookback has to be a whole number of at least 1, got 0"),
        ({"horizon": True}, "horizon has to be a whole number of at least 1, got True"),
        ({"stride": 1.5}, "stride has to be a whole number of at least 1, got 1.5"),
        ({"phase": 4, "season": 4}, "the phase is a step of the season, 0 to 3, got 4"),
        ({"phase": -1, "season": 4}, "the phase is a step of the season, 0 to 3, got -1"),
        ({"phase": 0.5, "season": 4}, "the phase is a step of the season, 0 to 3, got 0.5"),
        ({"phase": 0}, "a phase is a step of the season, and the season is None"),
    ],
)
def test_sizes_and_phases_that_cannot_be_are_refused(options, words):
    with pytest.raises(SettingsError, match=words):
        ur.windows(np.arange(9.0), **{"lookback": 2, "horizon": 1, **options})


def test_arrays_of_other_shapes_are_refused():
    with pytest.raises(ShapeError, match=r"windows are cut out of \(rows,\) or \(rows, channel\), got \(2, 3, 4\)"):
        ur.windows(np.zeros((2, 3, 4)), 1, 1)
