"""Read one opened file as lazy rows of fundamentals, news, listing events or companies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from trading_assets.market_data.contract.filings import ITEMS
from trading_assets.market_data.sources import _columns
from trading_assets.market_data.sources._bar_files import BarReader, start_of_day, within
from trading_assets.market_data.sources._columns import BAR_COLUMNS, Cell
from trading_assets.market_data.sources._data_files import DataFile
from trading_assets.market_data.sources._spelling import Spelling, stripped
from trading_assets.market_data.sources.errors import SourceFormatError
from trading_assets.market_data.sources.protocol import (
    COMPANIES_SCHEMA,
    FUNDAMENTALS_SCHEMA,
    LISTINGS_SCHEMA,
    NEWS_SCHEMA,
)

__all__ = ["FilingReader"]

_Names = Mapping[str, Sequence[str]]

_SYMBOL = BAR_COLUMNS["symbol"]
_FILING: _Names = {
    "symbol": _SYMBOL,
    "period_end": ("end_date", "period_end_date", "fiscal_period_end", "fiscal_date_ending", "report_period"),
    "period": ("period_focus", "fiscal_period", "period_type", "frequency"),
    "known_at": ("known_on", "filed_at", "filed_on", "filed", "filing_date", "accepted_at"),
}
_FIGURE: _Names = {"item": ("tag", "figure", "field"), "value": ("amount",)}
_OF_FILING: _Names = {"currency": ("reported_currency",), "amended": ("amend", "is_amended"), "basis": ()}
_ITEM_ALIASES: _Names = {
    "revenue": ("revenues", "total_revenue", "sales", "net_sales"),
    "operating_income": ("op_income",),
    "dividends_per_share": ("dividend", "dividends", "dps"),
    "total_assets": ("assets",),
    "current_assets": ("cur_assets",),
    "total_liabilities": ("liabilities",),
    "current_liabilities": ("cur_liab",),
    "total_debt": ("debt",),
    "cash": ("cash_and_equivalents",),
    "total_equity": ("equity", "shareholders_equity"),
    "shares_outstanding": ("shares",),
    "operating_cash_flow": ("cash_flow_op",),
    "investing_cash_flow": ("cash_flow_inv",),
    "financing_cash_flow": ("cash_flow_fin",),
}
_ITEMS: _Names = {item: _ITEM_ALIASES.get(item, ()) for item in ITEMS}
_PERIODS = {
    **dict.fromkeys(("fy", "year", "annual", "yearly", "a", "y", "10-k"), "year"),
    **dict.fromkeys(("q1", "q2", "q3", "q4", "quarter", "quarterly", "q", "10-q"), "quarter"),
}
_YES = ("true", "t", "yes", "y", "1")
_STORY: _Names = {
    "symbol": ("symbols", "tickers", *_SYMBOL),
    "published_at": ("published", "created_at", "datetime", "timestamp", "time", "date"),
    "headline": ("title",),
}
_STORY_TEXTS: _Names = {
    "id": ("story_id",),
    "summary": ("abstract", "description"),
    "text": ("content", "body", "story"),
    "author": (),
    "url": ("link",),
    "publisher": ("site", "provider", "source"),
}
_EVENT: _Names = {"symbol": _SYMBOL, "date": ("effective_date", "day"), "kind": ("type", "event", "action")}
_OF_EVENT: _Names = {
    "value": ("delisting_return", "return"),
    "other_symbol": ("old_symbol", "previous_symbol"),
    "known_at": ("known_on", "announced_at", "announced_on"),
}
_COMPANY_TEXTS: _Names = {
    "name": ("security", "company", "company name", "longname"),
    "sector": ("gics sector",),
    "industry": ("gics sub-industry", "sub-industry"),
    "country": (),
    "officers": (),
}
_COMPANY_NUMBERS: _Names = {
    "market_cap": ("market capitalization", "marketcap"),
    "shares_outstanding": ("shares",),
}
_SEPARATORS = r"[\s,;|]+"


@dataclass(frozen=True, kw_only=True)
class FilingReader:
    """Reads the files of other tables than bars, with moments read as in those of the bars.

    A bare date is no moment: what it dates counts as known from the end of that day, midnight UTC.
    """

    bars: BarReader
    spelling: Spelling
    source: str
    currency: str

    def fundamentals(
        self, file: DataFile, mapping: Mapping[str, str], symbols: Sequence[str], start: date, end: date
    ) -> pl.LazyFrame:
        """Return the figures of a file, one row per figure, in `FUNDAMENTALS_SCHEMA`.

        The file has one row per figure, with columns `item` and `value`, or one per filing, with a column per item. In
        the second form a figure that is not reported has no row; a filing that reports none, or of a symbol without
        bars, has one without item and value.

        Raises
        ------
        SourceFormatError
            A column is missing or has another type, or the file has no figure.
        """
        setting = "source.files.fundamentals_columns"
        names = file.schema.names()
        optional = {**_OF_FILING, **_FIGURE, **_ITEMS}
        found = _columns.resolve(names, _FILING, mapping, file=file.path, setting=setting, optional=optional)
        items = [item for item in ITEMS if item in found]
        is_long = "item" in found and "value" in found
        if not is_long and not items:
            raise SourceFormatError(
                f"{file.path} has no figures: neither columns item and value nor one of {', '.join(ITEMS)}; columns "
                f"found: {', '.join(map(repr, names))}. Name them in the setting {setting}."
            )
        period_end, known_at, cells = self._filing(file, found, setting)
        wanted = file.rows.filter(
            _columns.one_of(cells["symbol"].value, symbols), within(known_at.value.dt.date(), start, end)
        )
        cells |= {"period_end": period_end, "known_at": known_at}

        def rows(of: pl.LazyFrame, item: pl.Expr, value: Cell) -> pl.LazyFrame:
            own = {**cells, "item": Cell(item), "value": value, "known_on": Cell(known_at.value.dt.date())}
            return _columns.answer(of, FUNDAMENTALS_SCHEMA, own, file, source=pl.lit(self.source))

        if is_long:
            standard = {alias: item for item, aliases in _ITEMS.items() for alias in aliases}
            item = pl.col(found["item"]).cast(pl.String).str.strip_chars().str.to_lowercase().replace(standard)
            return rows(wanted, item, self._number(file, found["value"], setting))
        figures = {item: self._number(file, found[item], setting) for item in items}
        reported = {
            item: cell.value.is_not_null() | (pl.lit(value=False) if cell.unreadable is None else cell.unreadable)
            for item, cell in figures.items()
        }
        is_named = cells["symbol"].value.is_not_null()
        parts = [rows(wanted.filter(is_named, reported[item]), pl.lit(item), cell) for item, cell in figures.items()]
        empty = wanted.filter(~is_named | ~pl.any_horizontal(reported.values()))
        nothing = rows(empty, pl.lit(None, dtype=pl.String), Cell(pl.lit(None, dtype=pl.Float64)))
        return pl.concat([*parts, nothing])

    def news(
        self, file: DataFile, mapping: Mapping[str, str], symbols: Sequence[str], start: date, end: date
    ) -> pl.LazyFrame:
        """Return the stories of a file, one row per story and symbol, in `NEWS_SCHEMA`.

        A cell may list several symbols, separated by commas, semicolons, bars or blanks; those without bars are left
        out where another of the story has some. Without a column `id`, the URL, or moment and headline, identify a
        story; without `known_at`, its wording is known when published.
        """
        setting = "source.files.news_columns"
        names = file.schema.names()
        optional = {**_STORY_TEXTS, "known_at": ("updated_at",)}
        found = _columns.resolve(names, _STORY, mapping, file=file.path, setting=setting, optional=optional)
        published = self._moment(file, found["published_at"], setting)
        known = self._known(file, found, setting, published.value)
        cells = {name: _columns.text(found[name]) for name in ("headline", *_STORY_TEXTS) if name in found}
        story = pl.concat_str(published.value.dt.to_string("iso:strict"), cells["headline"].value, separator=" ")
        url = cells.get("url", _absent(pl.String())).value
        cells["id"] = Cell(pl.coalesce(cells["id"].value if "id" in cells else url, url, story))
        cells["symbol"] = self.spelling.of_others(pl.col("_symbol"), file.path)
        cells |= {"published_at": published, "known_at": known, "date": Cell(known.value.dt.date())}
        rows = (
            file.rows.with_row_index("_story")
            .with_columns(_symbol=_listed(found["symbol"], file.schema[found["symbol"]]))
            .explode("_symbol")
            .with_columns(_is_of_none=cells["symbol"].value.is_null().all().over("_story"))
            .filter(cells["symbol"].value.is_not_null() | pl.col("_is_of_none"))
            .filter(_columns.one_of(cells["symbol"].value, symbols), within(known.value.dt.date(), start, end))
        )
        return _columns.answer(rows, NEWS_SCHEMA, cells, file, source=pl.lit(self.source))

    def listings(
        self, file: DataFile, mapping: Mapping[str, str], symbols: Sequence[str], start: date, end: date
    ) -> pl.LazyFrame:
        """Return the listing events of a file, in `LISTINGS_SCHEMA`.

        Without a column `known_at` an event counts as known from midnight UTC at the start of its date.
        """
        setting = "source.files.listings_columns"
        names = file.schema.names()
        found = _columns.resolve(names, _EVENT, mapping, file=file.path, setting=setting, optional=_OF_EVENT)
        stamps, day = self.bars.dates(file, found["date"], daily=True, setting=setting)
        cells = {
            "symbol": self.spelling.of_others(pl.col(found["symbol"]), file.path),
            "date": day,
            "kind": Cell(_columns.text(found["kind"]).value.str.strip_chars().str.to_lowercase()),
            "value": self._number(file, found["value"], setting) if "value" in found else _absent(pl.Float64()),
            "other_symbol": Cell(stripped(pl.col(found["other_symbol"])))
            if "other_symbol" in found
            else _absent(pl.String()),
            "known_at": self._known(file, found, setting, start_of_day(stamps.date)),
        }
        rows = file.rows.filter(_columns.one_of(cells["symbol"].value, symbols), within(stamps.date, start, end))
        return _columns.answer(rows, LISTINGS_SCHEMA, cells, file, source=pl.lit(self.source))

    def companies(self, file: DataFile, symbols: Sequence[str], now: datetime) -> pl.LazyFrame:
        """Return the profiles of companies, in `COMPANIES_SCHEMA`; a file without `known_on` is as of today."""
        setting = "source.files.companies_path"
        names = file.schema.names()
        optional = {**_COMPANY_TEXTS, **_COMPANY_NUMBERS, "known_on": ("known_at", "date")}
        found = _columns.resolve(names, {"symbol": _SYMBOL}, {}, file=file.path, setting=setting, optional=optional)
        symbol = self.spelling.of_others(pl.col(found["symbol"]), file.path)
        cells = {"symbol": symbol, "known_on": Cell(pl.lit(now.date()))}
        cells |= {name: _columns.text(found[name]) for name in _COMPANY_TEXTS if name in found}
        cells |= {name: self._number(file, found[name], setting) for name in _COMPANY_NUMBERS if name in found}
        if "known_on" in found:
            _, cells["known_on"] = self.bars.dates(file, found["known_on"], daily=True, setting=setting)
        known = cells["known_on"].value
        rows = file.rows.filter(
            _columns.one_of(cells["symbol"].value, symbols), (known <= now.date()) | known.is_null()
        )
        return _columns.answer(rows, COMPANIES_SCHEMA, cells, file, source=pl.lit(self.source))

    def _filing(self, file: DataFile, found: Mapping[str, str], setting: str) -> tuple[Cell, Cell, dict[str, Cell]]:
        """End of the period, moment from which the filing is known, and its text columns."""
        _, period_end = self.bars.dates(file, found["period_end"], daily=True, setting=setting)
        known = self._moment(file, found["known_at"], setting)
        if "amended" in found:
            # An amendment filed on the same day is the later of the two.
            amended = pl.col(found["amended"]).cast(pl.String).str.strip_chars().str.to_lowercase().is_in(_YES)
            later = pl.when(amended).then(known.value.dt.offset_by("1s")).otherwise(known.value)
            known = Cell(later, known.unreadable)
        period = pl.col(found["period"]).cast(pl.String).str.strip_chars().str.to_lowercase().replace(_PERIODS)
        currency = pl.col(found["currency"]).cast(pl.String) if "currency" in found else pl.lit(self.currency)
        basis = pl.col(found["basis"]).cast(pl.String) if "basis" in found else pl.lit("filing")
        texts = {"period": Cell(period), "currency": Cell(currency), "basis": Cell(basis)}
        return period_end, known, {"symbol": self.spelling.of_others(pl.col(found["symbol"]), file.path), **texts}

    def _known(self, file: DataFile, found: Mapping[str, str], setting: str, otherwise: pl.Expr) -> Cell:
        """Moment from which a row is known: that of its column `known_at`, otherwise the one given."""
        if "known_at" not in found:
            return Cell(otherwise)
        text = pl.col(found["known_at"]).cast(pl.String).str.strip_chars()
        cell = self._moment(file, found["known_at"], setting)
        is_empty = text.is_null() | (text == "")
        return Cell(pl.when(is_empty).then(otherwise).otherwise(cell.value), cell.unreadable)

    def _moment(self, file: DataFile, column: str, setting: str) -> Cell:
        """A moment; a bare date is the end of that day, and a time of day without a known zone is unreadable."""
        stamps, _ = self.bars.dates(file, column, daily=True, setting=setting)
        moment = pl.coalesce(stamps.instant, start_of_day(stamps.date.dt.offset_by("1d")))
        present = (pl.col(column).cast(pl.String).str.strip_chars() != "").fill_null(value=False)
        return Cell(moment, present & moment.is_null())

    def _number(self, file: DataFile, column: str, setting: str) -> Cell:
        return _columns.number(column, file=file, setting=setting)


def _absent(dtype: pl.DataType) -> Cell:
    return Cell(pl.lit(None, dtype=dtype))


def _listed(column: str, dtype: pl.DataType) -> pl.Expr:
    """Symbols of a cell as a list."""
    if isinstance(dtype, pl.List):
        symbols = pl.col(column).cast(pl.List(pl.String))
        return pl.when(symbols.list.len() > 0).then(symbols)
    text = pl.col(column).cast(pl.String).str.replace_all(_SEPARATORS, ",").str.strip_chars(",[]")
    return pl.when(text != "").then(text.str.split(","))
