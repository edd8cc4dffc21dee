"""The stage of live trading: its tables, assets, checks and jobs, each over sessions of a book at its broker."""

from __future__ import annotations

from datetime import date

import dagster as dg

from trading_assets.desk.stage import Stage, StageJob
from trading_assets.lake.bridge.partition_keys import range_tags
from trading_assets.live.assets import build_assets
from trading_assets.live.checks import CHECKS
from trading_assets.live.contract import ACTIVITIES, CONTRACTS, FILLS, ORDERS, PARITY, PNL, POSITIONS, SUBMISSIONS

# A session of a book at its broker: first the results of the last orders, then the next orders.
POLL_JOB, CLOSE_JOB, TRADE_JOB = "poll_fills", "close_session", "trade_live"
_COLLECTED = (FILLS.table, ACTIVITIES.table)
_CLOSED = (*_COLLECTED, POSITIONS.table, PNL.table, PARITY.table)
_TRADED = (ORDERS.table, SUBMISSIONS.table)


def live_tags(book: str, first: date, last: date | None = None) -> dict[str, str]:
    """Tags of a run over one session, or from one to another, of a book at its broker."""
    ends = [dg.MultiPartitionKey({"book": book, "date": str(session)}) for session in (first, last or first)]
    return range_tags(str(ends[0]), str(ends[1]))


STAGE = Stage(
    "live",
    contracts=lambda _: CONTRACTS,
    assets=build_assets,
    checks=lambda _: CHECKS,
    jobs=(
        StageJob(POLL_JOB, lambda _: _COLLECTED),
        StageJob(CLOSE_JOB, lambda _: _CLOSED),
        StageJob(TRADE_JOB, lambda _: _TRADED),
    ),
)
