"""A text file as a sequence of its lines: memory holds where they begin, not what they say.

Only "\\n" and "\\r\\n" end a line. The other separators that ``str.splitlines`` knows, such as U+2028, stand inside
sentences of real corpora, and splitting at them would shift every line after.
"""

import codecs
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NoReturn, overload

import numpy as np

from unrolled.files import shown
from unrolled.series.words import refuse
from unrolled.text.encodings import likely, wide

LONGEST = 1 << 20  # bytes of one line; a sentence of 10,000 words has some 60,000
_CHUNK = 1 << 22


class TextFile(Sequence[str]):
    """The lines of a UTF-8 file; line i, counted from 0, is read and decoded when it is asked for.

    A byte order mark at the beginning is no part of the text. Raises DataError, with the number of the line where there
    is one, for what can't be read, is no file, is empty or blank, is not UTF-8, has a zero byte, or has a line of more
    than ``LONGEST`` bytes; and when a line is asked for after the file was changed.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.name = shown(self.path)
        self._file = _opened(self.path, self.name)
        self._stamp = self._now()
        self._starts = self._scan()  # (lines + 1,), where each line begins, and where the last one ends

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, i: int) -> str: ...
    @overload
    def __getitem__(self, i: slice) -> list[str]: ...
    def __getitem__(self, i: int | slice) -> str | list[str]:
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(len(self)))]
        i = i + len(self) if i < 0 else i
        if not 0 <= i < len(self):
            raise IndexError(f"line {i} of {len(self)}")
        if self._now() != self._stamp:
            raise refuse(f"{self.name} was changed while it was in use; begin again")
        self._file.seek(int(self._starts[i]))
        line = self._file.read(int(self._starts[i + 1] - self._starts[i]))
        return line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")

    def __iter__(self) -> Iterator[str]:
        return (self[i] for i in range(len(self)))

    def sizes(self) -> np.ndarray:
        """How many bytes each line has, its end among them: int64 (lines,)."""
        return np.diff(self._starts)

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()

    def _now(self) -> tuple[int, int]:
        now = os.fstat(self._file.fileno())
        return now.st_size, now.st_mtime_ns

    def _scan(self) -> np.ndarray:
        """Check every byte once, and find where lines begin."""
        head = self._file.read(1 << 12)
        if encoding := wide(head):
            raise refuse(f"{self.name}: the text is {encoding}, not UTF-8; {_convert(self.path, encoding)}")
        begin = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
        self._file.seek(begin)
        starts, position, lines, last, returns, written = [np.array([begin])], begin, 0, begin, 0, False
        decoder = codecs.getincrementaldecoder("utf-8")()
        while chunk := self._file.read(_CHUNK):
            self._check(chunk, decoder, lines)
            data = np.frombuffer(chunk, np.uint8)
            new = np.flatnonzero(data == ord("\n")) + position + 1
            sizes = np.diff(new, prepend=last)
            if len(long := np.flatnonzero(sizes > LONGEST)):
                self._refuse_long(lines + int(long[0]) + 1, f"{int(sizes[long[0]]):,} bytes")
            starts.append(new)
            position, lines, last = position + len(chunk), lines + len(new), int(new[-1]) if len(new) else last
            if position - last > LONGEST:
                self._refuse_long(lines + 1, f"more than {LONGEST:,} bytes")
            returns, written = returns + chunk.count(b"\r"), written or bool((data > ord(" ")).any())
        self._check(b"", decoder, lines, last=True)
        if position > last:  # the last line has no end
            starts.append(np.array([position]))
            lines += 1
        if not written:
            what = "is empty" if not lines else f"has {lines:,} lines, and all are blank"
            raise refuse(f"{self.name} {what}; give a text with one sentence a line")
        if lines == 1 and returns > 1:
            raise refuse(
                f"{self.name}: its lines end in a carriage return alone, as on old Macs; convert it: "
                f"tr '\\r' '\\n' < {self.path.name} > unix-{self.path.name}"
            )
        return np.concatenate(starts).astype(np.int64, copy=False)

    def _check(self, chunk: bytes, decoder: codecs.IncrementalDecoder, lines: int, last: bool = False) -> None:
        if (zero := chunk.find(b"\0")) >= 0:
            raise refuse(
                f"{self.name}, line {lines + 1 + chunk.count(10, 0, zero):,}: a zero byte, so this isn't text; "
                "is it the right file?"
            )
        try:
            decoder.decode(chunk, last)
        except UnicodeDecodeError as error:
            text, at = error.object, error.start
            line = text[text.rfind(b"\n", 0, at) + 1 :].split(b"\n", 1)[0]
            raise refuse(
                f"{self.name}, line {lines + 1 + text.count(10, 0, at):,}: the byte 0x{text[at]:02X} isn't UTF-8; "
                + _convert(self.path, likely(line))
            ) from error

    def _refuse_long(self, line: int, size: str) -> NoReturn:
        raise refuse(
            f"{self.name}, line {line:,} has {size}, and {LONGEST:,} are the most; give one sentence a line, or leave "
            "this one out"
        )


def _convert(path: Path, encoding: str) -> str:
    return f"save it as UTF-8, or convert it: iconv -f {encoding} -t UTF-8 {path.name} > utf8-{path.name}"


def _opened(path: Path, name: str) -> IO[bytes]:
    try:
        if path.is_dir():
            raise refuse(f"{name} is a folder; give a text file with one sentence a line")
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            raise refuse(f"{name} is not a plain file; write its text to one, since it is read more than once")
        return path.open("rb")
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise refuse(f"can't read {name}: {why.lower()}; check its name, and that you may read it") from error
