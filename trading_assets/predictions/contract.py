"""Tables of predictions."""

import datetime as dt

import polars as pl

from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.contracts.pandera_polars import pa


class Daily(pa.DataFrameModel):
    """What each model expects of each name, from features of the session and a model trained before it."""

    model: str = column("name of the model")
    date: dt.date = column("session")
    symbol: str = column("ticker")
    prediction: float = column("expected standing among the names; higher is better", unit="standard deviations")
    trained_through: dt.date = column("knowledge cut of the model that was used")
    model_hash: str = column("SHA-256 of that model's trees")

    @pa.dataframe_check(name="the model was not trained strictly before the session")
    def model_is_earlier(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 - pandera passes the class
        """The model that scored a session knew nothing of it."""
        return data.lazyframe.select(pl.col("trained_through") < pl.col("date"))


DAILY = Contract(Daily, "predictions.daily", key=("model", "date", "symbol"), time="date")
CONTRACTS = (DAILY,)
