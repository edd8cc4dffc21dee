"""The stage of portfolios: its tables, assets and jobs."""

from __future__ import annotations

from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import desk_partitions, tags_of_months
from trading_assets.desk.stage import Span, Stage, StageJob
from trading_assets.portfolio.assets import build_assets
from trading_assets.portfolio.books import books
from trading_assets.portfolio.checks import CHECKS
from trading_assets.portfolio.contract import CONTRACTS

TRADING_JOB = "trade_books"


def tags_of_books(desk: Desk, span: Span) -> dict[str, str] | None:
    """Months of a span, of all books."""
    return tags_of_months(desk.part(desk_partitions).by_month("book", desk.part(books)), span.first, span.last)


STAGE = Stage(
    "portfolio",
    contracts=lambda _: CONTRACTS,
    assets=build_assets,
    checks=lambda _: CHECKS,
    jobs=(StageJob(TRADING_JOB, lambda _: [contract.table for contract in CONTRACTS], tags_of_books),),
)
