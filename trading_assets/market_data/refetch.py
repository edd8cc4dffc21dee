"""What has to be asked of a remote source: what is not stored yet, and the last sessions again for late corrections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl

from trading_assets.lake.store.scope import Scope

_A_DAY = timedelta(days=1)
_PRICES = ("open", "high", "low", "close")
# Turning split-adjusted prices back into raw ones costs the last digits: half a cent at 1,000 is 5e-6.
_SAME_PRICE = 5e-6
_SAME_VOLUME = 1e-6


@dataclass(frozen=True, slots=True)
class Stored:
    """What the lake knows of the partitions of a scope.

    Attributes
    ----------
    written : frozenset of str
        Partition keys that have been written before.
    last : mapping of str to date
        Partition key -> session of its last bar; a key without a bar is absent.
    """

    written: frozenset[str]
    last: Mapping[str, date]


def pieces_to_fetch(
    scope: Scope,
    stored: Stored,
    listed: Mapping[str, tuple[date, date | None]],
    sessions: Sequence[date],
    *,
    refetch_sessions: int,
    batch_size: int,
) -> list[Scope]:
    """Rectangles to ask for and to write, each of up to so many symbols that need the same window.

    A partition that was never written is asked for as a whole; of the others the sessions after their last bar and the
    last sessions of all.

    Parameters
    ----------
    scope : Scope
        Partitions ``period|symbol`` of the run.
    stored : Stored
        What is there already.
    listed : mapping of str to (date, date or None)
        Symbol -> first session, and the first session on which it no longer trades (None while listed). A symbol that
        is absent is taken to be listed for ever.
    sessions : sequence of date
        Sessions of the scope whose close has passed, in order.
    refetch_sessions : int
        How many of the newest sessions are asked for again.
    batch_size : int
        Most symbols of a piece.

    Returns
    -------
    list of Scope
        Together they name every partition of the scope once. Partitions that need nothing come first, in pieces with
        an empty window.
    """
    keys = _keys_by_symbol(scope)
    newest = sessions[-refetch_sessions] if 0 < refetch_sessions <= len(sessions) else None
    windows: dict[tuple[date, date] | None, list[str]] = {}
    for symbol, own in keys.items():
        first, gone = listed.get(symbol, (date.min, None))
        traded = [day for day in sessions if first <= day and (gone is None or day < gone)]
        needed = [day for key in own for day in _needed(key, stored, traded, newest)]
        windows.setdefault((min(needed), max(needed)) if needed else None, []).append(symbol)
    ordered = sorted(windows.items(), key=lambda item: (item[0] is not None, item[0] or (), item[1]))
    return [
        _piece(scope, window, batch, keys)
        for window, symbols in ordered
        for batch in _batches(symbols, batch_size if window else len(symbols))
    ]


def batches_of(scope: Scope, size: int) -> list[Scope]:
    """Parts of a scope of up to so many symbols each."""
    keys = _keys_by_symbol(scope)
    return [_of_symbols(scope, batch, keys) for batch in _batches(list(keys), size)]


def settle(rows: pl.DataFrame, stored: pl.DataFrame, good: pl.DataFrame) -> pl.DataFrame:
    """Answered bars beside stored ones: noise is not a restatement, and absence is not a correction.

    A bar whose prices and volume are the stored ones, but for the noise of turning split-adjusted numbers into raw
    ones, stays as it is stored. A stored bar that the answer lacks stays as well; `market_data.coverage` and the
    comparison of sources tell what a source no longer has. A stored bar also stays where the answered one breaks the
    contract, which then goes to quarantine alone.

    Parameters
    ----------
    rows : polars.DataFrame
        Answer of a source.
    stored : polars.DataFrame
        Stored bars of the same symbols and window.
    good : polars.DataFrame
        Keys of the answered rows that hold the contract.
    """
    key = [name for name in ("symbol", "date", "ts") if name in stored.columns]
    if stored.is_empty():
        return rows
    values = [*_PRICES, "volume"]
    both = rows.join(stored.select(*key, *values), on=key, how="left", suffix="_stored")
    is_same = pl.all_horizontal(
        (pl.col("source").is_not_null()),
        *((pl.col(name) / pl.col(f"{name}_stored") - 1).abs() <= _SAME_PRICE for name in _PRICES),
        (pl.col("volume") - pl.col("volume_stored")).abs() <= 1 + _SAME_VOLUME * pl.col("volume_stored"),
    )
    changed = both.filter(~is_same.fill_null(value=False)).select(rows.columns)
    kept = stored.join(changed.join(good, on=key, how="semi"), on=key, how="anti")
    return pl.concat([changed, kept], how="diagonal_relaxed").select(rows.columns)


def _needed(key: str, stored: Stored, traded: Iterable[date], newest: date | None) -> list[date]:
    period = key.partition("|")[0]
    own = [day for day in traded if day.isoformat().startswith(period)]
    if key not in stored.written:
        return own
    last = stored.last.get(key, date.min)
    return [day for day in own if day > last or (newest is not None and day >= newest)]


def _piece(
    scope: Scope, window: tuple[date, date] | None, symbols: Sequence[str], keys: Mapping[str, Sequence[str]]
) -> Scope:
    first, _ = scope.window()
    start, end = (window[0], window[1] + _A_DAY) if window else (first, first)
    return _of_symbols(replace(scope, start=start, end=end), symbols, keys)


def _of_symbols(scope: Scope, symbols: Sequence[str], keys: Mapping[str, Sequence[str]]) -> Scope:
    named = tuple(sorted(key for symbol in symbols for key in keys[symbol]))
    return replace(scope, values={"symbol": tuple(symbols)}, partition_keys=named)


def _keys_by_symbol(scope: Scope) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = {symbol: [] for symbol in scope.values["symbol"]}
    for key in scope.partition_keys:
        keys[key.partition("|")[2]].append(key)
    return keys


def _batches(symbols: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    ordered = sorted(symbols)
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]
