"""A sizing is one file: dropped into the package it sizes a book of a desk, and what it must not do stops the run."""

from __future__ import annotations

import sys
from datetime import date

import dagster as dg
import polars as pl
import pytest

from trading_assets.desk.calendar import sessions
from trading_assets.lake import Scope
from trading_assets.lake.errors import UpstreamNotReadyError
from trading_assets.lake.store.writes import replace
from trading_assets.portfolio import sizing
from trading_assets.signals.contract import SCORES
from trading_assets_tests.desks import metadata_of, multi_range, open_bench

pytestmark = pytest.mark.slow

START, END = date(2015, 1, 1), date(2015, 5, 1)
SOURCE = {"kind": "simulated", "seed": 3, "n_symbols": 4, "start": "2015-01-02", "end": "2015-04-30",
          "listing_rate": 0.0, "delisting_rate": 0.0, "split_rate": 1.0}  # fmt: skip
DAYS = sessions("XNYS", date(2015, 2, 2), date(2015, 4, 30))
NAMES = ["SIM0001", "SIM0002", "SIM0003", "SIM0004"]
WEIGHTS = "portfolio.target_weights"
PRICES = {"market_data/symbols", "market_data/bars_daily", "market_data/corporate_actions"}
BOOKS = """\
plain: {strategy: ml_alpha, capital: 1000000, start: 2015-03-02, max_weight: 0.9}
young: {like: plain, sizing: {kind: inverse_volatility, lookback: 120}}
calm: {like: plain, sizing: {kind: inverse_volatility, lookback: 20}, top_fraction: 1.0}
"""
LOW_RANGE = """\
from typing import Literal

import polars as pl

from trading_assets.portfolio.sizing import Needs, Sizing, SizingInputs, highest, share_out


class LowRange(Sizing):
    \"\"\"Weights of the highest scores by the inverse of the range of returns.\"\"\"

    kind: Literal["low_range"] = "low_range"
    lookback: int = 5

    @property
    def needs(self) -> Needs:
        return Needs(return_sessions=self.lookback)

    def weights(self, inputs: SizingInputs) -> pl.DataFrame:
        spread = pl.col("return").max() - pl.col("return").min()
        claims = inputs.returns.group_by("rebalance", "symbol", maintain_order=True).agg(claim=1 / spread)
        held = highest(inputs.scores, inputs.limits).join(claims, on=["rebalance", "symbol"])
        return share_out(held.with_columns(leg=1.0, sign=1.0), inputs.limits.gross_leverage, inputs.limits.max_weight)
"""
HINDSIGHT = """\
from typing import Literal

import polars as pl

from trading_assets.portfolio.sizing import Sizing, SizingInputs


class Hindsight(Sizing):
    \"\"\"Scales by the largest score of all sessions, later ones among them.\"\"\"

    kind: Literal["hindsight"] = "hindsight"

    def weights(self, inputs: SizingInputs) -> pl.DataFrame:
        score = pl.col("score").abs()
        return inputs.scores.select("rebalance", "symbol", weight=score / score.max() / 10)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of sizings, searched like the package's own."""
    where = tmp_path_factory.mktemp("sizings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sizing, "__path__", [*sizing.__path__, str(where)])
        yield where
    for name in [name for name in sys.modules if name.startswith(f"{sizing.__name__}.")]:
        if str(where) in str(getattr(sys.modules[name], "__file__", "")):
            delattr(sizing, name.rsplit(".", 1)[-1])
            del sys.modules[name]


@pytest.fixture(scope="module")
def bench(postgres, tmp_path_factory, folder):
    """Prices and scores of four names, and books that size by files of their own."""
    books = tmp_path_factory.mktemp("desk") / "books.yaml"
    (folder / "low_range.py").write_text(LOW_RANGE)
    (folder / "hindsight.py").write_text(HINDSIGHT)
    books.write_text(f"{BOOKS}mine: {{like: plain, sizing: {{kind: low_range, lookback: 6}}}}\n"
                     "leaky: {like: plain, sizing: hindsight}\n")  # fmt: skip
    with open_bench(postgres, books.parent / "lake", SOURCE, START, END, books=books) as opened:
        opened.list_symbols()
        rows = [(day, name, ((3 * k + 7 * n) % 11) / 11) for k, day in enumerate(DAYS) for n, name in enumerate(NAMES)]
        frame = pl.DataFrame(rows, schema=["date", "symbol", "score"], orient="row")
        months = {f"{day:%Y-%m}" for day in DAYS}
        through = {f"{month}|ml_alpha": max(day for day in DAYS if f"{day:%Y-%m}" == month) for month in sorted(months)}
        scope = Scope({"strategy": ("ml_alpha",)}, "date", START, END, tuple(through))
        replace(opened.desk.lake, SCORES, frame.with_columns(strategy=pl.lit("ml_alpha")), scope, through=through)
        yield opened


def trade(bench, book, first="2015-03", last="2015-04", **options):
    tags = multi_range({"date": first, "book": book}, {"date": last, "book": book})
    return bench.run("trade_books", tags, **options)


def failed(result):
    return {one.check_name: one.description for one in result.get_asset_check_evaluations() if not one.passed}


@pytest.fixture(scope="module")
def priced(bench):
    with pytest.raises(UpstreamNotReadyError, match=r"target_weights of the book mine needs .*bars_daily"):
        trade(bench, "mine", only=[WEIGHTS])
    tags = multi_range({"date": "2015", "symbol": NAMES[0]}, {"date": "2015", "symbol": NAMES[-1]})
    bench.run("refresh_panel", tags, only=["market_data.bars_daily", "market_data.corporate_actions",
                                           "market_data.listings"])  # fmt: skip
    return bench


def upstream_of_weights(bench):
    node = bench.defs.resolve_asset_graph().get(dg.AssetKey(WEIGHTS.split(".")))
    return {"/".join(key.path) for key in node.parent_keys}


def test_a_sizing_that_was_dropped_in_sizes_a_book_through_to_its_profit_and_passes_every_check(priced):
    result = trade(priced, "mine")
    assert result.success
    assert failed(result) == {}
    checked = {one.check_name for one in result.get_asset_check_evaluations() if one.asset_key.path[0] == "portfolio"}
    assert checked == {"contract", "look_ahead", "warm_up"}
    held = priced.read(WEIGHTS).filter(pl.col("book") == "mine", pl.col("weight") > 0)
    assert held["date"].unique().len() == len([day for day in DAYS if day >= date(2015, 3, 1)])
    assert held["weight"].n_unique() >= 16
    assert held.group_by("date").agg(pl.col("weight").sum())["weight"].to_list() == pytest.approx([0.98] * 43)
    pnl = priced.read("backtest.pnl").filter(pl.col("book") == "mine")
    assert pnl["equity"].n_unique() > 20


def test_inverse_volatility_sizes_a_book_and_says_whom_it_leaves_out(priced):
    result = trade(priced, "calm")
    assert failed(result) == {}
    assert metadata_of(result, WEIGHTS)["names_left_out"] == 0
    held = priced.read(WEIGHTS).filter(pl.col("book") == "calm", pl.col("weight") > 0)
    assert held.group_by("date").len()["len"].unique().to_list() == [4]


def test_names_with_too_short_a_history_are_said_and_left_in_cash(priced):
    result = trade(priced, "young", only=[WEIGHTS])
    said = metadata_of(result, WEIGHTS)
    weights = priced.read(WEIGHTS).filter(pl.col("book") == "young")
    assert said["left_out"].startswith("SIM0001 of young on 2015-02-27: 38 returns, needs 60; SIM0002 of young")
    assert weights.filter(pl.col("date") < date(2015, 3, 30))["weight"].max() == 0
    assert weights.filter(pl.col("date") > date(2015, 4, 6))["weight"].max() > 0


def test_months_one_by_one_have_the_weights_of_the_range(priced):
    trade(priced, "mine", only=[WEIGHTS])
    before = priced.hashes(WEIGHTS)
    for month in ("2015-04", "2015-03"):
        assert metadata_of(trade(priced, "mine", month, month, only=[WEIGHTS]), WEIGHTS)["rows_changed"] == 0
    assert priced.hashes(WEIGHTS) == before


def test_a_sizing_that_reads_later_sessions_stops_the_run(priced):
    result = trade(priced, "leaky", raises=False)
    assert not result.success
    assert "weight looks ahead" in failed(result)["look_ahead"]
    assert priced.read("backtest.pnl").filter(pl.col("book") == "leaky").is_empty()


def test_prices_are_upstream_of_weights_where_a_sizing_needs_returns_alone(bench, postgres, tmp_path):
    assert upstream_of_weights(bench) > PRICES
    (tmp_path / "books.yaml").write_text("plain: {strategy: ml_alpha, capital: 1000000}\n")
    with open_bench(postgres, tmp_path / "lake", SOURCE, START, END, books=tmp_path / "books.yaml") as other:
        assert not upstream_of_weights(other) & PRICES
