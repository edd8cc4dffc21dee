"""Assets of the backtest: every book replayed session by session."""

from collections.abc import Mapping
from datetime import timedelta

import dagster as dg
import polars as pl

from trading_assets.backtest.contract import FILLS, ORDERS, PNL, POSITIONS
from trading_assets.desk import mappings
from trading_assets.desk.calendar import sessions
from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import Partitions
from trading_assets.desk.retries import retry_when_not_ready
from trading_assets.lake import LakeFrame
from trading_assets.lake.bridge.table_assets import run_scope_of, table_in, table_out
from trading_assets.market_data.contract import BARS_DAILY, CORPORATE_ACTIONS, LISTINGS, SYMBOLS
from trading_assets.portfolio.books import Book
from trading_assets.portfolio.contract import TARGET_WEIGHTS

OWNER = "portfolio"
_BAR_COLUMNS = ("symbol", "date", "open", "close", "volume")


def build_assets(partitions: Partitions, books: Mapping[str, Book]) -> list[dg.AssetsDefinition]:
    """Build the assets of this stage."""

    @dg.multi_asset(
        outs={
            contract.asset_key[1]: table_out(contract, owner=OWNER, kinds={"numba"})
            for contract in (ORDERS, FILLS, POSITIONS, PNL)
        },
        ins={
            "symbols": table_in(SYMBOLS),
            "bars_daily": table_in(BARS_DAILY, mappings.everything_so_far()),
            "corporate_actions": table_in(CORPORATE_ACTIONS, mappings.everything_so_far()),
            "listings": table_in(LISTINGS, mappings.everything_so_far()),
            "target_weights": table_in(TARGET_WEIGHTS),
        },
        partitions_def=partitions.book_sessions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        name="replay_books",
    )
    def replay(
        context: dg.AssetExecutionContext,
        desk: dg.ResourceParam[Desk],
        symbols: LakeFrame,
        bars_daily: LakeFrame,
        corporate_actions: LakeFrame,
        listings: LakeFrame,
        target_weights: LakeFrame,
    ) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        from trading_assets.backtest.panel import with_delisting_returns
        from trading_assets.backtest.simulate import simulate

        scope = run_scope_of(context, PNL)
        first, last = scope.window()
        listed = with_delisting_returns(symbols.read(["symbol", "delisted_on"]), listings.read(kind="delisting"))
        results = []
        for name in scope.values["book"]:
            book = books[name]
            begin = max(book.start or desk.settings.start, desk.settings.start)
            days = sessions(desk.settings.exchange, begin, last) if begin <= last else []
            with retry_when_not_ready(desk.settings.retry_seconds):
                target_weights.require_written([f"{name}|{day}" for day in days], for_what=PNL.table)
            weights = target_weights.read(start=begin, end=last, book=name)
            held = weights["symbol"].unique().sort().to_list()
            results.append(
                simulate(
                    book,
                    bars_daily.read(_BAR_COLUMNS, start=begin - timedelta(days=30), end=last, symbol=held),
                    corporate_actions.read(start=begin, end=last, symbol=held),
                    weights,
                    symbols=listed,
                    sessions=days,
                ).tables
            )
        frames = (
            pl.concat(parts).filter(pl.col("date").is_between(first, last)) for parts in zip(*results, strict=True)
        )
        orders, fills, positions, pnl = frames
        return orders, fills, positions, pnl

    return [replay]
