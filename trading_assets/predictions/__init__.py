"""Predictions: each session scored by the model that was trained through the month before.

What lives here: `predict`, which picks each session's model and applies it to the session's features.
What to put here: the use of trained models on features.
What not: training (`models`), and what a desk makes of the numbers (`signals`).
"""

from trading_assets.predictions.contract import DAILY

__all__ = ["DAILY"]
