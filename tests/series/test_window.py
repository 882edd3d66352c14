"""Windows against a loop that slices, and a ramp on which every off-by-one shows."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from unrolled.series.examples import Examples
from unrolled.series.split import Split, origins
from unrolled.series.window import Windows


@given(
    rows=st.integers(2, 40),
    channels=st.integers(1, 3),
    lookback=st.integers(1, 10),
    horizon=st.integers(1, 10),
    stride=st.integers(1, 4),
    size=st.integers(1, 9),
)
def test_windows_equal_slices_taken_one_by_one(rows, channels, lookback, horizon, stride, size):
    lookback, horizon = min(lookback, rows - 1), min(horizon, rows)
    generator = torch.Generator().manual_seed(rows)
    inputs, targets = torch.randn(rows, channels, generator=generator), torch.randn(rows, generator=generator)
    at = np.arange(lookback, rows - horizon + 1, stride)
    windows = Windows(inputs, targets, at, lookback, horizon)
    assert len(windows) == len(at)
    batches = list(windows.batches(size))
    assert [len(past) for past, _ in batches] == [min(size, len(at) - i) for i in range(0, len(at), size)] or not len(
        at
    )
    expected = [(inputs[t - lookback : t], targets[t : t + horizon]) for t in at.tolist()]
    got = [pair for past, future in batches for pair in zip(past, future, strict=True)]
    assert len(got) == len(expected)
    for (past, future), (own_past, own_future) in zip(got, expected, strict=True):
        assert torch.equal(past, own_past)
        assert torch.equal(future, own_future)
    if len(at):
        index = torch.randint(len(at), (5,), generator=generator)
        past, future = windows.batch(index)
        assert torch.equal(past, torch.stack([expected[i][0] for i in index]))
        assert torch.equal(future, torch.stack([expected[i][1] for i in index]))


def test_windows_are_views_and_a_million_of_them_take_no_memory():
    inputs, targets = torch.zeros(1_000_000, 3), torch.zeros(1_000_000)
    windows = Windows(inputs, targets, np.arange(500, 999_000), lookback=500, horizon=48)  # 2 TB if they were copied
    inputs[1000], targets[1000] = 7.0, 9.0  # what is written into the data is read in every window
    past, future = windows.batch(torch.tensor([501, 1000 - 500]))
    assert torch.equal(past[0, -1], torch.full((3,), 7.0))
    assert future[1, 0] == 9.0


def test_a_ramp_says_which_row_stands_where(panel_of):
    """The target of each row is its number, the covariate the number plus a half: nothing can be off by one unseen."""
    first, second = np.arange(30.0), np.arange(100.0, 125.0)
    panel = panel_of([np.stack([own, own + 0.5], axis=1) for own in (first, second)], starts=[0, 5])
    cuts = Split(20, 24, 30)
    examples = Examples.build(panel, cuts, lookback=4, horizon=3)
    calendar = {**{row: row for row in range(30)}, **{100 + row: 5 + row for row in range(25)}}  # by the target
    for part in ("train", "validation", "test"):
        windows = examples.windows(part)
        assert windows.origins.tolist() == origins(panel, cuts.part(part), 4, 3).tolist()
        past, future = windows.batch(torch.arange(len(windows)))
        series = examples.series_of(windows)
        assert set(series.tolist()) == {0, 1}
        mean, scale = examples.scaler.mean, examples.scaler.scale
        begin, end = cuts.part(part)
        for n in range(len(windows)):
            actual = examples.actual(windows)[n]
            own = second if series[n] else first
            assert actual[0] in own
            np.testing.assert_array_equal(actual, actual[0] + np.arange(3))
            ahead = future[n].double().numpy() * scale[series[n], 0] + mean[series[n], 0]
            np.testing.assert_allclose(ahead, actual, atol=1e-4)
            read = past[n].double().numpy() * scale[series[n]] + mean[series[n]]
            np.testing.assert_allclose(read[:, 0], actual[0] - 4 + np.arange(4), atol=1e-4)
            np.testing.assert_allclose(read[:, 1], actual[0] - 4 + np.arange(4) + 0.5, atol=1e-4)
            assert begin <= calendar[int(actual[0])]
            assert calendar[int(actual[-1])] < end


def test_windows_that_read_a_gap_or_have_nothing_to_score_are_left_out(panel_of):
    values = np.arange(40.0)
    values[10] = np.nan
    values[20:26] = np.nan
    cuts = Split(40, 40, 40)
    bare = Examples.build(panel_of([values], fill="none"), cuts, lookback=4, horizon=3).windows("train").origins
    filled = Examples.build(panel_of([values], fill="forward"), cuts, lookback=4, horizon=3)
    windows = filled.windows("train")
    whole = range(4, 38)
    unscored = {20, 21, 22, 23}  # a horizon of gaps
    assert windows.origins.tolist() == [t for t in whole if t not in unscored]
    read = {t for t in whole if t - 4 <= 10 < t or any(t - 4 <= gap < t for gap in range(20, 26))}
    assert bare.tolist() == [t for t in whole if t not in unscored | read]
    _, future = windows.batch(torch.arange(len(windows)))
    scored = values[windows.origins[:, None] + np.arange(3)]
    np.testing.assert_array_equal(torch.isnan(future).numpy(), np.isnan(scored))  # read filled, scored as a gap
    np.testing.assert_array_equal(filled.actual(windows), scored)
    assert filled.known[10] == 9.0
