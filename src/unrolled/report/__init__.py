"""A pure renderer: a JSON document in, one self-contained HTML file out. It knows no task."""

from unrolled.report.checking import DocumentError
from unrolled.report.join import join
from unrolled.report.page import render

__all__ = ["DocumentError", "join", "render"]
