"""The feature sets in Python that the project ships, in the order of their pages and columns."""

from trading_assets.features.alpha158.catalogue import SET as ALPHA158
from trading_assets.features.calendar.catalogue import SET as CALENDAR
from trading_assets.features.feature_set import FeatureSet
from trading_assets.features.microstructure.catalogue import SET as MICROSTRUCTURE
from trading_assets.features.price_action.catalogue import SET as PRICE_ACTION
from trading_assets.features.statistical.catalogue import SET as STATISTICAL
from trading_assets.features.technical.catalogue import SET as TECHNICAL
from trading_assets.features.volatility.catalogue import SET as VOLATILITY

SHIPPED: tuple[FeatureSet, ...] = (TECHNICAL, PRICE_ACTION, VOLATILITY, STATISTICAL, CALENDAR, MICROSTRUCTURE, ALPHA158)
"""The project's sets."""
