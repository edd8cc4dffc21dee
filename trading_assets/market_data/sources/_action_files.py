"""Read one opened file as lazy rows of corporate actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from trading_assets.market_data.sources import _columns
from trading_assets.market_data.sources._bar_files import BarReader, start_of_day
from trading_assets.market_data.sources._columns import Cell
from trading_assets.market_data.sources._data_files import DataFile
from trading_assets.market_data.sources._spelling import Spelling
from trading_assets.market_data.sources.protocol import CORPORATE_ACTIONS_SCHEMA

__all__ = ["FURTHER", "ActionReader"]

FURTHER = "_further"
"""Column beside those of the answer: the cells of a row that no standard column takes, as JSON."""

_SETTING = "source.files.actions_columns"


@dataclass(frozen=True, kw_only=True)
class ActionReader:
    """Reads files of corporate actions, with dates read as in those of the bars."""

    bars: BarReader
    spelling: Spelling
    source: str

    def actions(self, file: DataFile, mapping: Mapping[str, str], symbols: Sequence[str]) -> pl.LazyFrame:
        """Return the splits and dividends of a file, in `CORPORATE_ACTIONS_SCHEMA` and two columns.

        They are `REJECTED`, and `FURTHER`, by which two dividends of one amount and day can be told apart.
        """
        names = file.schema.names()
        standard = dict(_columns.ACTION_COLUMNS)
        if "known_at" in mapping or any(name.lower() == "known_at" for name in names):
            standard["known_at"] = ()
        found = _columns.resolve(names, standard, mapping, file=file.path, setting=_SETTING)
        stamps, ex_date = self.bars.dates(file, found["ex_date"], daily=True, setting=_SETTING)
        known_at = Cell(start_of_day(stamps.date))
        if "known_at" in found:
            known, cell = self.bars.dates(file, found["known_at"], daily=True, setting=_SETTING)
            from_date = pl.when(known.date < stamps.date).then(known.date.dt.offset_by("1d")).otherwise(known.date)
            known_at = Cell(pl.coalesce(known.instant, start_of_day(from_date)), cell.unreadable)
        cells = {
            "symbol": self.spelling.of_others(pl.col(found["symbol"]), file.path),
            "ex_date": ex_date,
            "kind": Cell(_columns.text(found["kind"]).value.str.strip_chars().str.to_lowercase()),
            "value": _columns.number(found["value"], file=file, setting=_SETTING),
            "known_at": known_at,
        }
        wanted = file.rows.filter(_columns.one_of(cells["symbol"].value, symbols))
        others = sorted(set(names) - set(found.values()))
        texts = [pl.col(name).cast(pl.String).str.strip_chars() for name in others]
        further = pl.struct(texts).struct.json_encode() if texts else pl.lit("{}")
        schema = pl.Schema(CORPORATE_ACTIONS_SCHEMA | {FURTHER: pl.String()})
        return _columns.answer(wanted, schema, cells, file, source=pl.lit(self.source), **{FURTHER: further})
