"""The universe: which symbols belong to it when, by listings, a list, an index with dated lists, or a screen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from trading_assets.desk.configuration import UniverseSettings
from trading_assets.errors import TradingAssetsError
from trading_assets.market_data.contract import MEMBERSHIP

_A_DAY = timedelta(days=1)
_DATED = re.compile(r"(\d{4}-\d{2}-\d{2})")
_SYMBOL_COLUMNS = ("symbol", "ticker")
_SPELLING = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-^=]{0,14}")


class UniverseError(TradingAssetsError, ValueError):
    """The lists of the universe cannot be used; the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class MemberList:
    """The members of a universe on one day.

    Attributes
    ----------
    day : date or None
        Day of the list; None if it has no day, so that the day of its first use counts.
    symbols : tuple of str
        Members, each once.
    malformed : tuple of str
        Lines of the file without a readable symbol.
    """

    day: date | None
    symbols: tuple[str, ...]
    malformed: tuple[str, ...] = ()


def member_lists(universe: UniverseSettings) -> list[MemberList]:
    """Read the lists of a universe, oldest first; none for the kinds whose symbols come from the source.

    Raises
    ------
    UniverseError
        A file is missing, empty, has no column of symbols, or an index has no dated list.
    """
    if universe.kind == "symbols":
        return [MemberList(universe.as_of, tuple(dict.fromkeys(universe.symbols)))]
    if universe.kind == "file" and universe.path:
        return [read_list(universe.path, universe.as_of or _day_in(universe.path))]
    if universe.kind == "index" and universe.path:
        return _index_lists(universe.path, universe.as_of)
    return []


def names_of(lists: Iterable[MemberList]) -> list[str]:
    """All symbols that were ever members, sorted."""
    return sorted({symbol for one in lists for symbol in one.symbols})


def read_list(path: Path, day: date | None) -> MemberList:
    """Read a list of symbols: CSV or Parquet with a column of symbols, or text with one symbol per line.

    A line without a readable symbol does not stop the others; it is returned as malformed.
    """
    if not path.is_file():
        msg = f"setting universe.path: the file {path} does not exist; correct the path"
        raise UniverseError(msg)
    cells = _cells(path)
    good = [text for text in cells if _SPELLING.fullmatch(text)]
    malformed = tuple(text for text in cells if not _SPELLING.fullmatch(text))
    if not good:
        msg = f"{path} contains no symbol; it needs a column {' or '.join(_SYMBOL_COLUMNS)}, or one symbol per line"
        raise UniverseError(msg)
    return MemberList(day, tuple(dict.fromkeys(good)), malformed)


def listed_membership(symbols: pl.DataFrame, *, universe: str) -> pl.DataFrame:
    """Derive the membership of every symbol while it is listed, in the columns of market_data.membership."""
    return symbols.select(
        universe=pl.lit(universe),
        symbol="symbol",
        first_date="first_session",
        last_date=pl.col("delisted_on").dt.offset_by("-1d"),
        basis=pl.lit("dated"),
        listed_on=pl.lit(None, dtype=pl.Date),
        source="source",
    )


def list_membership(
    lists: Sequence[MemberList], *, universe: str, source: str, start: date, stretch: bool
) -> pl.DataFrame:
    """Derive the membership from dated lists, in the columns of market_data.membership.

    A member of a list belongs to the universe from the day of the list until the day before the first later list
    without it.

    Parameters
    ----------
    lists : sequence of MemberList
        Lists with a day, oldest first.
    universe, source : str
        Columns of the rows.
    start : date
        First day of the lake.
    stretch : bool
        Also use the first list for the days before it, as rows of the basis ``hindsight``: it was not known then.
    """
    rows: list[tuple[str, date, date | None, str, date]] = []
    since: dict[str, tuple[date, date]] = {}
    for one in lists:
        day = _dated(one)
        for symbol in sorted(set(since) - set(one.symbols)):
            first, listed = since.pop(symbol)
            rows.append((symbol, first, day - _A_DAY, "dated", listed))
        for symbol in one.symbols:
            since.setdefault(symbol, (day, day))
    rows += [(symbol, first, None, "dated", listed) for symbol, (first, listed) in since.items()]
    if stretch and lists and start < _dated(lists[0]):
        day = _dated(lists[0])
        rows += [(symbol, start, day - _A_DAY, "hindsight", day) for symbol in lists[0].symbols]
    frame = pl.DataFrame(
        rows,
        schema={
            "symbol": pl.String,
            "first_date": pl.Date,
            "last_date": pl.Date,
            "basis": pl.String,
            "listed_on": pl.Date,
        },
        orient="row",
    )
    return frame.with_columns(universe=pl.lit(universe), source=pl.lit(source)).select(*MEMBERSHIP.schema)


def membership_of(
    universe: UniverseSettings, symbols: pl.DataFrame, before: pl.DataFrame, *, start: date, today: date
) -> pl.DataFrame:
    """Derive the membership of the universe of a desk, in the columns of market_data.membership.

    Parameters
    ----------
    universe : UniverseSettings
        The setting.
    symbols : polars.DataFrame
        market_data.symbols.
    before : polars.DataFrame
        market_data.membership as it is stored: a list without a day keeps the day on which it was first used.
    start, today : date
        First day of the lake, and the present day.
    """
    if universe.kind == "listed":
        return listed_membership(symbols, universe=universe.name)
    lists = member_lists(universe) or [MemberList(None, tuple(symbols["symbol"]))]
    first_used = before.filter(pl.col("universe") == universe.name)["listed_on"].min()
    day = first_used if isinstance(first_used, date) else today
    dated = sorted((replace(one, day=one.day or day) for one in lists), key=_dated)
    return list_membership(
        dated, universe=universe.name, source=universe.kind, start=start, stretch=universe.kind != "index"
    )


def members_only(rows: pl.DataFrame, membership: pl.DataFrame) -> pl.DataFrame:
    """Add `basis` and `listed_on` of the membership to rows (symbol, date, ...); null if the symbol is no member."""
    spans = membership.select("symbol", "first_date", "last_date", "basis", "listed_on")
    covered = (
        rows.select("symbol", "date")
        .unique()
        .join(spans, on="symbol")
        .filter(pl.col("first_date") <= pl.col("date"), pl.col("date") <= pl.col("last_date").fill_null(date.max))
        .sort("symbol", "date", "basis")
        .unique(["symbol", "date"], keep="first", maintain_order=True)
        .select("symbol", "date", "basis", "listed_on")
    )
    return rows.join(covered, on=["symbol", "date"], maintain_order="left")


def _dated(one: MemberList) -> date:
    if one.day is None:
        msg = "a list of the universe has no day; set universe.as_of"
        raise UniverseError(msg)
    return one.day


def _day_in(path: Path) -> date | None:
    found = _DATED.search(path.stem)
    return date.fromisoformat(found[1]) if found else None


def _index_lists(folder: Path, as_of: date | None) -> list[MemberList]:
    files = sorted(file for file in folder.glob("*") if file.suffix in (".csv", ".parquet", ".txt"))
    days = {file: _day_in(file) or as_of for file in files}
    lists = [read_list(file, day) for file, day in days.items() if day is not None]
    if not lists:
        msg = (
            f"setting universe.path: {folder} contains no list with a date in its name (constituents_2014-01-01.csv); "
            "rename the files, or set universe.as_of for lists without a date"
        )
        raise UniverseError(msg)
    return sorted(lists, key=_dated)


def _cells(path: Path) -> list[str]:
    if path.suffix == ".parquet":
        frame = pl.read_parquet(path)
    else:
        first = next(iter(path.read_text(encoding="utf-8-sig").splitlines()), "")
        header = [name.strip().lower() for name in first.split(",")]
        if not set(header) & set(_SYMBOL_COLUMNS):
            lines = path.read_text(encoding="utf-8-sig").splitlines()
            return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        frame = pl.read_csv(path, infer_schema=False, truncate_ragged_lines=True)
    found = next((name for name in frame.columns if name.strip().lower() in _SYMBOL_COLUMNS), None)
    if found is None:
        return []
    return [str(text).strip() if text is not None else "" for text in frame[found].to_list()]
