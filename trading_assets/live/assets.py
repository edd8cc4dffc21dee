"""Assets of live trading: plan, send, collect fills, close the session, compare with the backtest."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, cast

import dagster as dg
import polars as pl

from trading_assets.desk import mappings
from trading_assets.desk.calendar import sessions
from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import desk_partitions, through_by_month
from trading_assets.desk.retries import retry_when_not_ready
from trading_assets.figures import figure
from trading_assets.lake import LakeFrame
from trading_assets.lake.bridge.io_manager import Written
from trading_assets.lake.bridge.table_assets import run_scope_of, table_asset, table_in, table_out
from trading_assets.lake.store.writes import together
from trading_assets.live.contract import ACTIVITIES, AUDIT, FILLS, ORDERS, PARITY, PNL, POSITIONS, SUBMISSIONS
from trading_assets.live.errors import about
from trading_assets.market_data.contract import BARS_DAILY, CORPORATE_ACTIONS, SYMBOLS
from trading_assets.portfolio.books import Book
from trading_assets.portfolio.books import books as desk_books
from trading_assets.portfolio.contract import TARGET_WEIGHTS

OWNER = "trading"


class SubmissionConfig(dg.Config):
    """Run configuration of the sink.

    Attributes
    ----------
    retry_rejected : bool
        Send orders again that the broker rejected after it had accepted them, each as its next attempt.
    """

    retry_rejected: bool = False


def build_assets(desk: Desk) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Build the assets of this stage; none where no book has a broker."""
    books = {name: book for name, book in desk.part(desk_books).items() if book.live is not None}
    if not books:
        return []
    sessions_of_books = desk.part(desk_partitions).by_session("book", books)
    return [_orders(sessions_of_books, books), _submissions(sessions_of_books, books), _fills(sessions_of_books, books),
            _closing(sessions_of_books, books), _parity(sessions_of_books, books), _audit()]  # fmt: skip


def _orders(partitions_def: dg.PartitionsDefinition, books: Mapping[str, Book]) -> dg.AssetsDefinition:
    @dg.asset(
        **table_asset(ORDERS, owner=OWNER, kinds={"python"}),
        partitions_def=partitions_def,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={
            "target_weights": table_in(TARGET_WEIGHTS, mappings.month_of_the_session()),
            "bars_daily": table_in(BARS_DAILY, mappings.everything_so_far()),
        },
    )
    def orders(
        context: dg.AssetExecutionContext,
        desk: dg.ResourceParam[Desk],
        target_weights: LakeFrame,
        bars_daily: LakeFrame,
    ) -> pl.DataFrame:
        from trading_assets.live.orders import planned_orders

        found = [ORDERS.empty()]
        for book, session in _book_sessions(context, desk, books):
            with retry_when_not_ready(desk.settings.retry_seconds), about(book.name, session):
                target_weights.require_written_through(
                    through_by_month([session], "book", book.name), for_what=ORDERS.table
                )
                found.append(planned_orders(desk, book, session, target_weights, bars_daily))
        return pl.concat(found)

    return cast("dg.AssetsDefinition", orders)


def _submissions(partitions_def: dg.PartitionsDefinition, books: Mapping[str, Book]) -> dg.AssetsDefinition:
    @dg.asset(
        **table_asset(SUBMISSIONS, owner=OWNER, kinds={"alpaca"}),
        partitions_def=partitions_def,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"orders": table_in(ORDERS)},
    )
    def submissions(
        context: dg.AssetExecutionContext, config: SubmissionConfig, desk: dg.ResourceParam[Desk], orders: LakeFrame
    ) -> dg.MaterializeResult[Any]:
        from trading_assets.live.submissions import send_session

        sent = []
        for book, session in _book_sessions(context, desk, books):
            with retry_when_not_ready(desk.settings.retry_seconds), about(book.name, session):
                rows = orders.read(start=session, end=session, book=book.name)
                again = config.retry_rejected
                sent.append(send_session(desk, book, session, rows, run_id=context.run.run_id, retry_rejected=again))
        rows = pl.concat([SUBMISSIONS.empty(), *(one.rows for one in sent)])
        if rows.height:
            context.log_event(dg.AssetMaterialization(AUDIT.asset_key, description="decisions about these orders"))
        for row in rows.filter(pl.col("status") == "dry_run").iter_rows(named=True):
            context.log.info(
                f"dry run, not sent: {row['side']} {figure(row['quantity'])} {row['symbol']} {row['date']}"
            )
        written = Written(together([one.written for one in sent])) if sent else rows
        return dg.MaterializeResult(
            value=written, metadata={"statuses": _counts(rows), "trading": desk.settings.trading}
        )

    return cast("dg.AssetsDefinition", submissions)


def _fills(partitions_def: dg.PartitionsDefinition, books: Mapping[str, Book]) -> dg.AssetsDefinition:
    @dg.multi_asset(
        outs={
            contract.asset_key[1]: table_out(contract, owner=OWNER, kinds={"alpaca"})
            for contract in (FILLS, ACTIVITIES)
        },
        ins={"submissions": table_in(SUBMISSIONS, mappings.previous_session_of_the_book())},
        partitions_def=partitions_def,
        backfill_policy=dg.BackfillPolicy.single_run(),
        name="collect_fills",
    )
    def collect(
        context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk], submissions: LakeFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        from trading_assets.live.fills import collected

        fills, others = [FILLS.empty()], [ACTIVITIES.empty()]
        for name, days in _by_book(context, desk, books).items():
            with retry_when_not_ready(desk.settings.retry_seconds), about(name, days[-1]):
                found = collected(desk, books[name], days, submissions)
            fills.append(found[0])
            others.append(found[1])
        return pl.concat(fills), pl.concat(others)

    return collect


def _closing(partitions_def: dg.PartitionsDefinition, books: Mapping[str, Book]) -> dg.AssetsDefinition:
    @dg.multi_asset(
        outs={
            contract.asset_key[1]: table_out(contract, owner=OWNER, kinds={"python"}) for contract in (POSITIONS, PNL)
        },
        ins={
            "fills": table_in(FILLS),
            "activities": table_in(ACTIVITIES),
            "bars_daily": table_in(BARS_DAILY, mappings.everything_so_far()),
            "corporate_actions": table_in(CORPORATE_ACTIONS, mappings.everything_so_far()),
        },
        internal_asset_deps={
            "positions": {dg.AssetKey(FILLS.asset_key), dg.AssetKey(ACTIVITIES.asset_key),
                          dg.AssetKey(BARS_DAILY.asset_key), dg.AssetKey(CORPORATE_ACTIONS.asset_key)},
            "pnl": {dg.AssetKey(POSITIONS.asset_key)},
        },
        partitions_def=partitions_def,
        backfill_policy=dg.BackfillPolicy.single_run(),
        name="close_books",
    )  # fmt: skip
    def close(
        context: dg.AssetExecutionContext,
        desk: dg.ResourceParam[Desk],
        fills: LakeFrame,
        activities: LakeFrame,
        bars_daily: LakeFrame,
        corporate_actions: LakeFrame,
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        from trading_assets.live.closing import closed_sessions

        positions, pnl = [POSITIONS.empty()], [PNL.empty()]
        for name, days in _by_book(context, desk, books).items():
            keys = [f"{name}|{day}" for day in days]
            with retry_when_not_ready(desk.settings.retry_seconds), about(name, days[-1]):
                fills.require_written(keys, for_what=PNL.table)
                activities.require_written(keys, for_what=PNL.table)
                found = closed_sessions(desk, books[name], days, bars_daily, corporate_actions)
            positions.append(found[0])
            pnl.append(found[1])
        return pl.concat(positions), pl.concat(pnl)

    return close


def _parity(partitions_def: dg.PartitionsDefinition, books: Mapping[str, Book]) -> dg.AssetsDefinition:
    @dg.asset(
        **table_asset(PARITY, owner=OWNER, kinds={"numba"}),
        partitions_def=partitions_def,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={
            "pnl": table_in(PNL),
            "orders": table_in(ORDERS, mappings.previous_session_of_the_book()),
            "target_weights": table_in(TARGET_WEIGHTS, mappings.months_of_the_previous_session()),
            "symbols": table_in(SYMBOLS),
            "bars_daily": table_in(BARS_DAILY, mappings.everything_so_far()),
            "corporate_actions": table_in(CORPORATE_ACTIONS, mappings.everything_so_far()),
        },
    )
    def parity(
        context: dg.AssetExecutionContext,
        desk: dg.ResourceParam[Desk],
        pnl: LakeFrame,
        orders: LakeFrame,
        target_weights: LakeFrame,
        symbols: LakeFrame,
        bars_daily: LakeFrame,
        corporate_actions: LakeFrame,
    ) -> pl.DataFrame:
        from trading_assets.live.parity import compared_sessions

        del pnl, orders
        found = [PARITY.empty()]
        for name, days in _by_book(context, desk, books).items():
            found.append(
                compared_sessions(desk.lake, books[name], days, bars_daily, corporate_actions, target_weights, symbols)
            )
        return pl.concat(found)

    return cast("dg.AssetsDefinition", parity)


def _audit() -> dg.AssetSpec:
    return dg.AssetSpec(
        dg.AssetKey(AUDIT.asset_key),
        group_name=AUDIT.asset_key[0],
        description=AUDIT.meaning,
        owners=[f"team:{OWNER}"],
        kinds={"parquet"},
    )


def _by_book(context: dg.AssetExecutionContext, desk: Desk, books: Mapping[str, Book]) -> dict[str, list[date]]:
    """Sessions of the run that have begun, per book, in order."""
    found: dict[str, list[date]] = {}
    for book, session in _book_sessions(context, desk, books):
        found.setdefault(book.name, []).append(session)
    return found


def _book_sessions(context: dg.AssetExecutionContext, desk: Desk, books: Mapping[str, Book]) -> list[tuple[Book, date]]:
    scope = run_scope_of(context, ORDERS)
    first, last = scope.window()
    days = sessions(desk.settings.exchange, first, min(last, desk.now().date() + timedelta(days=1)))
    return [(books[name], day) for name in scope.values["book"] for day in days]


def _counts(sent: pl.DataFrame) -> dg.TableMetadataValue:
    rows = sent.group_by("status").len().sort("status").iter_rows()
    columns = [dg.TableColumn("status", "string"), dg.TableColumn("orders", "int")]
    records = [dg.TableRecord({"status": status, "orders": count}) for status, count in rows]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns))
