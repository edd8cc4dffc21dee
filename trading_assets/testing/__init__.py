"""Functions that the tests of a user's own work call: each checks one object on made-up data, without a lake.

What lives here: one module for each kind of own work (`features`, `sql_features`, `models`, `strategies`, `sizings`),
the laws of features (`laws`), and the made-up data (`bars`, `tables`).
What not: tests of the project itself (``trading_assets_tests``).
"""

from trading_assets.testing.features import check_feature, feature_values
from trading_assets.testing.models import check_model
from trading_assets.testing.sizings import check_sizing, sizing_weights
from trading_assets.testing.sql_features import check_sql_feature, run_sql_feature
from trading_assets.testing.strategies import check_strategy, strategy_scores

__all__ = [
    "check_feature",
    "check_model",
    "check_sizing",
    "check_sql_feature",
    "check_strategy",
    "feature_values",
    "run_sql_feature",
    "sizing_weights",
    "strategy_scores",
]
