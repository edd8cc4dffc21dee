"""What the assets of market data share: filling a table from sources, and rows as metadata."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import dagster as dg
import polars as pl

from trading_assets.desk.clock import now
from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import desk_partitions
from trading_assets.desk.retries import MAX_RETRIES, retry_when_not_ready
from trading_assets.desk.symbols import registered_symbols
from trading_assets.lake.bridge.io_manager import Written
from trading_assets.lake.bridge.table_assets import run_scope_of
from trading_assets.market_data.ingest import (
    CatchAll,
    Outcome,
    Plan,
    SourcedTable,
    ingest,
    plan_requests,
    replace_failures,
)
from trading_assets.market_data.macros import ensure_macros
from trading_assets.market_data.source_policy import source_policy
from trading_assets.market_data.sources import Source

OWNER = "market_data"
REFETCH_TAG = "trading_assets/refetch"
_SHOWN = 20


def fill(context: dg.AssetExecutionContext, desk: Desk, table: SourcedTable) -> Written:
    """Fill the partitions of the run from the sources of a table.

    A local source is read as a whole, and its rows are what the table has afterwards. A remote one is requested in
    batches of symbols, each written when it has arrived, so that a run that was killed resumes where it stopped; bars
    are requested only if they are not stored yet, or among the newest sessions. The run tag ``trading_assets/refetch:
    all`` requests everything again.

    Raises
    ------
    SourceError
        Every symbol failed.
    dagster.RetryRequested
        Some symbols may succeed later; on the last attempt they are reported as failures instead.
    """
    scope = run_scope_of(context, table.contract)
    sources = desk.part(source_policy).of(table.contract.asset_key[-1])
    is_everything = context.run.tags.get(REFETCH_TAG) == "all"
    if sources[0].is_remote:
        sessions = table.has_sessions
        plan = plan_requests(
            desk.lake, table.contract, scope, desk.settings, now(), has_sessions=sessions, is_everything=is_everything
        )
    else:
        table, plan = replace(table, settle=None), Plan((scope,))
    with retry_when_not_ready(desk.settings.retry_seconds):
        outcome = ingest(desk.lake, table, sources, scope, plan, author=context.run.run_id)
        replace_failures(desk.lake, table.contract.table, scope.values["symbol"], outcome.failures, now())
        retryable = [failure.error for failure in outcome.failures.values() if failure.error.retryable]
        if retryable and context.retry_number < MAX_RETRIES:
            raise retryable[0]
    ensure_macros(desk.lake)
    context.add_output_metadata(_metadata(outcome, sources))
    return Written(outcome.result)


def catch_all(context: dg.AssetExecutionContext, desk: Desk) -> CatchAll:
    """Return the partition that takes rows which no partition can select."""
    partitions = desk.part(desk_partitions)
    last = date(int(partitions.years.get_partition_keys()[-1]), 12, 31)
    return CatchAll(min(registered_symbols(context.instance)), partitions.first_day, last)


def as_table(rows: pl.DataFrame) -> dg.TableMetadataValue:
    """Convert the first rows of a frame to the metadata that the web UI shows as a table."""
    columns = [dg.TableColumn(name, "string") for name in rows.columns]
    records = [
        dg.TableRecord({name: "" if value is None else str(value) for name, value in row.items()})
        for row in rows.head(_SHOWN).iter_rows(named=True)
    ]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns))


def _metadata(outcome: Outcome, sources: Sequence[Source]) -> dict[str, object]:
    primary = sources[0].name
    by_fallback = {name: count for name, count in outcome.symbols_by_source.items() if name != primary}
    failures = pl.DataFrame(
        [
            (symbol, failure.source, failure.error.reason, str(failure.error))
            for symbol, failure in outcome.failures.items()
        ],
        schema=dict.fromkeys(("symbol", "source", "reason", "message"), pl.String),
        orient="row",
    )
    return {
        "primary_source": primary,
        "symbols_by_source": dg.MetadataValue.json(dict(outcome.symbols_by_source)),
        "symbols_by_fallback": sum(by_fallback.values()),
        "symbols_unanswered": len(outcome.failures),
        **({"unanswered": as_table(failures)} if failures.height else {}),
    }
