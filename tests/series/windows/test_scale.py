"""Scaling against numpy, one series and one channel at a time, from rows before the cut and from nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from unrolled.errors import DataError, SettingsError
from unrolled.series.panels.inputs import Inputs
from unrolled.series.windows.scale import METHODS, Scaler

METHOD = pytest.mark.parametrize("method", METHODS)


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
    assert scaler.centre.shape == scaler.scale.shape == (len(series), 2)
    for i, (own, start) in enumerate(zip(series, starts, strict=True)):
        for channel in range(2):
            known = own[: max(0, until - start), channel]
            known = known[~np.isnan(known)]
            assert scaler.centre[i, channel] == pytest.approx(known.mean() if len(known) else 0.0, rel=1e-12)
            varies = len(set(known.tolist())) > 1
            assert scaler.scale[i, channel] == pytest.approx(known.std() if varies else 1.0, rel=1e-9)


def test_constant_and_empty_channels_are_only_centred(panel_of):
    values = np.stack([np.arange(10.0), np.full(10, 1e9 + 0.1), np.full(10, np.nan)], axis=1)
    scaler = Scaler.fit(panel_of([values]), until=10)
    assert scaler.scale[0].tolist() == [np.arange(10.0).std(), 1.0, 1.0]
    assert scaler.centre[0, 1:].tolist() == pytest.approx([1e9 + 0.1, 0.0])
    scaled = scaler.apply(values, np.array([10]), ["y"])
    assert np.abs(scaled[:, 1]).max() < 1e-5
    assert np.isnan(scaled[:, 2]).all()


def test_a_small_variation_far_from_zero_is_still_scaled(panel_of):
    """Squares minus the square of the mean would lose all digits here."""
    values = 1e6 + np.random.default_rng(0).normal(size=500)
    scaler = Scaler.fit(panel_of([values]), until=500)
    assert scaler.scale[0, 0] == pytest.approx(np.std(values - 1e6), rel=1e-9)
    assert scaler.apply(values[:, None], np.array([500]), ["y"]).std() == pytest.approx(1.0, rel=1e-5)


def by_numpy(method: str, known: np.ndarray) -> tuple[float, float]:
    """Centre and spread of the observed values of one channel."""
    if len(known) == 0:
        return 0.0, 0.0
    if method == "min-max":
        return known.min(), known.max() - known.min()
    if method == "robust":
        low, middle, high = np.percentile(known, [25, 50, 75])
        return middle, (high - low) / (norm.ppf(0.75) - norm.ppf(0.25))
    known = np.log(known) if method in ("log", "returns") else known
    if method == "returns":
        return known.mean(), np.sqrt(np.mean(np.diff(known) ** 2)) if len(known) > 1 else 0.0
    return known.mean(), known.std()


@METHOD
@given(made=panels(), since=st.integers(0, 5))
def test_every_method_equals_numpy_of_each_series_between_begin_and_cut(panel_of, method, made, since):
    series, starts, until = made
    series = [own + np.array([0.0, 20.0]) for own in series]  # all above zero
    scaler = Scaler.fit(panel_of(series, starts, targets=("y", "z"), past=()), until, method, since)
    for i, (own, start) in enumerate(zip(series, starts, strict=True)):
        for channel in range(2):
            known = own[max(0, since - start) : max(0, until - start), channel]
            centre, spread = by_numpy(method, known[~np.isnan(known)])
            assert scaler.centre[i, channel] == pytest.approx(centre, rel=1e-12)
            varies = spread > 1e-12 * max(1.0, abs(centre))
            assert scaler.scale[i, channel] == pytest.approx(spread if varies else 1.0, rel=1e-4)


def test_only_targets_are_read_in_logarithms(panel_of):
    values = np.stack([np.exp(np.arange(10.0)), -np.arange(10.0)], axis=1)
    scaler = Scaler.fit(panel_of([values]), 10, "log")
    assert scaler.centre[0].tolist() == pytest.approx([4.5, -4.5])
    scaled = scaler.apply(values, np.array([10]), ["y"])
    np.testing.assert_allclose(scaled[:, 0], -scaled[:, 1], atol=1e-6)


@METHOD
@given(made=panels())
def test_restoring_undoes_the_scaling(panel_of, method, made):
    series, starts, until = made
    panel = panel_of([own + np.array([0.0, 20.0]) for own in series], starts, targets=("y", "z"), past=())
    scaler = Scaler.fit(panel, until, method)
    lengths = np.array([len(own) for own in series])
    scaled = scaler.apply(panel.values, lengths, panel.targets)
    assert scaled.dtype == np.float32
    of = np.repeat(np.arange(len(series)), lengths)
    restored = scaler.restore(scaled[:, None], of)[:, 0]
    assert restored.dtype == np.float64
    error = np.abs(restored - panel.values) / np.abs(panel.values)
    assert np.nanmax(error, initial=0) < 1e-6
    np.testing.assert_array_equal(np.isnan(restored), np.isnan(panel.values))
    for target in range(2):  # one by one, with levels behind, and some of the series, it says the same
        own = scaler.only(target).restore(scaled[:, None, target : target + 1, None], of)
        np.testing.assert_array_equal(own[:, 0, 0, 0], restored[:, target])
    first = scaler.of(np.array([len(series) - 1]))
    np.testing.assert_array_equal(
        first.restore(scaled[of == len(series) - 1][:, None], np.zeros(lengths[-1], int))[:, 0],
        restored[of == len(series) - 1],
    )


def test_what_is_known_ahead_has_the_scores_of_the_same_value_in_the_table(panel_of):
    rng = np.random.default_rng(0)
    series = [rng.normal(size=(20, 3)) * 7 + 3 for _ in range(2)]
    panel = panel_of(series, [0, 0], past=("x",), known=("k",))
    scaler = Scaler.fit(panel, 14)
    scaled = scaler.apply(panel.values, np.array([20, 20]), panel.targets)
    ahead = scaler.ahead(np.stack([own[:, 2:] for own in series]))
    assert ahead.dtype == np.float32
    np.testing.assert_array_equal(ahead.reshape(-1), scaled[:, 2])
    assert scaler.ahead(np.empty((2, 4, 0))).shape == (2, 4, 0)


def test_static_covariates_get_standard_scores_over_the_series(panel_of):
    values = np.array([[1.0, 5.0], [3.0, 5.0], [8.0, 5.0]])
    panel = panel_of([np.arange(9.0)] * 3, [0, 0, 0], static=("a", "b"), static_values=values)
    scores = Scaler.fit(panel, 6).static(values)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores[:, 0], (values[:, 0] - 4) / values[:, 0].std(), rtol=1e-6)
    assert scores[:, 1].tolist() == [0.0, 0.0, 0.0]


def test_what_can_not_be_scaled_is_refused(panel_of):
    with pytest.raises(SettingsError, match=r"^there is no scaling 'standart'; nearest: 'standard'$"):
        Scaler.fit(panel_of([np.arange(9.0)]), 6, "standart")
    expected = r"^log scaling needs values above 0, and 'y' has -2; take standard, min-max or robust scaling$"
    with pytest.raises(DataError, match=expected):
        Scaler.fit(panel_of([np.arange(9.0) - 2]), 6, "log")
    scaler = Scaler.fit(panel_of([np.arange(9.0) + 1]), 6, "log")
    with pytest.raises(DataError, match=r"^log scaling needs values above 0, and 'y' has 0;"):
        scaler.apply(np.zeros((1, 1)), np.array([1]), ["y"])


def test_each_window_is_restored_with_its_own_series(panel_of):
    panel = panel_of([np.arange(10.0), 100 + 10 * np.arange(10.0)], [0, 0])
    scaler = Scaler.fit(panel, until=10)
    scaled = np.array([[0.0, 1.0], [0.0, 1.0]], np.float32)[:, :, None]
    ahead = scaler.restore(scaled, np.array([1, 0]))[:, :, 0]
    deviation = np.arange(10.0).std()
    np.testing.assert_allclose(ahead, [[145.0, 145 + 10 * deviation], [4.5, 4.5 + deviation]], rtol=1e-7)


@METHOD
def test_rows_at_and_after_the_cut_count_for_nothing(panel_of, method):
    values = np.arange(1.0, 21.0)
    wild = np.where(np.arange(20) < 12, values, 1e300)
    tame = np.where(np.arange(20) < 12, values, 7.0)
    cut = Scaler.fit(panel_of([tame], starts=[3]), 15, method)
    whole = Scaler.fit(panel_of([wild], starts=[3]), 15, method)
    assert (cut.centre, cut.scale) == (whole.centre, whole.scale)
    late = np.where(np.arange(20) < 5, 1e300, values)
    assert Scaler.fit(panel_of([late]), 15, method, since=5).centre == pytest.approx(
        Scaler.fit(panel_of([values[5:]], starts=[5]), 15, method).centre
    )


def test_returns_read_prices_in_logarithms_and_the_rest_as_changes(panel_of):
    """Above 0 in the training part decides, whatever comes after it; what is known ahead stays as it was."""
    price, flow = 2.0 ** np.array([0, 1, 1, 2, 4]), np.array([1.0, -2.0, 1.0, 1.0, 1.0])
    values = np.stack([price, 3 * price, flow, price], axis=1)
    inputs = Inputs(past=("x1", "x2"), future=("k",))
    panel = panel_of([values], past=("x1", "x2"), known=("k",), inputs=inputs)
    scaler = Scaler.fit(panel, 4, "returns")
    assert scaler.logged.tolist() == [True, True, False, False]
    size = np.log(2) * np.sqrt(2 / 3)  # of the returns log 2, 0, log 2
    assert scaler.scale[0].tolist() == pytest.approx([size, size, np.sqrt(6), price[:4].std()])


def test_returns_pass_over_gaps_and_never_from_one_series_into_the_next(panel_of):
    panel = panel_of([np.array([1.0, np.nan, np.e]), np.array([100.0, 100.0 * np.e**2])], [0, 0])
    assert Scaler.fit(panel, 3, "returns").scale[:, 0].tolist() == pytest.approx([1.0, 2.0])


def test_returns_need_values_above_zero(panel_of):
    with pytest.raises(
        DataError, match="returns need values above 0, and 'y' has -1; take standard, min-max or robust"
    ):
        Scaler.fit(panel_of([np.array([1.0, 2.0, -1.0])]), 2, "returns")
    values = np.stack([np.arange(1.0, 5), [1.0, 1.0, 1.0, 0.0]], axis=1)
    panel = panel_of([values], inputs=Inputs(past=("x1",)))
    words = "'x1' is read as returns, since the training part has it above 0, and elsewhere it has 0; leave it out"
    with pytest.raises(DataError, match=words):
        Scaler.fit(panel, 3, "returns")


def test_restored_prices_can_be_in_another_unit(panel_of):
    panel = panel_of([np.array([1.0, 2.0, 4.0])], units=np.array([[2.0]]))
    scaler = Scaler.fit(panel, 3, "returns")
    scaled = scaler.apply(panel.values, np.array([3]), ["y"])[None]
    restored = scaler.in_unit(panel.units).restore(scaled, np.array([0]))
    np.testing.assert_allclose(restored[0, :, 0], [0.5, 1.0, 2.0], rtol=1e-6)
