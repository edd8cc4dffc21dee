"""The stage of market data: its tables, assets, checks and jobs."""

from __future__ import annotations

from datetime import timedelta

from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import desk_partitions
from trading_assets.desk.stage import Span, Stage, StageJob
from trading_assets.lake.bridge.partition_keys import range_tags
from trading_assets.market_data.assets import assets
from trading_assets.market_data.checks import CHECKS
from trading_assets.market_data.contract import (
    ANOMALIES,
    BARS_DAILY,
    COMPANIES,
    CONTRACTS,
    CORPORATE_ACTIONS,
    COVERAGE,
    FUNDAMENTALS,
    LISTINGS,
    MEMBERSHIP,
    NEWS,
    SOURCE_COMPARISON,
    SYMBOLS,
)

SYMBOLS_JOB = "refresh_symbols"
INTRADAY_JOB = "refresh_intraday"
PANEL_JOB = "refresh_panel"
# A label becomes known up to six sessions after its decision: in January those of December are still to come.
_LABELS_END_WITHIN = timedelta(days=14)
_PANEL = (
    BARS_DAILY,
    CORPORATE_ACTIONS,
    LISTINGS,
    COMPANIES,
    FUNDAMENTALS,
    NEWS,
    COVERAGE,
    ANOMALIES,
    SOURCE_COMPARISON,
)


def tags_of_panel(desk: Desk, span: Span) -> dict[str, str] | None:
    """Years of a span, of all names, and the year before while labels of its last sessions still become known."""
    years = desk.part(desk_partitions).existing_years((span.first - _LABELS_END_WITHIN).year, span.last.year)
    if not years or not span.symbols:
        return None
    return range_tags(f"{years[0]}|{span.symbols[0]}", f"{years[-1]}|{span.symbols[-1]}")


def tags_of_intraday(desk: Desk, span: Span) -> dict[str, str] | None:
    """Months of a span, of all names."""
    months = desk.part(desk_partitions).months_so_far()
    keys = [key for key in months if f"{span.first:%Y-%m}" <= key <= f"{span.last:%Y-%m}"]
    if not keys or not span.symbols:
        return None
    return range_tags(f"{keys[0]}|{span.symbols[0]}", f"{keys[-1]}|{span.symbols[-1]}")


STAGE = Stage(
    "market_data",
    contracts=lambda _: CONTRACTS,
    assets=assets,
    checks=lambda _: CHECKS,
    jobs=(
        StageJob(SYMBOLS_JOB, lambda _: (SYMBOLS.table, MEMBERSHIP.table), lambda *_: {}),
        StageJob(
            INTRADAY_JOB,
            lambda desk: [f"market_data.{name}" for name in desk.part(desk_partitions).intraday],
            tags_of_intraday,
        ),
        StageJob(PANEL_JOB, lambda _: [contract.table for contract in _PANEL], tags_of_panel),
    ),
)
