"""A heat map: a table whose cells are shaded by their values, from 0 to 1."""

from unrolled.report.checking import Object, fields, fits, kind, refuse
from unrolled.report.text import escape, inline, name, short

LONG_LABEL = 32  # characters of a row's or a column's label
# From where on a number is black on a dark page, and white on a light one: either way a contrast of at least 4.5.
MID, DEEP = 0.65, 0.85


def check_heat(where: str, block: Object) -> None:
    """``values`` has a row for each of ``rows``, with a number from 0 to 1 for each of ``columns``; labels are text.
    ``row_label`` and ``column_label`` say what the two sides are.
    """
    fields(
        where,
        block,
        {"type": str, "rows": list, "columns": list, "values": list},
        {"row_label": str, "column_label": str, "caption": str},
    )
    rows, columns, values = block["rows"], block["columns"], block["values"]
    for side, labels in (("rows", rows), ("columns", columns)):
        for index, label in enumerate(labels):
            if not isinstance(label, str):
                refuse(where, f"{side}[{index}] is {kind(label)}; expected text")
    if len(values) != len(rows):
        refuse(where, f"{len(values)} rows of values for {len(rows)} labels of rows")
    for place, row in enumerate(values, 1):
        at = f"{where}, row {place}"
        if not fits(row, list) or len(row) != len(columns):
            got = f"{len(row)} values" if fits(row, list) else kind(row)
            refuse(at, f"expected {len(columns)} values, one a column, got {got}")
        for index, value in enumerate(row):
            if not fits(value, float):
                refuse(at, f"value {index + 1} is {kind(value)}; expected a number from 0 to 1")
            if not 0 <= value <= 1:
                refuse(at, f"value {index + 1} is {value:g}; expected a number from 0 to 1")


def heat(block: Object, id: str) -> str:
    """The map as a ``<figure>``; numbers, in hundredths, are shown on hovering, or all of them by a switch."""
    rows, columns = block["rows"], block["columns"]
    across = name(block.get("column_label") or "", LONG_LABEL)
    down = name(block.get("row_label") or "", LONG_LABEL)
    labels = "".join(f'<th scope="col">{name(label, LONG_LABEL)}</th>' for label in columns)
    body = "".join(
        f'<tr><th scope="row">{name(label, LONG_LABEL)}</th>{_cells(label, columns, values)}</tr>'
        for label, values in zip(rows, block["values"], strict=True)
    )
    spoken = escape(short(block.get("caption") or "Heat map"))
    caption = f"<figcaption>{inline(block['caption'])}</figcaption>" if block.get("caption") else ""
    return f"""<figure class="heat">
<div class="scroll" role="region" tabindex="0" aria-label="{spoken}">
<table><thead><tr><th rowspan="2" class="corner">{down}</th><th colspan="{max(1, len(columns))}" scope="colgroup" \
class="across">{across}</th></tr><tr class="labels">{labels}</tr></thead><tbody>{body}</tbody></table></div>
<p class="scale"><span>0</span><span class="ramp" aria-hidden="true"></span><span>1</span>
<label for="{id}"><input type="checkbox" id="{id}"> Show the numbers, in hundredths</label></p>
{caption}
</figure>"""


def _cells(row: str, columns: list[str], values: list[float]) -> str:
    cells = []
    for column, value in zip(columns, values, strict=True):
        shown = f"{value:.2f}"
        hint = escape(f"{short(row, LONG_LABEL)} / {short(column, LONG_LABEL)}: {shown}")
        tone = ' class="deep"' if value >= DEEP else ' class="mid"' if value >= MID else ""
        cells.append(f'<td{tone} style="--share:{100 * value:.3g}%" title="{hint}">{round(100 * float(shown))}</td>')
    return "".join(cells)
