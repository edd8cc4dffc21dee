"""Queries: declared columns whatever the lake holds, named parameters, rows of what a desk no longer has."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from trading_assets.backtest.contract import PNL
from trading_assets.desk.desk import Desk
from trading_assets.desk.settings import Settings
from trading_assets.lake import Lake, LakeFrame, Scope
from trading_assets.lake.store.writes import replace
from trading_assets.live.contract import PNL as LIVE_PNL
from trading_assets.models.specs import SHIPPED, by_name, models
from trading_assets.orchestration.orphans import orphans, remove_orphans
from trading_assets.orchestration.stages import contracts
from trading_assets.portfolio.books import books
from trading_assets.portfolio.contract import TARGET_WEIGHTS
from trading_assets.serving.queries import QUERIES, QueryParameterError
from trading_assets.signals.registry import strategies

DAY = date(2016, 1, 4)
PARAMETERS = {"book": "main", "model": "lgbm_daily", "session": DAY, "contracts": (PNL, TARGET_WEIGHTS)}


@pytest.fixture
def desk(lake: Lake, tmp_path: Path) -> Desk:
    given = {books: {"main": None}, models: by_name(SHIPPED), strategies: {"ml_alpha": None}}
    made = Desk(Settings(home=tmp_path), given=given)
    made.__dict__["lake"] = lake
    return made


def write_weights(lake: Lake, *names: str) -> None:
    rows = [{"book": name, "date": DAY, "symbol": "A", "weight": 1.0, "is_rebalance": True} for name in names]
    frame = pl.DataFrame(rows, schema=TARGET_WEIGHTS.schema)
    keys = tuple(f"{name}|2016-01" for name in names)
    scope = Scope({"book": names}, "date", date(2016, 1, 1), date(2016, 2, 1), keys)
    replace(lake, TARGET_WEIGHTS, frame, scope, through=dict.fromkeys(keys, DAY))


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_every_query_has_its_columns_and_a_meaning_on_an_empty_lake(desk: Desk, name: str):
    one = QUERIES[name]
    found = one(desk, **{parameter: PARAMETERS[parameter] for parameter in one.parameters})
    assert found.schema == one.schema
    assert found.is_empty()
    assert one.name == name
    assert len(one.meaning) > 20


def test_a_query_says_which_parameters_it_takes(desk: Desk):
    with pytest.raises(QueryParameterError, match="the query book_pnl takes book, not model"):
        QUERIES["book_pnl"](desk, model="lgbm_daily")


def test_tables_are_counted_with_their_quarantine(desk: Desk, lake: Lake):
    write_weights(lake, "main")
    found = QUERIES["tables"](desk, contracts=(PNL, TARGET_WEIGHTS))
    assert found.select("table", "rows", "quarantined").rows() == [("portfolio.target_weights", 1, 0)]


def test_rows_of_a_book_that_is_gone_are_listed_and_removed_with_their_partitions(desk: Desk, lake: Lake):
    write_weights(lake, "main", "gone")
    assert orphans(desk) == ["1 rows of the book gone in portfolio.target_weights"]
    assert remove_orphans(desk) == ["removed: 1 rows of the book gone in portfolio.target_weights"]
    assert LakeFrame(lake, TARGET_WEIGHTS).read()["book"].to_list() == ["main"]
    assert lake.written_through(TARGET_WEIGHTS.table) == {"main|2016-01": DAY}
    assert orphans(desk) == []


def test_what_was_traded_at_a_broker_outlives_its_book(desk: Desk, lake: Lake):
    row = {name: 1.0 if dtype == pl.Float64 else None for name, dtype in LIVE_PNL.schema.items()}
    row |= {"book": "gone", "date": DAY, "is_opening": True, "equity": 1.0, "cash": 1.0}
    row |= dict.fromkeys(("long_value", "short_value", "drawdown"), 0.0)
    frame = pl.DataFrame([row], schema=LIVE_PNL.schema)
    replace(lake, LIVE_PNL, frame, Scope({"book": ("gone",)}, "date", DAY, date(2016, 1, 5), (f"gone|{DAY}",)))
    assert LIVE_PNL in desk.part(contracts).values()
    assert remove_orphans(desk) == ["kept: 1 rows of the book gone in live.pnl"]
    assert LakeFrame(lake, LIVE_PNL).read().height == 1
