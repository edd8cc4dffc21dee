"""The models of the desk, by name. A new model is one entry."""

from collections.abc import Mapping
from types import MappingProxyType

from trading_assets.models.training import ModelSpec

MODELS: Mapping[str, ModelSpec] = MappingProxyType({"lgbm_daily": ModelSpec(name="lgbm_daily")})
