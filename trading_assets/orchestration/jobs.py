"""One job per kind of partition, in the order data flows, and which partitions each takes for a span of sessions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from trading_assets.desk.partitions import Partitions
from trading_assets.features.sets import SETS
from trading_assets.features.sql.sets import SQL_SETS
from trading_assets.lake.bridge.partition_keys import range_tags

AssetJob = UnresolvedAssetJobDefinition

# Tables by name and year, in the order data flow; those that no source of a desk fills are absent from its job.
_PANEL = (
    ("market_data", "bars_daily"),
    ("market_data", "corporate_actions"),
    ("market_data", "listings"),
    ("market_data", "companies"),
    ("market_data", "fundamentals"),
    ("market_data", "news"),
    ("market_data", "coverage"),
    ("market_data", "anomalies"),
    ("market_data", "source_comparison"),
    *(("features", name) for name in SETS),
    ("labels", "forward_return"),
)
# Tables by year, of all names at once.
_IN_SQL = tuple(("features", name) for name in SQL_SETS)
# What the lake's history tells about restatements is read before maintenance forgets old snapshots.
_UPKEEP = (
    ("market_data", "restatements"),
    ("market_data", "symbol_maintenance"),
    ("market_data", "quotes"),
    ("catalog", "maintenance"),
)
# Job -> asset groups or keys it materialises, in the order of the stages.
_SELECTIONS: dict[str, dg.AssetSelection] = {
    "refresh_symbols": dg.AssetSelection.assets(["market_data", "symbols"], ["market_data", "membership"]),
    "refresh_panel": dg.AssetSelection.assets(*map(list, _PANEL)),
    "refresh_cross_section": dg.AssetSelection.assets(*map(list, _IN_SQL)),
    "train_models": dg.AssetSelection.groups("models"),
    "predict": dg.AssetSelection.groups("predictions"),
    "signal": dg.AssetSelection.groups("signals"),
    "trade_books": dg.AssetSelection.groups("portfolio", "backtest"),
    "report_books": dg.AssetSelection.assets(["reports", "tear_sheet"]),
    "report_models": dg.AssetSelection.assets(["reports", "model_card"]),
    "report_drift": dg.AssetSelection.assets(["features", "drift"]),
}
STAGE_JOBS = tuple(_SELECTIONS)
MAINTENANCE_JOB = "maintain_lake"
INTRADAY_JOB = "refresh_intraday"
INTRADAY_FEATURES_JOB = "refresh_intraday_features"
# A session of a book at its broker: first what the last orders brought, then the next ones.
POLL_JOB, CLOSE_JOB, TRADE_JOB = "poll_fills", "close_session", "trade_live"
_LIVE_SELECTIONS = {
    POLL_JOB: dg.AssetSelection.assets(["live", "fills"], ["live", "activities"]),
    CLOSE_JOB: dg.AssetSelection.assets(
        ["live", "fills"], ["live", "activities"], ["live", "positions"], ["live", "pnl"], ["live", "parity"]
    ),
    TRADE_JOB: dg.AssetSelection.assets(["live", "orders"], ["live", "submissions"]),
}
# A label becomes known up to six sessions after its decision: in January those of December are still to come.
_LABELS_END_WITHIN = timedelta(days=14)
# A month's drift is looked at when it is over; a few days more, in case its last run failed.
_DRIFT_IS_LOOKED_AT_WITHIN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class StageRun:
    """One run: a job and the tags that name its partitions."""

    job: str
    tags: dict[str, str]


def build_jobs(partitions: Partitions, tables: Collection[tuple[str, ...]]) -> dict[str, AssetJob]:
    """Build the stage jobs, the maintenance job and, where the desk has them, those of intraday bars and live trading.

    Parameters
    ----------
    partitions : Partitions
        Partition definitions of the lake.
    tables : collection of tuple of str
        Paths of the asset keys that the desk has.
    """
    selections = _SELECTIONS | (_LIVE_SELECTIONS if partitions.live_sessions else {})
    selections |= {"refresh_panel": _existing(_PANEL, tables), MAINTENANCE_JOB: _existing(_UPKEEP, tables)}
    selections["refresh_cross_section"] = _existing(_IN_SQL, tables)
    if partitions.intraday:
        selections[INTRADAY_JOB] = _existing([("market_data", name) for name in partitions.intraday], tables)
        selections[INTRADAY_FEATURES_JOB] = _existing(_intraday_features(partitions, tables), tables)
    return {name: dg.define_asset_job(name, selection=selection) for name, selection in selections.items()}


def stage_jobs(partitions: Partitions) -> tuple[str, ...]:
    """Jobs that refresh a lake, in order: those of every desk and, where the settings ask for it, intraday bars."""
    if not partitions.intraday:
        return STAGE_JOBS
    # features of bars within sessions need the corporate actions of the panel
    return (STAGE_JOBS[0], INTRADAY_JOB, STAGE_JOBS[1], INTRADAY_FEATURES_JOB, *STAGE_JOBS[2:])


def _intraday_features(partitions: Partitions, tables: Collection[tuple[str, ...]]) -> list[tuple[str, ...]]:
    suffixes = tuple(name.removeprefix("bars") for name in partitions.intraday)
    return sorted(path for path in tables if path[0] == "features" and path[-1].endswith(suffixes))


def plan_stage(job: str, partitions: Partitions, symbols: Sequence[str], first: date, last: date) -> StageRun | None:
    """The run that refreshes a stage for a span of sessions; None where the stage has no partition in it.

    Parameters
    ----------
    job : str
        One of `stage_jobs`.
    partitions : Partitions
        Partition definitions of the lake.
    symbols : sequence of str
        Registered symbols in the order of registration.
    first, last : date
        First and last session.
    """
    planners: dict[str, Callable[[], dict[str, str] | None]] = {
        "refresh_symbols": dict[str, str],
        INTRADAY_JOB: lambda: _running_months(partitions, symbols, first, last),
        INTRADAY_FEATURES_JOB: lambda: _running_months(partitions, symbols, first, last),
        "refresh_panel": lambda: _panel(partitions, symbols, first, last),
        "refresh_cross_section": lambda: range_tags(f"{first.year}", f"{last.year}"),
        "train_models": lambda: _months(partitions, first, last),
        "predict": lambda: _sessions(partitions.model_sessions, first, last),
        "signal": lambda: _sessions(partitions.strategy_sessions, first, last),
        "trade_books": lambda: _sessions(partitions.book_sessions, first, last),
        "report_books": lambda: _all(partitions.books),
        "report_models": lambda: _all(partitions.models),
        "report_drift": lambda: _ended_months(partitions, first, last),
    }
    tags = planners[job]()
    return None if tags is None else StageRun(job, tags)


def _existing(wanted: Sequence[tuple[str, ...]], tables: Collection[tuple[str, ...]]) -> dg.AssetSelection:
    return dg.AssetSelection.assets(*(list(path) for path in wanted if path in tables))


def live_tags(book: str, first: date, last: date | None = None) -> dict[str, str]:
    """Tags of a run over one session, or from one to another, of a book at its broker."""
    ends = [dg.MultiPartitionKey({"book": book, "date": str(session)}) for session in (first, last or first)]
    return range_tags(str(ends[0]), str(ends[1]))


def _panel(partitions: Partitions, symbols: Sequence[str], first: date, last: date) -> dict[str, str] | None:
    """Years of the span, and the year before while labels of its last sessions still become known."""
    years = partitions.existing_years((first - _LABELS_END_WITHIN).year, last.year)
    return range_tags(f"{years[0]}|{symbols[0]}", f"{years[-1]}|{symbols[-1]}") if symbols and years else None


def _running_months(partitions: Partitions, symbols: Sequence[str], first: date, last: date) -> dict[str, str] | None:
    months = [key for key in partitions.months_so_far() if f"{first:%Y-%m}" <= key <= f"{last:%Y-%m}"]
    return range_tags(f"{months[0]}|{symbols[0]}", f"{months[-1]}|{symbols[-1]}") if symbols and months else None


def _months(partitions: Partitions, first: date, last: date) -> dict[str, str] | None:
    """Months that ended, from the one before the first session: its model scores the first session."""
    before = f"{first.year - (first.month == 1)}-{(first.month - 2) % 12 + 1:02d}"
    months = [key for key in partitions.months.get_partition_keys() if before <= key <= f"{last:%Y-%m}"]
    if not months:
        return None
    models = partitions.models.get_partition_keys()
    return range_tags(f"{months[0]}|{models[0]}", f"{months[-1]}|{models[-1]}")


def _ended_months(partitions: Partitions, first: date, last: date) -> dict[str, str] | None:
    """Months of the span that ended; in the first days of a month the one before, whose features are there now."""
    before = first - _DRIFT_IS_LOOKED_AT_WITHIN
    months = [key for key in partitions.months.get_partition_keys() if f"{before:%Y-%m}" <= key <= f"{last:%Y-%m}"]
    return range_tags(months[0], months[-1]) if months else None


def _sessions(definition: dg.MultiPartitionsDefinition, first: date, last: date) -> dict[str, str]:
    names = [dimension.name for dimension in definition.partitions_defs]
    other = next(name for name in names if name != "date")
    values = definition.get_partitions_def_for_dimension(other).get_partition_keys()
    ends = [{"date": str(first), other: values[0]}, {"date": str(last), other: values[-1]}]
    keys = [dg.MultiPartitionKey(end) for end in ends]
    return range_tags(str(keys[0]), str(keys[1]))


def _all(definition: dg.StaticPartitionsDefinition) -> dict[str, str]:
    keys = definition.get_partition_keys()
    return range_tags(keys[0], keys[-1])
