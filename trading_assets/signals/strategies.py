"""The strategies of the desk: which model's predictions each one follows."""

from collections.abc import Mapping
from types import MappingProxyType

from trading_assets.desk.desk import Desk

STRATEGIES: Mapping[str, str] = MappingProxyType({"ml_alpha": "lgbm_daily"})


def strategies(desk: Desk) -> Mapping[str, str]:
    """Strategies of a desk, by name."""
    del desk
    return STRATEGIES
