"""Which requests fill the partitions of a run: all of them from a local source, from a remote one what is missing.

A remote source is requested in batches of symbols: whole partitions that were never written, and of the others the
sessions after their last bar and the newest sessions once more, for late corrections.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import polars as pl

from trading_assets.desk.calendar import first_session, sessions
from trading_assets.desk.clock import last_close
from trading_assets.desk.settings import Settings
from trading_assets.lake import Contract, Lake, LakeFrame, Scope
from trading_assets.market_data.contract import SYMBOLS

_A_DAY = timedelta(days=1)
_BATCH = 50


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run has to do for its partitions; together, its parts name every partition of the run once.

    Attributes
    ----------
    requests : tuple of Scope
        Symbols and windows to fetch, in order; the answer of each is written on its own.
    complete : Scope or None
        Partitions of symbols that need no request.
    """

    requests: tuple[Scope, ...]
    complete: Scope | None = None


@dataclass(frozen=True, slots=True)
class PartitionState:
    """What the lake has of the partitions of a run.

    Attributes
    ----------
    written : frozenset of str
        Partition keys that have been written before.
    last : mapping of str to date
        Partition key -> session of its last bar; a key without a bar is absent.
    """

    written: frozenset[str] = frozenset()
    last: Mapping[str, date] = field(default_factory=dict)


def plan_requests(
    lake: Lake,
    contract: Contract,
    scope: Scope,
    settings: Settings,
    moment: datetime,
    *,
    has_sessions: bool,
    is_everything: bool,
) -> Plan:
    """Plan the requests to a remote source.

    Parameters
    ----------
    lake : Lake
        Where the table is stored.
    contract : Contract
        Contract of the table.
    scope : Scope
        Partitions ``period|symbol`` of the run.
    settings : Settings
        Exchange, end of the lake's history, and how many of the newest sessions are requested again.
    moment : datetime
        The present time.
    has_sessions : bool
        Whether the table has bars; the rows of other tables may become known on any day, so they are requested in full.
    is_everything : bool
        Request bars that are stored, too.
    """
    first, last = scope.window()
    today = moment.date()
    if first > today:
        return Plan((), _of_window(scope, None))
    if not has_sessions:
        known = min(last, today, settings.last_day or date.max)
        return Plan(tuple(in_batches(replace(scope, end=known + _A_DAY), _BATCH)))
    return plan_sessions(
        scope,
        PartitionState() if is_everything else partition_state(lake, contract, scope),
        listing_spans(lake, scope.values["symbol"]),
        closed_sessions(settings, first, last, moment),
        refetch_sessions=settings.refetch_sessions,
        batch_size=_BATCH,
    )


def plan_sessions(
    scope: Scope,
    state: PartitionState,
    listed: Mapping[str, tuple[date, date | None]],
    closed: Sequence[date],
    *,
    refetch_sessions: int,
    batch_size: int,
) -> Plan:
    """Plan requests for bars: one per batch of symbols that need the same window.

    A partition that was never written is requested as a whole; of the others, the sessions after their last bar and
    the newest sessions of all.

    Parameters
    ----------
    scope : Scope
        Partitions ``period|symbol`` of the run.
    state : PartitionState
        What is stored.
    listed : mapping of str to (date, date or None)
        Symbol -> first session, and the first session on which it no longer trades (None while listed). A symbol that
        is absent counts as listed for ever.
    closed : sequence of date
        Sessions of the scope whose close has passed, in order.
    refetch_sessions : int
        How many of the newest sessions are requested again.
    batch_size : int
        Most symbols per request.
    """
    keys = _keys_by_symbol(scope)
    newest = closed[-refetch_sessions] if 0 < refetch_sessions <= len(closed) else None
    windows: dict[tuple[date, date], list[str]] = {}
    complete: list[str] = []
    for symbol, own in keys.items():
        first, gone = listed.get(symbol, (date.min, None))
        traded = [day for day in closed if first <= day and (gone is None or day < gone)]
        missing = [day for key in own for day in _missing(key, state, traded, newest)]
        if missing:
            windows.setdefault((min(missing), max(missing)), []).append(symbol)
        else:
            complete.append(symbol)
    requests = tuple(
        _of_window(scope.of_symbols(batch), window)
        for window, symbols in sorted(windows.items(), key=lambda item: (item[0], sorted(item[1])))
        for batch in _batches(symbols, batch_size)
    )
    return Plan(requests, _of_window(scope.of_symbols(complete), None) if complete else None)


def in_batches(scope: Scope, size: int) -> Iterator[Scope]:
    """Yield the parts of a scope with up to a number of symbols each."""
    for batch in _batches(scope.values["symbol"], size):
        yield scope.of_symbols(batch)


def closed_sessions(settings: Settings, first: date, last: date, moment: datetime) -> list[date]:
    """Return the sessions of a span whose close has passed at a moment, up to the end of the lake's history."""
    code = settings.exchange
    start, end = max(first, first_session(code)), min(last, last_close(code, moment), settings.last_day or date.max)
    return sessions(code, start, end) if start <= end else []


def partition_state(lake: Lake, contract: Contract, scope: Scope) -> PartitionState:
    """Read which partitions of a scope have been written, and the last session of each."""
    written = frozenset(lake.written_partitions(contract.table)) & frozenset(scope.partition_keys)
    if not written:
        return PartitionState()
    first, last = scope.window()
    period = "%Y-%m" if "-" in min(written).partition("|")[0] else "%Y"
    rows = LakeFrame(lake, contract).read(["symbol", "date"], start=first, end=last, symbol=scope.values["symbol"])
    newest = rows.group_by("symbol", period=pl.col("date").dt.strftime(period)).agg(pl.col("date").max())
    return PartitionState(written, {f"{period}|{symbol}": day for symbol, period, day in newest.iter_rows()})


def listing_spans(lake: Lake, symbols: Sequence[str]) -> dict[str, tuple[date, date | None]]:
    """Read the first session of symbols, and the first session on which they no longer trade."""
    rows = LakeFrame(lake, SYMBOLS).read(["symbol", "first_session", "delisted_on"], symbol=symbols)
    return {symbol: (first, gone) for symbol, first, gone in rows.iter_rows()}


def _missing(key: str, state: PartitionState, traded: Iterable[date], newest: date | None) -> list[date]:
    period = key.partition("|")[0]
    own = [day for day in traded if day.isoformat().startswith(period)]
    if key not in state.written:
        return own
    last = state.last.get(key, date.min)
    return [day for day in own if day > last or (newest is not None and day >= newest)]


def _of_window(scope: Scope, window: tuple[date, date] | None) -> Scope:
    """A scope with the window of a request, or with an empty one: a write to it records the partitions alone."""
    if window is None:
        return replace(scope, end=scope.start)
    return replace(scope, start=window[0], end=window[1] + _A_DAY)


def _keys_by_symbol(scope: Scope) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = {symbol: [] for symbol in scope.values["symbol"]}
    for key in scope.partition_keys:
        keys[key.partition("|")[2]].append(key)
    return keys


def _batches(symbols: Iterable[str], size: int) -> Iterator[Sequence[str]]:
    ordered = sorted(symbols)
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]
