"""Two columns of a file whose fields are separated by tabs: source and target."""

from collections.abc import Iterator, Sequence
from typing import overload

from unrolled.series.words import counted, refuse
from unrolled.text.lines import TextFile


class Column(Sequence[str]):
    """One field of every line."""

    def __init__(self, file: TextFile, place: int):
        self.file, self.place = file, place
        self.name = f"{file.name}, column {place + 1}"

    def __len__(self) -> int:
        return len(self.file)

    @overload
    def __getitem__(self, i: int) -> str: ...
    @overload
    def __getitem__(self, i: slice) -> list[str]: ...
    def __getitem__(self, i: int | slice) -> str | list[str]:
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(len(self)))]
        return self.file[i].split("\t")[self.place]

    def __iter__(self) -> Iterator[str]:
        return (line.split("\t")[self.place] for line in self.file)


def two_columns(file: TextFile) -> tuple[Column, Column, list[str]]:
    """The first two columns of a file, and what there is to say of them.

    An empty line is two empty fields, but the file can't say so: it is refused, like every line with fewer or more
    tabs than the first. Raises DataError for it, and where a column is empty in every line.
    """
    fields = file[0].count("\t") + 1
    if fields < 2:
        raise refuse(
            f"{file.name}, line 1 has no tab; one file alone needs source and target on each line, a tab between; or "
            "give two files"
        )
    written = [False, False]
    for number, line in enumerate(file, 1):
        cells = line.split("\t")
        if len(cells) != fields:
            came = "no tab" if len(cells) == 1 else counted(len(cells), "column")
            raise refuse(
                f"{file.name}, line {number:,} has {came} where line 1 has {counted(fields, 'column')}; mend the line"
            )
        written = [was or bool(cell.strip()) for was, cell in zip(written, cells, strict=False)]
    for place, some in enumerate(written):
        if not some:
            raise refuse(f"{file.name}: column {place + 1} is empty in every line; give source and target")
    notes = [f"{file.name} has {fields} columns: the first is the source, the second the target."] if fields > 2 else []
    return Column(file, 0), Column(file, 1), notes
