"""Strategies on a desk: a file is a strategy, needs no model, and is traded; one that fails stops no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from textwrap import dedent

import dagster as dg
import polars as pl
import pytest
import yaml

from trading_assets.definitions import build_defs
from trading_assets.desk.desk import Desk
from trading_assets.lake.errors import UpstreamNotReadyError
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.market_data.contract import BARS_DAILY, CORPORATE_ACTIONS, SYMBOLS
from trading_assets.portfolio.books import _DEFAULT_PATH, books
from trading_assets.signals import Strategy, StrategyError, bars, features, predictions, strategy
from trading_assets.signals import strategies as shipped
from trading_assets.signals.registry import by_name, strategies
from trading_assets.signals.strategies.ml_alpha import ml_alpha
from trading_assets.signals.strategies.moving_average_cross import moving_average_cross
from trading_assets.testing.strategies import check_strategy
from trading_assets_tests.desks import Bench, multi_range, open_bench

pytestmark = pytest.mark.slow

START, END = date(2014, 1, 1), date(2015, 4, 1)
SOURCE = {
    "kind": "simulated", "seed": 5, "n_symbols": 3, "start": "2014-01-02", "end": "2015-03-31", "listing_rate": 0.0,
    "delisting_rate": 0.0, "split_rate": 0.6, "dividend_rate": 1.0,
}  # fmt: skip
SYMBOL_NAMES = ("SIM0001", "SIM0002", "SIM0003")
RAW = [BARS_DAILY.table, CORPORATE_ACTIONS.table]
SCORES = "signals.scores"
FIRST_MONTH, LAST_MONTH = "2014-01", "2015-03"
BREAKOUT = '''
    """The strategy breakout: closes near their high of twenty sessions."""

    import polars as pl

    from trading_assets.signals import bars, strategy


    @strategy(inputs={"prices": bars("close")}, lookback=19, source="Donchian (1960)")
    def breakout(prices: pl.DataFrame) -> pl.DataFrame:
        """Place of the close between the lowest and the highest of twenty sessions."""
        close = pl.col("close")
        low, high = (one.over("symbol") for one in (close.rolling_min(20), close.rolling_max(20)))
        return prices.select("date", "symbol", score=pl.when(high > low).then(2 * (close - low) / (high - low) - 1))
'''


def months(name: str, first: str = FIRST_MONTH, last: str = LAST_MONTH) -> dict[str, str]:
    return multi_range({"date": first, "strategy": name}, {"date": last, "strategy": name})


@pytest.fixture(scope="module")
def bench(postgres: PostgresUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Bars of three names, no feature and no model, on a desk whose package of strategies has one more file.

    Its only book trades that strategy.
    """
    folder = tmp_path_factory.mktemp("strategies")
    (folder / "breakout.py").write_text(dedent(BREAKOUT))
    book = yaml.safe_load(_DEFAULT_PATH.read_text())["main"] | {"strategy": "breakout", "broker": "sim", "live": None}
    (folder / "books.yaml").write_text(yaml.safe_dump({"channel": book}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shipped, "__path__", [*shipped.__path__, str(folder)])
        options = {"books": folder / "books.yaml"}
        with open_bench(postgres, folder / "lake", SOURCE, START, END, **options) as opened:
            opened.list_symbols()
            corners = [{"date": year, "symbol": name} for year, name in (("2014", "SIM0001"), ("2015", "SIM0003"))]
            opened.run("refresh_panel", multi_range(*corners), only=RAW)
            yield opened


def with_strategies(bench: Bench, *ones: Strategy) -> Bench:
    """The same lake, on a desk of other strategies."""
    book = bench.desk.part(books)["channel"].with_values(strategy=ones[0].name)
    desk = Desk(bench.settings, given={strategies: by_name(ones), books: {"channel": book}})
    return replace(bench, desk=desk, defs=build_defs(desk=desk))


def scores_of(bench: Bench, name: str) -> pl.DataFrame:
    return bench.read(SCORES).filter(strategy=name)


# --- a file


def test_a_file_is_a_strategy_of_the_desk(bench: Bench) -> None:
    known = bench.desk.part(strategies)
    assert list(known) == ["breakout", "ml_alpha", "moving_average_cross"]
    node = bench.defs.resolve_asset_graph().get(dg.AssetKey(["signals", "scores"]))
    assert node.partitions_def.get_partitions_def_for_dimension("strategy").get_partition_keys() == list(known)
    parents = {key.to_user_string() for key in node.parent_keys}
    assert {"market_data/bars_daily", "market_data/corporate_actions", "predictions/daily"} < parents


def test_it_is_scored_where_no_model_is_trained_and_passes_its_checks(bench: Bench) -> None:
    result = bench.run("signal", months("breakout"))
    checks = {one.check_name: one for one in result.get_asset_check_evaluations()}
    assert {name: one.passed for name, one in checks.items()} == dict.fromkeys(
        ["contract", "look_ahead", "warm_up", "survivorship"], True
    )
    assert all(checks[name].blocking for name in ("contract", "look_ahead", "warm_up"))
    found = scores_of(bench, "breakout")
    assert found["symbol"].unique().sort().to_list() == list(SYMBOL_NAMES)
    assert found.filter(pl.col("score") == 1.0).height > 50
    assert bench.desk.lake.tables() == sorted({*bench.desk.lake.tables()} - {"models.trained", "predictions.daily"})


def test_a_book_trades_it(bench: Bench) -> None:
    bench.run("signal", months("breakout"))
    corner = {"book": "channel"}
    tags = multi_range(corner | {"date": FIRST_MONTH}, corner | {"date": LAST_MONTH})
    assert bench.run("trade_books", tags).success
    assert bench.read("backtest.pnl")["date"].max() == date(2015, 3, 31)
    assert bench.read("backtest.fills").height > 10
    assert bench.run("report_books", {"dagster/partition": "channel"}).success
    assert "information_coefficient" not in bench.read("reports.tear_sheet")["statistic"].to_list()


def test_the_law_of_strategies_holds_for_it(bench: Bench) -> None:
    check_strategy(bench.desk.part(strategies)["breakout"])


# --- months


def test_single_months_in_any_order_and_again_are_the_range(bench: Bench) -> None:
    desk = with_strategies(bench, moving_average_cross, moving_average_cross.of(fast=5, slow=30).named("quick_cross"))
    corners = [
        {"date": day, "strategy": name}
        for day, name in ((FIRST_MONTH, "moving_average_cross"), (LAST_MONTH, "quick_cross"))
    ]
    desk.run("signal", multi_range(*corners))
    whole = [scores_of(desk, name) for name in ("moving_average_cross", "quick_cross")]
    # SIM0001 has its two hundredth close in October
    assert (whole[0]["date"].min(), whole[1]["date"].min()) == (date(2014, 10, 16), date(2014, 2, 13))
    pieced = with_strategies(
        bench,
        *(desk.desk.part(strategies)[name].named(f"{name}_again") for name in ("moving_average_cross", "quick_cross")),
    )
    for month in ("2015-02", "2014-11", "2015-03", "2015-01", "2014-12", "2014-11"):
        for name in ("moving_average_cross_again", "quick_cross_again"):
            pieced.run("signal", months(name, month, month))
    for rows, name in zip(whole, ("moving_average_cross_again", "quick_cross_again"), strict=True):
        wanted = rows.filter(pl.col("date") >= date(2014, 11, 1)).drop("strategy")
        assert scores_of(pieced, name).drop("strategy").equals(wanted)


def test_what_is_made_again_changes_nothing(bench: Bench) -> None:
    bench.run("signal", months("breakout"))
    snapshot = bench.desk.lake.current_snapshot()
    bench.run("signal", months("breakout", "2014-06", "2014-09"))
    assert bench.desk.lake.current_snapshot() == snapshot


# --- laws


@strategy(inputs={"prices": bars("close")})
def tomorrow(prices: pl.DataFrame) -> pl.DataFrame:
    """Whether the close will rise."""
    close = pl.col("close")
    return prices.select("date", "symbol", score=(close.shift(-1) > close).over("symbol").cast(pl.Float64))


@strategy(inputs={"prices": bars("close")}, lookback=50)
def forgetful(prices: pl.DataFrame) -> pl.DataFrame:
    """Whether the close is above its mean of a hundred sessions, of which it declares half."""
    close = pl.col("close")
    return prices.select("date", "symbol", score=(close > close.rolling_mean(100)).over("symbol").cast(pl.Float64))


@pytest.mark.parametrize(
    ("one", "law", "said"),
    [
        (tomorrow, "look_ahead", "looks ahead: values up to 201"),
        (forgetful, "warm_up", "reads more than the 50 rows before its own that it declares"),
    ],
    ids=["tomorrow", "forgetful"],
)
def test_a_strategy_that_breaks_a_law_stops_the_run_by_name(bench: Bench, one: Strategy, law: str, said: str) -> None:
    desk = with_strategies(bench, one)
    bench.run("signal", months("breakout", "2015-03", "2015-03"))
    result = desk.run("signal", months(one.name, "2015-01", "2015-03"), raises=False)
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert (result.success, checks[law].passed) == (False, False)
    assert said in checks[law].description


# --- failures


@strategy(inputs={"prices": bars("close")})
def breaking(prices: pl.DataFrame) -> pl.DataFrame:
    """Fails in September."""
    return prices.select("date", "symbol", score=pl.lit(1 / (prices["date"][0].month - 9) / 10))


@strategy(inputs={"prices": bars("close")}, lookback=1)
def steady(prices: pl.DataFrame) -> pl.DataFrame:
    """Always the same."""
    return prices.select("date", "symbol", score=pl.lit(0.5))


def failures(result: dg.ExecuteInProcessResult) -> str:
    events = [event for event in result.all_events if event.is_step_failure]
    return " ".join(str(event.step_failure_data.error) for event in events)


def test_one_that_fails_leaves_the_others_scored_and_the_run_fails_with_its_name(bench: Bench) -> None:
    good, bad = steady.named("a_steady"), breaking.named("b_breaking")
    before = with_strategies(bench, good, steady.named("b_breaking"))
    before.run("signal", months("b_breaking", "2014-09", "2014-09"))
    kept = scores_of(before, "b_breaking")

    desk = with_strategies(bench, good, bad)
    corners = [{"date": "2014-08", "strategy": "a_steady"}, {"date": "2014-10", "strategy": "b_breaking"}]
    result = desk.run("signal", multi_range(*corners), raises=False)

    said = "strategy 'b_breaking' fails on 2014-09-01 to 2014-09-30: ZeroDivisionError"
    assert not result.success
    assert said in failures(result)
    assert scores_of(desk, "a_steady")["date"].is_between(date(2014, 8, 1), date(2014, 10, 31)).all()
    assert scores_of(desk, "a_steady")["date"].n_unique() == 65
    assert scores_of(desk, "b_breaking").equals(kept)
    written = desk.desk.lake.written_through(
        SCORES, [f"2014-{month}|{name}" for month in ("08", "09", "10") for name in ("a_steady", "b_breaking")]
    )
    assert {key for key in written if "b_breaking" in key} == {"2014-09|b_breaking"}
    assert {key: str(day) for key, day in written.items() if "a_steady" in key} == {
        "2014-08|a_steady": "2014-08-29",
        "2014-09|a_steady": "2014-09-30",
        "2014-10|a_steady": "2014-10-31",
    }
    made = desk.instance.get_materialized_partitions(dg.AssetKey(["signals", "scores"]))
    assert {key for key in made if "a_steady" in key} == {"2014-08|a_steady", "2014-09|a_steady", "2014-10|a_steady"}
    assert {key for key in made if "b_breaking" in key} == {"2014-09|b_breaking"}


def test_all_that_fail_are_told(bench: Bench) -> None:
    desk = with_strategies(bench, breaking.named("a_breaking"), breaking.named("b_breaking"))
    corners = [{"date": "2014-09", "strategy": name} for name in ("a_breaking", "b_breaking")]
    with pytest.raises(ExceptionGroup, match="2 strategies failed") as caught:
        desk.run("signal", multi_range(*corners))
    assert [str(error).split(" fails")[0] for error in caught.value.exceptions] == [
        "strategy 'a_breaking'",
        "strategy 'b_breaking'",
    ]


def test_a_score_out_of_range_is_quarantined_and_stops_the_run(bench: Bench) -> None:
    @strategy(inputs={"prices": bars("close")})
    def loud(prices: pl.DataFrame) -> pl.DataFrame:
        """More than certain of one name."""
        return prices.select("date", "symbol", score=pl.when(pl.col("symbol") == "SIM0002").then(1.5).otherwise(0.5))

    desk = with_strategies(bench, loud)
    result = desk.run("signal", months("loud", "2014-06", "2014-06"), raises=False)
    checks = {one.check_name: one.passed for one in result.get_asset_check_evaluations()}
    assert (result.success, checks["contract"]) == (False, False)
    assert scores_of(desk, "loud")["symbol"].unique().sort().to_list() == ["SIM0001", "SIM0003"]
    rules = desk.quarantined(SCORES).filter(strategy="loud")["rule"].unique().to_list()
    assert rules == ["score: less_than_or_equal_to(1)"]


# --- guards


@strategy(inputs={"predicted": predictions("lgbm_daily")}, lookback=2)
def lagging(predicted: pl.DataFrame) -> pl.DataFrame:
    """Mean of three predictions."""
    return predicted.select("date", "symbol", score=pl.col("prediction").rolling_mean(3).over("symbol"))


@strategy(inputs={"known": features("rsi_14")})
def of_a_feature(known: pl.DataFrame) -> pl.DataFrame:
    """A feature."""
    return known.select("date", "symbol", score=pl.col("rsi_14") / 50 - 1)


@pytest.mark.parametrize(
    ("one", "missing"),
    [
        (ml_alpha, r"signals.scores of one needs predictions.daily .*: 2014-05-30 of 2014-05.lgbm_daily"),
        (lagging, r"signals.scores of one needs predictions.daily .*: 2014-04-30 of 2014-04.*, 2014-05-30 of 2014-05"),
        (
            of_a_feature,
            r"scores of one needs partitions of features.technical .*: 2014.SIM0001, 2014.SIM0002, 2014.SIM0003",
        ),
    ],
    ids=["predictions", "earlier predictions", "features"],
)
def test_what_is_not_written_is_named_with_its_table_and_partitions(bench: Bench, one: Strategy, missing: str) -> None:
    desk = with_strategies(bench, one.named("one"))
    with pytest.raises(UpstreamNotReadyError, match=missing):
        desk.run("signal", months("one", "2014-05", "2014-05"))


def test_a_strategy_of_what_does_not_exist_is_refused_when_definitions_load(bench: Bench) -> None:
    wrong = strategy(inputs={"known": features("rsi_41")})(of_a_feature.rule).named("wrong")
    with pytest.raises(
        StrategyError, match=r"'rsi_41'.*did you mean 'rsi_14'.*'lgbm_dayly'.*did you mean 'lgbm_daily'"
    ):
        with_strategies(bench, wrong, ml_alpha.of("lgbm_dayly").named("other"))


def test_bars_that_are_not_there_are_named(postgres: PostgresUrl, tmp_path: Path) -> None:
    with open_bench(postgres, tmp_path / "lake", SOURCE, START, END) as empty:
        empty.list_symbols()
        assert empty.read(SYMBOLS.table).height == 3
        with pytest.raises(UpstreamNotReadyError, match=r"moving_average_cross needs .*bars_daily .*: 2014.SIM0001"):
            empty.run("signal", months("moving_average_cross", "2014-10", "2014-10"))
