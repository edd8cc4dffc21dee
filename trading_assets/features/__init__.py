"""Features: what is known of a name after the close of a session.

What lives here: what a feature and a set of features are (`feature_set`), the sets, each in a package of its own, their
computation, contracts, assets and checks; your own features (`own`); those in SQL (`sql`), whose models are the dbt
project `dbt_features`; all daily features side by side (`matrix`); how far a month is from the year before (`drift`).
What to put here: sets of features, each a table of symbol, date and Float32 columns with a declared look-back.
What not: anything that reads a later session (`labels`), anything fitted to data (`models`).
"""

from trading_assets.features.feature_set import Feature, FeatureSet
from trading_assets.features.registry import FeatureError, OwnFeature, feature

__all__ = ["Feature", "FeatureError", "FeatureSet", "OwnFeature", "feature"]
