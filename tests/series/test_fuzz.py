"""Whatever comes in, a table is read and prepared, or refused in one line: no other exception gets out."""

import contextlib
import gzip
import io
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unrolled.errors import SettingsError, UnrolledError
from unrolled.series.panels.panel import Panel, filled, prepare
from unrolled.series.reading.table import read

FUZZ = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
FALLBACK = "this table can't be prepared"  # the net below the checks: what falls into it is a check that is missing

STAMPS = st.sampled_from(
    ["2020-01-01", "2020-01-02", "2020-01-31 05:00", "2020-02-29T00:00:00Z", "2020-03-01T00:00:00+02:00", "1.2.2020"]
)
FIELDS = st.one_of(
    st.integers(-3, 40).map(str),
    st.floats(allow_nan=True, allow_infinity=True).map(str),
    STAMPS,
    st.sampled_from(
        ["", "NA", "null", "a", "b", "1,5", " 7", "1e400", '"', '"q"', '"x\ny"', "é", "-", "99999999999999999999"]
    ),
    st.text(max_size=4),
)


def mostly(usual: Any, *rare: Any) -> st.SearchStrategy:
    """The usual thing three times in four."""
    return st.sampled_from([usual] * 3 * len(rare) + list(rare))


WISHES = st.fixed_dictionaries(
    {
        "time": mostly(None, 0, 1, 2),
        "series": st.sampled_from([None, 2, 2, 0]),
        "only": mostly(None, ["a"], "b", []),
        "target_only": mostly(False, True),
        "frequency": st.sampled_from([None, None, "1h", "1d", "1bd", "1mo", "ME", "1y", "row", "3row", "x"]),
        "fill": mostly("forward", None, "linear", "mask", "none", "back"),
        "calendar": mostly(False, True),
        "wide": mostly(False, True),
        "constant": mostly(False, True),
    },
    optional={name: st.sampled_from([0, 1, 2, 3]) for name in ("past", "future", "static", "angles")},
)


@st.composite
def delimited(draw: st.DrawFn) -> bytes:
    """Text that is more or less a table: usually columns of one kind, sometimes a line too short or a byte too many."""
    width, rows = draw(st.sampled_from([1, 2, 3, 3, 4, 4, 4])), draw(st.sampled_from([8, 8, 7, 6, 5, 3, 2, 1, 0]))
    kinds = [
        draw(mostly(usual, "stamp", "number", "word", "wild"))
        for usual in ["stamp", "number", "word", "number"][:width]
    ]
    separator = draw(st.sampled_from([",", ";", "\t", "|"]))
    end = draw(st.sampled_from(["\n", "\n", "\r\n", "\r"]))
    first = date(draw(mostly(2020, 1969, 1)), 1, 1)
    cells = {
        "stamp": lambda row: str(first + timedelta(days=row)),
        "number": lambda row: draw(st.sampled_from(["1", "2.5", "-3", "NA", str(row)])),
        "word": lambda row: draw(st.sampled_from(["a", "b"])),
        "wild": lambda row: draw(FIELDS),
    }
    header = draw(mostly(["t", "x", "s", "z"], ["x", "x", "", "y"], ["1", "2", "3", "4"], ["t", "", "s", ""]))[:width]
    lines = [header] + [[cells[kind](row) for kind in kinds] for row in range(rows)]
    text = end.join(separator.join(line) for line in lines) + draw(mostly(end, "", end + end, separator))
    data = draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf", b"\n"])) + text.encode("utf-8", "surrogatepass")
    at = draw(st.integers(0, len(data)))
    return data[:at] + draw(mostly(b"", b"\x00", b"\xff", b'"', b"\r", b"\n\n")) + data[at:]


@st.composite
def frames(draw: st.DrawFn) -> Any:
    rows = draw(st.sampled_from([8, 8, 7, 6, 5, 3, 2, 1, 0]))
    start = draw(mostly(datetime(2020, 1, 31), datetime(1969, 12, 31, 23), datetime(1, 1, 1), datetime(9999, 12, 1)))
    step = draw(st.sampled_from([timedelta(hours=1), timedelta(days=1), timedelta(days=31), timedelta(microseconds=7)]))

    def several(values: st.SearchStrategy) -> list:
        return draw(st.lists(st.none() | values, min_size=rows, max_size=rows))

    def stamps() -> pl.Series:
        places = draw(st.lists(st.integers(0, 9), min_size=rows, max_size=rows, unique=draw(mostly(True, False))))
        zone = draw(st.sampled_from([None, None, "UTC", "Europe/Berlin", "America/Sao_Paulo"]))
        unit = draw(st.sampled_from(["us", "ns", "ms"]))
        physical = [
            int((start - datetime(1970, 1, 1)) / timedelta(microseconds=1)) + p * int(step.total_seconds() * 1e6)
            for p in places
        ]
        return (
            pl.Series(physical, dtype=pl.Int64)
            .cast(pl.Datetime("us", zone))
            .cast(pl.Datetime(unit, zone), strict=False)
        )

    columns: dict[str, Callable[[], pl.Series]] = {
        "stamps": stamps,
        "dates": lambda: pl.Series(several(st.dates()), dtype=pl.Date),
        "floats": lambda: pl.Series(
            several(st.floats(-9, 9) | mostly(1.5, float("nan"), float("inf"), 1e308)), dtype=pl.Float64
        ),
        "ints": lambda: pl.Series(several(st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 9)), dtype=pl.Int64),
        "days": lambda: pl.Series(several(st.sampled_from([20200131, 20200230, 5])), dtype=pl.Int32),
        "large": lambda: pl.Series(several(st.integers(0, 2**64 - 1)), dtype=pl.UInt64),
        "truths": lambda: pl.Series(several(st.booleans()), dtype=pl.Boolean),
        "words": lambda: pl.Series(several(FIELDS), dtype=pl.String),
        "groups": lambda: pl.Series(several(st.sampled_from(["a", "b"])), dtype=pl.Categorical),
        "lists": lambda: pl.Series(several(st.just([1])), dtype=pl.List(pl.Int64)),
        "spans": lambda: pl.Series(several(st.timedeltas(timedelta(-9), timedelta(9))), dtype=pl.Duration("us")),
        "hours": lambda: pl.Series(several(st.times()), dtype=pl.Time),
        "nothing": lambda: pl.Series([None] * rows, dtype=pl.Null),
    }
    usual = ["stamps", "floats", "groups", "ints"][: draw(st.sampled_from([1, 2, 3, 3, 4, 4, 4]))]
    kinds = [draw(mostly(kind, *sorted(columns))) for kind in usual]
    frame = pl.DataFrame(
        [columns[kind]().rename(name) for name, kind in zip(["t", "x", "s", "y"], kinds, strict=False)]
    )
    return draw(st.sampled_from([frame, frame.lazy(), "pandas", "arrow"])), frame


def survives(source: Any, wishes: dict) -> None:
    """Read and prepare ``source``, with column numbers in ``wishes``; the second column, or the only one, is the
    target.
    """
    try:
        frame = read(source)
        wishes = {"only": None} | wishes
        for role in ("time", "series", "past", "future", "static", "angles"):
            place = wishes.get(role)
            wishes[role] = None if place is None or place >= frame.width else frame.columns[place]
        wishes["only"] = wishes["only"] if wishes["series"] or wishes.get("wide") else None
        panel = prepare(frame, target=None if wishes.get("wide") else frame.columns[:2][-1], **wishes)
    except UnrolledError as error:
        said = str(error)
    else:
        check(panel)
        return
    assert len(said.splitlines()) == 1, said
    assert said.strip()
    assert FALLBACK not in said


def check(panel: Panel) -> None:
    """What holds for every panel."""
    values, lengths = panel.values, np.diff(panel.offsets)
    assert values.dtype == np.float64
    assert values.flags.c_contiguous
    assert values.shape == (panel.offsets[-1], len(panel.channels))
    assert len(panel.names) == len(panel.starts) == len(lengths)
    assert (lengths >= 0).all()
    assert lengths.all() or panel.inputs.future
    assert panel.static_values.shape == (len(panel.names), len(panel.static))
    assert not np.isnan(panel.static_values).any()
    assert panel.ahead.shape[::2] == (len(panel.names), len(panel.known))
    assert len(set(panel.channels)) == len(panel.channels)
    assert (panel.starts >= 0).all()
    assert not np.isinf(values).any()
    assert not np.isnan(values[panel.offsets[:-1][lengths > 0]]).any()
    for until in (0, int(lengths.max()) // 2, int(lengths.max())):
        whole = filled(panel, until)
        assert whole.shape == values.shape
        assert np.array_equal(whole[~np.isnan(values)], values[~np.isnan(values)])
        assert panel.fill == "none" or not np.isnan(whole).any()
    assert all("\n" not in note for note in panel.notes)
    assert panel.fingerprint() == panel.fingerprint()
    for i, count in enumerate(lengths):
        with contextlib.suppress(SettingsError):  # the last step before the year 9999
            assert len(panel.stamps(i, int(count), 2)) == 2


@FUZZ
@given(data=delimited(), wishes=WISHES, packed=st.booleans())
def test_no_bytes_break_it(tmp_path_factory: pytest.TempPathFactory, data: bytes, wishes: dict, packed: bool):
    path = tmp_path_factory.getbasetemp() / "fuzzed.csv"
    path.write_bytes(gzip.compress(data) if packed else data)
    survives(path, wishes)


@FUZZ
@given(made=frames(), wishes=WISHES)
def test_no_frame_breaks_it(made: tuple[Any, pl.DataFrame], wishes: dict):
    source, frame = made
    try:
        source = frame.to_pandas() if source == "pandas" else frame.to_arrow() if source == "arrow" else source
    except Exception:  # noqa: BLE001 - a frame that pandas itself can't hold
        source = frame
    survives(source, wishes)


@settings(FUZZ, max_examples=60)
@given(data=st.binary(max_size=200), head=st.sampled_from([b"", b"PAR1", b"\x1f\x8b\x08", b"PK\x03\x04", b"t,x\n1,"]))
def test_no_noise_breaks_it(tmp_path_factory: pytest.TempPathFactory, data: bytes, head: bytes):
    path = tmp_path_factory.getbasetemp() / "noise.bin"
    path.write_bytes(head + data)
    survives(path, {"time": None, "series": None, "fill": "forward"})


@settings(FUZZ, max_examples=60)
@given(damage=st.tuples(st.integers(0, 10_000), st.integers(0, 255)), cut=st.integers(0, 10_000), packed=st.booleans())
def test_no_damaged_parquet_breaks_it(
    tmp_path_factory: pytest.TempPathFactory, damage: tuple[int, int], cut: int, packed: bool
):
    buffer = io.BytesIO()
    pl.DataFrame({"t": [date(2020, 1, i) for i in range(1, 9)], "x": [float(i) for i in range(8)]}).write_parquet(
        buffer
    )
    data = bytearray(buffer.getvalue())
    data[damage[0] % len(data)] = damage[1]
    path: Path = tmp_path_factory.getbasetemp() / "damaged.parquet"
    kept = bytes(data[: max(8, len(data) - cut % 40)])
    path.write_bytes(gzip.compress(kept) if packed else kept)
    survives(path, {"time": None, "series": None, "fill": "forward"})


def test_pandas_objects_with_two_zones_are_refused():
    stamps = [datetime(2020, 1, 1), datetime(2020, 1, 2, tzinfo=timezone(timedelta(hours=1)))]
    frame = pd.DataFrame({"t": pd.Series(stamps, dtype=object), "x": [1.0, 2.0]})
    with pytest.raises(UnrolledError, match=r"mixed time zones in column 't': row 1 has .*, row 2 has "):
        prepare(read(frame), target="x")
