"""Lines as they arrive, from a file, a pipe or a terminal: in blocks, so that they are translated together."""

import codecs
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from unrolled.errors import DataError
from unrolled.series.words import refuse
from unrolled.text.encodings import likely, wide
from unrolled.text.lines import LONGEST

AT_ONCE = 256  # lines that are translated together at most
_CHUNK = 1 << 16


class Reader(Protocol):
    """What bytes come from: a buffered stream, or what asks before each line."""

    def read1(self, size: int, /) -> bytes:
        """What is there, at most so much; waits where nothing is, and at the end there is nothing more."""
        ...


class Block(NamedTuple):
    """Lines that were there together: the number of the first, from 1, and how many bytes have been read so far."""

    number: int
    lines: list[str]
    read: int


def blocks(stream: Reader, name: str, most: int = AT_ONCE) -> Iterator[Block]:
    """The lines of a stream in order, each as soon as it is there; ``most`` at once where many are.

    A slow pipe is read line by line that way, and a fast one or a file in blocks. Raises DataError, after all lines
    before it, for one that isn't UTF-8, has a zero byte, or is longer than a text file's may be.
    """
    number, rest, read, begun = 1, b"", 0, False
    while chunk := stream.read1(_CHUNK):
        if not begun and (encoding := wide(chunk[: 1 << 12])):
            raise refuse(f"{name}: the text is {encoding}, not UTF-8; convert it: iconv -f {encoding} -t UTF-8")
        read, begun = read + len(chunk), True
        *whole, rest = (rest + chunk).split(b"\n") if b"\n" in chunk else (rest + chunk,)
        for start in range(0, len(whole), most):
            yield from _decoded(whole[start : start + most], number, name, read)
            number += len(whole[start : start + most])
        if len(rest) > LONGEST:
            raise _too_long(name, number)
    if rest:
        yield from _decoded([rest], number, name, read)


def _decoded(raw: list[bytes], number: int, name: str, read: int) -> Iterator[Block]:
    """The lines up to a bad one, and then its error."""
    lines: list[str] = []
    error = None
    for at, line in enumerate(raw, number):
        try:
            lines.append(_text(line, at, name))
        except DataError as found:
            error = found
            break
    if lines:
        yield Block(number, lines, read)
    if error is not None:
        raise error


def _text(line: bytes, number: int, name: str) -> str:
    line = line.removesuffix(b"\r")
    if number == 1:
        line = line.removeprefix(codecs.BOM_UTF8)
    if len(line) > LONGEST:
        raise _too_long(name, number)
    if b"\0" in line:
        raise refuse(f"{name}, line {number:,}: a zero byte, so this isn't text; is it the right file?")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        byte, encoding = line[error.start], likely(line)
        raise refuse(
            f"{name}, line {number:,}: the byte 0x{byte:02X} isn't UTF-8; convert it: iconv -f {encoding} -t UTF-8"
        ) from error


def _too_long(name: str, number: int) -> DataError:
    return refuse(f"{name}, line {number:,} has more than {LONGEST:,} bytes, the most there may be; cut it into lines")
