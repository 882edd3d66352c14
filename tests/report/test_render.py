"""What the renderer promises: the same in, the same out; everything is text; one file that can request nothing."""

import base64
import copy
import hashlib
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import unrolled.report
from unrolled.report import render
from unrolled.report.chart import colours, for_page
from unrolled.report.text import number, short


class Reader(HTMLParser):
    """An independent reading of the page: its tags, its text, its scripts and its data."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts: list[tuple[str | None, str]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.open.append(tag)
            if tag == "script":
                self.scripts.append((dict(attrs).get("type"), ""))

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if not self.open:
            self.text.append(data)
        elif self.open[-1] == "script":
            kind, before = self.scripts[-1]
            self.scripts[-1] = (kind, before + data)

    def charts(self) -> list[dict]:
        return [json.loads(script) for kind, script in self.scripts if kind == "application/json"]


def page_of(*blocks: dict) -> str:
    return render({"title": "t", "sections": [{"title": "s", "blocks": list(blocks)}]})


def chart_of(**changes) -> dict:
    series = changes.pop("series", [{"name": "a", "y": [1.0, 2.0]}])
    x = changes.pop("x", {"label": "step", "type": "value", "values": [1, 2]})
    return {"type": "chart", "kind": "line", "title": "c", "x": x, "y": {"label": "y"}, "series": series, **changes}


def test_the_same_document_gives_the_same_page_and_stays_as_it_was(sample):
    document = sample.forecast_report()
    before = copy.deepcopy(document)
    first = render(document)
    assert document == before
    assert render(json.loads(json.dumps(before))) == first


def test_the_page_is_one_file_that_refers_to_nothing(sample):
    reader = Reader(render(sample.forecast_report()))
    referring = [
        (tag, key, value)
        for tag, attributes in reader.tags
        for key, value in attributes.items()
        if key in ("src", "href", "action")
    ]
    assert referring
    assert all(value is not None and value.startswith(("#", "data:image/svg+xml,")) for _, _, value in referring), (
        referring
    )


def test_the_policy_allows_exactly_the_scripts_of_the_page(sample):
    reader = Reader(render(sample.forecast_report()))
    policy = (
        next(
            a["content"] for tag, a in reader.tags if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
        )
        or ""
    )
    running = [script for kind, script in reader.scripts if kind is None]
    sums = {f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in running}
    rules = {rule.split()[0]: set(rule.split()[1:]) for rule in policy.split(";")}
    assert len(running) == 2
    assert rules["default-src"] == {"'none'"}
    assert rules["script-src"] == sums
    assert rules["img-src"] == {"data:", "blob:"}


def test_a_page_without_charts_carries_no_chart_library():
    assert len(page_of({"type": "text", "text": "hello"})) < 45_000 < len(page_of(chart_of()))


def test_every_hostile_name_stays_text(sample):
    plain, hostile = render(sample.forecast_report()), render(sample.hostile_report())
    reader = Reader(hostile)
    allowed = {tag for tag, _ in Reader(plain).tags}
    assert {tag for tag, _ in reader.tags} <= allowed
    assert not [a for _, a in reader.tags if any(key.startswith("on") for key in a)]
    assert [kind for kind, _ in reader.scripts].count(None) == 2
    assert "<script>alert(1)</script>" in "".join(reader.text)
    assert "\"'><img src=x onerror=alert(1)>" in "".join(reader.text)
    assert hostile.encode("utf-8").decode("utf-8") == hostile  # the lone surrogate is gone
    assert "\x00" not in hostile
    assert max(len(word) for word in re.findall("x+", " ".join(a.get("title") or "" for _, a in reader.tags))) < 400


@settings(max_examples=60, deadline=None)
@given(st.text())
@example("</script><script>alert(1)</script>")
@example("<!--")
@example("\u2028\u2029")
@example("\ud800")
@example("`</code>`")
def test_any_text_comes_out_as_text(text):
    page = page_of(
        {"type": "table", "columns": [{"name": text}], "rows": [[text]], "caption": text},
        {"type": "code", "code": text, "language": text},
    )
    clean = page_of(
        {"type": "table", "columns": [{"name": "a"}], "rows": [["a"]], "caption": "a"},
        {"type": "code", "code": "a", "language": "a"},
    )
    reader, expected = Reader(page), Reader(clean)
    without_marks = [tag for tag, _ in reader.tags if tag != "code"]  # `backticks` in a caption set code: that is meant
    assert (
        without_marks == [tag for tag, _ in expected.tags if tag != "code"] or not text
    )  # an empty caption has no element
    page.encode("utf-8")


json_values = st.recursive(
    st.text() | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(deadline=None)
@given(json_values)
@example("</script><!-- \u2028 &")
def test_json_in_the_page_is_inert_and_reads_back(value):
    text = for_page(value)
    assert not set(text) & set("<>&\u2028\u2029")
    assert text.isascii()
    assert json.loads(text) == value


def test_no_number_that_json_lacks_reaches_the_page():
    y = [math.nan, math.inf, -math.inf, None, 1.5]
    chart = chart_of(x={"label": "", "type": "value", "values": [0, 1, 2, 3, 4]}, series=[{"name": "a", "y": y}])
    page = page_of(chart, {"type": "table", "columns": [{"name": "v"}], "rows": [[each] for each in y]})
    assert Reader(page).charts()[0]["series"][0]["y"] == [None, None, None, None, 1.5]
    assert re.findall(r'<th scope="row"><bdi>(.*?)</bdi>', page) == ["–", "–", "–", "–", "1.5"]
    with pytest.raises(ValueError, match="not JSON compliant"):
        for_page(math.nan)


def test_a_chart_carries_the_documents_numbers_and_stamps_as_they_are():
    stamps = ["2013-11-03T01:00:00-04:00", "2013-11-03T01:00:00-05:00"]
    y = [0.1 + 0.2, 1e-300]
    drawn = Reader(
        page_of(chart_of(x={"label": "when", "type": "time", "values": stamps}, series=[{"name": "a", "y": y}]))
    ).charts()[0]
    assert drawn["x"]["values"] == stamps
    assert drawn["series"][0]["y"] == y


def test_a_long_name_is_shown_short_and_kept_whole_for_the_file():
    name = "a" * 5_000 + "z" * 5_000
    page = page_of(chart_of(series=[{"name": name, "y": [1, 2]}]))
    drawn = Reader(page).charts()[0]["series"][0]
    assert (drawn["name"], drawn["full"]) == (short(name, 48), name)
    assert len(drawn["name"]) == 48
    assert page.count("a" * 1_000) == 5  # 5,000 letters stand once, in the numbers for the file


def test_a_series_has_one_colour_on_the_whole_page():
    def series(*names, strong=()):
        return {"series": [{"name": name, "emphasis": name in strong} for name in names]}

    chosen = colours(
        [series("truth", "LSTM", "naive", strong=["LSTM"]), series("LSTM", "naive", "drift"), series("truth")]
    )
    assert chosen == {"truth": "muted-0", "LSTM": "accent-0", "naive": "muted-1", "drift": "muted-2"}
    assert colours([]) == {}


@given(st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=5, unique=True), min_size=1, max_size=6))
def test_names_that_share_a_chart_differ_in_colour(names):
    charts = [{"series": [{"name": name} for name in each]} for each in names]
    chosen = colours(charts)
    assert all(len({chosen[name] for name in each}) == len(each) for each in names)


@pytest.mark.parametrize(
    ("value", "spec", "shown"),
    [
        (1234567, None, "1,234,567"),
        (2013, None, "2013"),
        (0.5, None, "0.5"),
        (0.1 + 0.2, None, "0.3000"),
        (12.3456, None, "12.35"),
        (-0.00012345, None, "-0.0001234"),
        (1e-9, None, "1.000e-09"),
        (1e20, None, "1.000e+20"),
        (0.0, None, "0"),
        (0.1234, ".1%", "12.3%"),
        (3, ".2f", "3.00"),
        (True, None, "yes"),
        (None, ".2f", "–"),
        (math.inf, ".2f", "–"),
        ("as it is", ".2f", "as it is"),
    ],
)
def test_a_number_is_written_for_reading(value, spec, shown):
    assert number(value, spec) == shown


def test_text_has_paragraphs_and_code_and_nothing_else():
    page = page_of({"type": "text", "text": "one\nline\n\n \n`--fill <x>` **not bold**"})
    assert '<div class="prose"><p>one\nline</p><p><code>--fill &lt;x&gt;</code> **not bold**</p></div>' in page


def test_a_band_carries_both_its_ends_and_has_a_swatch_of_its_own():
    band = {"name": "90%", "y": [2.0, math.inf], "low": [-1.0, math.nan], "style": "band"}
    page = page_of(chart_of(series=[{"name": "a", "y": [1.0, 2.0], "emphasis": True}, band]))
    drawn = Reader(page).charts()[0]["series"]
    assert [one.get("low") for one in drawn] == [None, [-1.0, None]]
    assert drawn[1]["y"] == [2.0, None]
    assert drawn[1]["style"] == "band"
    assert '<svg class="swatch accent-0" width="22"' in page.split("90%")[0].rsplit("<button", 1)[1]
    assert 'height="10" rx="2" opacity=".3"/>' in page


def test_a_band_has_the_colour_of_the_line_before_it():
    def band(name):
        return {"name": name, "style": "band"}

    line = {"name": "LSTM", "emphasis": True}
    chosen = colours([{"series": [{"name": "truth"}, line, band("90%"), {"name": "naive"}, band("80%")]}])
    assert chosen == {
        "truth": "muted-0",
        "LSTM": "accent-0",
        "90%": "accent-0",
        "naive": "muted-1",
        "80%": "muted-1",
    }
    assert colours([{"series": [band("90%"), line]}]) == {"90%": "muted-0", "LSTM": "accent-0"}  # no line before it


def test_a_heat_map_is_a_table_shaded_by_its_values():
    heat = {
        "type": "heat",
        "rows": ["私", "</s>"],
        "columns": ["I", "am"],
        "values": [[1, 0.004], [0.655, 0.345]],
        "row_label": "written",
        "column_label": "read",
    }
    page = page_of(heat, heat)
    cells = [a for tag, a in Reader(page).tags if tag == "td"][:4]
    assert [a["style"] for a in cells] == ["--share:100%", "--share:0.4%", "--share:65.5%", "--share:34.5%"]
    assert [a["title"] for a in cells] == ["私 / I: 1.00", "私 / am: 0.00", "</s> / I: 0.66", "</s> / am: 0.34"]
    assert [a.get("class") for a in cells] == ["deep", None, "mid", None]
    assert re.findall(r"<td[^>]*>(.*?)</td>", page)[:4] == ["100", "0", "66", "34"]
    assert '<th scope="row"><bdi>私</bdi></th>' in page
    assert '<th scope="col"><bdi>am</bdi></th>' in page
    switches = [a["id"] for tag, a in Reader(page).tags if tag == "input"]
    assert len(set(switches)) == 2, "each map has a switch of its own"


def test_a_heat_map_of_nothing_is_still_a_page():
    assert "<figure" in page_of(
        {"type": "heat", "rows": [], "columns": [], "values": []}, {"type": "tree", "levels": []}
    )


def test_a_tree_has_its_best_path_on_top_and_says_it():
    def node(label, **more):
        return {"label": label, "score": -1.5, "kept": True, **more}

    first = [node("私", best=True), node("彼")]
    second = [node("は", parent=0, best=True), node("が", parent=1), node("の", parent=0, kept=False)]
    page = page_of({"type": "tree", "levels": [first, second]})
    tags = Reader(page).tags
    assert [a["class"] for tag, a in tags if tag == "path" and "class" in a] == ["dropped", "kept", "best"]
    assert [a["class"] for tag, a in tags if tag == "g"] == ["best", "kept", "best", "kept", "dropped"]
    assert "<title>の: -1.5, dropped</title>" in page
    drawing = next(a for tag, a in tags if tag == "svg")
    assert drawing["aria-label"] == "Tree of 2 levels. Best path: 私 は."
    lefts = [float(a["x"] or 0) for tag, a in tags if tag == "rect" and "y" in a]
    widths = [float(a["width"] or 0) for tag, a in tags if tag == "rect" and "y" in a]
    assert max(left + width for left, width in zip(lefts, widths, strict=True)) < float(drawing["width"] or 0)
    assert lefts[0] + max(widths[:2]) < lefts[2], "levels don't overlap"


def test_a_long_column_shows_whole_sentences():
    sentence = "word " * 100
    wide, narrow = (
        page_of({"type": "table", "columns": [{"name": "a", "long": long}], "rows": [[sentence]]})
        for long in (True, False)
    )
    assert sentence in wide
    assert '<th scope="row" class="long">' in wide
    assert f">{sentence}<" not in narrow


def test_ids_of_sections_are_unique_even_beside_given_ones():
    sections = [{"title": "a", "blocks": []}, {"title": "b", "id": "section-1", "blocks": []}]
    ids = [a["id"] for tag, a in Reader(render({"title": "t", "sections": sections})).tags if tag == "section"]
    assert len(set(ids)) == 2
    assert ids[1] == "section-1"


def test_the_vendored_library_is_the_one_that_its_note_names():
    folder = Path(unrolled.report.__file__).parent / "vendor"
    found = hashlib.sha256((folder / "echarts.common.min.js").read_bytes()).hexdigest()
    assert found in (folder / "SOURCE.md").read_text(encoding="utf-8")
    assert all((folder / name).stat().st_size > 100 for name in ("LICENSE", "NOTICE", "LICENSE-d3", "LICENSE-zrender"))


def test_no_script_of_ours_could_end_its_element():
    folder = Path(unrolled.report.__file__).parent
    for path in (*folder.glob("assets/*.js"), *folder.glob("vendor/*.js")):
        assert not re.search(r"</script|<!--", path.read_text(encoding="utf-8"), re.IGNORECASE), path
