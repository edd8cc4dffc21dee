"""Functions that the tests of a user's own work call: each checks one object on made-up data, without a lake.

What lives here: one module for each kind of own work (`features`, `sql_features`), the laws that they check (`laws`),
and the made-up data (`bars`, `tables`).
What not: tests of the project itself (``trading_assets_tests``).
"""

from trading_assets.testing.features import check_feature, feature_values
from trading_assets.testing.sql_features import check_sql_feature, run_sql_feature

__all__ = ["check_feature", "check_sql_feature", "feature_values", "run_sql_feature"]
