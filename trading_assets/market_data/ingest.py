"""From sources into the lake, piece by piece, so that what has arrived is kept whatever happens to the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import polars as pl

from trading_assets.lake import Contract, Lake, LakeFrame, Scope, WriteResult
from trading_assets.lake.store.hashing import content_hash
from trading_assets.lake.store.writes import replace as write
from trading_assets.market_data.gathering import Failure, gather, worst_error
from trading_assets.market_data.sources import Source

Ask = Callable[[Source, Sequence[str], Scope], pl.DataFrame]
Settle = Callable[[pl.DataFrame, pl.DataFrame, pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Table:
    """How a table is filled from sources.

    Attributes
    ----------
    contract : Contract
        Contract of the table.
    ask : callable
        From a source, symbols and the piece to rows.
    rules : mapping of str to polars.Expr
        Rules of the write beyond the contract: name -> expression that is true where a row breaks it.
    settle : callable, optional
        From answered rows, stored rows of the piece and the keys of the answered ones that hold the contract to the
        rows to store; the answer as it is where it is None.
    has_sessions : bool
        Whether the rows of a session never change once they are known, but for late corrections, as those of bars.
    """

    contract: Contract
    ask: Ask
    rules: Mapping[str, pl.Expr] = field(default_factory=dict)
    settle: Settle | None = None
    has_sessions: bool = False


@dataclass(frozen=True, slots=True)
class Ingested:
    """What an ingest wrote and what it could not have.

    Attributes
    ----------
    result : WriteResult
        Changes of all pieces together; rows and hash of the whole scope.
    symbols_by_source : mapping of str to int
        How many symbols each source answered for.
    failures : mapping of str to Failure
        Symbol -> why no source answered.
    """

    result: WriteResult
    symbols_by_source: Mapping[str, int]
    failures: Mapping[str, Failure]


def ingest(
    lake: Lake, table: Table, sources: Sequence[Source], scope: Scope, pieces: Sequence[Scope], *, author: str
) -> Ingested:
    """Ask sources for each piece and write it at once.

    A symbol that no source answers for keeps the rows that it has, and its partitions count as written: its failure is
    reported, and the other symbols go on.

    Parameters
    ----------
    lake : Lake
        Where to write.
    table : Table
        What to fill.
    sources : sequence of Source
        Primary first, then fallbacks.
    scope : Scope
        All that the run was asked for.
    pieces : sequence of Scope
        Parts of it, see `trading_assets.market_data.refetch.pieces_to_fetch`.
    author : str
        Recorded with the snapshots.

    Raises
    ------
    SourceError
        Nothing at all was answered, and the source may answer later or the table is one of bars: a name may well have
        no filings, but not no bars.
    """
    results: list[WriteResult] = []
    answered: Counter[str] = Counter()
    failures: dict[str, Failure] = {}
    for piece in pieces:
        if piece.start == piece.end:
            results.append(_write(lake, table, table.contract.empty(), piece, author))
            continue
        found = gather(sources, piece.values["symbol"], partial(_ask, table, piece))
        failures |= found.failures
        if found.rows is None:
            continue
        answered.update(found.answered_by.values())
        own = piece.of_symbols(found.answered_by)
        results.append(_write(lake, table, _settled(lake, table, found.rows, own), own, author))
    if failures and not answered:
        error = worst_error(failures)
        if table.has_sessions or error.retryable:
            raise error
    if failures:
        left = replace(scope, end=scope.start).of_symbols(failures)
        results.append(_write(lake, table, table.contract.empty(), left, author))
    return Ingested(_together(lake, table.contract, scope, results), dict(answered), failures)


def _ask(table: Table, piece: Scope, source: Source, symbols: Sequence[str]) -> pl.DataFrame:
    return table.ask(source, symbols, piece)


def _settled(lake: Lake, table: Table, rows: pl.DataFrame, piece: Scope) -> pl.DataFrame:
    if table.settle is None:
        return rows
    first, last = piece.window()
    stored = LakeFrame(lake, table.contract).read(start=first, end=last, **piece.values)
    good = table.contract.split(rows, table.rules).good
    return table.settle(rows, stored, good.select(table.contract.key))


def _write(lake: Lake, table: Table, rows: pl.DataFrame, piece: Scope, author: str) -> WriteResult:
    contract = table.contract
    return write(
        lake, contract, rows, piece, rules=table.rules, author=author, message=f"{contract.table} from sources"
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
