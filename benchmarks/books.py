"""Many simulated books in one run, from scores in the lake to target weights and P&L, with Dagster's share of it."""

from datetime import date
from functools import partial
from pathlib import Path

import polars as pl
import yaml

from benchmarks.desk import DATA, BenchDesk, require
from benchmarks.measure import Comparison, Timing, scratch_settings
from trading_assets.backtest.contract import PNL
from trading_assets.cli import full_run
from trading_assets.desk.calendar import sessions
from trading_assets.desk.desk import Desk
from trading_assets.desk.partitions import through_by_month
from trading_assets.desk.settings import Settings
from trading_assets.lake import Scope
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import BARS_DAILY, CORPORATE_ACTIONS, LISTINGS
from trading_assets.orchestration.instance import open_instance
from trading_assets.signals.contract import SCORES

_STRATEGY = "ml_alpha"
_PANEL = (BARS_DAILY.table, CORPORATE_ACTIONS.table, LISTINGS.table)
_SAMPLE_START = date(2008, 3, 1)


def _books(folder: Path, number: int) -> Path:
    """Books that differ in what they hold and when they trade, so that no two have the same orders."""
    first = {"strategy": _STRATEGY, "capital": 1_000_000, "broker": "sim", "max_weight": 1.0}
    books: dict[str, dict[str, object]] = {"book_0": first}
    for place in range(1, number):
        sizing = ("equal_weight_long", "score_weighted", "rank_long_short")[place % 3]
        rebalance = ("daily", "weekly", "monthly")[place % 3 if place % 2 else 1]
        fraction = 0.1 + 0.4 * place / number
        books[f"book_{place}"] = {"like": "book_0", "sizing": sizing, "rebalance": rebalance, "top_fraction": fraction}
    path = folder / "books.yaml"
    path.write_text(yaml.safe_dump(books, sort_keys=False))
    return path


def _write_scores(desk: Desk) -> None:
    """Scores of every name in every session, spread evenly and changing from session to session."""
    settings, lake = desk.settings, desk.lake
    last = settings.last_day
    assert last is not None
    rows = lake.query(
        f"SELECT '{_STRATEGY}' AS strategy, date, symbol, hash(symbol, date_trunc('week', date)) % 2001 / 1000.0 - 1 "
        f"AS score FROM lake.{BARS_DAILY.table} WHERE date >= DATE '{settings.start}'"
    )
    days = sessions(settings.exchange, settings.start, last)
    through = through_by_month(days, "strategy", _STRATEGY)
    scope = Scope({"strategy": (_STRATEGY,)}, "date", settings.start, settings.end, tuple(through))
    replace(lake, SCORES, rows.select(*SCORES.schema).cast(pl.Schema(SCORES.schema)), scope, through=through)


def _traded(folder: Path, settings: Settings, number: int) -> Timing:
    settings = settings.with_values(books=_books(folder, number))
    settings.save()
    desk = BenchDesk(settings, open_instance(settings))
    desk.symbols()
    last = settings.last_day
    assert last is not None
    desk.run("refresh_panel", settings.start, last, _PANEL)
    _write_scores(Desk(settings))
    report = desk.run("trade_books", settings.start, last)
    rows = Desk(settings).lake.query(f"SELECT count(*) AS n FROM lake.{PNL.table}")["n"].item()
    return Timing([report.seconds], rows, {"orchestration_share": report.orchestration_seconds / report.seconds})


def sample_books(folder: Path, *, number: int) -> Timing:
    """Books on the five names of the offline sample over five years."""
    with scratch_settings(folder) as scratch:
        settings = full_run.configure(scratch, {"kind": "sample"}, start=_SAMPLE_START)
        return _traded(folder, settings, number)


def real_books(folder: Path, *, number: int) -> Timing:
    """Books on 505 real names over five years."""
    prices = require(DATA / "us_daily_2013_2018.parquet")
    with scratch_settings(folder) as scratch:
        settings = full_run.configure(scratch, {"kind": "files", "path": str(prices)})
        return _traded(folder, settings, number)


COMPARISONS = (
    Comparison("books.sample_20", partial(sample_books, number=20)),
    Comparison("books.real_50", partial(real_books, number=50)),
)
