"""Assets of portfolios: what each book wants to hold."""

from collections.abc import Sequence
from datetime import date

import dagster as dg
import polars as pl

from trading_assets.desk import mappings
from trading_assets.desk.desk import Desk
from trading_assets.desk.failures import Failures
from trading_assets.desk.partitions import closed_sessions_of, desk_partitions, through_by_month
from trading_assets.lake import LakeFrame
from trading_assets.lake.bridge.io_manager import Rows, TableOutput
from trading_assets.lake.bridge.portions import PortionWriter
from trading_assets.lake.bridge.table_assets import run_scope_of, table_asset, table_in
from trading_assets.portfolio.books import Book, books, require_known
from trading_assets.portfolio.contract import TARGET_WEIGHTS
from trading_assets.portfolio.reading import PRICES, first_decision, read_prices, require_prices, sessions_around
from trading_assets.portfolio.returns import session_returns
from trading_assets.portfolio.weights import carried_weights, decided_weights, decision_sessions
from trading_assets.signals.contract import SCORES
from trading_assets.signals.registry import strategies

OWNER = "portfolio"
_SHOWN = 5


def build_assets(desk: Desk) -> list[dg.AssetsDefinition]:
    """Build the assets of this stage; prices are upstream where the sizing of a book needs returns.

    Raises
    ------
    BookError
        A book follows a strategy that does not exist.
    """
    require_known(desk.part(books), desk.part(strategies))
    partitions = desk.part(desk_partitions)
    needs_returns = any(book.sizing.needs.return_sessions for book in desk.part(books).values())

    @dg.asset(
        **table_asset(TARGET_WEIGHTS, owner=OWNER, kinds={"polars"}),
        deps=[
            dg.AssetDep(table.asset_key, partition_mapping=mappings.everything_so_far())
            for table in (PRICES if needs_returns else ())
        ],
        partitions_def=partitions.by_month("book", desk.part(books)),
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"signals": table_in(SCORES, mappings.month_and_the_one_before())},
    )
    def weights(context: dg.AssetExecutionContext, desk: dg.ResourceParam[Desk], signals: LakeFrame) -> TableOutput:
        scope = run_scope_of(context, TARGET_WEIGHTS)
        days = closed_sessions_of(desk, scope)
        if not days:
            return Rows(TARGET_WEIGHTS.empty())
        writer = PortionWriter(context, desk.lake, TARGET_WEIGHTS, scope, "book", through=days[-1])
        failures, left_out = Failures("book"), []
        for name in scope.values["book"]:
            with failures.of(name):
                book = desk.part(books)[name]
                calendar = sessions_around(desk.settings.exchange, book, days[0], days[-1])
                decisions = decision_sessions(days, book, calendar)
                rebalances = [day for day in decisions["rebalance"].unique().sort() if day >= desk.settings.start]
                needed = through_by_month(rebalances, "strategy", book.strategy)
                signals.require_written_through(needed, for_what=f"{TARGET_WEIGHTS.table} of the book {name}")
                scores = signals.read(start=first_decision(days[0]), end=days[-1], strategy=book.strategy)
                returns = _known_returns(desk, book, scores, rebalances, calendar)
                decided = decided_weights(scores, rebalances, book, calendar, returns)
                writer.add(name, carried_weights(decided, decisions, book))
                left_out.append(decided.drop_nulls("left_out").with_columns(book=pl.lit(name)))
        writer.flush()
        failures.raise_them(desk.settings.retry_seconds)
        context.add_output_metadata(_names_left_out(pl.concat(left_out)))
        return writer.written()

    return [weights]


def _known_returns(
    desk: Desk, book: Book, scores: pl.DataFrame, rebalances: Sequence[date], calendar: Sequence[date]
) -> pl.DataFrame | None:
    """Returns that a book's sizing needs; None where it needs none."""
    if not book.sizing.needs.return_sessions:
        return None
    names = scores["symbol"].unique().sort().to_list()
    if not (names and rebalances):
        return pl.DataFrame(schema={"symbol": pl.String, "date": pl.Date, "return": pl.Float64})
    require_prices(desk, book, names, rebalances, calendar)
    return session_returns(*read_prices(desk, book, names, rebalances, calendar), calendar)


def _names_left_out(left_out: pl.DataFrame) -> dict[str, int | str]:
    """How often a name could not be sized, with the causes of the first cases."""
    shown = left_out.head(_SHOWN).select("book", "symbol", "rebalance", "left_out").iter_rows()
    causes = [f"{symbol} of {book} on {day}: {cause}" for book, symbol, day, cause in shown]
    return {"names_left_out": left_out.height, "left_out": "; ".join(causes)}
