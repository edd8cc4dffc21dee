"""Real prices through the files source: every stage holds what the file implies, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from trading_assets.desk.calendar import sessions
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.portfolio.weights import rebalance_sessions
from trading_assets_tests.desks import Bench, metadata_of, multi_range, open_bench

pytestmark = pytest.mark.slow

FILE = "us_daily_2013_2018.parquet"
SPAN = (date(2013, 2, 8), date(2018, 2, 7))
START, END = date(2013, 2, 1), date(2018, 2, 8)
PRICES = ("open", "high", "low", "close")
KEY = ["symbol", "date"]
HORIZON = 5


@pytest.fixture(scope="module")
def rows(shared_data: Path) -> pl.DataFrame:
    """The whole file: 505 names, five years."""
    return pl.read_parquet(shared_data / FILE)


def with_missing(rows: pl.DataFrame) -> pl.DataFrame:
    cells = [pl.col(name).fill_nan(None).is_null() for name in PRICES]
    return rows.filter(pl.any_horizontal(*cells, pl.col("volume").is_null()))


def outside_range(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows whose open or close lies above the high or below the low."""
    body = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
    return rows.filter((pl.col("high") < body[0]) | (pl.col("low") > body[1]))


# --- the whole file, its bars --------------------------------------------------------------------------------------


def test_quarantine_holds_exactly_the_bad_rows_of_the_whole_file(
    rows: pl.DataFrame, shared_data: Path, postgres: PostgresUrl, tmp_path: Path
) -> None:
    source = {"kind": "files", "path": str(shared_data / FILE)}
    with open_bench(postgres, tmp_path / "lake", source, START, END) as bench:
        names = bench.list_symbols()
        tags = multi_range({"date": "2013", "symbol": names[0]}, {"date": "2018", "symbol": names[-1]})
        result = bench.run("refresh_panel", tags, only=["market_data.bars_daily"])
        bars, quarantined = bench.read("market_data.bars_daily"), bench.quarantined("market_data.bars_daily")
        assert len(names) == 505
        assert bars.height + quarantined.height == rows.height == 619_040
        missing, outside = with_missing(rows), outside_range(rows)
        assert (missing.height, outside.height) == (11, 12)
        by_rule = pl.col("rule").str.contains("not_nullable")
        assert quarantined.filter(by_rule).select(KEY).sort(KEY).equals(missing.select(KEY).sort(KEY))
        assert quarantined.filter(~by_rule).select(KEY).sort(KEY).equals(outside.select(KEY).sort(KEY))
        assert quarantined.filter(~by_rule)["rule"].str.contains("high is below|low is above").all()
        assert metadata_of(result, "market_data.bars_daily")["rows_quarantined"] == 23
        given = bars.drop("source", "feed", "adjustment")
        assert given.equals(rows.join(quarantined, on=KEY, how="anti").sort(KEY).select(given.columns))


# --- forty names, every stage -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def forty(rows: pl.DataFrame) -> pl.DataFrame:
    """The names with a bad row, a name listed late, and the first others."""
    named = pl.concat([with_missing(rows), outside_range(rows)])["symbol"].unique().to_list()
    others = [name for name in rows["symbol"].unique().sort() if name not in named]
    return rows.filter(pl.col("symbol").is_in([*named, *others[: 40 - len(named)]]))


@pytest.fixture(scope="module")
def desk(forty: pl.DataFrame, postgres: PostgresUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("forty")
    forty.write_parquet(folder / "bars.parquet")
    source = {"kind": "files", "path": str(folder / "bars.parquet")}
    with open_bench(postgres, folder / "lake", source, START, END) as bench:
        bench.run_all(START, SPAN[1])
        yield bench


@pytest.fixture(scope="module")
def good(forty: pl.DataFrame) -> pl.DataFrame:
    """Rows of the forty names that can be believed, found without the code under test."""
    bad = pl.concat([with_missing(forty), outside_range(forty)]).select(KEY)
    return forty.join(bad, on=KEY, how="anti").sort(KEY)


def test_bars_and_features_are_the_good_rows_of_the_file(desk: Bench, good: pl.DataFrame) -> None:
    assert desk.read("market_data.bars_daily").select(good.columns).equals(good)
    assert desk.read("features.technical").select(KEY).equals(good.select(KEY))
    assert desk.read("features.cross_section").select(KEY).equals(good.select(KEY))
    assert desk.read("market_data.corporate_actions").is_empty()


def test_labels_are_those_computed_from_the_file_alone(desk: Bench, good: pl.DataFrame) -> None:
    """Enter at the next session's open, leave five sessions later: in plain Python, name by name."""
    days = sessions("XNYS", *SPAN)
    expected = []
    for symbol, opens in good.select("symbol", "date", "open").group_by("symbol"):
        price = dict(opens.select("date", "open").iter_rows())
        for place, day in enumerate(days[: -1 - HORIZON]):
            entry, leave = days[place + 1], days[place + 1 + HORIZON]
            if day in price and entry in price and leave in price:
                expected.append((symbol[0], day, entry, leave, price[leave] / price[entry] - 1))
    labels = desk.read("labels.forward_return")
    wanted = pl.DataFrame(expected, schema=labels.schema, orient="row").sort(KEY)
    assert labels.drop("forward_return").equals(wanted.drop("forward_return"))
    assert (labels["forward_return"] - wanted["forward_return"]).abs().max() < 1e-12


def test_a_model_is_trained_every_month_from_the_first_that_can_be(desk: Bench) -> None:
    trained = desk.read("models.trained")
    ends = rebalance_sessions(sessions("XNYS", START, date(2018, 2, 28)), "monthly")
    possible = [day for day in ends if len(sessions("XNYS", SPAN[0], day)) - 5 >= 252]
    assert trained["date"].to_list() == possible
    assert trained.filter(pl.col("last_label_exit") > pl.col("date")).is_empty()


def test_predictions_and_signals_are_the_names_of_each_session_after_the_first_model(
    desk: Bench, good: pl.DataFrame
) -> None:
    first_model = desk.read("models.trained")["date"].min()
    known = desk.read("features.technical").filter(pl.any_horizontal(pl.exclude(KEY).is_not_null()))
    expected = known.filter(pl.col("date") > first_model).select("date", "symbol").sort("date", "symbol")
    assert desk.read("predictions.daily").select("date", "symbol").equals(expected)
    scores = desk.read("signals.scores").filter(strategy="ml_alpha")
    assert scores.select("date", "symbol").equals(expected)
    assert good.filter(pl.col("date") > first_model).height - expected.height < 40


def test_the_book_is_marked_every_session_from_its_first_weights_on(desk: Bench) -> None:
    signals = desk.read("signals.scores").filter(strategy="ml_alpha")
    weights = desk.read("portfolio.target_weights")
    calendar = sessions("XNYS", *SPAN)
    decided = [day for day in rebalance_sessions(calendar, "weekly") if day in set(signals["date"])]
    days = [day for day in calendar if day >= decided[0]]
    assert weights["date"].unique().sort().to_list() == days
    assert desk.read("backtest.pnl")["date"].to_list() == days
    held = weights.group_by("date").agg(gross=pl.col("weight").sum())
    assert (held["gross"] - 0.98).abs().max() < 1e-9
    scored = signals.filter(pl.col("date").is_in(decided)).select("date", "symbol")
    assert weights.filter("is_rebalance").select("date", "symbol").equals(scored)


def test_fills_trade_at_opens_of_the_file_and_equity_is_what_they_left(desk: Bench, good: pl.DataFrame) -> None:
    fills = desk.read("backtest.fills").filter(reason="rebalance")
    opens = good.select("symbol", "date", "open")
    priced = fills.join(opens, on=KEY, how="left")
    assert priced["open"].null_count() == 0
    slippage = (priced["price"] - priced["open"]).abs() / priced["open"]
    assert slippage.max() < 0.05
    pnl = desk.read("backtest.pnl")
    made = pnl["price_pnl"].sum() + pnl["dividends"].sum() - pnl["commission"].sum() - pnl["slippage_cost"].sum()
    assert pnl["equity"][-1] == pytest.approx(1_000_000 + made, rel=1e-9)
