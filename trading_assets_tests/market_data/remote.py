"""A source as over a network, whose answers a test chooses; its rows are those of simulated names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from trading_assets.market_data.sources import (
    Interval,
    PartialAnswerError,
    SimulatedSource,
    SimulationParameters,
    SourceError,
)


@dataclass
class RemoteSource:
    """Simulated names behind a network: it counts what it is asked, fails as told, and may change what it says.

    ``failures`` maps a symbol to its error, ``None`` to the error of every request.
    """

    parameters: SimulationParameters
    name: str = "remote"
    failures: dict[str | None, SourceError] = field(default_factory=dict)
    change: Callable[[pl.DataFrame], pl.DataFrame] = lambda rows: rows
    until: date = date.max
    asked: list[tuple[tuple[str, ...], date, date]] = field(default_factory=list)
    is_remote: bool = True

    @property
    def offers(self) -> frozenset[str]:
        """As simulated names."""
        return self._rows.offers

    @property
    def _rows(self) -> SimulatedSource:
        return SimulatedSource(self.parameters)

    def symbols(self) -> pl.DataFrame:
        """All simulated names that do not fail."""
        listed = self._rows.symbols().with_columns(source=pl.lit(self.name))
        return self._answer(listed["symbol"], lambda names: listed.filter(pl.col("symbol").is_in(names)))

    def bars(self, symbols: Sequence[str], start: date, end: date, interval: Interval = "1d") -> pl.DataFrame:
        """Bars up to ``until``, changed as told."""
        self.asked.append((tuple(symbols), start, end))
        return self._answer(symbols, lambda names: self._bars(names, start, end, interval))

    def corporate_actions(self, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
        """Corporate actions of the names."""
        return self._answer(symbols, lambda names: self._rows.corporate_actions(names, start, end))

    def _bars(self, symbols: Sequence[str], start: date, end: date, interval: Interval) -> pl.DataFrame:
        rows = self._rows.bars(symbols, start, end, interval).filter(pl.col("date") <= self.until)
        return self.change(rows.with_columns(source=pl.lit(self.name), adjustment=pl.lit("split")))

    def _answer(self, symbols: Sequence[str], ask: Callable[[Sequence[str]], pl.DataFrame]) -> pl.DataFrame:
        if None in self.failures:
            raise self.failures[None]
        failed = {symbol: self.failures[symbol] for symbol in symbols if symbol in self.failures}
        rows = ask([symbol for symbol in symbols if symbol not in failed])
        if failed:
            raise PartialAnswerError(rows, failed)
        return rows
