"""Pages of the book, in a browser: a break-it switch by mouse and by keyboard, and formulas on a phone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BOOK = Path(__file__).parents[2] / "book"
FORMULA = r"a_1 + a_2 + a_3 + a_4 + a_5 + a_6 + a_7 + a_8 + a_9 = b_1 + b_2 + b_3 + b_4 + b_5 + b_6 + b_7 + b_8 + b_9"
CELL = '# %% tags=["remove-input"] switch="Gain: {gain}"\nprint("the answer at {gain}")\n\n'

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    pytest.importorskip("myst_nb", reason="the book's extra is not installed")
    root = tmp_path_factory.mktemp("switch")
    book = root / "book"
    book.mkdir()
    for part in ("_ext", "_kernel", "_static"):
        (book / part).symlink_to(BOOK / part)
    (root / "src").symlink_to(BOOK.parent / "src")
    (book / "conf.py").write_text((BOOK / "conf.py").read_text())
    (book / "index.md").write_text("# Front\n\n```{toctree}\npage\n```\n")
    variants = "".join(CELL.format(gain=gain) for gain in ("0.5", "1.0", "1.5"))
    (book / "page.py").write_text(f'# %% [markdown]\n"""\n# Page\n\n$$\n{FORMULA}\n$$ (sum)\n"""\n\n{variants}')
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", str(book), str(root / "html")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=os.environ | {"NO_COLOR": "1"})
    assert done.returncode == 0, done.stderr[-2000:]
    return root / "html" / "page.html"


def shown(page) -> str:
    panels = page.locator(".switch-panel:visible")
    assert panels.count() == 1
    return panels.inner_text().strip()


def test_a_switch_shows_one_panel_at_a_time(visit, page_file):
    page = visit(page_file)
    group = page.get_by_role("group", name="Gain")
    assert group.get_by_role("radio").count() == 3
    assert shown(page) == "the answer at 0.5"
    page.get_by_text("1.5", exact=True).click()
    assert shown(page) == "the answer at 1.5"


def test_a_switch_works_by_keyboard_and_without_javascript(visit, page_file):
    page = visit(page_file, java_script_enabled=False)
    page.get_by_role("radio", name="0.5").focus()
    page.keyboard.press("ArrowRight")
    assert shown(page) == "the answer at 1.0"


def test_on_a_phone_the_number_of_a_formula_does_not_lie_on_it(visit, page_file):
    page = visit(page_file, viewport={"width": 390, "height": 844})
    number, formula = (page.locator(part).bounding_box() for part in ("div.math .eqno", "div.math .katex-html"))
    assert number["y"] >= formula["y"] + formula["height"]
    assert number["x"] + number["width"] <= 390
