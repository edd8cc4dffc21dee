"""Tables of signals."""

import datetime as dt

from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.contracts.pandera_polars import pa


class Scores(pa.DataFrameModel):
    """What each strategy thinks of each name after a session: -1 is the worst, 1 the best, no row is no opinion."""

    strategy: str = column("name of the strategy")  # type: ignore[assignment]  # hides pandera's, unused
    date: dt.date = column("session after whose close the score is known")
    symbol: str = column("ticker")
    score: float = column("opinion, comparable among the names of the session", ge=-1, le=1)


SCORES = Contract(Scores, "signals.scores", key=("strategy", "date", "symbol"), time="date")
CONTRACTS = (SCORES,)
