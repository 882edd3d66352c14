"""The report of a forecast, as a document for the renderer: what was found, how good it is, what comes next."""

from unrolled.series.report.backtest import backtest_section
from unrolled.series.report.document import forecast_document, with_section
from unrolled.series.report.strategies import strategies_section
from unrolled.series.report.words import number, share

__all__ = ["backtest_section", "forecast_document", "number", "share", "strategies_section", "with_section"]
