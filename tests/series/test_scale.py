"""Scaling against numpy, one series and one channel at a time, from rows before the cut and from nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.series.scale import Scaler


@st.composite
def panels(draw):
    """Ragged series with gaps, in two channels of very different size: (series, starts, until)."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    shape = draw(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 10)), min_size=1, max_size=4))
    share = draw(st.sampled_from([0.0, 0.3, 0.9]))
    series = []
    for length, _ in shape:
        own = rng.normal(size=(length, 2)) * [1.0, 1e-3] + [1e3, -5.0]
        own[rng.random((length, 2)) < share] = np.nan
        series.append(own)
    return series, [start for _, start in shape], draw(st.integers(0, 30))


@given(made=panels())
def test_means_and_deviations_equal_numpy_of_each_series_before_the_cut(panel_of, made):
    series, starts, until = made
    scaler = Scaler.fit(panel_of(series, starts), until)
    assert scaler.mean.shape == scaler.scale.shape == (len(series), 2)
    for i, (own, start) in enumerate(zip(series, starts, strict=True)):
        for channel in range(2):
            known = own[: max(0, until - start), channel]
            known = known[~np.isnan(known)]
            assert scaler.mean[i, channel] == pytest.approx(known.mean() if len(known) else 0.0, rel=1e-12)
            varies = len(set(known.tolist())) > 1
            assert scaler.scale[i, channel] == pytest.approx(known.std() if varies else 1.0, rel=1e-9)


def test_constant_and_empty_channels_are_only_centred(panel_of):
    values = np.stack([np.arange(10.0), np.full(10, 1e9 + 0.1), np.full(10, np.nan)], axis=1)
    scaler = Scaler.fit(panel_of([values]), until=10)
    assert scaler.scale[0].tolist() == [np.arange(10.0).std(), 1.0, 1.0]
    assert scaler.mean[0, 1:].tolist() == pytest.approx([1e9 + 0.1, 0.0])
    scaled = scaler.apply(values, np.array([10]))
    assert np.abs(scaled[:, 1]).max() < 1e-5
    assert np.isnan(scaled[:, 2]).all()


def test_a_small_variation_far_from_zero_is_still_scaled(panel_of):
    """Squares minus the square of the mean would lose all digits here."""
    values = 1e6 + np.random.default_rng(0).normal(size=500)
    scaler = Scaler.fit(panel_of([values]), until=500)
    assert scaler.scale[0, 0] == pytest.approx(np.std(values - 1e6), rel=1e-9)
    assert scaler.apply(values[:, None], np.array([500])).std() == pytest.approx(1.0, rel=1e-5)


@given(made=panels())
def test_restoring_undoes_the_scaling(panel_of, made):
    series, starts, until = made
    panel = panel_of(series, starts)
    scaler = Scaler.fit(panel, until)
    lengths = np.array([len(own) for own in series])
    scaled = scaler.apply(panel.values, lengths)
    assert scaled.dtype == np.float32
    of = np.repeat(np.arange(len(series)), lengths)
    restored = scaler.restore(scaled[:, :1], of)[:, 0]
    assert restored.dtype == np.float64
    scale, mean = scaler.scale[of, 0], scaler.mean[of, 0]
    unit = np.maximum(scale, np.abs(panel.values[:, 0] - mean))  # float32 keeps 24 bits of the standard score
    error = np.abs(restored - panel.values[:, 0]) / unit
    assert np.nanmax(error, initial=0) < 1e-6
    np.testing.assert_array_equal(np.isnan(restored), np.isnan(panel.values[:, 0]))


def test_each_window_is_restored_with_its_own_series(panel_of):
    panel = panel_of([np.arange(10.0), 100 + 10 * np.arange(10.0)], [0, 0])
    scaler = Scaler.fit(panel, until=10)
    ahead = scaler.restore(np.array([[0.0, 1.0], [0.0, 1.0]], np.float32), np.array([1, 0]))
    deviation = np.arange(10.0).std()
    np.testing.assert_allclose(ahead, [[145.0, 145 + 10 * deviation], [4.5, 4.5 + deviation]], rtol=1e-7)


def test_rows_at_and_after_the_cut_count_for_nothing(panel_of):
    values = np.arange(20.0)
    wild = np.where(np.arange(20) < 12, values, 1e300)
    cut = Scaler.fit(panel_of([values[:12]], starts=[3]), until=15)
    whole = Scaler.fit(panel_of([wild], starts=[3]), until=15)
    assert (cut.mean, cut.scale) == (whole.mean, whole.scale)
