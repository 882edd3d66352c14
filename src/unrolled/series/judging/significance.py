"""Is the difference between two forecasts more than chance?

Every test is two-sided and takes errors where lower is better, the model's first. A loss of a window is one number,
such as its mean absolute error over the steps ahead, or its absolute error at one step.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from unrolled.errors import DataError, SettingsError, ShapeError

ALPHA = 0.05  # below it, a sentence calls a difference more than chance
FEW = 20  # forecasts that don't overlap, below which the Diebold-Mariano test calls too many differences real


@dataclass(frozen=True)
class Comparison:
    """One test of a model against a baseline: n observations, mean_difference the model's errors less the baseline's.

    ``kernel`` says how the Diebold-Mariano test estimated its variance; it is empty for other tests. ``overlap`` is
    how many observations on end have forecasts that overlap: n / overlap of them are as good as independent.
    """

    test: str
    model: str
    baseline: str
    statistic: float
    p_value: float
    n: int
    mean_difference: float
    kernel: str = ""
    overlap: int = 1

    @property
    def too_few(self) -> bool:
        """Whether p is too small, as there are few observations beside their overlap: n < 20 overlap."""
        return self.overlap > 1 and self.n < FEW * self.overlap

    @property
    def significant(self) -> bool:
        return self.p_value < ALPHA

    @property
    def sentence(self) -> str:
        """Who is better, and whether that could be chance, in one plain sentence."""
        about = f"{self.test} test, {p_words(self.p_value)}, n = {self.n}"
        if math.isnan(self.p_value):
            return f"Whether the {self.model} differs from the {self.baseline} can't be tested here (n = {self.n})."
        if not self.significant:
            return f"The difference between the {self.model} and the {self.baseline} may well be chance ({about})."
        better = "better" if self.mean_difference < 0 else "worse"
        return f"The {self.model} is {better} than the {self.baseline}, by more than chance ({about})."


def p_words(p: float) -> str:
    """A p-value as it is read: two digits, of a very small one that it is that.

    >>> p_words(0.0312), p_words(2e-57)
    ('p = 0.031', 'p < 0.0001')
    """
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def diebold_mariano(
    loss: Float[np.ndarray, " n"],
    baseline_loss: Float[np.ndarray, " n"],
    horizon: int,
    stride: int = 1,
    names: tuple[str, str] = ("model", "baseline"),
) -> Comparison:
    """The Diebold-Mariano test with the correction of Harvey, Leybourne and Newbold::

        d_t = loss - baseline loss             at n origins, equally far apart
        V   = (γ_0 + 2 Σ γ_k, k < H) / n       γ_k the autocovariances of d, the sum over 1/n
        S   = √((n + 1 - 2H + H (H - 1) / n) / n) · d̄ / √V       beside Student's t with n - 1 degrees of freedom

    Forecasts of h steps from origins ``stride`` steps apart overlap with the H - 1 before them, H = ⌈h / stride⌉, so
    their losses are correlated even if both forecasts are as good as can be; beyond that they are taken not to be. Give
    the horizon h of the step compared, or the full one for losses that are means over all steps.

    Where V is not positive, which the rectangular kernel above allows, the autocovariances get Bartlett's weights
    1 - k / H, with which it can't be negative: one of the remedies that Harvey, Leybourne & Whitehouse 2017 compare;
    ``kernel`` says so. Where d never varies, p is 1 if it is zero, and 0 if it is not. NaN in a loss is an origin
    without an observation: it keeps its place in time, and counts for nothing.

    With few windows beside a long horizon the test finds too much. Of two forecasts that are equally good it called,
    at 5%, 5% different with 200 windows of 1 or 4 steps, 9% of 12 and 11% of 24 steps, and 6% with 1,000 windows of 24.
    By n / H, of 4 to 72 steps: 15 to 21% with 3, 9 to 10% with 10, 6 to 8% with 20, 6 to 7% with 40; with H = 1 5%.
    ``too_few`` says so of n / H below 20.

    >>> model, naive = np.array([1.0, 2.0, 1.0, 2.0, 1.0, 2.0]), np.array([2.0, 2.0, 2.0, 3.0, 2.0, 2.0])
    >>> test = diebold_mariano(model, naive, horizon=1)
    >>> round(test.statistic, 4), round(test.p_value, 4), test.mean_difference
    (-3.1623, 0.025, -0.6666666666666666)
    >>> test.sentence
    'The model is better than the baseline, by more than chance (Diebold-Mariano test, p = 0.025, n = 6).'

    Raises ShapeError when the losses are not two arrays (n,), SettingsError when horizon or stride is not at least 1,
    DataError when there are not more origins than overlap.

    Source: Diebold & Mariano 1995, "Comparing predictive accuracy", statistic S₁; Harvey, Leybourne & Newbold 1997,
    "Testing the equality of prediction mean squared errors", statistic S₁*; both as equations 4.13 and 4.14 of Clements
    & Harvey 2009, "Forecast combination and encompassing". Missing origins: Parzen 1963, "On spectral analysis with
    missing observations".
    """
    from scipy import stats

    if loss.ndim != 1 or loss.shape != baseline_loss.shape:
        raise ShapeError(
            f"two losses must have one number an origin each, (n,), got {loss.shape} and {baseline_loss.shape}; "
            "take the mean over the steps, or one step"
        )
    if horizon < 1 or stride < 1:
        raise SettingsError(
            f"horizon and stride must be at least 1 step, got {horizon} and {stride}; "
            "the stride is how far origins lie apart"
        )
    d = loss - baseline_loss
    n, H = int(np.sum(~np.isnan(d))), -(-horizon // stride)
    if n <= H or n < 2:
        raise DataError(
            f"the Diebold-Mariano test needs more than {max(H, 1)} windows, because forecasts of {horizon} steps made "
            f"every {stride} overlap, got {n}; give a longer part to test on, or a shorter horizon"
        )
    mean = float(np.nanmean(d))
    centred = np.where(np.isnan(d), 0, d - mean)
    autocovariance = np.array([centred[k:] @ centred[: len(d) - k] for k in range(H)]) / n
    kernel, variance = "rectangular", (autocovariance[0] + 2 * autocovariance[1:].sum()) / n
    if variance <= 0:
        weights = 1 - np.arange(1, H) / H
        kernel, variance = "Bartlett", (autocovariance[0] + 2 * weights @ autocovariance[1:]) / n
    if np.sqrt(autocovariance[0]) <= 1e-12 * abs(mean):  # what rounding leaves of no variation
        statistic = math.copysign(math.inf, mean) if mean else 0.0
    else:
        statistic = math.sqrt((n + 1 - 2 * H + H * (H - 1) / n) / n) * mean / math.sqrt(variance)
    p = float(2 * stats.t.sf(abs(statistic), df=n - 1))
    return Comparison("Diebold-Mariano", *names, float(statistic), p, n, mean, kernel, H)


def diebold_mariano_by_step(
    loss: Float[np.ndarray, "n horizon"],
    baseline_loss: Float[np.ndarray, "n horizon"],
    stride: int = 1,
    names: tuple[str, str] = ("model", "baseline"),
) -> list[Comparison]:
    """:func:`diebold_mariano` for each step ahead; step h reads the autocovariances that h steps overlap for.

    >>> model, naive = np.array([[1.0], [2.0], [1.0], [2.0]]), np.array([[2.0], [2.0], [2.0], [3.0]])
    >>> [round(test.p_value, 3) for test in diebold_mariano_by_step(model, naive)]
    [0.058]
    """
    steps = range(loss.shape[1])
    return [diebold_mariano(loss[:, h], baseline_loss[:, h], h + 1, stride, names) for h in steps]


def loss_by_origin(
    loss: Float[np.ndarray, "windows horizon"], times: Int[np.ndarray, " windows"]
) -> tuple[Float[np.ndarray, "origins horizon"], int]:
    """The mean loss of all series at each time, in order, for the tests of :func:`diebold_mariano`; and the stride.

    Series that are forecast at the same time share their weather: taken one by one they would count as evidence many
    times over. ``times`` counts steps on one clock for all series. Times between the first and the last that are not
    there, by the greatest stride that meets all that are, are NaN. Unobserved values (NaN) are left out of the means.

    >>> loss_by_origin(np.array([[1.0], [3.0], [5.0], [7.0]]), np.array([4, 4, 6, 10]))
    (array([[ 2.],
           [ 5.],
           [nan],
           [ 7.]]), 2)

    Raises ShapeError when there is not one time for each window.
    """
    if loss.ndim != 2 or times.shape != loss.shape[:1]:
        raise ShapeError(
            f"losses (windows, horizon) need one time a window, got {loss.shape} and {times.shape}; "
            "a mean over the steps is (windows, 1)"
        )
    stride = max(int(np.gcd.reduce(times - times.min())), 1)
    place = (times - times.min()) // stride
    total, count = np.zeros((place.max() + 1, loss.shape[1])), np.zeros((place.max() + 1, loss.shape[1]))
    np.add.at(total, place, np.nan_to_num(loss))
    np.add.at(count, place, ~np.isnan(loss))
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0), stride


def wilcoxon(
    errors: Float[np.ndarray, " series"],
    baseline_errors: Float[np.ndarray, " series"],
    names: tuple[str, str] = ("model", "baseline"),
) -> Comparison:
    """Wilcoxon's signed rank test over series: is the model better on most of them, counting by how much?

    Takes one error a series. Series are ranked by the size of the difference, so give errors that compare across series
    (MASE), not ones in their own units. ``statistic`` is the smaller sum of ranks; series without a difference, or with
    NaN, are left out. Exact for up to 50 series without ties, else as scipy approximates. With fewer than 6 series p
    can't be below 0.05.

    >>> model, naive = np.array([0.8, 0.9, 0.7, 1.1, 0.6, 0.9, 0.8]), np.array([1.0, 0.95, 1.2, 1.0, 1.2, 0.98, 1.2])
    >>> test = wilcoxon(model, naive)
    >>> test.statistic, round(test.p_value, 3), test.n
    (3.0, 0.078, 7)

    Raises ShapeError when the errors are not two arrays (series,).

    Source: Wilcoxon 1945, "Individual comparisons by ranking methods"; over data sets, Demšar 2006, "Statistical
    comparisons of classifiers over multiple data sets", section 3.1.3.
    """
    from scipy import stats

    if errors.ndim != 1 or errors.shape != baseline_errors.shape:
        raise ShapeError(
            f"two methods must have one error a series each, (series,), got {errors.shape} and "
            f"{baseline_errors.shape}; take the mean over windows and steps"
        )
    d = errors - baseline_errors
    d = d[~np.isnan(d)]
    mean = float(d.mean()) if d.size else math.nan
    d = d[d != 0]
    if not d.size:
        return Comparison("Wilcoxon", *names, 0.0, 1.0 if mean == 0 else math.nan, 0, mean)
    result: Any = stats.wilcoxon(d)
    return Comparison("Wilcoxon", *names, float(result.statistic), float(result.pvalue), d.size, mean)
