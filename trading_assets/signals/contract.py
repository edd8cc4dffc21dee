"""Tables of signals."""

import datetime as dt

from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.contracts.pandera_polars import pa


class MlAlpha(pa.DataFrameModel):
    """Score of each name in the session, from the model's prediction: -1 is the worst of the names, 1 the best."""

    strategy: str = column("name of the strategy")  # type: ignore[assignment]  # hides pandera's, unused
    date: dt.date = column("session after whose close the score is known")
    symbol: str = column("ticker")
    score: float = column("standing among the names of the session", ge=-1, le=1)


ML_ALPHA = Contract(MlAlpha, "signals.ml_alpha", key=("strategy", "date", "symbol"), time="date")
CONTRACTS = (ML_ALPHA,)
