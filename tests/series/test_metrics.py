"""Metrics against values by hand, scikit-learn and utilsforecast, and the laws that they keep."""

import numpy as np
import polars as pl
import pytest
import utilsforecast.losses
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import (
    mean_absolute_error,
    mean_absolute_percentage_error,
    r2_score,
    root_mean_squared_error,
)

from unrolled.errors import SettingsError, ShapeError
from unrolled.series import metrics

NAN = float("nan")
SHAPE = (3, 4)
# Thousandths: squares of values below 1e-154 are zero in float64, and the laws are about real numbers.
values = arrays(float, SHAPE, elements=st.integers(-(10**9), 10**9).map(lambda n: n / 1000))
positive = arrays(float, SHAPE, elements=st.floats(0.1, 1e6))
gaps = arrays(bool, SHAPE)
METRICS = {
    "mae": metrics.mae,
    "rmse": metrics.rmse,
    "mape": metrics.mape,
    "smape": metrics.smape,
    "wape": metrics.wape,
    "mase": lambda actual, forecast, axis=None: metrics.mase(actual, forecast, scale=2.5, axis=axis),
    "rmsse": lambda actual, forecast, axis=None: metrics.rmsse(actual, forecast, scale=2.5, axis=axis),
}
every_metric = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS.keys())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mae", 9 / 4),  # errors 1, 1, 5, 2
        ("rmse", (31 / 4) ** 0.5),  # squares 1, 1, 25, 4
        ("mape", 195 / 4),  # 50%, 25%, 100%, 20%
        ("smape", 200 * (1 / 3 + 1 / 9 + 5 / 5 + 2 / 18) / 4),
        ("wape", 100 * 9 / 21),
        ("mase", 9 / 4 / 2.5),
        ("rmsse", (31 / 4) ** 0.5 / 2.5),
    ],
)
def test_values_by_hand(name, expected):
    assert METRICS[name]([2.0, 4.0, -5.0, 10.0], [1.0, 5.0, 0.0, 8.0]) == pytest.approx(expected, rel=1e-12)


@settings(deadline=None)
@given(actual=positive, forecast=values, axis=st.sampled_from([None, 0, 1]))
def test_equal_scikit_learn(actual, forecast, axis):
    if axis is None:
        pairs = [(actual.ravel(), forecast.ravel())]
    else:
        pairs = list(zip(np.moveaxis(actual, axis, -1), np.moveaxis(forecast, axis, -1), strict=True))
    oracles = [
        (metrics.mae, mean_absolute_error, 1),
        (metrics.rmse, root_mean_squared_error, 1),
        (metrics.mape, mean_absolute_percentage_error, 100),
    ]
    for ours, theirs, unit in oracles:
        expected = [unit * theirs(*pair) for pair in pairs]
        np.testing.assert_allclose(np.ravel(ours(actual, forecast, axis=axis)), expected, rtol=1e-9)


@settings(deadline=None)
@given(actual=values, forecast=values, gaps=gaps)
def test_r2_equals_scikit_learn_and_leaves_the_unobserved_out(actual, forecast, gaps):
    seen = ~gaps
    assume(seen.sum() >= 2 and np.ptp(actual[seen]) > 1e-3)
    holes = np.where(gaps, NAN, actual)
    expected = r2_score(actual[seen], forecast[seen])
    assert metrics.r2(holes, np.where(gaps, NAN, forecast)) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    for row, own in enumerate(metrics.r2(actual, forecast, axis=1)):
        if np.ptp(actual[row]) > 1e-3:
            assert own == pytest.approx(r2_score(actual[row], forecast[row]), rel=1e-9, abs=1e-9)


@pytest.mark.filterwarnings("error")
def test_r2_where_it_is_undefined_and_where_a_forecast_is_missing():
    assert np.isnan(metrics.r2([0.1] * 6, [0.1] * 6))  # 0.1 is not its own mean in float64
    assert np.isnan(metrics.r2([NAN, NAN], [1.0, 1.0]))
    assert np.isnan(metrics.r2([1.0, 2.0], [1.0, NAN]))
    assert metrics.r2([1.0, 2.0, 3.0], [2.0, 2.0, 2.0]) == 0
    assert metrics.wape([1.0, NAN, 3.0], [2.0, 9.0, 4.0]) == 50
    assert np.isnan(metrics.wape([0.0, 0.0], [1.0, 1.0]))


def test_directional_accuracy_by_hand():
    actual = np.array([[3.0, 1.0, 2.0, NAN], [5.0, 4.0, 9.0, 8.0]])
    forecast = np.array([[2.1, 3.0, 9.0, 9.0], [6.0, 6.0, 6.0, 7.0]])
    last = np.array([[2.0], [6.0]])
    # up right, down wrong, no direction, unobserved | no direction named: wrong twice, wrong, right
    assert metrics.directional_accuracy(actual, forecast, last, axis=1).tolist() == [1 / 2, 1 / 4]
    assert metrics.directional_accuracy(actual, forecast, last) == 2 / 6
    assert metrics.directional_accuracy(actual[1:], np.full((1, 4), 6.0), 6.0) == 0
    assert np.isnan(metrics.directional_accuracy(actual, np.where(forecast == 2.1, NAN, forecast), last))
    assert metrics.directional_accuracy(actual, forecast, np.array([[NAN], [6.0]])) == 1 / 4
    with pytest.raises(ShapeError, match=r"the last value must broadcast .* got \(2,\) beside \(2, 4\); give one last"):
        metrics.directional_accuracy(actual, forecast, last[:, 0])


@settings(deadline=None)
@given(actual=values, forecast=values, last=st.integers(-1000, 1000).map(lambda n: n + 0.0005))
def test_a_forecast_and_its_mirror_image_share_the_directions(actual, forecast, last):
    assume((forecast != last).all() and (actual != last).all())
    mirrored = metrics.directional_accuracy(actual, 2 * last - forecast, last)
    assert metrics.directional_accuracy(actual, forecast, last) + mirrored == pytest.approx(1)
    assert metrics.directional_accuracy(actual, actual, last) == 1


@pytest.mark.parametrize("season", [1, 3])
def test_equal_utilsforecast(season):
    generator = np.random.default_rng(season)
    train, actual = 20 + generator.normal(size=(5, 30)), 20 + generator.normal(size=(5, 8))
    forecast = actual + generator.normal(size=actual.shape)

    def frame(table: np.ndarray, **more: np.ndarray) -> pl.DataFrame:
        series, steps = np.indices(table.shape)
        columns = {"unique_id": series, "ds": steps, "y": table, **more}
        return pl.DataFrame({name: column.ravel() for name, column in columns.items()})

    test = frame(actual, model=forecast)
    scale = np.array([[metrics.naive_scale(one, season)] for one in train])  # (series, 1)
    squared = np.array([[metrics.naive_scale(one, season, power=2)] for one in train])
    seasonal = {"seasonality": season, "train_df": frame(train)}
    pairs = {
        "mae": (metrics.mae(actual, forecast, axis=1), {}, 1),
        "rmse": (metrics.rmse(actual, forecast, axis=1), {}, 1),
        "mape": (metrics.mape(actual, forecast, axis=1), {}, 100),
        "smape": (metrics.smape(actual, forecast, axis=1), {}, 200),  # theirs goes to 1
        "mase": (metrics.mase(actual, forecast, scale, axis=1), seasonal, 1),
        "rmsse": (metrics.rmsse(actual, forecast, squared, axis=1), seasonal, 1),
    }
    for name, (ours, options, unit) in pairs.items():
        theirs = getattr(utilsforecast.losses, name)(test, ["model"], **options).sort("unique_id")["model"].to_numpy()
        np.testing.assert_allclose(ours, unit * theirs, rtol=1e-12, err_msg=name)


@every_metric
@settings(deadline=None)
@given(actual=positive, forecast=values, gaps=gaps)
def test_the_unobserved_count_for_nothing(metric, actual, forecast, gaps):
    assume(not gaps.all())
    alone = metric(actual[~gaps], forecast[~gaps])
    assert metric(np.where(gaps, NAN, actual), forecast) == pytest.approx(alone, rel=1e-12)
    assert metric(np.where(gaps, NAN, actual), np.where(gaps, NAN, forecast)) == pytest.approx(alone, rel=1e-12)


@every_metric
@pytest.mark.filterwarnings("error")
def test_nothing_observed_has_no_error(metric):
    actual = np.array([[NAN, NAN], [1.0, NAN]])
    assert np.isnan(metric(actual[:1], np.ones((1, 2))))
    assert np.isnan(metric(actual, np.ones((2, 2)), axis=1)).tolist() == [True, False]


@every_metric
def test_a_missing_forecast_is_not_forgiven(metric):
    assert np.isnan(metric([1.0, 2.0], [1.0, NAN]))


@every_metric
@settings(deadline=None)
@given(actual=positive, forecast=values)
def test_zero_only_without_error(metric, actual, forecast):
    assert metric(actual, actual) == 0
    assert metric(actual, forecast) >= 0


@settings(deadline=None)
@given(actual=positive, forecast=values, factor=st.floats(0.01, 100))
def test_laws_of_scale(actual, forecast, factor):
    # In the unit of the data: grow with it. Percentages: do not.
    for metric in (metrics.mae, metrics.rmse):
        assert metric(factor * actual, factor * forecast) == pytest.approx(factor * metric(actual, forecast), rel=1e-6)
    for metric in (metrics.mape, metrics.smape, metrics.wape):
        assert metric(factor * actual, factor * forecast) == pytest.approx(metric(actual, forecast), rel=1e-6)
    scaled = metrics.mase(factor * actual, factor * forecast, scale=factor)
    assert scaled == pytest.approx(metrics.mase(actual, forecast, scale=1.0), rel=1e-6)


@settings(deadline=None)
@given(actual=values, forecast=values)
def test_laws_of_symmetry_and_bounds(actual, forecast):
    for metric in (metrics.mae, metrics.rmse, metrics.smape):
        assert metric(actual, forecast) == pytest.approx(metric(forecast, actual), rel=1e-12)
    assert metrics.mae(actual, forecast) <= metrics.rmse(actual, forecast) * (1 + 1e-12)
    assert 0 <= metrics.smape(actual, forecast) <= 200 * (1 + 1e-12)
    opposite = np.abs(actual) + 1
    assert metrics.smape(opposite, -opposite) == pytest.approx(200)


def test_percentages_at_zero():
    assert np.isnan(metrics.mape([0.0, 1.0], [1.0, 1.0]))
    assert np.isnan(metrics.mape([[0.0, 1.0], [2.0, 1.0]], np.ones((2, 2)), axis=1)).tolist() == [True, False]
    assert metrics.smape([0.0, 0.0], [0.0, 3.0]) == 100  # nothing, and the most there is


@settings(deadline=None)
@given(train=arrays(float, 40, elements=st.floats(-100, 100, allow_subnormal=False)), season=st.integers(1, 12))
def test_mase_of_the_seasonal_naive_on_its_own_training_part_is_one(train, season):
    scale = metrics.naive_scale(train, season)
    assume(scale > 1e-9)
    assert metrics.mase(train[season:], train[:-season], scale) == pytest.approx(1, rel=1e-12)


def test_the_scale_of_mase_broadcasts_over_series():
    actual, forecast = np.array([[1.0, 2.0], [10.0, 20.0]]), np.array([[2.0, 4.0], [20.0, 40.0]])
    assert metrics.mase(actual, forecast, scale=np.array([[1.0], [10.0]]), axis=1).tolist() == [1.5, 1.5]
    undefined = metrics.mase(actual, forecast, scale=np.array([[0.0], [NAN]]), axis=1)
    assert np.isnan(undefined).all()


def test_the_naive_scale_reads_observed_pairs_only():
    assert metrics.naive_scale(np.array([1.0, NAN, 4.0, 5.0, 7.0]), season=2) == 3.0  # |4 - 1| and |7 - 4|
    assert np.isnan(metrics.naive_scale(np.array([1.0, 2.0]), season=2))
    assert np.isnan(metrics.naive_scale(np.array([1.0, NAN, 3.0]), season=1))


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        ([1.0, 2.0, NAN], None),
        ([NAN], None),
        ([0.0, 2.0, NAN], "1 of 2 actual values is zero, where MAPE is undefined; read MASE or sMAPE instead"),
        ([0.0, 0.0], "2 of 2 actual values are zero, where MAPE is undefined; read MASE or sMAPE instead"),
        (
            [0.01, -0.02, 5.0, 6.0, 7.0, NAN],
            "2 of 5 actual values are near zero (below 1% of the typical size), which rules MAPE; "
            "read MASE or sMAPE instead",
        ),
        (
            [0.0, 0.0, 0.0, 0.0, 0.01, 5.0, 6.0],
            "4 of 7 actual values are zero, where MAPE is undefined; 1 is near zero (below 1% of the typical size), "
            "which rules MAPE; read MASE or sMAPE instead",
        ),
    ],
)
def test_the_caveat_of_mape(actual, expected):
    assert metrics.mape_caveat(actual) == expected


def test_the_caveat_measures_each_series_by_its_own_size():
    small_and_large = np.array([[1.0, 2.0, 1.5], [1e6, 2e6, 1e6]])
    assert metrics.mape_caveat(small_and_large, typical=np.array([[1.5], [1e6]])) is None
    assert "3 of 6 actual values are near zero" in (metrics.mape_caveat(small_and_large) or "")


def test_skill():
    assert metrics.skill(3.0, 4.0) == 0.25
    assert metrics.skill(5.0, 4.0) == -0.25
    assert np.isnan(metrics.skill(0.0, 0.0))
    np.testing.assert_array_equal(metrics.skill([1.0, 2.0], 2.0), [0.5, 0.0])


def test_owa_by_hand_and_without_a_reference():
    assert metrics.owa(10.0, 2.0, reference_smape=20.0, reference_mase=1.0) == pytest.approx((0.5 + 2.0) / 2)
    assert metrics.owa(12.0, 3.0, reference_smape=12.0, reference_mase=3.0) == 1
    assert np.isnan(metrics.owa(1.0, 1.0, reference_smape=0.0, reference_mase=1.0))
    np.testing.assert_allclose(metrics.owa([10.0, 20.0], [1.0, 3.0], 20.0, 2.0), [0.5, 1.25])
    # Published for M4's Theta and its own recurrent network on Hourly, from figures rounded to three places.
    assert metrics.owa(18.138, 2.455, reference_smape=18.383, reference_mase=2.395) == pytest.approx(1.006, abs=6e-4)
    assert metrics.owa(14.698, 3.048, reference_smape=18.383, reference_mase=2.395) == pytest.approx(1.036, abs=6e-4)


@settings(deadline=None)
@given(actual=positive, forecast=values, gaps=gaps, series=arrays(int, 3, elements=st.integers(0, 3)))
def test_errors_by_series_equal_a_loop(actual, forecast, gaps, series):
    actual, scale = np.where(gaps, NAN, actual), np.array([[1.0], [2.0], [5.0]])
    for metric, others in ((metrics.mae, (forecast,)), (metrics.mase, (forecast, scale))):
        expected = []
        for s in range(4):
            rows = series == s
            expected.append(metric(actual[rows], *(one[rows] for one in others)) if rows.any() else NAN)
        np.testing.assert_array_equal(metrics.by_series(metric, series, 4, actual, *others), expected)


def test_options_of_errors_by_series():
    actual, series = np.array([[1.0], [2.0], [30.0]]), np.array([0, 0, 1])
    inside = metrics.by_series(
        metrics.coverage, series, 2, actual, actual - 1, actual + np.array([[1.0], [-0.5], [1.0]])
    )
    assert inside.tolist() == [0.5, 1.0]
    assert metrics.by_series(metrics.pinball, series, 2, actual, actual + 2, level=0.75).tolist() == [0.5, 0.5]
    with pytest.raises(ShapeError, match=r"one row a window, 3 in all, got shape \(2, 1\); cut them all"):
        metrics.by_series(metrics.mae, series, 2, actual, actual[:2])


@every_metric
def test_two_shapes_are_refused(metric):
    with pytest.raises(ShapeError, match=r"must have one shape, got \(3,\) and \(3, 1\); give one forecast for each"):
        metric(np.ones(3), np.ones((3, 1)))


def test_errors_of_the_scale():
    with pytest.raises(ShapeError, match=r"must broadcast .* got \(2,\) beside \(2, 3\); .*\(series, 1\)"):
        metrics.mase(np.ones((2, 3)), np.ones((2, 3)), scale=np.ones(2))
    with pytest.raises(SettingsError, match=r"season must be at least 1 step, got 0; 1 compares"):
        metrics.naive_scale(np.ones(3), season=0)
    with pytest.raises(SettingsError, match=r"power of a scale is 1 \(for MASE and MSIS\) or 2 \(for RMSSE\), got 3"):
        metrics.naive_scale(np.ones(3), season=1, power=3)
    with pytest.raises(ShapeError, match=r"one series, \(time,\), got shape \(2, 3\); call it for each"):
        metrics.naive_scale(np.ones((2, 3)), season=1)
