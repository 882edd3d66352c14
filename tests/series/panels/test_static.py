"""Static covariates: one value a series, as numbers or as one channel a category."""

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.errors import DataError, SettingsError
from unrolled.series.panels.panel import prepare
from unrolled.series.reading.table import read

START = date(2020, 1, 1)


def shops(**static: Mapping[str, object]) -> pl.DataFrame:
    """Three series of three days, and columns by the series' name."""
    rows = [(s, day) for s in "abc" for day in range(3)]
    columns = {name: [values[s] for s, _ in rows] for name, values in static.items()}
    return pl.DataFrame(
        {
            "t": [START + timedelta(days=day) for _, day in rows],
            "s": [s for s, _ in rows],
            "y": [float(ord(s) * (day**2 + 1)) for s, day in rows],
        }
        | columns
    )


REGIONS = {"a": "south", "b": "north", "c": "south"}


def test_numbers_and_words_and_what_is_said():
    frame = shops(size={"a": 10, "b": 30, "c": 20}, region=REGIONS, open={"a": True, "b": False, "c": True})
    panel = prepare(frame, target="y", series="s", static=["size", "region", "open"])
    assert panel.static == ("size", "region=north", "region=south", "open")
    np.testing.assert_array_equal(panel.static_values, [[10, 0, 1, 1], [30, 1, 0, 0], [20, 0, 1, 1]])
    assert panel.inputs.categories == {"region": ("north", "south")}
    assert panel.past == ()
    assert "One value a series: 'size', 'region' (2 words), 'open'." in panel.notes
    some = prepare(frame, target="y", series="s", static="region", only=["c", "a"])
    assert (some.static, some.static_values.tolist()) == (("region=south",), [[1.0], [1.0]])


@settings(deadline=None)
@given(words=st.lists(st.sampled_from(["x", "y", "zz", "ä b"]), min_size=3, max_size=3), seed=st.integers(0, 99))
def test_one_channel_a_category_as_a_plain_loop_makes_them(words: list[str], seed: int):
    frame = shops(kind=dict(zip("abc", words, strict=True)))
    frame = frame.with_columns(pl.when(pl.int_range(9) % 3 > 0).then("kind"))  # one value in three is enough
    frame = frame.sample(fraction=1, shuffle=True, seed=seed)
    panel = prepare(frame, target="y", series="s", static="kind")
    categories = sorted(set(words))
    assert panel.static == tuple(f"kind={word}" for word in categories)
    assert panel.static_values.tolist() == [[float(word == one) for one in categories] for word in words]


def test_categories_known_from_training_are_kept():
    first = prepare(shops(region=REGIONS), target="y", series="s", static="region")
    frame = shops(region=REGIONS).filter(pl.col("s") != "b")
    again = prepare(frame, target="y", series="s", static="region", categories=first.inputs.categories)
    assert again.static == ("region=north", "region=south")
    np.testing.assert_array_equal(again.static_values, [[0, 1], [0, 1]])
    numbers = prepare(
        shops(kind={"a": 1, "b": 2, "c": 2}),
        target="y",
        series="s",
        static="kind",
        categories={"kind": ["1", "2", "x"]},
    )
    np.testing.assert_array_equal(numbers.static_values, [[1, 0, 0], [0, 1, 0], [0, 1, 0]])


@pytest.mark.parametrize(
    ("static", "wishes", "says"),
    [
        (
            {"region": REGIONS},
            {"categories": {"region": ["nord", "south"]}},
            "static column 'region' has 'north' in row 4 of series 'b', which no series had in training; nearest: "
            "'nord', 'south'; mend it, or train again with it",
        ),
        (
            {"region": {"a": "x", "b": None, "c": "x"}},
            {},
            "static column 'region' has no value in series 'b'; fill it in, or leave the series out with --only",
        ),
        (
            {"region": {"a": 1.5, "b": float("nan"), "c": 2.0}},
            {},
            "static column 'region' has no value in series 'b'; fill it in, or leave the series out with --only",
        ),
        (
            {"region": {"a": START, "b": START, "c": START}},
            {"time": "t"},
            "column 'region' holds Date; a static column holds numbers or words",
        ),
    ],
)
def test_static_columns_that_can_not_be_used(static: dict, wishes: dict, says: str):
    with pytest.raises(DataError) as caught:
        prepare(shops(**static), target="y", series="s", static="region", **wishes)
    assert str(caught.value) == says


@pytest.mark.parametrize(("values", "shown"), [(["x", "x", "z"], ("'x'", "'z'")), ([1, 1, 2], ("1", "2"))])
def test_a_static_column_that_changes_within_a_series_is_refused(values: list, shown: tuple[str, str]):
    frame = shops(region=dict.fromkeys("abc", values[0]))
    frame = frame.with_columns(region=pl.Series([values[0]] * 5 + [values[2]] + [values[1]] * 3))
    with pytest.raises(DataError) as caught:
        prepare(frame, target="y", series="s", static="region")
    assert str(caught.value) == (
        f"static column 'region' changes within series 'b': row 4 has {shown[0]}, row 6 has {shown[1]}; mend it, or "
        "name the column with --past or --future"
    )
    assert prepare(frame, target="y", series="s", static="region", only="a").names == ("a",)


def test_the_lines_of_a_file_are_named(tmp_path):
    path = tmp_path / "shops.csv"
    lines = [f"2020-01-0{day},{s},{day * day},{s if day < 3 else 'c'}" for s in "ab" for day in (1, 2, 3)]
    path.write_text("t,s,y,k\n" + "\n".join(lines))
    with pytest.raises(DataError, match="within series 'a': line 2 has 'a', line 4 has 'c'; mend it"):
        prepare(read(path), target="y", series="s", static="k")


def test_more_categories_than_a_column_may_have():
    count = 501
    frame = pl.DataFrame(
        {
            "s": [f"s{i}" for i in range(count) for _ in "ab"],
            "y": np.arange(2.0 * count),
            "k": np.arange(2 * count) // 2,
        }
    ).with_columns(pl.col("k").cast(pl.String))
    with pytest.raises(DataError) as caught:
        prepare(frame, target="y", series="s", static="k")
    assert str(caught.value) == (
        "column 'k' has 501 categories, and a static column may have 500; group them, or leave it out"
    )
    assert len(prepare(frame.head(1000), target="y", series="s", static="k").static) == 500


def test_static_columns_need_series():
    with pytest.raises(SettingsError) as caught:
        prepare(shops(size=dict.fromkeys("abc", 1)), target="y", static="size")
    assert str(caught.value) == (
        "--static size needs --series, the column that names the series: of one series a static column says nothing"
    )
