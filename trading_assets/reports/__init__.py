"""Reports: what a book earned and a model knew, with the evidence for it.

What lives here: the statistics (`metrics`), the plots, the tear sheet of a book as HTML and JSON, the card of a model.
What to put here: figures and pictures of what the other stages have made.
What not: anything that a later decision reads.
"""

from trading_assets.reports.contract import MODEL_CARD, TEAR_SHEET
from trading_assets.reports.metrics import statistics

__all__ = ["MODEL_CARD", "TEAR_SHEET", "statistics"]
