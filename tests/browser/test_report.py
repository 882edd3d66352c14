"""The report in a real browser, from file://. `visit` fails each test on a console error, a dialog or a request."""

import csv
import io
import re
import time
from pathlib import Path
from typing import Any

import pytest

from unrolled.report import render
from unrolled.report.document import charts

pytestmark = pytest.mark.browser

# How many pixels of a canvas have about this colour.
COUNT = """(box, rgb) => {
  const canvas = box.querySelector("canvas");
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0); // reading the page's own canvas twice would make Chromium warn on the console
  const data = copy.getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let i = 0; i < data.length; i += 4)
    if (data[i + 3] > 200 && rgb.every((c, j) => Math.abs(data[i + j] - c) < 24)) count += 1;
  return count;
}"""
ACCENT, ACCENT_DARK, INK = [0x1D, 0x5B, 0xD6], [0x6E, 0xA3, 0xFF], [0x35, 0x3B, 0x47]


@pytest.fixture(scope="module")
def document(sample) -> dict:
    return sample.forecast_report()


@pytest.fixture(scope="module")
def report(document, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(document), encoding="utf-8")
    return path


def chart(page: Any, title: str) -> Any:
    """The chart of this title, scrolled to and drawn."""
    figure = page.locator("figure.chart", has=page.locator("h3", has_text=title))
    figure.scroll_into_view_if_needed()
    figure.locator("canvas").wait_for()
    return figure


def numbers(figure: Any) -> Any:
    """The chart's own table, opened and filled: a browser tells of the opening some time after the click."""
    figure.locator(".numbers summary").click()
    figure.locator(".numbers tbody tr").first.wait_for()
    return figure.locator(".numbers")


def spec(document: dict, title: str) -> Any:
    return next(
        each for section in document["sections"] for each in charts(section["blocks"]) if each["title"] == title
    )


def pixels(figure: Any, rgb: list[int]) -> int:
    return figure.locator(".canvas").evaluate(COUNT, rgb)


def test_every_chart_is_drawn(report, visit):
    page = visit(report)
    for title in ("temp, and how it was split", "The test part", "The next 24 hours", "Loss by epoch"):
        assert pixels(chart(page, title), INK if "split" in title else ACCENT) > 300, title
    for tab, title in (("By step ahead", "by step ahead"), ("By station", "by station")):
        page.get_by_role("tab", name=tab).click()
        assert pixels(chart(page, title), ACCENT) > 300, title


def test_a_phone_has_no_sideways_scroll_of_the_page(report, sample, visit, tmp_path):
    hostile = tmp_path / "hostile.html"
    hostile.write_text(render(sample.hostile_report()), encoding="utf-8")
    for path in (report, hostile):
        page = visit(
            path, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, device_scale_factor=2
        )
        page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        for box in page.locator(".canvas:visible").all():
            box.scroll_into_view_if_needed()
            box.locator("canvas").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    page = visit(report, viewport={"width": 390, "height": 844})
    inside = page.locator("figure.table .scroll").first
    assert inside.evaluate("(box) => box.scrollWidth > box.clientWidth"), "a wide table scrolls within itself"


def test_dark_mode_changes_page_and_charts_while_open(report, visit):
    page = visit(report, color_scheme="light")
    figure = chart(page, "The next 24 hours")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    assert pixels(figure, ACCENT) > 300
    page.emulate_media(color_scheme="dark")
    assert (light, page.evaluate(ground)) == ("rgb(247, 247, 245)", "rgb(14, 17, 22)")
    page.wait_for_function(
        f"(box) => ({COUNT})(box, [{','.join(map(str, ACCENT_DARK))}]) > 300",
        arg=figure.locator(".canvas").element_handle(),
    )
    assert pixels(figure, ACCENT) < 50


def test_hostile_names_stay_text(sample, visit, tmp_path):
    path = tmp_path / "hostile.html"
    path.write_text(render(sample.hostile_report()), encoding="utf-8")
    page = visit(path)
    assert page.title() == "<script>alert(1)</script>"
    assert page.locator("main img, main script:not([type])").count() == 0
    assert page.locator("h1").inner_text() == "<script>alert(1)</script>"
    for index, name in enumerate(sample.HOSTILE[:2]):
        figure = page.locator("figure.chart").nth(index)
        assert numbers(figure).locator("thead th").all_inner_texts() == [name] * 3
        figure.locator("canvas").wait_for()
        box = figure.locator(".canvas").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 150)
        figure.locator(".tip").wait_for()
        assert name in figure.locator(".tip").inner_text()
    for index in range(2, len(sample.HOSTILE)):
        chart_ = page.locator("figure.chart").nth(index)
        chart_.scroll_into_view_if_needed()
        chart_.locator("canvas").wait_for()
        assert chart_.locator("h3").bounding_box()["height"] < 200


def test_the_data_table_has_the_documents_numbers(report, document, visit):
    page = visit(report)
    figure, source = chart(page, "Loss by epoch"), spec(document, "Loss by epoch")
    table = numbers(figure)
    assert table.locator(".hint").inner_text() == "30 rows."
    rows = [[float(cell) for cell in row.split("\t")] for row in table.locator("tbody tr").all_inner_texts()]
    assert [row[0] for row in rows] == source["x"]["values"]
    for index, series in enumerate(source["series"], 1):
        assert [row[index] for row in rows] == pytest.approx(series["y"], abs=5e-7)


def test_a_long_table_says_what_it_leaves_out_and_follows_the_zoom(report, visit):
    page = visit(report)
    table = numbers(chart(page, "temp, and how it was split"))
    assert table.locator(".hint").inner_text() == "The first 200 of 2,160 rows; the CSV file has all."
    assert table.locator("tbody tr").count() == 200
    zoomed = numbers(chart(page, "The test part"))
    assert zoomed.locator(".hint").inner_text() == "168 rows in view."
    assert zoomed.locator("tbody th").first.inner_text() == "2013-05-23 00:00"


def test_the_csv_file_has_every_number_to_the_last_bit(report, document, visit):
    page = visit(report, accept_downloads=True)
    figure, source = chart(page, "The next 24 hours"), spec(document, "The next 24 hours")
    with page.expect_download() as download:
        figure.get_by_role("button", name="Save as CSV").click()
    assert download.value.suggested_filename == "the-next-24-hours.csv"
    head, *rows = csv.reader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8")))
    assert head == ["x", "actual", "LSTM", "seasonal naive"]
    assert [row[0] for row in rows] == sorted({x for series in source["series"] for x in series["x"]})
    for index, series in enumerate(source["series"], 1):
        assert [(row[0], float(row[index])) for row in rows if row[index]] == list(
            zip(series["x"], series["y"], strict=True)
        )


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "UTC"])
def test_hover_reads_all_series_at_one_stamp_as_given(report, document, visit, zone):
    page = visit(report, timezone_id=zone)
    source = spec(document, "The test part, 24 hours ahead")
    figure = chart(page, "The test part")
    box = figure.locator(".canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 100)
    figure.locator(".tip").wait_for()
    stamp = figure.locator(".tip-head bdi").inner_text()
    place = source["x"]["values"].index(stamp.replace(" ", "T") + ":00")
    shown = [float(each.removesuffix(" °F")) for each in figure.locator(".tip-value").all_inner_texts()]
    assert shown == pytest.approx([series["y"][place] for series in source["series"]], abs=0.005)


def test_the_picture_is_the_same_in_every_time_zone(report, visit):
    """The stamps cross a change to summer time; zones that differ must not move an axis label or a point."""
    pictures = set()
    for zone in ("America/New_York", "Asia/Tokyo", "Pacific/Chatham"):
        figure = chart(visit(report, timezone_id=zone), "temp, and how it was split")
        pictures.add(figure.locator("canvas").evaluate("(canvas) => canvas.toDataURL()"))
    assert len(pictures) == 1
    assert len(pictures.pop()) > 10_000


def test_series_with_stamps_of_their_own_share_one_table_in_order_of_time(visit, tmp_path):
    series = [
        {"name": "b", "x": ["2013-01-03", "2013-01-04"], "y": [3, 4]},
        {"name": "a", "x": ["2013-01-01", "2013-01-03"], "y": [1, 2.5]},
    ]
    block = {
        "type": "chart",
        "kind": "line",
        "title": "own",
        "x": {"label": "day", "type": "time"},
        "y": {"label": "y"},
        "series": series,
    }
    path = tmp_path / "own.html"
    path.write_text(render({"title": "own", "sections": [{"title": "s", "blocks": [block]}]}), encoding="utf-8")
    table = numbers(chart(visit(path), "own"))
    rows = [row.split("\t") for row in table.locator("tr").all_inner_texts()]
    assert rows == [
        ["day", "b", "a"],
        ["2013-01-01", "–", "1.0"],
        ["2013-01-03", "3.0", "2.5"],
        ["2013-01-04", "4.0", "–"],
    ]


BAND = {
    "type": "chart",
    "kind": "line",
    "title": "sure",
    "x": {"label": "step", "type": "value", "values": [1, 2, 3, 4, 5, 6]},
    "y": {"label": "y"},
    "series": [
        {"name": "LSTM", "y": [-1.5, 2.0, 1.0, None, 1.0, 2.0], "emphasis": True},
        {
            "name": "90% interval",
            "y": [2.0, 4.0, 3.5, 3.0, None, 4.5],
            "low": [-3.0, -0.5, -2.0, None, -1.0, -1.0],
            "style": "band",
        },
    ],
}
# The lowest and the highest pixel of a canvas, above its axis, that is a tint of this colour; in a column, from 0 to 1.
ENDS = """(box, [across, rgb]) => {
  const canvas = box.querySelector("canvas");
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const data = copy.getImageData(Math.round(across * canvas.width), 0, 1, canvas.height).data;
  const found = [];
  for (let y = 0; y < canvas.height; y += 1)
    if (data[4 * y + 3] > 30 && rgb.every((c, j) => Math.abs(data[4 * y + j] - c) < 12)) found.push(y);
  return found.length ? [found[0], found.at(-1), found.length] : null;
}"""


@pytest.fixture
def banded(tmp_path) -> Path:
    path = tmp_path / "band.html"
    path.write_text(render({"title": "t", "sections": [{"title": "s", "blocks": [BAND]}]}), encoding="utf-8")
    return path


@pytest.mark.parametrize(("scheme", "accent"), [("light", ACCENT), ("dark", ACCENT_DARK)])
def test_a_band_is_filled_between_its_ends_below_zero_too(banded, visit, scheme, accent):
    page = visit(banded, color_scheme=scheme)
    figure = chart(page, "sure")
    box = figure.locator(".canvas")
    filled = box.evaluate(ENDS, [0.3, accent])
    assert filled is not None
    low, high, count = filled[1], filled[0], filled[2]
    assert 0.3 * box.bounding_box()["height"] < low - high < box.bounding_box()["height"]
    assert count > 0.9 * (low - high) - 12, "one area, but for the line and the grid"
    gaps = [box.evaluate(ENDS, [at, accent]) for at in (0.5, 0.7)]
    assert gaps == [None, None], "a gap is where either end is missing"
    figure.get_by_role("button", name="90% interval").click()
    page.wait_for_timeout(300)
    after = box.evaluate(ENDS, [0.3, accent])
    assert after is None or after[2] < 12, "pressed in the legend, it is gone"


def test_a_band_below_zero_lies_where_it_belongs(visit, tmp_path):
    """On an axis from -4 to 4 a band from -4 to -1 is the lowest three eighths."""
    line = {"name": "LSTM", "y": [4.0, 4.0, 4.0], "emphasis": True}
    band = {"name": "90%", "y": [-1.0] * 3, "low": [-4.0] * 3, "style": "band"}
    x = {"label": "step", "type": "value", "values": [1, 2, 3]}
    path = tmp_path / "below.html"
    block = {**BAND, "x": x, "series": [line, band]}
    path.write_text(render({"title": "t", "sections": [{"title": "s", "blocks": [block]}]}), encoding="utf-8")
    top, bottom, count = chart(visit(path), "sure").locator(".canvas").evaluate(ENDS, [0.4, ACCENT])
    assert bottom - top > 250, "from the line to the band's lower end"
    assert 0.33 < count / (bottom - top) < 0.41


def test_a_band_says_both_its_ends(banded, visit):
    page = visit(banded, accept_downloads=True)
    figure = chart(page, "sure")
    box = figure.locator(".canvas")
    area = box.bounding_box()
    page.mouse.move(area["x"] + 0.21 * area["width"], area["y"] + 60)
    figure.locator(".tip").wait_for()
    assert figure.locator(".tip-head bdi").inner_text() == "step 2"
    assert figure.locator(".tip-line").all_inner_texts() == ["LSTM\n2.0", "90% interval\n-0.5 – 4.0"]
    page.mouse.move(area["x"] + 0.6 * area["width"], area["y"] + 60)  # the fourth step has half a band: a gap
    page.wait_for_timeout(300)
    assert "90% interval" not in " ".join(figure.locator(".tip-line:visible").all_inner_texts())
    box.focus()
    page.keyboard.press("Home")
    assert figure.locator(".live").text_content() == "1, LSTM -1.5, 90% interval (low) -3.0, 90% interval (high) 2.0"
    rows = [row.split("\t") for row in numbers(figure).locator("tr").all_inner_texts()]
    assert rows[0] == ["step", "LSTM", "90% interval (low)", "90% interval (high)"]
    assert rows[2] == ["2", "2.0", "-0.5", "4.0"]
    assert rows[5] == ["5", "1.0", "-1.0", "–"]
    with page.expect_download() as download:
        figure.get_by_role("button", name="Save as CSV").click()
    written = list(csv.reader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    assert written[0] == rows[0]
    assert written[1] == ["1", "-1.5", "-3", "2"]


def test_a_band_of_one_step_has_caps(banded, visit):
    """Nothing can be filled there: the sixth step stands alone."""
    figure = chart(visit(banded), "sure")
    box = figure.locator(".canvas")
    size = box.bounding_box()
    top, bottom, count = box.evaluate(ENDS, [1 - 17 / size["width"], ACCENT])
    assert bottom - top > 0.4 * size["height"]
    assert count < 20


def test_long_code_wraps(visit, tmp_path):
    path = tmp_path / "code.html"
    block = {"type": "code", "code": "unrolled " + "--past a_column " * 40, "language": "sh"}
    path.write_text(render({"title": "t", "sections": [{"title": "s", "blocks": [block]}]}), encoding="utf-8")
    for width in (390, 1280):
        inside = visit(path, viewport={"width": width, "height": 844}).locator("pre")
        assert inside.evaluate("(pre) => pre.scrollWidth <= pre.clientWidth && pre.clientHeight > 60")


def test_the_keyboard_reaches_tabs_details_legend_and_values(report, document, visit):
    page = visit(report)
    tabs = page.get_by_role("tab")
    tabs.first.focus()
    page.keyboard.press("ArrowRight")
    assert tabs.nth(1).get_attribute("aria-selected") == "true"
    assert page.locator("figure.chart h3", has_text="by step ahead").is_visible()
    assert not page.locator("figure.table").first.is_visible()
    page.keyboard.press("End")
    assert tabs.nth(2).evaluate("(tab) => tab === document.activeElement && tab.tabIndex === 0")
    page.keyboard.press("ArrowRight")
    assert page.locator("figure.table").first.is_visible()

    page.locator("details.more summary").focus()
    page.keyboard.press("Enter")
    assert page.get_by_text("look-back").is_visible()

    figure = chart(page, "Loss by epoch")
    figure.locator(".canvas").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    first = spec(document, "Loss by epoch")["series"]
    assert (
        figure.locator(".live").text_content()
        == f"2, training {first[0]['y'][1]:.4f}, validation {first[1]['y'][1]:.4f}"
    )
    assert figure.locator(".tip").is_visible()

    before = pixels(figure, ACCENT)
    figure.get_by_role("button", name="validation").focus()
    page.keyboard.press("Enter")
    assert figure.get_by_role("button", name="validation").get_attribute("aria-pressed") == "false"
    deadline = time.monotonic() + 5
    while pixels(figure, ACCENT) > before / 4 and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert pixels(figure, ACCENT) <= before / 4


def test_zoom_by_keys_wheel_and_reset(report, visit):
    page = visit(report)
    figure = chart(page, "The test part")
    hint, reset = numbers(figure).locator(".hint"), figure.get_by_role("button", name="Reset zoom")

    def rows() -> int:
        return int(hint.inner_text().split(" of ")[-1].split(" ")[0].replace(",", ""))

    assert (rows(), reset.is_visible()) == (168, False)
    figure.locator(".canvas").focus()
    page.keyboard.press("+")
    page.wait_for_function("(hint) => hint.textContent.startsWith('84 ')", arg=hint.element_handle())
    reset.click()
    page.wait_for_function("(hint) => hint.textContent.startsWith('168 ')", arg=hint.element_handle())
    reset.wait_for(state="hidden")
    box = figure.locator(".canvas").bounding_box()
    page.mouse.move(box["x"] + 400, box["y"] + 150)
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(300)
    assert rows() == 168, "the wheel alone scrolls the page"
    figure.locator(".canvas").scroll_into_view_if_needed()
    box = figure.locator(".canvas").bounding_box()
    page.mouse.move(box["x"] + 400, box["y"] + 150)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    reset.wait_for()
    page.wait_for_function("(hint) => !hint.textContent.startsWith('168 ')", arg=hint.element_handle())
    assert rows() < 168


def test_a_chart_follows_the_width_of_the_window(report, visit):
    page = visit(report)
    canvas = chart(page, "Loss by epoch").locator("canvas")
    wide = canvas.bounding_box()["width"]
    page.set_viewport_size({"width": 600, "height": 900})
    page.wait_for_function("(canvas) => canvas.clientWidth < 560", arg=canvas.element_handle())
    assert wide > 800


def test_paper_is_light_and_shows_every_tab(report, visit):
    page = visit(report, color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(24, 28, 36)"
    assert not page.locator("nav").is_visible()
    for title in ("by step ahead", "by station"):
        figure = page.locator("figure.chart", has=page.locator("h3", has_text=title))
        assert pixels(figure, ACCENT) > 300
        assert figure.locator("canvas").bounding_box()["width"] <= 680
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.className") == ""


def test_the_code_is_copied(report, visit):
    page = visit(report, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").first.click()
    page.get_by_role("button", name="Copied").wait_for()
    assert (
        page.evaluate("navigator.clipboard.readText()")
        == "unrolled forecast weather.csv --target temp --horizon 24 --seed 0"
    )


def test_the_policy_stops_a_script_that_is_not_the_pages(report, browser, tmp_path):
    path = tmp_path / "injected.html"
    path.write_text(
        report.read_text(encoding="utf-8").replace(
            "</main>", "<script>window.hit = 1</script><img src='https://example.com/a.png'></main>"
        ),
        encoding="utf-8",
    )
    page = browser.new_page()
    asked: list[str] = []
    page.on("requestfinished", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_timeout(300)
    assert page.evaluate("window.hit") is None
    assert asked == [path.as_uri()]
    page.close()


def test_ten_times_a_usual_chart_is_drawn(visit, tmp_path):
    values = list(range(50_000))
    series = [{"name": f"series {s}", "y": [float((i * (s + 3)) % 997) for i in values]} for s in range(3)]
    block = {
        "type": "chart",
        "kind": "line",
        "title": "large",
        "x": {"label": "row", "type": "value", "values": values},
        "y": {"label": "y"},
        "series": series,
        "zoom": True,
    }
    path = tmp_path / "large.html"
    path.write_text(render({"title": "large", "sections": [{"title": "s", "blocks": [block]}]}), encoding="utf-8")
    page = visit(path)
    assert pixels(chart(page, "large"), INK) > 300


def luminance(colour: str) -> float:
    """The relative luminance of WCAG of a computed colour, which is rgb(…) or, where it is mixed, color(srgb …)."""
    parts = [float(part) for part in re.findall(r"[\d.]+", colour.replace("srgb", ""))[:3]]
    linear = [part if colour.startswith("color") else part / 255 for part in parts]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in linear]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_heat_map_is_shaded_and_shows_its_numbers_when_asked(report, visit):
    for scheme in ("light", "dark"):
        page = visit(report, color_scheme=scheme)
        figure = page.locator("figure.heat")
        cells = figure.locator("td")
        style = "(cell, what) => getComputedStyle(cell)[what]"
        shades = [cells.nth(i).evaluate(style, "backgroundColor") for i in (6, 8)]  # 0 and 1
        assert shades[0] != shades[1], scheme
        assert cells.first.inner_text() == "90"
        assert cells.first.evaluate(style, "color") == "rgba(0, 0, 0, 0)"
        cells.first.hover()
        assert cells.first.evaluate(style, "color") != "rgba(0, 0, 0, 0)"
        page.mouse.move(0, 0)
        figure.get_by_label("Show the numbers").press("Space")
        for cell in cells.all():
            ink, ground = (luminance(cell.evaluate(style, what)) for what in ("color", "backgroundColor"))
            contrast = (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05)
            assert contrast >= 4.5, (scheme, cell.get_attribute("title"))


def test_labels_of_a_heat_map_and_of_a_tree_do_not_overlap(report, visit):
    for width in (1280, 390):
        page = visit(report, viewport={"width": width, "height": 800})
        for labels in ("figure.heat .labels bdi", "figure.heat tbody th bdi", "figure.tree text"):
            boxes = [box.bounding_box() for box in page.locator(labels).all()]
            for i, a in enumerate(boxes):
                for b in boxes[:i]:
                    apart = (
                        a["x"] >= b["x"] + b["width"]
                        or b["x"] >= a["x"] + a["width"]
                        or a["y"] >= b["y"] + b["height"] - 1
                        or b["y"] >= a["y"] + a["height"] - 1
                    )
                    assert apart, (labels, a, b)
        texts = page.locator("figure.tree text").all()
        frames = page.locator("figure.tree rect").all()
        for text, frame in zip(texts, frames, strict=True):
            inner, outer = text.bounding_box(), frame.bounding_box()
            assert outer["x"] <= inner["x"]
            assert inner["x"] + inner["width"] <= outer["x"] + outer["width"]
