"""A book replayed from frames to frames."""

import hashlib
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from trading_assets.backtest.contract import FILLS
from trading_assets.backtest.panel import LedgerInputError
from trading_assets.backtest.simulate import known_at_close, simulate
from trading_assets.portfolio.books import load_books
from trading_assets.portfolio.weights import target_weights
from trading_assets_tests.execution.examples import FREE, models

BARS = {"symbol": pl.String, "date": pl.Date, "open": pl.Float64, "close": pl.Float64, "volume": pl.Int64}
ACTIONS = {"symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "value": pl.Float64}
WEIGHTS = {"book": pl.String, "date": pl.Date, "symbol": pl.String, "weight": pl.Float64, "is_rebalance": pl.Boolean}
SYMBOLS = {"symbol": pl.String, "delisted_on": pl.Date}
TUE, WED, THU = date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 4)
REAL_BARS = Path(__file__).parents[3] / "shared" / "data" / "us_daily_2013_2018.parquet"


def frame(schema, *rows):
    return pl.DataFrame(rows, schema=schema, orient="row")


HAND = {
    "book": load_books()["main"].with_values(
        capital=100_000.0,
        rebalance="daily",
        gross_leverage=1.0,
        max_weight=1.0,
        max_participation=0.09,
        costs=models(per_share=0.01, bps=1.0, minimum=1.0, half_spread_bps=5.0, impact=0.02),
    ),
    "bars": frame(
        BARS,
        ("AAA", TUE, 49.0, 50.0, 100_000),
        ("BBB", TUE, 21.0, 20.0, 10_000),
        ("AAA", WED, 51.0, 52.0, 100_000),
        ("BBB", WED, 20.0, 19.0, 10_000),
        ("AAA", THU, 52.5, 53.0, 61_600),
        ("BBB", THU, 9.6, 9.0, 180_000),
    ),
    "actions": frame(ACTIONS, ("AAA", THU, "dividend", 0.5), ("BBB", THU, "split", 2.0)),
    "target_weights": frame(
        WEIGHTS,
        ("main", TUE, "AAA", 0.5, True),
        ("main", TUE, "BBB", 0.3, True),
        ("main", WED, "AAA", 0.2, True),
        ("main", WED, "BBB", 0.0, True),
        ("main", THU, "AAA", 0.2, False),
        ("main", THU, "BBB", 0.0, False),
        ("other", TUE, "CCC", 0.5, True),
    ),
    "symbols": frame(SYMBOLS, ("AAA", None), ("BBB", None)),
    "sessions": [TUE, WED, THU],
}

# Equity 100,000 at Tuesday's close: 1,000 AAA at 50 and 1,500 BBB at 20. Wednesday's volume allows 900 BBB.
# Rates: 5 bps + 2 % x sqrt(1,000 / 100,000) = 0.25 %, and 5 bps + 2 % x sqrt(900 / 10,000) = 0.65 %.
# Equity 99,829.58 at Wednesday's close: 20 % are 383 AAA at 52, 616 to sell; all BBB go, 1,800 after the split.
HAND_ORDERS = [
    (TUE, "AAA", "buy", 1_000.0, 50.0, "filled"),
    (TUE, "BBB", "buy", 1_500.0, 20.0, "partially_filled"),
    (WED, "AAA", "sell", 616.0, 52.0, "filled"),
    (WED, "BBB", "sell", 900.0, 19.0, "filled"),
]
HAND_FILLS = [
    # date, symbol, side, quantity, price, commission, slippage
    (WED, "AAA", "buy", 1_000.0, 51.1275, 15.11275, 127.50),
    (WED, "BBB", "buy", 900.0, 20.13, 10.8117, 117.00),
    (THU, "AAA", "sell", 616.0, 52.36875, 9.385915, 80.85),
    (THU, "BBB", "sell", 1_800.0, 9.576, 19.72368, 43.20),
]
HAND_POSITIONS = [
    # date, symbol, quantity, average price, price, market value, unrealised
    (WED, "AAA", 1_000.0, 51.1275, 52.0, 52_000.0, 872.5),
    (WED, "BBB", 900.0, 20.13, 19.0, 17_100.0, -1_017.0),
    (THU, "AAA", 384.0, 51.1275, 53.0, 20_352.0, 719.04),
]
HAND_PNL = {
    "equity": [100_000.0, 99_829.57555, 101_048.415955],
    "cash": [100_000.0, 30_729.57555, 80_696.415955],
    "long_value": [0.0, 69_100.0, 20_352.0],
    "short_value": [0.0, 0.0, 0.0],
    "gross_exposure": [0.0, 69_100.0 / 99_829.57555, 20_352.0 / 101_048.415955],
    "net_exposure": [0.0, 69_100.0 / 99_829.57555, 20_352.0 / 101_048.415955],
    "price_pnl": [0.0, 100.0, 872.0],
    "realised_pnl": [0.0, 0.0, -115.59],
    "unrealised_pnl": [0.0, -144.5, 719.04],
    "unrealised_pnl_change": [0.0, -144.5, 863.54],
    "dividends": [0.0, 0.0, 500.0],
    "commission": [0.0, 25.92445, 29.109595],
    "slippage_cost": [0.0, 244.5, 124.05],
    "daily_return": [0.0, -0.0017042445, 1_218.840405 / 99_829.57555],
    "turnover": [0.0, (51_000 + 18_000) / 100_000, (32_340 + 17_280) / 99_829.57555],
    "drawdown": [0.0, -0.0017042445, 0.0],
}


def test_three_sessions_of_two_names_come_out_as_worked_by_hand():
    result = simulate(**HAND)
    columns = ["date", "symbol", "side", "quantity", "reference_price", "status"]
    orders = result.orders.join(result.outcomes, on=["date", "order_id"], maintain_order="left")
    assert orders.select(columns).rows() == HAND_ORDERS
    columns = ["date", "symbol", "side", "quantity", "price", "commission", "slippage_cost"]
    assert_rows(result.fills.select(columns).rows(), HAND_FILLS)
    columns = ["date", "symbol", "quantity", "average_price", "price", "market_value", "unrealised_pnl"]
    assert_rows(result.positions.select(columns).rows(), HAND_POSITIONS)
    assert result.pnl.columns == ["book", "date", *HAND_PNL]
    for column, expected in HAND_PNL.items():
        assert result.pnl[column].to_list() == pytest.approx(expected, rel=1e-9, abs=1e-9), column
    assert result.pnl["date"].to_list() == [TUE, WED, THU]


def test_a_name_that_ends_on_thursday_with_a_loss_of_thirty_percent_as_worked_by_hand():
    # 900 BBB at Wednesday's close of 19 become 900 x 13.30; its order to sell them has nothing left to trade.
    gone = HAND["symbols"].with_columns(
        delisted_on=pl.Series([None, THU], dtype=pl.Date), delisting_return=pl.Series([None, -0.3])
    )
    given = HAND | {
        "bars": HAND["bars"].filter((pl.col("symbol") == "AAA") | (pl.col("date") < THU)),
        "actions": HAND["actions"].filter(pl.col("symbol") == "AAA"),
        "symbols": gone,
    }
    ended, without = simulate(**given), simulate(**given | {"symbols": gone.drop("delisting_return")})
    last = ended.fills.filter(pl.col("reason") == "delisting").row(0, named=True)
    assert (last["date"], last["symbol"], last["side"], last["quantity"]) == (THU, "BBB", "sell", 900.0)
    assert last["price"] == pytest.approx(13.3)
    for column, lost in {"equity": -5_130.0, "cash": -5_130.0, "price_pnl": -5_130.0, "realised_pnl": -5_130.0}.items():
        difference = ended.pnl[column] - without.pnl[column]
        assert difference.to_list() == pytest.approx([0.0, 0.0, lost]), column
    assert FILLS.split(ended.fills).quarantined.is_empty()


def assert_rows(actual, expected):
    assert [[v for v in row if not isinstance(v, float)] for row in actual] == [
        [v for v in row if not isinstance(v, float)] for row in expected
    ]
    for left, right in zip(actual, expected, strict=True):
        assert [v for v in left if isinstance(v, float)] == pytest.approx([v for v in right if isinstance(v, float)])


def test_a_fill_names_its_order_by_a_hash_anyone_can_recompute():
    result = simulate(**HAND)
    assert result.orders["order_id"][0] == hashlib.sha256(b"main|2024-01-02|AAA|buy").hexdigest()[:32]
    assert result.fills["order_id"].to_list() == result.orders["order_id"].to_list()
    assert result.orders["order_id"].n_unique() == 4


def test_orders_of_the_last_session_are_pending():
    result = simulate(**HAND | {"sessions": [TUE, WED]})
    assert result.outcomes["order_id"].to_list() == result.orders["order_id"].to_list()
    assert result.outcomes.select("date", "status").rows() == [
        (TUE, "filled"),
        (TUE, "partially_filled"),
        (WED, "pending"),
        (WED, "pending"),
    ]


def test_row_order_other_books_and_unwanted_symbols_change_nothing():
    noise = frame(BARS, ("CCC", TUE, 1.0, 1.0, 1), ("AAA", THU + timedelta(days=1), 1.0, 1.0, 1))
    shuffled = HAND | {
        "bars": pl.concat([noise, HAND["bars"]]).reverse(),
        "actions": HAND["actions"].reverse(),
        "target_weights": HAND["target_weights"].reverse(),
        "symbols": HAND["symbols"].reverse(),
    }
    assert all(left.equals(right) for left, right in zip(simulate(**shuffled), simulate(**HAND), strict=True))


def test_the_book_starts_with_its_first_weights_or_on_its_date():
    late = HAND["target_weights"].filter(pl.col("date") > TUE)
    assert simulate(**HAND | {"target_weights": late}).pnl["date"].to_list() == [WED, THU]
    dated = HAND["book"].with_values(start=date(2024, 1, 1))
    pnl = simulate(**HAND | {"target_weights": late, "book": dated}).pnl
    assert pnl.select("date", "equity").rows()[0] == (TUE, 100_000.0)
    after = HAND["book"].with_values(start=WED)
    assert simulate(**HAND | {"book": after}).orders["date"].to_list() == [WED]


def test_a_book_that_has_not_started_has_frames_without_rows():
    full = simulate(**HAND)
    for change in (
        {"target_weights": HAND["target_weights"].clear()},
        {"book": HAND["book"].with_values(start=date(2024, 1, 5))},
        {"sessions": []},
    ):
        result = simulate(**HAND | change)
        assert [table.schema for table in result] == [table.schema for table in full]
        assert all(table.is_empty() for table in result)


def test_a_dated_book_without_weights_yet_is_all_cash():
    result = simulate(**HAND | {"book": HAND["book"].with_values(start=TUE), "target_weights": frame(WEIGHTS)})
    assert result.pnl["equity"].to_list() == [100_000.0] * 3
    assert result.orders.is_empty()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"sessions": [WED, TUE]}, "sessions must ascend"),
        ({"sessions": [WED, THU]}, "'AAA' on 2024-01-02: target_weights has a row outside the sessions passed"),
        ({"bars": HAND["bars"].filter(pl.col("symbol") == "AAA")}, "'BBB' on 2024-01-02 has a target weight but no"),
        ({"bars": HAND["bars"].drop("volume")}, "market_data.bars_daily lacks the columns volume"),
        ({"target_weights": HAND["target_weights"].drop("weight")}, "portfolio.target_weights lacks the columns wei"),
        ({"book": HAND["book"].with_values(gross_leverage=0.7)}, "sum to 0.8 on 2024-01-02, above gross_leverage 0.7"),
        ({"symbols": HAND["symbols"].head(1)}, "'BBB' on .* does not list it"),
    ],
)
def test_bad_inputs_are_refused_with_book_symbol_session_and_remedy(change, fault):
    with pytest.raises(LedgerInputError, match=f"book 'main': .*{fault}"):
        simulate(**HAND | change)


@pytest.fixture(scope="module")
def history():
    """Two years of fifty random names with daily scores; some have gaps, splits, dividends or an end."""
    rng = np.random.default_rng(5)
    start = date(2020, 1, 1)
    calendar = [d for d in (start + timedelta(days=k) for k in range(-60, 790)) if d.weekday() < 5]
    sessions = [d for d in calendar if start <= d < date(2022, 1, 1)]
    names = [f"S{k:02d}" for k in range(50)]
    shape = (len(sessions), len(names))
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, shape), axis=0))
    dates = pl.Series("date", np.repeat(np.array(sessions, dtype="datetime64[D]"), len(names)))
    table = pl.DataFrame({"symbol": names * len(sessions), "date": dates}).with_columns(
        open=pl.Series((close * np.exp(rng.normal(0, 0.01, shape))).ravel()),
        close=pl.Series(close.ravel()),
        volume=pl.Series(rng.integers(1_000, 100_000, shape).ravel()),
        score=pl.Series(rng.normal(size=shape).ravel()),
    )
    ended = date(2021, 3, 3)
    is_traded = pl.Series(rng.random(table.height) > 0.01)
    is_listed = (pl.col("symbol") != "S07") | (pl.col("date") <= ended)
    table = table.with_columns(score=pl.when(pl.col("symbol") == "S07").then(9.0).otherwise("score"))
    table = table.filter((is_traded | (pl.col("date") == sessions[0])) & is_listed)
    actions = frame(
        ACTIONS,
        *((name, sessions[int(rng.integers(1, len(sessions)))], "split", 2.0) for name in names[:10]),
        *((name, sessions[int(rng.integers(1, len(sessions)))], "dividend", 0.4) for name in names[:30]),
    )
    listed = pl.DataFrame({"symbol": names}).with_columns(
        delisted_on=pl.when(pl.col("symbol") == "S07").then(pl.lit(ended))
    )
    return table, actions, listed, sessions, calendar


@pytest.mark.parametrize("sizing", ["equal_weight_long", "rank_long_short", "score_weighted"])
def test_a_replay_cut_at_a_session_equals_a_replay_that_ends_there(history, sizing):
    table, actions, listed, sessions, calendar = history
    book = load_books()["main"].with_values(sizing=sizing, lot_size=1.0)
    scores, bars = table.select("date", "symbol", "score"), table.drop("score")
    weights = target_weights(scores, sessions, book, calendar)
    whole = simulate(book, bars, actions, weights, symbols=listed, sessions=sessions)
    assert {"rebalance", "delisting"} <= set(whole.fills["reason"])
    for end in (0, 3, 4, 5, 60, 203, 300, len(sessions) - 1):
        day = sessions[end]
        known = [pl.col("date") <= day]
        part = simulate(
            book,
            bars.filter(known),
            actions.filter(pl.col("ex_date") <= day),
            target_weights(scores.filter(known), sessions[: end + 1], book, calendar),
            symbols=listed.with_columns(delisted_on=pl.when(pl.col("delisted_on") <= day).then("delisted_on")),
            sessions=sessions[: end + 1],
        )
        assert all(left.equals(right) for left, right in zip(part, known_at_close(whole, day), strict=True))


@pytest.mark.skipif(not REAL_BARS.exists(), reason=f"real prices are not at {REAL_BARS}")
def test_a_buy_and_hold_of_one_real_name_earns_its_price_return():
    bars = pl.read_parquet(REAL_BARS).filter(pl.col("symbol") == "MSFT").sort("date")
    sessions = bars["date"].to_list()
    free = load_books()["main"].with_values(
        lot_size=0.0,
        gross_leverage=1.0,
        max_weight=1.0,
        costs=FREE,
        broker="sim",
        live=None,
    )
    weights = pl.DataFrame({"book": "main", "date": sessions, "symbol": "MSFT", "weight": 0.5}).with_columns(
        is_rebalance=pl.col("date") == sessions[0]
    )
    listed = frame(SYMBOLS, ("MSFT", None))
    pnl = simulate(free, bars, frame(ACTIONS), weights, symbols=listed, sessions=sessions).pnl
    shares = 0.5 * free.capital / bars["close"][0]
    assert pnl["equity"][-1] == pytest.approx(free.capital + shares * (bars["close"][-1] - bars["open"][1]), rel=1e-12)
