"""Assets of portfolios: what each book wants to hold."""

from datetime import date, timedelta

import dagster as dg

from trading_assets.desk import mappings
from trading_assets.desk.calendar import sessions
from trading_assets.desk.desk import Desk
from trading_assets.desk.failures import Failures
from trading_assets.desk.partitions import closed_sessions_of, desk_partitions, through_by_month
from trading_assets.lake import LakeFrame
from trading_assets.lake.bridge.io_manager import Rows, TableOutput
from trading_assets.lake.bridge.portions import PortionWriter
from trading_assets.lake.bridge.table_assets import run_scope_of, table_asset, table_in
from trading_assets.portfolio.books import books
from trading_assets.portfolio.contract import TARGET_WEIGHTS
from trading_assets.portfolio.weights import rebalance_sessions, target_weights
from trading_assets.signals.contract import SCORES

OWNER = "portfolio"
_AROUND = timedelta(days=45)


def build_assets(desk: Desk) -> list[dg.AssetsDefinition]:
    """Build the assets of this stage."""
    partitions = desk.part(desk_partitions)

    @dg.asset(
        **table_asset(TARGET_WEIGHTS, owner=OWNER, kinds={"polars"}),
        partitions_def=partitions.by_month("book", desk.part(books)),
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"signals": table_in(SCORES, mappings.month_and_the_one_before())},
    )
    def weights(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk], signals: LakeFrame) -> TableOutput:
        scope = run_scope_of(context, TARGET_WEIGHTS)
        days = closed_sessions_of(desk, scope)
        if not days:
            return Rows(TARGET_WEIGHTS.empty())
        first, last = days[0], days[-1]
        calendar = sessions(desk.settings.exchange, first - _AROUND, last + _AROUND)
        writer = PortionWriter(context, desk.lake, TARGET_WEIGHTS, scope, "book", through=last)
        failures = Failures("book")
        for name in scope.values["book"]:
            with failures.of(name):
                book = desk.part(books)[name]
                decided = decision_sessions(calendar, days, book.rebalance, desk.settings.start)
                needed = through_by_month(decided, "strategy", book.strategy)
                signals.require_written_through(needed, for_what=f"{TARGET_WEIGHTS.table} of the book {name}")
                scores = signals.read(start=first - _AROUND, end=last, strategy=book.strategy)
                writer.add(name, target_weights(scores, days, book, calendar))
        writer.flush()
        failures.raise_them(desk.settings.retry_seconds)
        return writer.written()

    return [weights]


def decision_sessions(calendar: list[date], days: list[date], rebalance: str, start: date) -> list[date]:
    """Rebalance sessions whose signals decide the weights of some days, from the first day of the lake on."""
    if not days:
        return []
    ends = [day for day in rebalance_sessions(calendar, rebalance) if day <= days[-1]]
    before = [day for day in ends if day <= days[0]][-1:]
    return [day for day in [*before, *(day for day in ends if day > days[0])] if day >= start]
