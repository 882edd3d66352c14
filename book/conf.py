"""How Sphinx builds the book: `make book` writes it to _build/html, which opens from file:// and needs no network."""

import hashlib
import os
import shutil
import sys
from importlib.metadata import version as version_of
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "Unrolled"
author = "the authors of Unrolled"
project_copyright = author
version = release = version_of("unrolled")
language = "en"

extensions = [
    "myst_nb",
    "maths",
    "diagrams",
    "figures",
    "switches",
    "notebooks",
    "checks",
]
exclude_patterns = [
    "_*",
    "jupyter_execute",
    "**/jupyter_execute",
    "**/.jupyter_cache",
    "conf.py",
]
nitpicky = True
numfig = True
math_numfig = False  # equations are numbered a page

myst_enable_extensions = [
    "amsmath",
    "attrs_inline",
    "colon_fence",
    "deflist",
    "dollarmath",
    "substitution",
]
myst_heading_anchors = 3
myst_substitutions = {"version": version}
myst_update_mathjax = False
html_math_renderer = "katex"


def fingerprint() -> str:
    """Changes with the library and with what it computes by, so that no page shows what an older library said."""
    sources = sorted(
        p
        for p in (HERE.parent / "src").rglob("*")
        if p.suffix in (".py", ".toml", ".gz")
    )
    digest = hashlib.sha256(
        "".join(
            version_of(p) for p in ("torch", "numpy", "polars", "matplotlib")
        ).encode()
    )
    for path in (*sources, *sorted((HERE / "_kernel").iterdir())):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


# Pages are executed with the book's settings, not with those of whoever builds it.
profile = HERE / "_build" / "kernel" / "profile_default"
profile.mkdir(parents=True, exist_ok=True)
shutil.copy(HERE / "_kernel" / "ipython_kernel_config.py", profile)
startup = profile / "startup"
startup.mkdir(exist_ok=True)
shutil.copy(HERE / "_kernel" / "seconds.py", startup)
os.environ["PATH"] = (
    str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]
)  # `unrolled` is there
os.environ["IPYTHONDIR"] = str(profile.parent)
os.environ["POLARS_FMT_TABLE_HIDE_DATAFRAME_SHAPE_INFORMATION"] = "1"
os.environ["MATPLOTLIBRC"] = str(HERE / "_kernel" / "matplotlibrc")
os.environ.setdefault("OMP_NUM_THREADS", "1")

cache = HERE / "_build" / "cache" / fingerprint()
for older in cache.parent.glob("*"):
    if older != cache:
        shutil.rmtree(older, ignore_errors=True)
cache.mkdir(parents=True, exist_ok=True)
os.environ["UNROLLED_BOOK_SECONDS"] = str(cache / "seconds.jsonl")

nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "cache"
nb_execution_cache_path = str(cache)
nb_execution_in_temp = True
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
nb_code_prompt_show = "Show the {type}"
nb_code_prompt_hide = "Hide the {type}"
nb_render_markdown_format = "myst"
nb_mime_priority_overrides = [("html", "image/svg+xml", 5)]

html_theme = "furo"
pygments_style = "github-light-high-contrast"
pygments_dark_style = "github-dark"
html_title = "Unrolled"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_logo = html_favicon = "_static/logo.svg"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
# What the Latin fonts lack, Japanese ones have: an English page would else show its 直 and 語 in Chinese forms.
japanese = "'Hiragino Sans', 'Yu Gothic', Meiryo, 'Noto Sans CJK JP', 'Noto Sans JP', IPAexGothic"
html_theme_options = {
    "light_css_variables": {
        "font-stack": "-apple-system, BlinkMacSystemFont, 'Segoe UI', Helvetica, Arial, sans-serif, "
        f"{japanese}, 'Apple Color Emoji', 'Segoe UI Emoji'",
        "font-stack--monospace": "'SFMono-Regular', Menlo, Consolas, Monaco, 'Liberation Mono', 'Lucida Console', "
        f"monospace, {japanese}",
        "color-brand-primary": "#1b6fb3",
        "color-brand-content": "#1b6fb3",
    },
    "dark_css_variables": {
        "color-brand-primary": "#6db3ea",
        "color-brand-content": "#6db3ea",
    },
}
