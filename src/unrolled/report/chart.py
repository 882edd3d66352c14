"""A chart: its figure as HTML, a legend of buttons, and its numbers as JSON, which ``assets/chart.js`` draws."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from unrolled.report.checking import Object
from unrolled.report.text import LONG, clean, escape, inline, name, short

ACCENTS, MUTED = 3, 5  # how many colours of each kind assets/report.css has, muted-0 aside
LONG_SERIES = 48  # a series' name stands in legends and tooltips: shorter than elsewhere


def colours(charts: Iterable[Object]) -> dict[str, str]:
    """A colour for each series' name, the same in every chart of a page.

    A band has the colour of the line before it in its chart: the two are one forecast and its interval. Of the others,
    what is emphasised anywhere takes an accent, the rest the muted colours, of which ``muted-0``, the colour of ink, is
    kept for the one name that most often stands first in its chart: the measurements, say. Names that share a chart get
    different colours as long as there are enough; names in the most charts choose first.
    """
    together: dict[str, set[str]] = {}
    uses: dict[str, int] = {}
    leads: dict[str, int] = {}
    strong: set[str] = set()
    bands: dict[str, str] = {}
    for chart in charts:
        own = _without_bands(chart, bands)
        if own:
            leads[own[0]["name"]] = leads.get(own[0]["name"], 0) + 1
        names = [series["name"] for series in own]
        strong.update(series["name"] for series in own if series.get("emphasis"))
        for each in names:
            together.setdefault(each, set()).update(names)
            uses[each] = uses.get(each, 0) + 1
    ink = max((each for each in leads if each not in strong), key=leads.__getitem__, default=None)
    chosen: dict[str, int] = {}
    for each in sorted(uses, key=lambda each: -uses[each]):  # stable: first come, first served among equals
        rivals = {
            other
            for other in together[each]
            if other in chosen and other != ink and (other in strong) == (each in strong)
        }
        taken = {chosen[other] for other in rivals}
        chosen[each] = next(index for index in range(len(uses)) if index not in taken)
    colour = {
        each: f"accent-{index % ACCENTS}" if each in strong else f"muted-{1 + index % MUTED}"
        for each, index in chosen.items()
    }
    if ink is not None:
        colour[ink] = "muted-0"
    return {**{band: colour[line] for band, line in bands.items()}, **colour}


def _without_bands(chart: Object, bands: dict[str, str]) -> list[Object]:
    """The series of a chart but for the bands behind a line; those are noted in ``bands``, with the line's name."""
    rest: list[Object] = []
    for series in chart["series"]:
        lines = [one["name"] for one in rest if one.get("style") != "band"]
        if series.get("style") == "band" and lines:
            bands.setdefault(series["name"], lines[-1])
        else:
            rest.append(series)
    return rest


def _swatch(style: str, kind: str, colour: str) -> str:
    if kind == "bar":
        square = '<rect x="1" y="1" width="10" height="10" rx="2"/>'
        return f'<svg class="swatch {colour}" width="12" height="12" aria-hidden="true">{square}</svg>'
    if style == "points":
        shape = '<circle cx="11" cy="6" r="3"/>'
    elif style == "band":
        shape = '<rect x="1" y="1" width="20" height="10" rx="2" opacity=".3"/>'
    elif style == "area":
        shape = '<rect x="1" y="6" width="20" height="6" opacity=".25"/><path d="M1 5.5h20"/>'
    else:
        dashes = {"dashed": ' stroke-dasharray="5 3"', "dotted": ' stroke-dasharray="1.5 3"'}.get(style, "")
        shape = f'<path d="M1 6h20"{dashes}/>'
    return f'<svg class="swatch {colour}" width="22" height="12" viewBox="0 0 22 12" aria-hidden="true">{shape}</svg>'


def _legend(chart: Object, colour: Mapping[str, str]) -> str:
    buttons = []
    for series in chart["series"]:
        swatch = _swatch(series.get("style") or "solid", chart["kind"], colour[series["name"]])
        strong = ' class="strong"' if series.get("emphasis") else ""
        buttons.append(
            f'<button type="button" aria-pressed="true"{strong}>{swatch}{name(series["name"], LONG_SERIES)}</button>'
        )
    return f'<div class="legend" role="group" aria-label="Series: press to hide or show">{"".join(buttons)}</div>'


def _y_label(chart: Object) -> str:
    unit = chart["y"].get("unit")
    return (
        short(chart["y"]["label"])
        + (f" ({short(unit, 24)})" if unit else "")
        + (" · log scale" if chart.get("log") else "")
    )


def _finite(values: Iterable[Any]) -> list[Any]:
    return [None if isinstance(value, float) and not math.isfinite(value) else value for value in values]


def _for_script(chart: Object, colour: Mapping[str, str]) -> dict[str, Any]:
    series = []
    for one in chart["series"]:
        entry: dict[str, Any] = {
            "name": short(clean(one["name"]), LONG_SERIES),
            "y": _finite(one["y"]),
            "style": one.get("style") or "solid",
            "emphasis": bool(one.get("emphasis")),
            "colour": colour[one["name"]],
        }
        if one.get("low") is not None:
            entry["low"] = _finite(one["low"])
        if len(one["name"]) > LONG_SERIES:
            entry["full"] = clean(one["name"])  # for the CSV file
        if one.get("x") is not None:
            entry["x"] = list(one["x"])
        series.append(entry)
    x = {"label": short(clean(chart["x"]["label"]), LONG), "type": chart["x"]["type"]}
    if chart["x"].get("values") is not None:
        x["values"] = list(chart["x"]["values"])
    return {
        "kind": chart["kind"],
        "title": short(clean(chart["title"]), LONG),
        "x": x,
        "y": clean(_y_label(chart)),
        "unit": short(clean(chart["y"].get("unit") or ""), 24),
        "series": series,
        "marks": [{**mark, "label": short(clean(mark["label"]), LONG)} for mark in chart.get("marks") or ()],
        "zoom": chart.get("zoom") or False,
        "log": bool(chart.get("log")),
    }


def for_page(value: object) -> str:
    """JSON that is safe in a ``<script>`` element: ASCII, and neither ``</script>`` nor ``<!--`` can stand in it.

    Raises ValueError on NaN and infinities, which JSON does not have.
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def figure(chart: Object, colour: Mapping[str, str]) -> str:
    """The chart as a ``<figure>``: title, legend, canvas, caption, and its numbers as a table and as CSV."""
    names = ", ".join(short(series["name"], LONG_SERIES) for series in chart["series"][:12])
    axes = f"{_y_label(chart)} by {short(chart['x']['label']) or 'time'}"
    kind = chart["kind"].capitalize()
    spoken = f"{kind} chart: {short(chart['title'])}. {axes}. Series: {names}. Arrow keys read its values."
    caption = f"<figcaption>{inline(chart['caption'])}</figcaption>" if chart.get("caption") else ""
    height = chart.get("height") or 360
    reset = '<button type="button" class="quiet reset" hidden>Reset zoom</button>' if chart.get("zoom") else ""
    return f"""<figure class="chart">
<h3>{name(chart["title"])}</h3>
{_legend(chart, colour)}
<p class="y-label" aria-hidden="true">{name(_y_label(chart))}</p>
<div class="canvas" role="img" tabindex="0" style="--height:{height}px" aria-label="{escape(spoken)}"></div>
<p class="unseen live" aria-live="polite"></p>
{caption}
<div class="tools">
<details class="numbers"><summary>Data as a table</summary></details>
{reset}<button type="button" class="quiet csv">Save as CSV</button>
</div>
<script type="application/json">{for_page(_for_script(chart, colour))}</script>
</figure>"""
