"""The strategies of the desk: which model's predictions each one follows."""

from collections.abc import Mapping
from types import MappingProxyType

STRATEGIES: Mapping[str, str] = MappingProxyType({"ml_alpha": "lgbm_daily"})
