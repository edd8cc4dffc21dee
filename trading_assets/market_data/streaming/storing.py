"""Writing minute bars into sessions that may already hold some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from trading_assets.lake import Lake, Scope
from trading_assets.lake.store.frames import LakeFrame
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import BARS_MINUTE
from trading_assets.market_data.streaming.merging import FINAL, KEY, marked, merge

_A_DAY = timedelta(days=1)
_AUTHOR = "stream"


@dataclass(frozen=True, slots=True)
class StoreResult:
    """What a write did.

    Attributes
    ----------
    added, changed, quarantined : int
        Numbers of bars by outcome.
    snapshot : int
        Snapshot of the lake that holds them.
    overwritten : tuple of date
        Sessions in which bars of another writer were overwritten: they have to be requested from history again.
    """

    added: int
    changed: int
    quarantined: int
    snapshot: int
    overwritten: tuple[date, ...]


class BarStore:
    """Minute bars in the lake; a bar that is written twice is stored once.

    A write replaces the whole session of its symbols, quarantine included, so bars that broke the contract are held
    here and written with every later batch of their session.

    Parameters
    ----------
    lake : Lake
        Where to write.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._broken = BARS_MINUTE.empty()

    def last_sessions(self, symbols: Sequence[str]) -> dict[str, date]:
        """Return the session of the last stored bar, by symbol; symbols without bars are absent."""
        if not self._lake.has_table(BARS_MINUTE.table):
            return {}
        found = self._lake.query(
            f"SELECT symbol, max(date) FROM lake.{BARS_MINUTE.table} "
            "WHERE symbol IN (SELECT unnest(?)) GROUP BY symbol",
            [list(symbols)],
        )
        return dict(found.rows())

    def write(self, bars: pl.DataFrame) -> StoreResult:
        """Store marked bars, one transaction per session."""
        written = [self._write_session(day, own) for (day,), own in bars.group_by("date", maintain_order=True)]
        return StoreResult(
            added=sum(one.added for one in written),
            changed=sum(one.changed for one in written),
            quarantined=sum(one.quarantined for one in written),
            snapshot=max((one.snapshot for one in written), default=0),
            overwritten=tuple(day for one in written for day in one.overwritten),
        )

    def _write_session(self, day: date, bars: pl.DataFrame) -> StoreResult:
        symbols = tuple(bars["symbol"].unique().sort())
        scope = Scope({"symbol": symbols}, "date", day, day + _A_DAY)
        columns = list(BARS_MINUTE.schema)
        good = bars.join(BARS_MINUTE.split(bars).good.select(KEY), on=KEY, how="semi")
        stored = LakeFrame(self._lake, BARS_MINUTE).read(start=day, end=day, symbol=symbols)
        merged = merge(marked(stored, is_final=False), good.select(*columns, FINAL)).select(columns)
        broken = self._still_broken(good, bars)
        result = replace(
            self._lake,
            BARS_MINUTE,
            pl.concat([merged, broken.filter(scope.expr())], how="vertical_relaxed"),
            scope,
            author=_AUTHOR,
            message=f"{bars.height} minute bars of {day}",
        )
        self._broken = broken
        overwritten = (day,) if result.removed > 0 else ()
        return StoreResult(result.added, result.changed, result.quarantined, result.snapshot, overwritten)

    def _still_broken(self, good: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
        """Bars that broke the contract and that no valid bar has replaced; the newest of each minute."""
        fresh = bars.join(good.select(KEY), on=KEY, how="anti").select(self._broken.columns)
        both = pl.concat([self._broken, fresh], how="vertical_relaxed").unique(KEY, keep="last", maintain_order=True)
        return both.join(good.select(KEY), on=KEY, how="anti")
