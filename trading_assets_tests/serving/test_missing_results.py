"""Models and books without a result are named with the reason: what is there, what is needed, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from trading_assets.backtest.contract import PNL
from trading_assets.desk.calendar import sessions
from trading_assets.desk.desk import Desk
from trading_assets.desk.settings import Settings
from trading_assets.labels.contract import FORWARD_RETURN
from trading_assets.lake import Contract, Lake, Scope
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import BARS_DAILY
from trading_assets.serving.missing_results import missing_results

START = date(2015, 1, 1)
BOOK = "book main has no P&L: its strategy ml_alpha needs predictions of the model lgbm_daily, which has none"


@pytest.fixture
def desk(lake: Lake, tmp_path: Path) -> Desk:
    made = Desk(Settings(home=tmp_path))
    made.__dict__["lake"] = lake
    return made


def write(lake: Lake, contract: Contract, rows: pl.DataFrame) -> None:
    given = {name: pl.lit(None, dtype) for name, dtype in contract.schema.items() if name not in rows.columns}
    replace(lake, contract, rows.with_columns(**given).select(*contract.schema), Scope())


def write_history(lake: Lake, names: Sequence[str], days: Sequence[date], labelled: int) -> None:
    """Bars of names on days, and labels of the first of them."""
    rows = pl.DataFrame({"symbol": names}).join(pl.DataFrame({"date": days}), how="cross")
    at = datetime(2015, 1, 1, tzinfo=UTC)
    prices = {name: pl.lit(10.0) for name in ("open", "high", "low", "close")}
    bars = rows.with_columns(**prices, volume=1, ts=pl.lit(at), source=pl.lit("test"), adjustment=pl.lit("none"))
    write(lake, BARS_DAILY, bars)
    kept = rows.filter(pl.col("date").is_in(days[:labelled]))
    ends = {"entry_date": pl.col("date") + timedelta(days=1), "exit_date": pl.col("date") + timedelta(days=9)}
    write(lake, FORWARD_RETURN, kept.with_columns(**ends, forward_return=0.01))


CASES = {
    "one name": (["A"], 300, 290, "it compares names with each other, and there is 1 name, A"),
    "too few sessions": (["A", "B"], 61, 50, "39 sessions up to 2015-02-27 found, 257 needed"),
    "no month has ended": (["A", "B"], 15, 9, "it needs a month that has ended, and there are bars of 2015-01-02 to"),
    "no labels": (["A", "B"], 6, 0, "there are no labels, which need bars of later sessions; there are bars of 6"),
    "too few rows": (["A", "B"], 300, 100, "200 labelled rows up to 2016-02-29 found, 500 needed to fit"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_model_that_no_month_trains_is_named_with_what_is_needed(desk: Desk, lake: Lake, case: str) -> None:
    names, count, labelled, said = CASES[case]
    write_history(lake, names, sessions("XNYS", START, date(2016, 12, 30))[:count], labelled)
    first, second = missing_results(desk)
    assert first.startswith("model lgbm_daily is not trained: ")
    assert said in first
    assert second == BOOK


def test_weekly_bars_are_recognised(desk: Desk, lake: Lake) -> None:
    weekly = [day for day in sessions("XNYS", START, date(2016, 12, 30)) if day.weekday() == 4]
    write_history(lake, ["A", "B"], weekly, 50)
    said = missing_results(desk)[0]
    assert said.startswith("the bars of a name are 7 days apart, so they are not daily")


def test_a_book_with_results_is_not_named(desk: Desk, lake: Lake) -> None:
    write_history(lake, ["A"], sessions("XNYS", START, date(2015, 3, 1)), 20)
    assert BOOK in missing_results(desk)
    row = {name: 1.0 if dtype == pl.Float64 else None for name, dtype in PNL.schema.items()}
    row |= {"book": "main", "date": date(2015, 1, 5), "equity": 1.0, "cash": 1.0}
    row |= dict.fromkeys(("long_value", "short_value", "drawdown"), 0.0)
    replace(lake, PNL, pl.DataFrame([row], schema=PNL.schema), Scope())
    assert BOOK not in missing_results(desk)
