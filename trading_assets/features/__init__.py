"""Features: what is known about a name after the close of a session.

What lives here: what a feature and a set of features are (`feature_set`), the sets, one package each, their
computation, contracts, assets and checks; the user's own features (`expressions`); features in SQL (`sql`), whose
models are the dbt project `dbt_features`; all daily features side by side (`matrix`); how far the features of a month
are from those of the year before (`drift`).
What to put here: sets of features, each a table of symbol, date and Float32 columns with a declared look-back.
What not: anything that reads a later session (`labels`), anything fitted to data (`models`).
"""

from trading_assets.features.feature_set import Feature, FeatureSet
from trading_assets.features.registry import FeatureError, OwnFeature, feature

__all__ = ["Feature", "FeatureError", "FeatureSet", "OwnFeature", "feature"]
