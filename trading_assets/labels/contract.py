"""Tables of labels."""

import datetime as dt

from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.contracts.pandera_polars import pa


class ForwardReturn(pa.DataFrameModel):
    """What a name returned after the decision: from the next session's open, over the horizon, dividends included."""

    symbol: str = column("ticker")
    date: dt.date = column("session after whose close the decision is taken")
    entry_date: dt.date = column("session at whose open the return starts: the next one")
    exit_date: dt.date = column(
        "session at whose open the return ends, or in which a delisting's return is known; the label is known after it"
    )
    forward_return: float = column("total return from entry to exit", unit="fraction", ge=-1)


FORWARD_RETURN = Contract(ForwardReturn, "labels.forward_return", key=("symbol", "date"), time="date")
CONTRACTS = (FORWARD_RETURN,)
