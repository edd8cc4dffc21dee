"""Tables of features: one column per entry of each set's catalogue."""

import datetime as dt

import polars as pl

from trading_assets.features._catalog import FEATURES
from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.pandera_polars import pa

RANKED = ("log_return_21", "log_return_252", "realised_volatility_63", "rsi_14", "volume_ratio_21")


def _model(name: str, doc: str, columns: dict[str, str]) -> type[pa.DataFrameModel]:
    fields: dict[str, object] = {
        "__doc__": doc,
        "__module__": __name__,
        "__annotations__": {"symbol": str, "date": dt.date} | dict.fromkeys(columns, pl.Float32),
        "symbol": column("ticker"),
        "date": column("session"),
    }
    for feature, description in columns.items():
        unit = FEATURES[feature].unit if feature in FEATURES else "fraction"
        bounds = {} if feature in FEATURES else {"ge": 0.0, "le": 1.0}
        fields[feature] = column(description, unit=unit, nullable=True, **bounds)
    return type(name, (pa.DataFrameModel,), fields)


Technical = _model(
    "Technical",
    "Trend, momentum, volatility and volume of each name from its own bars up to and including the session.",
    {name: feature.doc for name, feature in FEATURES.items()},
)
CrossSection = _model(
    "CrossSection",
    "Where each name stands among all names of the session: ranks from 0 (lowest) to 1 (highest).",
    {f"{name}_rank": f"cross-sectional rank of {name}; null where {name} is" for name in RANKED},
)

TECHNICAL = Contract(Technical, "features.technical", key=("symbol", "date"), time="date")
CROSS_SECTION = Contract(CrossSection, "features.cross_section", key=("symbol", "date"), time="date")
CONTRACTS = (TECHNICAL, CROSS_SECTION)
