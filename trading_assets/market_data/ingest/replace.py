"""Carrying out a plan: each request is fetched, settled and written on its own, so that what has arrived is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as changed
from datetime import datetime

import polars as pl

from trading_assets.lake import Contract, Lake, LakeFrame, Scope, WriteResult
from trading_assets.lake.store.hashing import content_hash
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import SOURCE_FAILURES
from trading_assets.market_data.ingest.fetch import Failure, Read, fetch, worst_error
from trading_assets.market_data.ingest.plan import Plan
from trading_assets.market_data.ingest.settle import Settle
from trading_assets.market_data.sources import Source


@dataclass(frozen=True, slots=True)
class SourcedTable:
    """A table that sources fill.

    Attributes
    ----------
    contract : Contract
        Contract of the table.
    read : callable
        From a source and a request to rows.
    rules : mapping of str to polars.Expr
        Rules of the write beyond the contract: name -> expression that is true where a row breaks it.
    settle : callable, optional
        From answered rows, stored rows and the keys of the valid answered rows to the rows to store; None stores the
        answer as it is.
    has_sessions : bool
        Whether the rows are bars, which except for late corrections never change once they are known.
    """

    contract: Contract
    read: Read
    rules: Mapping[str, pl.Expr] = field(default_factory=dict)
    settle: Settle | None = None
    has_sessions: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has written, and what it could not get.

    Attributes
    ----------
    result : WriteResult
        Changes of all writes together; rows and hash of the whole scope.
    symbols_by_source : mapping of str to int
        How many symbols each source answered.
    failures : mapping of str to Failure
        Symbol -> why no source answered.
    """

    result: WriteResult
    symbols_by_source: Mapping[str, int]
    failures: Mapping[str, Failure]


def ingest(
    lake: Lake, table: SourcedTable, sources: Sequence[Source], scope: Scope, plan: Plan, *, author: str
) -> Outcome:
    """Fetch, settle and write the requests of a plan, one after the other.

    A symbol that no source answers keeps the rows that it has, and its partitions count as written: its failure is
    returned, and the other symbols go on.

    Parameters
    ----------
    lake : Lake
        Where to write.
    table : SourcedTable
        Table to fill.
    sources : sequence of Source
        Primary first, then fallbacks.
    scope : Scope
        All partitions of the run.
    plan : Plan
        Requests of the run.
    author : str
        Recorded with the snapshots.

    Raises
    ------
    SourceError
        Every symbol failed, and either the error is retryable or the table has bars: a symbol may have no filings, but
        not no bars.
    """
    results: list[WriteResult] = []
    answered: Counter[str] = Counter()
    failures: dict[str, Failure] = {}
    nothing = table.contract.empty()
    if plan.complete is not None:
        results.append(_write(lake, table, nothing, plan.complete, author))
    for request in plan.requests:
        answer = fetch(sources, request, table.read)
        failures |= answer.failures
        if answer.rows is None:
            continue
        answered.update(answer.answered_by.values())
        own = request.of_symbols(answer.answered_by)
        results.append(_write(lake, table, _settled(lake, table, answer.rows, own), own, author))
    if failures and not answered:
        error = worst_error(failures)
        if table.has_sessions or error.retryable:
            raise error
    if failures:
        failed = changed(scope, end=scope.start).of_symbols(failures)
        results.append(_write(lake, table, nothing, failed, author))
    return Outcome(_together(lake, table.contract, scope, results), dict(answered), failures)


def replace_failures(
    lake: Lake, table: str, symbols: Sequence[str], failures: Mapping[str, Failure], moment: datetime
) -> None:
    """Replace the stored failures of a table's symbols; a symbol without a failure has no row afterwards."""
    rows = [
        (table, symbol, failure.source, failure.error.reason, str(failure.error), moment)
        for symbol, failure in sorted(failures.items())
    ]
    frame = pl.DataFrame(rows, schema=SOURCE_FAILURES.schema, orient="row")
    scope = Scope({"table_name": (table,), "symbol": tuple(symbols)})
    if frame.height or not LakeFrame(lake, SOURCE_FAILURES).read(table_name=table, symbol=symbols).is_empty():
        replace(lake, SOURCE_FAILURES, frame, scope, author="sources", message=f"failures of {table}")


def _settled(lake: Lake, table: SourcedTable, rows: pl.DataFrame, request: Scope) -> pl.DataFrame:
    if table.settle is None:
        return rows
    first, last = request.window()
    stored = LakeFrame(lake, table.contract).read(start=first, end=last, **request.values)
    valid = table.contract.split(rows, table.rules).good
    return table.settle(rows, stored, valid.select(table.contract.key))


def _write(lake: Lake, table: SourcedTable, rows: pl.DataFrame, scope: Scope, author: str) -> WriteResult:
    contract = table.contract
    return replace(
        lake, contract, rows, scope, rules=table.rules, author=author, message=f"{contract.table} from sources"
    )


def _together(lake: Lake, contract: Contract, scope: Scope, results: Sequence[WriteResult]) -> WriteResult:
    if len(results) == 1:
        return results[0]
    first, last = scope.window()
    rows = LakeFrame(lake, contract).read(start=first, end=last, **scope.values)
    return WriteResult(
        rows=rows.height,
        added=sum(result.added for result in results),
        changed=sum(result.changed for result in results),
        removed=sum(result.removed for result in results),
        quarantined=sum(result.quarantined for result in results),
        content_hash=content_hash(rows, key=contract.key, exclude=contract.provenance),
        snapshot=max((result.snapshot for result in results), default=lake.current_snapshot()),
        bytes=int(rows.estimated_size()),
    )
