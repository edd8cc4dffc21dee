"""Tables of portfolios."""

import datetime as dt

import polars as pl

from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.contracts.pandera_polars import pa


class TargetWeights(pa.DataFrameModel):
    """What each book wants to hold after each session, as shares of its equity."""

    book: str = column("name of the book")
    date: dt.date = column("session after whose close the target holds")
    symbol: str = column("ticker")
    weight: float = column("target value of the position over equity; negative is short", unit="fraction")
    is_rebalance: pl.Boolean = column("whether the book trades towards the target after this session")


TARGET_WEIGHTS = Contract(TargetWeights, "portfolio.target_weights", key=("book", "date", "symbol"), time="date")
CONTRACTS = (TARGET_WEIGHTS,)
