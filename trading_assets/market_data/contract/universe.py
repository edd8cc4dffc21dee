"""Tables of who trades when: the names of the universe, listing events, membership by date."""

import datetime as dt

from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.contracts.contract import DUPLICATE
from trading_assets.lake.contracts.pandera_polars import pa
from trading_assets.market_data.contract.bars import NAMELESS, Moment


class Symbols(pa.DataFrameModel):
    """Every symbol of the universe with the span in which the source has bars of it."""

    symbol: str = column("ticker", str_length={"min_value": 1})
    name: str = column("name of the company or fund", nullable=True)
    exchange: str = column("calendar code of the exchange, for instance XNYS")
    currency: str = column("currency of the prices, ISO 4217")
    first_session: dt.date = column("session of the first bar")
    last_session: dt.date = column("session of the last bar known")
    delisted_on: dt.date = column("first session on which it no longer trades; null while listed", nullable=True)
    source: str = column("name of the source")


class Listings(pa.DataFrameModel):
    """Listings, delistings and renames with the moment when each became known."""

    symbol: str = column("ticker that the event is about", str_length={"min_value": 1})
    date: dt.date = column("first session of a listing or a new ticker; first session without a delisted symbol")
    kind: str = column("listing, delisting or rename", isin=["listing", "delisting", "rename"])
    value: float = column(
        "delisting: return from the last close to what holders received; null if it is not known",
        unit="fraction",
        nullable=True,
        ge=-1,
    )
    other_symbol: str = column("rename: the ticker before", nullable=True)
    known_at: Moment = column("moment from which a decision may use it", unit="UTC")  # type: ignore[valid-type]
    source: str = column("name of the source")


class Membership(pa.DataFrameModel):
    """Which symbols belong to the universe when."""

    universe: str = column("name of the universe or index")
    symbol: str = column("ticker", str_length={"min_value": 1})
    first_date: dt.date = column("first day of the membership")
    last_date: dt.date = column("last day of the membership; null while it continues", nullable=True)
    basis: str = column(
        "dated: by the day of the list or listing; hindsight: a list used for days before its own",
        isin=["dated", "hindsight"],
    )
    listed_on: dt.date = column("day of the list; null if the span is that of a listing", nullable=True)
    source: str = column("list, index, screen, or the source whose listing it is")


SYMBOLS = Contract(Symbols, "market_data.symbols", key=("symbol",), quarantine_limit=0.01)
LISTINGS = Contract(
    Listings,
    "market_data.listings",
    key=("symbol", "date", "kind"),
    time="date",
    tolerated=(*NAMELESS, DUPLICATE),
)
MEMBERSHIP = Contract(Membership, "market_data.membership", key=("universe", "symbol", "first_date"))
CONTRACTS = (SYMBOLS, LISTINGS, MEMBERSHIP)
