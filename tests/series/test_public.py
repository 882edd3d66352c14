"""The public way from a table to windows, step by step."""

import numpy as np
import polars as pl

import unrolled as ur


def test_a_table_is_prepared_split_scaled_and_cut_into_windows():
    y = np.arange(100.0)
    panel = ur.prepare(pl.DataFrame({"y": y}), target="y")
    cuts = ur.split(panel)
    assert cuts.part("test") == (80, 100)
    scaler = ur.Scaler.fit(panel, until=cuts.train)
    scaled = scaler.apply(panel.values, np.diff(panel.offsets), panel.targets)
    np.testing.assert_allclose(scaled[:, 0], (y - y[:70].mean()) / y[:70].std(), rtol=1e-6)
    past, future = ur.windows(y, 5, 2)
    assert past.shape[:2] == (94, 5)
    assert np.shares_memory(past, y)
    assert future[0].ravel().tolist() == [5.0, 6.0]
