"""Angles become a sine and a cosine in the role that they have, and are suggested but never guessed."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrolled.errors import DataError, SettingsError
from unrolled.series.panels.angles import like_an_angle, sine_cosine
from unrolled.series.panels.panel import filled, prepare


def table(rows: int = 8, **columns: list) -> pl.DataFrame:
    days = [date(2020, 1, 1) + timedelta(days=row) for row in range(rows)]
    return pl.DataFrame({"t": days, "y": [float(row**2) for row in range(rows)]} | columns)


@given(degrees=st.floats(-3600, 3600), turns=st.integers(-9, 9))
def test_an_angle_is_a_point_on_the_circle_however_often_it_goes_round(degrees: float, turns: int):
    (point,) = sine_cosine(np.array([degrees]))
    assert np.hypot(*point) == pytest.approx(1)
    back = np.rad2deg(np.arctan2(*point))
    assert (back - degrees + 180) % 360 == pytest.approx(180, abs=1e-6)
    np.testing.assert_allclose(sine_cosine(np.array([degrees + 360 * turns])), [point], atol=1e-9)


def test_north_is_next_to_north():
    near, far = sine_cosine(np.array([359.0, 1.0, 180.0])), 2.0
    assert np.hypot(*(near[0] - near[1])) < 0.04
    assert np.hypot(*(near[0] - near[2])) == pytest.approx(far, abs=1e-3)


DIRECTIONS = [0.0, 90.0, None, 270.0, 360.0, 45.0, 10.0, 300.0]


@pytest.mark.parametrize(
    ("wishes", "past", "known"),
    [
        ({}, ("x", "dir_sin", "dir_cos", "z"), ()),
        ({"past": ["dir", "z"]}, ("dir_sin", "dir_cos", "z"), ()),
        ({"past": ["z"]}, ("z", "dir_sin", "dir_cos"), ()),
        ({"future": ["dir"], "past": "z"}, ("z",), ("dir_sin", "dir_cos")),
    ],
)
def test_an_angle_is_two_channels_where_its_column_is_one(wishes: dict, past: tuple, known: tuple):
    other = [float(row % 3) for row in range(8)]
    frame = table(x=other, dir=DIRECTIONS, z=other[::-1])
    panel = prepare(frame, target="y", angles="dir", fill="forward", **wishes)
    assert (panel.past, panel.known) == (past, known)
    at = panel.channels.index("dir_sin")
    turn = np.deg2rad(np.array([np.nan if one is None else one for one in DIRECTIONS]))
    np.testing.assert_allclose(panel.values[:, at : at + 2], np.stack([np.sin(turn), np.cos(turn)], 1), atol=1e-12)
    np.testing.assert_allclose(filled(panel, 8)[2, at : at + 2], [1, 0], atol=1e-12)
    assert panel.inputs.angles == ("dir",)
    assert "Angles in degrees, as sine and cosine: 'dir'." in panel.notes
    assert "Missing values: 'dir' in 1 row; filled with the last value before." in panel.notes


def test_a_declared_angle_is_read_even_where_a_number_like_it_would_be_left_out():
    panel = prepare(table(dir=[180.0] * 8), target="y", angles=["dir"])
    assert panel.past == ("dir_sin", "dir_cos")


def test_the_last_angle_before_a_series_begins_stands_in_its_first_row():
    frame = table(4, dir=[90.0, None, 180.0, 270.0], x=[None, 1.0, 2.0, 3.0])
    panel = prepare(frame, target="y", past=["x", "dir"], angles=["dir"], fill="none")
    assert panel.starts.tolist() == [1]
    np.testing.assert_allclose(panel.values[0], [1, 1, 1, 0], atol=1e-12)


@pytest.mark.parametrize(
    ("name", "values", "alike"),
    [
        ("wind_dir", [0, 350], True),
        ("windDirection", [10, 360], True),
        ("Heading (deg)", [5, 200], True),
        ("azimuth", [np.nan, 180], True),
        ("wind_dir", [-10, 350], False),
        ("wind_dir", [0, 361], False),
        ("slope_angle", [0, 45], False),
        ("wind_dir", [np.nan], False),
        ("wind", [0, 350], False),
        ("directed", [0, 350], False),
    ],
)
def test_what_looks_like_an_angle(name: str, values: list, alike: bool):
    assert like_an_angle(name, np.array(values, float)) is alike


def test_an_angle_that_nobody_declared_is_suggested_and_read_as_a_number():
    frame = table(wind_dir=[10.0, 350.0, 20.0, 340.0, 30.0, 330.0, 5.0, 60.0])
    panel = prepare(frame, target="y")
    assert panel.past == ("wind_dir",)
    assert "'wind_dir' looks like an angle in degrees: --angle wind_dir reads it as sine and cosine." in panel.notes
    declared = prepare(frame, target="y", angles=["wind_dir"])
    assert not any("looks like" in note for note in declared.notes)
    assert not any("looks like" in note for note in prepare(frame, target="wind_dir", past=()).notes)


@pytest.mark.parametrize(
    ("wishes", "kind", "says"),
    [
        (
            {"angles": ["y"]},
            DataError,
            "column 'y' is the target and can't be an angle, which only a past or future covariate can be; leave "
            "--angle out, or forecast its sine and cosine as two targets",
        ),
        (
            {"angles": ["t"], "time": "t"},
            DataError,
            "column 't' is --time and can't be an angle, which only a past or future covariate can be; leave --angle "
            "out",
        ),
        ({"angles": ["dri"]}, DataError, "there is no column 'dri' for --angle; nearest: 'dir'"),
        (
            {"angles": ["dir"], "static": ["dir"]},
            SettingsError,
            "--angle dir: a static column can't be an angle; leave --angle out, or give its sine and cosine as two "
            "static columns",
        ),
        (
            {"angles": ["dir"], "target_only": True},
            SettingsError,
            "--only-target takes no inputs, and 'dir' are named as inputs; leave one of the two out",
        ),
        (
            {"angles": ["dir"], "past": ["dir_sin"]},
            SettingsError,
            "two inputs are named 'dir_sin': a column, and what an angle, the calendar, a mask or a category becomes; "
            "rename the column, or leave one of the two out",
        ),
    ],
)
def test_columns_that_can_be_no_angle(wishes: dict, kind: type[Exception], says: str):
    frame = table(dir=[float(row) for row in range(8)], dir_sin=[float(row % 3) for row in range(8)])
    with pytest.raises(kind) as caught:
        prepare(frame, target="y", **wishes)
    assert str(caught.value) == says
