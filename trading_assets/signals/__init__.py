"""Signals: one score per name, session and strategy.

What lives here: what a strategy is (`declaration`) and may read (`inputs`), those that the desk ships (`strategies`,
one file each), how they are found (`registry`) and evaluated month by month (`scoring`).
What to put here: strategies, from a model or not; scores of a session are comparable, from -1 (worst) to 1 (best).
What not: how much of a name to hold (`portfolio`).
"""

from trading_assets.signals.contract import SCORES
from trading_assets.signals.declaration import Strategy, strategy
from trading_assets.signals.errors import StrategyError
from trading_assets.signals.inputs import bars, features, predictions
from trading_assets.signals.ranks import ranked

__all__ = ["SCORES", "Strategy", "StrategyError", "bars", "features", "predictions", "ranked", "strategy"]
