"""Windows against a loop that slices, and a ramp on which every off-by-one shows."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from unrolled.series.windows.batch import Batch
from unrolled.series.windows.examples import Examples
from unrolled.series.windows.split import Split, origins
from unrolled.series.windows.window import Rows, Windows


def rows_of(inputs, targets, known=0, static=None, series=1) -> Rows:
    """Rows with the numbers of the series as their centres, and 10 times them as scales."""
    n = torch.arange(float(series))[:, None].expand(-1, targets.shape[1])
    return Rows(inputs, targets, known, torch.zeros(series, 0) if static is None else static, n, 10 * n)


@given(
    rows=st.integers(2, 40),
    channels=st.integers(1, 4),
    targets=st.integers(1, 2),
    known=st.integers(0, 2),
    lookback=st.integers(1, 10),
    horizon=st.integers(1, 10),
    stride=st.integers(1, 4),
    size=st.integers(1, 9),
)
def test_windows_equal_slices_taken_one_by_one(rows, channels, targets, known, lookback, horizon, stride, size):
    lookback, horizon, known = min(lookback, rows - 1), min(horizon, rows), min(known, channels)
    generator = torch.Generator().manual_seed(rows)
    inputs, truth = (torch.randn(rows, n, generator=generator) for n in (channels, targets))
    static = torch.randn(3, 2, generator=generator)
    at = np.arange(lookback, rows - horizon + 1, stride)
    series = np.arange(len(at)) % 3
    windows = Windows(rows_of(inputs, truth, known, static, 3), at, series, at + 5, lookback, horizon)
    assert len(windows) == len(at)
    batches = list(windows.batches(size))
    assert [len(batch.past) for batch in batches if len(at)] == [
        min(size, len(at) - i) for i in range(0, len(at), size)
    ]
    expected = [
        Batch(
            past=inputs[t - lookback : t],
            known=inputs[t : t + horizon, channels - known :],
            static=static[i],
            future=truth[t : t + horizon],
            centre=torch.full((targets,), float(i)),
            scale=torch.full((targets,), 10.0 * i),
        )
        for t, i in zip(at.tolist(), series.tolist(), strict=True)
    ]
    got = [Batch(*own) for batch in batches for own in zip(*batch, strict=True)]
    assert len(got) == len(expected)
    for one, other in zip(got, expected, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    if len(at):
        index = torch.randint(len(at), (5,), generator=generator)
        whole = Batch(*(torch.stack(parts) for parts in zip(*(expected[i] for i in index), strict=True)))
        assert all(torch.equal(a, b) for a, b in zip(windows.batch(index), whole, strict=True))


def test_windows_are_views_and_a_million_of_them_take_no_memory():
    inputs, targets = torch.zeros(1_000_000, 3), torch.zeros(1_000_000, 1)
    at = np.arange(500, 999_000)
    windows = Windows(rows_of(inputs, targets), at, 0 * at, at, lookback=500, horizon=48)  # 2 TB if they were copied
    inputs[1000], targets[1000] = 7.0, 9.0  # what is written into the data is read in every window
    batch = windows.batch(torch.tensor([501, 1000 - 500]))
    assert torch.equal(batch.past[0, -1], torch.full((3,), 7.0))
    assert batch.future[1, 0] == 9.0


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
        past, _, _, future, *units = windows.batch(torch.arange(len(windows)))
        series = windows.series
        assert set(series.tolist()) == {0, 1}
        mean, scale = examples.scaler.centre, examples.scaler.scale
        np.testing.assert_allclose(units[0][:, 0], mean[series, 0], rtol=1e-6)
        np.testing.assert_allclose(units[1][:, 0], scale[series, 0], rtol=1e-6)
        begin, end = cuts.part(part)
        for n in range(len(windows)):
            actual = examples.actual(windows)[n, :, 0]
            own = second if series[n] else first
            assert actual[0] in own
            np.testing.assert_array_equal(actual, actual[0] + np.arange(3))
            ahead = future[n, :, 0].double().numpy() * scale[series[n], 0] + mean[series[n], 0]
            np.testing.assert_allclose(ahead, actual, atol=1e-4)
            read = past[n].double().numpy() * scale[series[n]] + mean[series[n]]
            np.testing.assert_allclose(read[:, 0], actual[0] - 4 + np.arange(4), atol=1e-4)
            np.testing.assert_allclose(read[:, 1], actual[0] - 4 + np.arange(4) + 0.5, atol=1e-4)
            assert begin <= calendar[int(actual[0])] == windows.times[n]
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
    future = windows.batch(torch.arange(len(windows))).future
    scored = values[windows.origins[:, None] + np.arange(3)][:, :, None]
    np.testing.assert_array_equal(torch.isnan(future).numpy(), np.isnan(scored))  # read filled, scored as a gap
    np.testing.assert_array_equal(filled.actual(windows), scored)
    assert filled.filled[10, 0] == 9.0
