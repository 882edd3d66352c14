"""Forecast errors, on the scale of the data.

Every function takes the actual values and the forecasts as arrays of one shape, averages over ``axis`` as numpy does
(all axes by default), and returns a float, or an array over the axes that stay: of windows (windows, horizon), axis 0
gives the error by step ahead, axis 1 by window, and :func:`by_series` by series. NaN in ``actual`` means that the value
was not observed: it is left out. NaN in ``forecast`` where there is an actual value makes the result NaN: a forecast
that is missing is not forgiven. Where nothing was observed the result is NaN.

Source: Hyndman & Koehler 2006, "Another look at measures of forecast accuracy", which introduces MASE.
"""

from unrolled.series.metrics.groups import by_series
from unrolled.series.metrics.intervals import coverage, interval_score, interval_width, msis, pinball
from unrolled.series.metrics.percent import mape, mape_caveat, smape, wape
from unrolled.series.metrics.point import directional_accuracy, mae, r2, rmse
from unrolled.series.metrics.scaled import mase, naive_scale, owa, rmsse, skill

__all__ = [
    "by_series",
    "coverage",
    "directional_accuracy",
    "interval_score",
    "interval_width",
    "mae",
    "mape",
    "mape_caveat",
    "mase",
    "msis",
    "naive_scale",
    "owa",
    "pinball",
    "r2",
    "rmse",
    "rmsse",
    "skill",
    "smape",
    "wape",
]
