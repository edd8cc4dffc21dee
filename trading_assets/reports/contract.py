"""Tables of reports."""

import datetime as dt

import polars as pl

from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.contracts.pandera_polars import pa


class BookStatistics(pa.DataFrameModel):
    """Statistics of each book over its whole history, after costs."""

    book: str = column("name of the book")
    statistic: str = column("name of the statistic")
    value: float = column("value; null where the history is too short for it", nullable=True)
    unit: str = column("unit of the value")


class ModelCard(pa.DataFrameModel):
    """How well each model's predictions ordered the names, month by month, out of sample."""

    model: str = column("name of the model")
    month: dt.date = column("first day of the month")
    sessions: pl.Int64 = column("sessions with a correlation", ge=0)
    rank_ic: float = column("mean rank correlation of prediction and forward return", nullable=True, ge=-1, le=1)


TEAR_SHEET = Contract(BookStatistics, "reports.tear_sheet", key=("book", "statistic"))
MODEL_CARD = Contract(ModelCard, "reports.model_card", key=("model", "month"))
CONTRACTS = (TEAR_SHEET, MODEL_CARD)
