"""Table of drift: how far a month's features are from those of the year before."""

import datetime as dt

import polars as pl

from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.contracts.pandera_polars import pa


class Drift(pa.DataFrameModel):
    """How far each month of each feature is from the calendar year before it.

    Rows of a panel depend on each other, so p-values are smaller than they should be: use them only to rank features.
    """

    month: dt.date = column("first day of the month")
    feature: str = column("feature")
    rows: pl.Int64 = column("rows of the month", unit="rows", ge=0)
    values: pl.Int64 = column("rows of the month with a value", unit="rows", ge=0)
    reference_values: pl.Int64 = column("rows of the calendar year before with a value", unit="rows", ge=0)
    missing_share: float = column("share of the month's rows without a value", unit="fraction", ge=0, le=1)
    reference_missing_share: float = column(
        "share of the rows of the year before without a value; null where it has no row",
        unit="fraction",
        nullable=True,
        ge=0,
        le=1,
    )
    mean_shift: float = column(
        "mean of the month - mean of the year before; null below 60 values or where those did not vary",
        unit="standard deviations of the year before",
        nullable=True,
    )
    psi: float = column(
        "population stability index over the deciles of the year before; above 0.25 the population has changed; null "
        "below 60 values",
        nullable=True,
        ge=0,
    )
    ks: float = column(
        "Kolmogorov-Smirnov distance between the distributions; null below 60 values", nullable=True, ge=0, le=1
    )
    p_value: float = column("asymptotic p-value of that distance", nullable=True, ge=0, le=1)


DRIFT = Contract(Drift, "features.drift", key=("month", "feature"), time="month")
