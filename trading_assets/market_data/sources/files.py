"""The source of your own Parquet or CSV files: one file, a folder or a glob, with a mapping of column names."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import polars as pl

from trading_assets.desk import calendar
from trading_assets.lake.contracts.contract import REJECTED
from trading_assets.market_data.sources import _columns
from trading_assets.market_data.sources._action_files import FURTHER, ActionReader
from trading_assets.market_data.sources._bar_files import BarFile, BarReader, within
from trading_assets.market_data.sources._data_files import DataFile, collect, find_files, open_file
from trading_assets.market_data.sources._dividends import add_up, reject_large
from trading_assets.market_data.sources._filings_files import FilingReader
from trading_assets.market_data.sources._spelling import Spelling, spelling_of
from trading_assets.market_data.sources._unadjust import raw_from_split_adjusted
from trading_assets.market_data.sources.errors import SourceConfigError, SourceFormatError
from trading_assets.market_data.sources.protocol import (
    COMPANIES_SCHEMA,
    CORPORATE_ACTIONS_SCHEMA,
    FUNDAMENTALS_SCHEMA,
    LISTINGS_SCHEMA,
    NEWS_SCHEMA,
    SYMBOLS_SCHEMA,
    Interval,
    bars_schema,
    check_interval,
    check_request,
    interval_table,
)

__all__ = ["FilesSource"]

_DELISTED_AFTER_SESSIONS = 20
# A date that fewer of the names than this have is a stray row, not the last session of the files.
_LAST_SESSION_SHARE = 0.01
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class FilesSource:
    """Raw bars read from Parquet (``.parquet``, ``.pq``) or text (``.csv``, ``.tsv``, or ``.gz``, ``.zst`` of them).

    How a text is written is recognised: UTF-8, UTF-16 or Windows-1252; commas, semicolons, tabs or bars between cells;
    a decimal comma where commas separate nothing; comments (``#``) and blank lines before the header. ``.txt`` is read
    where a path names it. Columns of one name are refused.

    The files are inspected once per object: create a new one when they have changed. Rows whose date or symbol cannot
    be read belong to no window and no symbol, so every answer includes them.

    Symbols are read without blanks around them, and in one spelling: that of the bars, where ``BRK-B``, ``BRK.B``,
    ``BRK/B`` and ``brk.b`` are one. Rows of other tables whose symbol has no bars, and rows of bars whose symbol can be
    no partition, have a null symbol and a rule in the column `rejected`, which an answer has only then.

    Parameters
    ----------
    path
        A file, a folder (read with its subfolders) or a glob.
    columns
        Standard name (`symbol`, `date`, `open`, `high`, `low`, `close`, `volume`) -> name in the files. Names that
        differ only in case, and usual ones (`ticker`, `timestamp`, `vol` ...), need not be listed.
    symbol_in_file_name
        The files have no symbol column: ``AAPL.csv`` holds AAPL, ``BRK.B.csv.gz`` holds BRK.B. Two files that give one
        name are refused.
    actions_path, actions_columns
        Splits and dividends (`symbol`, `ex_date`, `kind`, `value`, optionally `known_at`), and their column mapping.
        Dividends of one ex-date add up unless their rows are identical in every column of the file.
    adjustment
        "none" if the prices are as traded; "split" if the vendor has adjusted them, and the volumes, for every split in
        the files of `actions_path`: they are converted back into what was traded.
    names_path
        `symbol` and `name` of companies.
    companies_path
        `symbol` and any of `name`, `sector`, `industry`, `country`, `market_cap`, `shares_outstanding`, `officers`, and
        `known_on` if the file has lists of several days.
    fundamentals_path, fundamentals_columns
        Figures of filings, one row per figure (`item`, `value`) or per filing with a column per item, with `symbol`,
        `period_end`, `period` and `known_at`; optionally `currency`, `amended`, `basis`.
    news_path, news_columns
        Stories: `symbol` (or several in one cell), `published_at`, `headline`; optionally `id`, `known_at`, `summary`,
        `text`, `author`, `url`, `publisher`.
    listings_path, listings_columns
        Listings, delistings and renames: `symbol`, `date`, `kind`; optionally `value`, `other_symbol`, `known_at`.
    exchange, currency
        Of all symbols in the files. Volumes of ``24/7``, where fractions of a unit are usual, are rounded.
    date_format
        chrono format of dates that are not ISO 8601, e.g. ``"%d/%m/%Y"``.
    timezone
        Zone in which time stamps are written; needed only if a stamp could be read in two ways.
    feed
        Which feed to select from files that contain several, by their column `feed` or `source`.
    interval
        Length of the bars in the files.
    name
        The value of the column `source` in every answer.

    Raises
    ------
    SourceFormatError
        The files cannot be read as bars, raised at the first request; the message names the file and the setting.
    """

    path: str | Path
    columns: Mapping[str, str] = field(default_factory=dict)
    symbol_in_file_name: bool = False
    actions_path: str | Path | None = None
    actions_columns: Mapping[str, str] = field(default_factory=dict)
    adjustment: Literal["none", "split"] = "none"
    names_path: str | Path | None = None
    companies_path: str | Path | None = None
    fundamentals_path: str | Path | None = None
    fundamentals_columns: Mapping[str, str] = field(default_factory=dict)
    news_path: str | Path | None = None
    news_columns: Mapping[str, str] = field(default_factory=dict)
    listings_path: str | Path | None = None
    listings_columns: Mapping[str, str] = field(default_factory=dict)
    exchange: str = "XNYS"
    currency: str = "USD"
    date_format: str | None = None
    timezone: str | None = None
    feed: str | None = None
    interval: Interval = "1d"
    name: str = "files"

    def __post_init__(self) -> None:
        """Check the settings that need no file."""
        if self.timezone is not None:
            try:
                ZoneInfo(self.timezone)
            except (KeyError, ValueError, OSError) as error:
                raise SourceConfigError(
                    f"setting source.files.timezone: {self.timezone!r} is not a time zone; "
                    "use an IANA name such as 'UTC' or 'America/New_York'."
                ) from error
        if self.adjustment == "split" and self.actions_path is None:
            raise SourceConfigError(
                "setting source.files.adjustment is 'split', but source.files.actions_path is not set: without its "
                "splits the prices cannot be converted back into those that were traded; provide the splits."
            )

    @property
    def offers(self) -> frozenset[str]:
        """Bars of the files' interval, corporate actions, and the tables whose path is set."""
        further = {
            "companies": self.companies_path,
            "fundamentals": self.fundamentals_path,
            "news": self.news_path,
            "listings": self.listings_path,
        }
        given = {table for table, path in further.items() if path is not None}
        return frozenset({interval_table(self.interval), "corporate_actions", *given})

    @property
    def is_remote(self) -> bool:
        """False: the files are read as a whole by every run."""
        return False

    def symbols(self) -> pl.DataFrame:
        """Return one row per symbol, with its span taken from the bars.

        Only dates on which the exchange trades count, so that a stray holiday or future row moves no span.
        `delisted_on` is the session after the symbol's last bar if that is more than 20 sessions before the last
        session of the files.
        """
        spans = self._spans()
        last = spans["last_session"].max()
        sessions = calendar.sessions(self.exchange, *self._calendar_window(spans)) if isinstance(last, date) else []
        ended_by = sessions[-1 - _DELISTED_AFTER_SESSIONS] if len(sessions) > _DELISTED_AFTER_SESSIONS else date.min
        following = pl.DataFrame(
            {"last_session": sessions[:-1], "next": sessions[1:]}, schema={"last_session": pl.Date, "next": pl.Date}
        )
        return (
            spans.join(following, on="last_session", how="left")
            .join(self._names(), on="symbol", how="left")
            .with_columns(
                delisted_on=pl.when(pl.col("last_session") < ended_by).then("next"),
                exchange=pl.lit(self.exchange),
                currency=pl.lit(self.currency),
                source=pl.lit(self.name),
            )
            .select(*SYMBOLS_SCHEMA)
            .sort("symbol")
        )

    def bars(self, symbols: Sequence[str], start: date, end: date, interval: Interval = "1d") -> pl.DataFrame:
        """Return the rows of the requested symbols and sessions; only those are read."""
        check_interval(self.name, interval, (self.interval,))
        wanted = check_request(self.name, symbols, start, end, self._known)
        if not wanted:
            return bars_schema(interval).to_frame()
        return _answer(self._bars(wanted, start, end))

    def corporate_actions(self, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
        """Return the rows of `actions_path`, none if it is not set.

        Without a column `known_at` an action counts as known from midnight UTC at the start of its ex-date; a bare date
        before the ex-date counts from the end of that day. Different dividends of one ex-date are added up.
        """
        wanted = check_request(self.name, symbols, start, end, self._known)
        rows = self._actions(wanted)
        paying = rows.filter(pl.col("kind") == "dividend")["symbol"].unique().drop_nulls().to_list()
        if paying:
            rows = reject_large(rows, self._bars(paying, date.min, date.max), exchange=self.exchange)
        return _answer(rows.filter(within(pl.col("ex_date"), start, end)))

    def _actions(self, wanted: list[str]) -> pl.DataFrame:
        """Corporate actions of symbols, of all time: what counts of a day does not depend on the window."""
        schema = pl.Schema(CORPORATE_ACTIONS_SCHEMA | {REJECTED: pl.String(), FURTHER: pl.String()})
        reader = ActionReader(bars=self._reader, spelling=self._spelling, source=self.name)
        rows = self._further(
            "actions_path", schema, wanted, lambda file: reader.actions(file, self.actions_columns, wanted)
        )
        return add_up(rows, further=FURTHER).sort("symbol", "ex_date", "kind", maintain_order=True)

    def _bars(self, wanted: list[str], start: date, end: date) -> pl.DataFrame:
        """Raw bars of symbols, sorted by symbol and time."""
        frames = [
            (file.data, file.rows(wanted, start, end, source=self.name, interval=self.interval)) for file in self._files
        ]
        order = ["symbol", "date"] if self.interval == "1d" else ["symbol", "ts"]
        rows = collect(frames, setting="source.files.path").sort(order, maintain_order=True)
        if self.adjustment == "none":
            return rows
        splits = self._actions(wanted).filter(pl.col("kind") == "split", pl.col(REJECTED).is_null())
        return raw_from_split_adjusted(rows, splits).with_columns(adjustment=pl.lit("split"))

    def listings(self, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
        """Return the rows of `listings_path` dated in the window, none if it is not set.

        Without a column `known_at` an event counts as known from midnight UTC at the start of its date.
        """
        wanted = check_request(self.name, symbols, start, end, self._known)
        rows = self._further(
            "listings_path",
            LISTINGS_SCHEMA,
            wanted,
            lambda file: self._filings.listings(file, self.listings_columns, wanted, start, end),
        )
        return _answer(rows.sort("symbol", "date", "kind", maintain_order=True))

    def fundamentals(self, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
        """Return the figures of `fundamentals_path` that became known in the window, none if it is not set.

        A filing dated by its day alone counts from midnight UTC at the end of that day, an amendment one second later.
        """
        wanted = check_request(self.name, symbols, start, end, self._known)
        rows = self._further(
            "fundamentals_path",
            FUNDAMENTALS_SCHEMA,
            wanted,
            lambda file: self._filings.fundamentals(file, self.fundamentals_columns, wanted, start, end),
        )
        return _answer(rows.sort("symbol", "period_end", "period", "item", "known_at", maintain_order=True))

    def news(self, symbols: Sequence[str], start: date, end: date) -> pl.DataFrame:
        """Return the stories of `news_path` that became known in the window, none if it is not set."""
        wanted = check_request(self.name, symbols, start, end, self._known)
        rows = self._further(
            "news_path",
            NEWS_SCHEMA,
            wanted,
            lambda file: self._filings.news(file, self.news_columns, wanted, start, end),
        )
        return _answer(rows.sort("symbol", "known_at", "id", maintain_order=True))

    def companies(self, symbols: Sequence[str], now: datetime) -> pl.DataFrame:
        """Return per symbol the newest row of `companies_path` known by the day of `now`, and rows of no readable day.

        A file without days is today's list.
        """
        wanted = check_request(self.name, symbols, now.date(), now.date(), self._known)
        rows = self._further(
            "companies_path", COMPANIES_SCHEMA, wanted, lambda file: self._filings.companies(file, wanted, now)
        )
        newest = pl.col("known_on") == pl.col("known_on").max().over("symbol")
        is_shown = newest | pl.col("known_on").is_null() | pl.col("symbol").is_null()
        return _answer(rows.filter(is_shown).sort("symbol", maintain_order=True))

    def _further(
        self, path: str, schema: pl.Schema, wanted: list[str], rows: Callable[[DataFile], pl.LazyFrame]
    ) -> pl.DataFrame:
        """Rows of the files of a setting; none without files or symbols."""
        given, setting = getattr(self, path), f"source.files.{path}"
        if given is None or not wanted:
            return schema.to_frame()
        files = [open_file(path, setting=setting) for path in find_files(given, setting=setting)]
        return collect([(file, rows(file)) for file in files], setting=setting)

    @cached_property
    def _filings(self) -> FilingReader:
        return FilingReader(bars=self._reader, spelling=self._spelling, source=self.name, currency=self.currency)

    @cached_property
    def _reader(self) -> BarReader:
        return BarReader(
            columns=self.columns,
            symbol_in_file_name=self.symbol_in_file_name,
            exchange=self.exchange,
            timezone=self.timezone,
            date_format=self.date_format,
            feed=self.feed,
            daily=self.interval == "1d",
        )

    @cached_property
    def _opened(self) -> list[DataFile]:
        setting = "source.files.path"
        return [open_file(path, setting=setting) for path in find_files(self.path, setting=setting)]

    @cached_property
    def _written(self) -> list[BarFile]:
        """The files of bars with their symbols as they are written."""
        files = [self._reader.open(file) for file in self._opened]
        self._reader.check(files)
        return files

    @cached_property
    def _files(self) -> list[BarFile]:
        return [file.spelled(self._spelling) for file in self._written]

    @cached_property
    def _spelling(self) -> Spelling:
        setting = "source.files.path"

        def days(of: Sequence[str]) -> pl.DataFrame:
            frames = [(file.data, file.days().filter(pl.col("symbol").is_in(of)).unique()) for file in self._written]
            return collect(frames, setting=setting).unique()

        found = collect([(file.data, file.symbols()) for file in self._written], setting=setting)["symbol"]
        written = found.unique().drop_nulls().sort()
        if written.is_empty():
            raise SourceFormatError(
                f"{self.path} contains no rows (columns found: {', '.join(self._opened[0].schema)}); "
                "fetch it again or correct the setting source.files.path."
            )
        spelling = spelling_of(written.to_list(), days)
        if not spelling.known:
            raise SourceFormatError(
                f"{self.path}: no symbol can be used, they are empty or contain '|', '...' or a control character "
                f"(found: {', '.join(map(repr, written.head(_SHOWN)))}); rename them in the files, or name the right "
                "column in the setting source.files.columns."
            )
        return spelling

    @cached_property
    def _known(self) -> dict[str, None]:
        return dict.fromkeys(self._spelling.known)

    def _names(self) -> pl.DataFrame:
        if self.names_path is None:
            return pl.DataFrame(schema={"symbol": pl.String, "name": pl.String})
        setting = "source.files.names_path"
        frames = []
        for path in find_files(self.names_path, setting=setting):
            file = open_file(path, setting=setting)
            found = _columns.resolve(file.schema.names(), _columns.NAME_COLUMNS, {}, file=file.path, setting=setting)
            symbol = self._spelling.of_others(pl.col(found["symbol"]), file.path).value
            frames.append((file, file.rows.select(symbol=symbol, name=pl.col(found["name"]).cast(pl.String))))
        return collect(frames, setting=setting).unique("symbol", keep="first", maintain_order=True)

    def _spans(self) -> pl.DataFrame:
        known = pl.DataFrame({"symbol": list(self._known)}, schema={"symbol": pl.String})
        frames = [(file.data, file.days()) for file in self._files]
        days = collect(frames, setting="source.files.path").drop_nulls("symbol").unique()
        first = calendar.first_session(self.exchange)
        sessions = calendar.sessions(self.exchange, first, calendar.last_session(self.exchange))
        # Days before the calendar begins cannot be checked against it and are accepted.
        days = days.filter(pl.col("date").is_in(sessions) | (pl.col("date") < first))
        carried = days.group_by("date").len().filter(pl.col("len") >= math.ceil(_LAST_SESSION_SHARE * known.height))
        days = days.filter(pl.col("date") <= carried["date"].max()) if carried.height else days.clear()
        spans = days.group_by("symbol").agg(first_session=pl.col("date").min(), last_session=pl.col("date").max())
        return known.join(spans, on="symbol", how="left")

    def _calendar_window(self, spans: pl.DataFrame) -> tuple[date, date]:
        earliest, latest = spans["last_session"].min(), spans["last_session"].max()
        first = calendar.first_session(self.exchange)
        begin = earliest if isinstance(earliest, date) else first
        finish = latest if isinstance(latest, date) else first
        return max(begin, first), max(finish, first)


def _answer(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows without the column of rejections where there is none."""
    has_rejected = REJECTED in rows.columns and rows[REJECTED].null_count() < rows.height
    return rows if has_rejected else rows.drop(REJECTED, strict=False)
