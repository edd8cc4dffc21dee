"""Assets of the backtest: every book replayed session by session."""

from datetime import timedelta

import dagster as dg
import polars as pl

from trading_assets.backtest.contract import FILLS, ORDERS, PNL, POSITIONS
from trading_assets.desk import mappings
from trading_assets.desk.calendar import sessions
from trading_assets.desk.desk import Desk
from trading_assets.desk.failures import Failures
from trading_assets.desk.partitions import closed_sessions_of, desk_partitions, through_by_month
from trading_assets.lake import LakeFrame
from trading_assets.lake.bridge.io_manager import Rows, TableOutput
from trading_assets.lake.bridge.portions import PortionWriter
from trading_assets.lake.bridge.table_assets import run_scope_of, table_in, table_out
from trading_assets.market_data.contract import BARS_DAILY, CORPORATE_ACTIONS, LISTINGS, SYMBOLS
from trading_assets.portfolio.books import books
from trading_assets.portfolio.contract import TARGET_WEIGHTS

OWNER = "portfolio"
_TABLES = (ORDERS, FILLS, POSITIONS, PNL)
_BAR_COLUMNS = ("symbol", "date", "open", "close", "volume")


def build_assets(desk: Desk) -> list[dg.AssetsDefinition]:
    """Build the assets of this stage."""
    partitions = desk.part(desk_partitions)

    @dg.multi_asset(
        outs={contract.asset_key[1]: table_out(contract, owner=OWNER, kinds={"numba"}) for contract in _TABLES},
        ins={
            "symbols": table_in(SYMBOLS),
            "bars_daily": table_in(BARS_DAILY, mappings.everything_so_far()),
            "corporate_actions": table_in(CORPORATE_ACTIONS, mappings.everything_so_far()),
            "listings": table_in(LISTINGS, mappings.everything_so_far()),
            "target_weights": table_in(TARGET_WEIGHTS, mappings.everything_so_far()),
        },
        partitions_def=partitions.by_month("book", desk.part(books)),
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
    ) -> tuple[TableOutput, TableOutput, TableOutput, TableOutput]:
        from trading_assets.backtest.panel import with_delisting_returns
        from trading_assets.backtest.simulate import simulate

        scope = run_scope_of(context, PNL)
        closed = closed_sessions_of(desk, scope)
        if not closed:
            return Rows(ORDERS.empty()), Rows(FILLS.empty()), Rows(POSITIONS.empty()), Rows(PNL.empty())
        first, last = closed[0], closed[-1]
        inside = pl.col("date").is_between(first, last)
        listed = with_delisting_returns(symbols.read(["symbol", "delisted_on"]), listings.read(kind="delisting"))
        writers = [PortionWriter(context, desk.lake, contract, scope, "book", through=last) for contract in _TABLES]
        failures = Failures("book")
        for name in scope.values["book"]:
            with failures.of(name):
                book = desk.part(books)[name]
                begin = max(book.start or desk.settings.start, desk.settings.start)
                days = sessions(desk.settings.exchange, begin, last) if begin <= last else []
                target_weights.require_written_through(through_by_month(days, "book", name), for_what=PNL.table)
                weights = target_weights.read(start=begin, end=last, book=name)
                held = weights["symbol"].unique().sort().to_list()
                result = simulate(
                    book,
                    bars_daily.read(_BAR_COLUMNS, start=begin - timedelta(days=30), end=last, symbol=held),
                    corporate_actions.read(start=begin, end=last, symbol=held),
                    weights,
                    symbols=listed,
                    sessions=days,
                )
                for writer, rows in zip(writers, result.tables, strict=True):
                    writer.add(name, rows.filter(inside))
        for writer in writers:
            writer.flush()
        failures.raise_them(desk.settings.retry_seconds)
        orders, fills, positions, pnl = (writer.written() for writer in writers)
        return orders, fills, positions, pnl

    return [replay]
