"""Tables about the quality of the data: failures, coverage, anomalies, restatements, comparison of sources."""

import datetime as dt

from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.contracts.pandera_polars import pa
from trading_assets.market_data.contract.bars import Moment

FAILURE_REASONS = ("unknown_symbol", "delisted", "rate_limited", "outage", "bad_answer", "no_data")
ANOMALY_KINDS = ("gap", "stale", "outlier", "zero_volume", "split_without_action", "relisted")


class SourceFailures(pa.DataFrameModel):
    """Symbols that failed at the last request, and why; a later answer removes the row."""

    table_name: str = column("table that was requested")
    symbol: str = column("ticker", str_length={"min_value": 1})
    source: str = column("source whose error is reported")
    reason: str = column("class of the failure", isin=list(FAILURE_REASONS))
    message: str = column("error of the source, and what to do")
    asked_at: Moment = column("time of the request", unit="UTC")  # type: ignore[valid-type]


class Coverage(pa.DataFrameModel):
    """Daily bars by symbol and month: how many the calendar expects, how many there are."""

    symbol: str = column("ticker", str_length={"min_value": 1})
    period: dt.date = column("first day of the month")
    expected: int = column("sessions of the month in which the symbol is listed and whose close has passed", ge=0)
    present: int = column("of those, sessions with a bar", ge=0)
    quarantined: int = column("bars of the month in quarantine", ge=0)


class Anomalies(pa.DataFrameModel):
    """Daily bars that are missing or look wrong, one row per symbol, session and kind."""

    symbol: str = column("ticker", str_length={"min_value": 1})
    date: dt.date = column("session")
    kind: str = column("gap, stale, outlier, zero_volume, split_without_action or relisted", isin=list(ANOMALY_KINDS))
    value: float = column(
        "size: return of an outlier, sessions unchanged or missing, ratio of a jump, days silent", nullable=True
    )
    message: str = column("what was found and what to do")


class SymbolMaintenance(pa.DataFrameModel):
    """What to do about symbols that have stopped delivering bars."""

    symbol: str = column("ticker", str_length={"min_value": 1})
    last_bar: dt.date = column("session of its last bar; null if it has none", nullable=True)
    missing_sessions: int = column("sessions without a bar since then", ge=0)
    proposal: str = column("watch, or delist", isin=["watch", "delist"])
    reason: str = column("why, and what to do")


class SourceComparison(pa.DataFrameModel):
    """The same bars from two sources: fields that differ by more than the tolerance."""

    symbol: str = column("ticker", str_length={"min_value": 1})
    date: dt.date = column("session")
    field: str = column("column of the bar, or presence if one source lacks it")
    stored_source: str = column("source of the stored bar", nullable=True)
    other_source: str = column("source it is compared with")
    stored: float = column("stored value; null if it is missing", nullable=True)
    other: float = column("value of the other source; null if it is missing", nullable=True)
    difference: float = column("relative difference; null if one is missing", unit="fraction", nullable=True)


class Restatements(pa.DataFrameModel):
    """Every stored bar that was changed later, with its old and its new value."""

    table_name: str = column("table of the bar")
    symbol: str = column("ticker", str_length={"min_value": 1})
    date: dt.date = column("session")
    ts: Moment = column("start of the bar; midnight of the session for a daily one", unit="UTC")  # type: ignore[valid-type]
    field: str = column("column that changed; bar if the whole bar was removed, source if nothing else changed")
    old: float = column("value before", nullable=True)
    new: float = column("value after; null if the bar was removed", nullable=True)
    old_source: str = column("source of the bar before", nullable=True)
    new_source: str = column("source of the bar after", nullable=True)
    snapshot: int = column("snapshot of the lake that changed it", ge=0)
    found_at: Moment = column("time of that snapshot", unit="UTC")  # type: ignore[valid-type]


SOURCE_FAILURES = Contract(SourceFailures, "market_data.source_failures", key=("table_name", "symbol"))
COVERAGE = Contract(Coverage, "market_data.coverage", key=("symbol", "period"), time="period")
ANOMALIES = Contract(Anomalies, "market_data.anomalies", key=("symbol", "date", "kind"), time="date")
SYMBOL_MAINTENANCE = Contract(SymbolMaintenance, "market_data.symbol_maintenance", key=("symbol",))
SOURCE_COMPARISON = Contract(
    SourceComparison, "market_data.source_comparison", key=("symbol", "date", "field", "other_source"), time="date"
)
RESTATEMENTS = Contract(
    Restatements,
    "market_data.restatements",
    key=("table_name", "symbol", "date", "ts", "field", "snapshot"),
)
CONTRACTS = (COVERAGE, ANOMALIES, SYMBOL_MAINTENANCE, SOURCE_COMPARISON, RESTATEMENTS)
