"""The linear autoregression on a network's own windows: trained and chosen on the same parts."""

from collections.abc import Iterator

import numpy as np

from unrolled.series.judging.baselines import LinearAutoregression
from unrolled.series.windows.batch import as_changes
from unrolled.series.windows.examples import Examples
from unrolled.series.windows.split import thinning
from unrolled.series.windows.window import Windows

MOST = 100_000  # windows; more make it slower and no better


def fit_line(examples: Examples, target: int) -> LinearAutoregression:
    """Its weights from the training windows, its strength by the validation windows; where there are none, by the last
    tenth of the training windows, which then count as well.
    """
    train, validation = examples.windows("train"), examples.windows("validation")
    train = examples.windows("train", stride=thinning(len(train), MOST, examples.panel.frequency.season))
    if len(validation):
        return LinearAutoregression().fit(lambda: arrays(train, target), lambda: arrays(validation, target))
    cut = np.quantile(train.times, 0.9)
    early, late = train.some(train.times + examples.horizon <= cut), train.some(train.times > cut)
    chosen = LinearAutoregression().fit(lambda: arrays(early, target), lambda: arrays(late, target)).strength
    return LinearAutoregression([chosen]).fit(lambda: arrays(train, target), lambda: arrays(late, target))


def line_forecasts(line: LinearAutoregression, windows: Windows, target: int) -> np.ndarray:
    """What a line says of windows, scaled, (windows, horizon)."""
    found = []
    for batch, (past, _, beside) in zip(windows.batches(), arrays(windows, target), strict=True):
        last = batch.past[:, -1:, target].cpu().numpy()
        found.append(line.predict(past, beside) + (last if windows.rows.changes else 0.0))
    return np.concatenate(found)


def arrays(windows: Windows, target: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Look-backs with the target as the first channel, what came, and what is known beside: ahead, and once for all.

    Where the network reads changes, the line does, and what came is the change since the look-back's end.
    """
    for batch in windows.batches():
        past, known, static, future = batch[:4]
        if windows.rows.changes:
            future = future - past[:, -1:, : future.shape[2]]
            past = as_changes(past, windows.rows.known)
        past, known, static, future = (part.cpu().numpy() for part in (past, known, static, future))
        order = [target, *(c for c in range(past.shape[2]) if c != target)]
        past = past[:, :, order] if target else past
        yield past, future[:, :, target], np.concatenate([known.reshape(len(past), -1), static], axis=1)
