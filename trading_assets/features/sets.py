"""The feature sets of the desk, in the order of their pages and columns."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType, ModuleType

from trading_assets.features import own
from trading_assets.features.alpha158.catalogue import SET as ALPHA158
from trading_assets.features.calendar.catalogue import SET as CALENDAR
from trading_assets.features.expressions import own_set
from trading_assets.features.feature_set import FeatureSet, table_of
from trading_assets.features.microstructure.catalogue import SET as MICROSTRUCTURE
from trading_assets.features.price_action.catalogue import SET as PRICE_ACTION
from trading_assets.features.sql.catalogue import SHIPPED as SHIPPED_IN_SQL
from trading_assets.features.sql.own import own_sets
from trading_assets.features.statistical.catalogue import SET as STATISTICAL
from trading_assets.features.technical.catalogue import SET as TECHNICAL
from trading_assets.features.volatility.catalogue import SET as VOLATILITY

SHIPPED: tuple[FeatureSet, ...] = (TECHNICAL, PRICE_ACTION, VOLATILITY, STATISTICAL, CALENDAR, MICROSTRUCTURE, ALPHA158)
"""The project's own sets."""


def with_own(shipped: tuple[FeatureSet, ...], package: ModuleType) -> Mapping[str, FeatureSet]:
    """Sets by name: the project's, and that of your own features where a package has some.

    Raises
    ------
    ValueError
        Two features have the same name.
    FeatureError
        A feature of your own cannot be used.
    """
    names = table_of(feature for one in shipped for feature in one.features.values())
    in_sql = (name for one in (*SHIPPED_IN_SQL, *own_sets()) for name in one.features)
    yours = own_set(package, [*names, *in_sql])
    return MappingProxyType({one.name: one for one in (*shipped, *([yours] if yours else []))})


SETS: Mapping[str, FeatureSet] = with_own(SHIPPED, own)
