"""Read one opened file as lazy rows of bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from trading_assets.desk import calendar
from trading_assets.market_data.sources import _columns
from trading_assets.market_data.sources._columns import Cell
from trading_assets.market_data.sources._data_files import DataFile, collect, name_without_ending
from trading_assets.market_data.sources._spelling import Spelling, key_of, stripped
from trading_assets.market_data.sources._timestamps import Stamps, read_stamps, stamp_can_fail
from trading_assets.market_data.sources.errors import SourceFormatError
from trading_assets.market_data.sources.protocol import Interval, bars_schema

__all__ = ["BarFile", "BarReader", "start_of_day", "within"]

_INSTANT = pl.Datetime("us", "UTC")
# What trades around the clock, cryptocurrencies for instance, trades in fractions of its unit.
_OPEN_ALWAYS = "24/7"
_FEED_COLUMNS = ("feed", "source")
_COLUMNS_SETTING = "source.files.columns"
_PATH_SETTING = "source.files.path"


@dataclass(frozen=True, slots=True)
class BarFile:
    """One file of bars whose columns have been found and whose rows are not read yet."""

    data: DataFile
    lazy: pl.LazyFrame
    cells: Mapping[str, Cell]
    stamps: Stamps
    date_column: str
    feed_column: str | None

    def symbols(self) -> pl.LazyFrame:
        """Return the distinct symbols."""
        return self.lazy.select(symbol=self.cells["symbol"].value).unique()

    def days(self) -> pl.LazyFrame:
        """Return `symbol` and `date` of every row."""
        return self.lazy.select(symbol=self.cells["symbol"].value, date=self.stamps.date)

    def spelled(self, spelling: Spelling) -> BarFile:
        """Return the file with its symbols in the one spelling of each."""
        symbol = spelling.of_bars(self.cells["symbol"].value, self.data.path)
        return replace(self, cells={**self.cells, "symbol": symbol})

    def rows(self, symbols: Sequence[str], start: date, end: date, *, source: str, interval: Interval) -> pl.LazyFrame:
        """Return the bars of the requested symbols and dates, and those without a readable symbol or date."""
        feed = pl.lit(None) if self.feed_column is None else pl.col(self.feed_column)
        return _columns.answer(
            self.lazy.filter(
                _columns.one_of(self.cells["symbol"].value, symbols), within(self.stamps.date, start, end)
            ),
            bars_schema(interval),
            self.cells,
            self.data,
            ts=self.stamps.instant,
            feed=feed.cast(pl.String),
            adjustment=pl.lit("none"),
            source=pl.lit(source),
        )


@dataclass(frozen=True, kw_only=True)
class BarReader:
    """Reads files of bars by the settings of the source."""

    columns: Mapping[str, str]
    symbol_in_file_name: bool
    exchange: str
    timezone: str | None
    date_format: str | None
    feed: str | None
    daily: bool

    def open(self, file: DataFile) -> BarFile:
        """Find the columns of a file of bars.

        Raises
        ------
        SourceFormatError
            A column is missing or has another type, or no column has the feed to select.
        """
        standard = dict(_columns.BAR_COLUMNS)
        if self.symbol_in_file_name:
            del standard["symbol"]
        found = _columns.resolve(file.schema.names(), standard, self.columns, file=file.path, setting=_COLUMNS_SETTING)
        stamps, dates = self.dates(file, found["date"], daily=self.daily, setting=_COLUMNS_SETTING)
        prices = ("open", "high", "low", "close")
        numbers = {name: _columns.number(found[name], file=file, setting=_COLUMNS_SETTING) for name in prices}
        numbers["volume"] = _columns.volume(
            found["volume"], file=file, setting=_COLUMNS_SETTING, is_rounded=self.exchange == _OPEN_ALWAYS
        )
        by_name = Cell(pl.lit(name_without_ending(file.path)))
        symbol = by_name if self.symbol_in_file_name else _columns.text(found["symbol"])
        feed_column = self._feed_column(file, used=set(found.values()))
        lazy = file.rows
        if self.feed is not None and feed_column is not None:
            lazy = lazy.filter(pl.col(feed_column).cast(pl.String) == self.feed)
        return BarFile(file, lazy, {"symbol": symbol, "date": dates, **numbers}, stamps, found["date"], feed_column)

    def check(self, files: Sequence[BarFile]) -> None:
        """Raise `SourceFormatError` if feeds are mixed, dates are ambiguous, or two files give one name."""
        if self.symbol_in_file_name:
            _check_names(files)
        self._check_feeds(files)
        for file in files:
            _check_dates(file)

    def dates(self, file: DataFile, column: str, *, daily: bool, setting: str) -> tuple[Stamps, Cell]:
        """Read a column of dates or moments: its stamps, and its date with a flag for unreadable cells.

        Raises
        ------
        SourceFormatError
            The column has another type, or lacks the time of day that intraday bars need.
        """
        dtype = file.schema[column]
        readable = isinstance(dtype, pl.Date | pl.Datetime | pl.String)
        if not readable and not (dtype.is_integer() and self.date_format is not None):
            raise SourceFormatError(
                f"{file.path}: column {column!r} contains {dtype}, not dates; name the right column in the setting "
                f"{setting} or, for numbers such as 20130208, set source.files.date_format ('%Y%m%d')."
            )
        if isinstance(dtype, pl.Date) and not daily:
            raise SourceFormatError(
                f"{file.path}: column {column!r} contains dates without a time of day, so these are not intraday bars; "
                f"set source.files.interval to '1d' or name the right column in the setting {setting}."
            )
        # Importing the calendar library takes over a second; plain dates need no time zone of the exchange.
        zone = "UTC" if isinstance(dtype, pl.Date) else calendar.exchange_timezone(self.exchange)
        stamps = read_stamps(
            column, dtype, zone=zone, timezone=self.timezone, date_format=self.date_format, daily=daily
        )
        unread = None
        if stamp_can_fail(dtype) or not daily:
            present = (pl.col(column).cast(pl.String).str.strip_chars() != "").fill_null(value=False)
            unread = present & (stamps.date if daily else stamps.instant).is_null()
        return stamps, Cell(stamps.date, unread)

    def _feed_column(self, file: DataFile, used: set[str]) -> str | None:
        names = [name for name in file.schema.names() if name.lower() in _FEED_COLUMNS and name not in used]
        if self.feed is not None and not names:
            raise SourceFormatError(
                f"{file.path} has no column {' or '.join(map(repr, _FEED_COLUMNS))} to select the feed {self.feed!r} "
                f"by; columns found: {', '.join(map(repr, file.schema.names()))}. Remove the setting source.files.feed."
            )
        return names[0] if names else None

    def _check_feeds(self, files: Sequence[BarFile]) -> None:
        frames = [
            (file.data, file.data.rows.select(feed=pl.col(file.feed_column).cast(pl.String)).unique())
            for file in files
            if file.feed_column is not None
        ]
        if not frames:
            return
        feeds = collect(frames, setting=_PATH_SETTING)["feed"].unique().drop_nulls().sort().to_list()
        listed = ", ".join(map(repr, feeds))
        where = f"{frames[0][0].path}" + (f" and {len(frames) - 1} more" if len(frames) > 1 else "")
        if self.feed is None and len(feeds) > 1:
            raise SourceFormatError(
                f"{where}: bars of several feeds are mixed: {listed}; choose one in the setting source.files.feed."
            )
        if self.feed is not None and self.feed not in feeds:
            raise SourceFormatError(
                f"{where}: there is no feed {self.feed!r}; set source.files.feed to one of {listed}."
            )


def _check_names(files: Sequence[BarFile]) -> None:
    paths = [file.data.path for file in files]
    frame = pl.DataFrame({"path": paths, "name": [name_without_ending(path) for path in paths]})
    keyed = frame.with_columns(key=key_of(stripped(pl.col("name"))))
    twice = keyed.filter(pl.col("key").is_duplicated()).sort("key", "path")
    if twice.height:
        name, same = twice["name"][0], twice.filter(pl.col("key") == twice["key"][0])["path"].to_list()
        raise SourceFormatError(
            f"{' and '.join(same)} give one name, {name} (setting source.files.symbol_in_file_name); join them in "
            "one file, or rename or remove all but one."
        )


def _check_dates(file: BarFile) -> None:
    stamp = pl.col(file.date_column).cast(pl.String)
    if not isinstance(file.data.schema[file.date_column], pl.Date):
        facts = file.lazy.select(
            rows=stamp.count(),
            read=file.stamps.date.count(),
            ambiguous=stamp.filter(file.stamps.ambiguous).first(),
            first=stamp.first(),
        )
        found = collect([(file.data, facts)], setting=_PATH_SETTING).row(0, named=True)
        where = f"{file.data.path}: column {file.date_column!r}"
        if found["ambiguous"] is not None:
            raise SourceFormatError(
                f"{where} has the stamp {found['ambiguous']!r}, from which the session of the exchange cannot be told; "
                "set source.files.timezone to the zone in which the stamps are written ('UTC', 'America/New_York'), "
                "or name a column of dates in source.files.columns."
            )
        if found["rows"] and not found["read"]:
            raise SourceFormatError(
                f"{where} has no value that can be read as a date (the first is {found['first']!r}); set its format in "
                "source.files.date_format, e.g. '%d/%m/%Y', or name the right column in source.files.columns."
            )


def within(day: pl.Expr, start: date, end: date) -> pl.Expr:
    """Whether a day is in a window or unreadable: every answer includes unreadable rows."""
    return day.is_between(start, end) | day.is_null()


def start_of_day(day: pl.Expr) -> pl.Expr:
    """Midnight UTC at the start of a day."""
    return day.cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(_INSTANT)
