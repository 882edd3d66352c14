"""What encoding a text that is not UTF-8 may have: a guess, for the advice at the end of an error."""

import codecs

_MARKS = {  # UTF-32's little-endian mark begins with UTF-16's
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def wide(head: bytes) -> str | None:
    """UTF-16 or UTF-32, by the mark at the beginning, or by the zero bytes that every ASCII character has there.

    >>> wide("hello".encode("utf-16")), wide("hello".encode("utf-16-be")), wide(b"hello")
    ('UTF-16', 'UTF-16BE', None)
    """
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding
    even, odd = head[::2].count(0), head[1::2].count(0)
    if 4 * max(even, odd) > len(head) > 3 and min(even, odd) * 8 < max(even, odd):
        return "UTF-16BE" if even > odd else "UTF-16LE"
    return None


def likely(line: bytes) -> str:
    """The most likely encoding of a line that is not UTF-8, of those that Japanese and Western texts have.

    >>> [likely("日本語です".encode(codec)) for codec in ("euc-jp", "cp932")], likely("café crème".encode("cp1252"))
    (['EUC-JP', 'SHIFT_JIS'], 'WINDOWS-1252')
    """
    foreign = sum(byte > 127 for byte in line)
    if 4 * foreign > len(line):  # Western text is mostly ASCII
        for codec, name in (("euc-jp", "EUC-JP"), ("cp932", "SHIFT_JIS"), ("gb18030", "GB18030")):
            try:
                line.decode(codec)
            except UnicodeDecodeError:
                continue
            return name
    return "WINDOWS-1252"
