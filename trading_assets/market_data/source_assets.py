"""What every asset that is filled from sources does: ask, write, report what was answered by whom and what was not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import dagster as dg
import polars as pl

from trading_assets.desk.calendar import first_session, sessions
from trading_assets.desk.clock import last_close, now
from trading_assets.desk.desk import Desk
from trading_assets.desk.retries import MAX_RETRIES, retry_when_not_ready
from trading_assets.desk.settings import Settings
from trading_assets.lake import Lake, LakeFrame, Scope
from trading_assets.lake.bridge.io_manager import Written
from trading_assets.lake.bridge.table_assets import run_scope_of
from trading_assets.lake.store.writes import replace as write
from trading_assets.market_data.contract import SOURCE_FAILURES, SYMBOLS
from trading_assets.market_data.gathering import Failure
from trading_assets.market_data.ingest import Ingested, Table, ingest
from trading_assets.market_data.macros import ensure_macros
from trading_assets.market_data.refetch import Stored, batches_of, pieces_to_fetch
from trading_assets.market_data.source_policy import source_policy
from trading_assets.market_data.sources import Source

REFETCH_TAG = "trading_assets/refetch"
_BATCH = 50
_SHOWN = 20


def fill(context: dg.AssetExecutionContext, desk: Desk, table: Table) -> Written:
    """Fill the run's partitions of a table from its sources.

    A local source is read as a whole and is what the table holds. A remote one is asked in batches of names, each
    written when it has arrived, so that a run that was killed goes on where it stopped; bars only for what is not
    stored yet and the newest sessions. The run tag ``trading_assets/refetch: all`` asks for everything again.

    Raises
    ------
    SourceError
        No symbol was answered.
    dagster.RetryRequested
        Some symbols may be answered later; on the last try they are reported as failures instead.
    """
    scope = run_scope_of(context, table.contract)
    sources = desk.part(source_policy).of(table.contract.asset_key[-1])
    if not sources[0].is_remote:
        table = replace(table, settle=None)
    pieces = pieces_of(desk, table, sources[0], scope, is_everything=context.run.tags.get(REFETCH_TAG) == "all")
    with retry_when_not_ready(desk.settings.retry_seconds):
        found = ingest(desk.lake, table, sources, scope, pieces, author=context.run.run_id)
        record_failures(desk.lake, table.contract.table, scope.values["symbol"], found.failures, now())
        passing = [failure.error for failure in found.failures.values() if failure.error.retryable]
        if passing and context.retry_number < MAX_RETRIES:
            raise passing[0]
    ensure_macros(desk.lake)
    context.add_output_metadata(_metadata(found, sources))
    return Written(found.result)


def pieces_of(desk: Desk, table: Table, primary: Source, scope: Scope, *, is_everything: bool) -> list[Scope]:
    """Rectangles of a scope to ask for, one after the other."""
    if not primary.is_remote:
        return [scope]
    first, last = scope.window()
    moment = now()
    today = moment.date()
    if first > today:
        return [replace(scope, end=scope.start)]
    if not table.has_sessions:
        known = min(last, today, desk.settings.last_day or date.max)
        return batches_of(replace(scope, end=known + timedelta(days=1)), _BATCH)
    return pieces_to_fetch(
        scope,
        Stored(frozenset(), {}) if is_everything else _stored(desk.lake, table, scope),
        _listed(desk.lake, scope.values["symbol"]),
        closed_sessions(desk.settings, first, last, moment),
        refetch_sessions=desk.settings.refetch_sessions,
        batch_size=_BATCH,
    )


def closed_sessions(settings: Settings, first: date, last: date, moment: datetime) -> list[date]:
    """Sessions of a span whose close has passed by a moment, up to the end of the lake's history."""
    code = settings.exchange
    start, end = max(first, first_session(code)), min(last, last_close(code, moment), settings.last_day or date.max)
    return sessions(code, start, end) if start <= end else []


def record_failures(
    lake: Lake, table: str, symbols: Sequence[str], failures: Mapping[str, Failure], moment: datetime
) -> None:
    """Make the failures of these symbols the ones stored for a table."""
    rows = [
        (table, symbol, failure.source, failure.error.reason, str(failure.error), moment)
        for symbol, failure in sorted(failures.items())
    ]
    frame = pl.DataFrame(rows, schema=SOURCE_FAILURES.schema, orient="row")
    scope = Scope({"table_name": (table,), "symbol": tuple(symbols)})
    if frame.height or not LakeFrame(lake, SOURCE_FAILURES).read(table_name=table, symbol=symbols).is_empty():
        write(lake, SOURCE_FAILURES, frame, scope, author="sources", message=f"what was not answered for {table}")


def _stored(lake: Lake, table: Table, scope: Scope) -> Stored:
    contract = table.contract
    written = frozenset(lake.written_partitions(contract.table)) & frozenset(scope.partition_keys)
    if not written:
        return Stored(written, {})
    first, last = scope.window()
    period = "%Y-%m" if "-" in min(written).partition("|")[0] else "%Y"
    rows = LakeFrame(lake, contract).read(["symbol", "date"], start=first, end=last, symbol=scope.values["symbol"])
    newest = rows.group_by("symbol", period=pl.col("date").dt.strftime(period)).agg(pl.col("date").max())
    return Stored(written, {f"{period}|{symbol}": day for symbol, period, day in newest.iter_rows()})


def _listed(lake: Lake, symbols: Sequence[str]) -> dict[str, tuple[date, date | None]]:
    rows = LakeFrame(lake, SYMBOLS).read(["symbol", "first_session", "delisted_on"], symbol=symbols)
    return {symbol: (first, gone) for symbol, first, gone in rows.iter_rows()}


def _metadata(found: Ingested, sources: Sequence[Source]) -> dict[str, object]:
    primary = sources[0].name
    by_fallback = {name: count for name, count in found.symbols_by_source.items() if name != primary}
    shown = [
        dg.TableRecord(
            {"symbol": symbol, "source": failure.source, "reason": failure.error.reason, "message": str(failure.error)}
        )
        for symbol, failure in list(found.failures.items())[:_SHOWN]
    ]
    columns = [dg.TableColumn(name, "string") for name in ("symbol", "source", "reason", "message")]
    return {
        "primary_source": primary,
        "symbols_by_source": dg.MetadataValue.json(dict(found.symbols_by_source)),
        "symbols_by_fallback": sum(by_fallback.values()),
        "symbols_unanswered": len(found.failures),
        **({"unanswered": dg.MetadataValue.table(shown, schema=dg.TableSchema(columns))} if shown else {}),
    }
