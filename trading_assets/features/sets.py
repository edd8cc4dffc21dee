"""The feature sets of the desk, in the order of their pages and columns."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from trading_assets.features.feature import FeatureSet
from trading_assets.features.price_action.catalogue import SET as PRICE_ACTION
from trading_assets.features.statistical.catalogue import SET as STATISTICAL
from trading_assets.features.technical.catalogue import SET as TECHNICAL
from trading_assets.features.volatility.catalogue import SET as VOLATILITY

SETS: Mapping[str, FeatureSet] = MappingProxyType(
    {one.name: one for one in (TECHNICAL, PRICE_ACTION, VOLATILITY, STATISTICAL)}
)
