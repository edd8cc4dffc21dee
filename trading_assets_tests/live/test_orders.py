"""The plan of a session: the backtest's orders, in legs that a broker takes, under names that anyone can compute."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.backtest.simulate import OpeningBalance, simulate
from trading_assets.brokers.embedded.increments import quantity_of
from trading_assets.live.contract import INTENTS, ORDERS
from trading_assets.live.errors import TradingBlockedError
from trading_assets.live.orders import client_order_id, largest_drift, legs, plan
from trading_assets_tests.live._examples import MONDAY, TUESDAY, a_book

SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF")


@pytest.mark.parametrize(
    ("held", "wanted", "expected"),
    [
        (0.0, 100.0, [("buy_to_open", 100.0)]),
        (0.0, -100.0, [("sell_to_open", 100.0)]),
        (30.0, 70.0, [("buy_to_open", 70.0)]),
        (-30.0, -70.0, [("sell_to_open", 70.0)]),
        (30.0, -20.0, [("sell_to_close", 20.0)]),
        (30.0, -30.0, [("sell_to_close", 30.0)]),
        (-30.0, 30.0, [("buy_to_close", 30.0)]),
        (30.0, -100.0, [("sell_to_close", 30.0), ("sell_to_open", 70.0)]),
        (-30.0, 100.0, [("buy_to_close", 30.0), ("buy_to_open", 70.0)]),
        (0.25, -1.0, [("sell_to_close", 0.25), ("sell_to_open", 0.75)]),
        (30.0, 0.0, []),
        (0.0, 0.0, []),
    ],
)
def test_a_trade_is_one_order_and_two_where_it_crosses_zero(held, wanted, expected):
    assert legs(held, wanted) == expected


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_the_legs_of_a_trade_add_up_and_only_the_first_closes(held, wanted):
    found = legs(held, wanted)
    assert sum(shares for _, shares in found) == pytest.approx(abs(wanted), abs=1e-9)  # of a share
    assert {intent for intent, _ in found} <= set(INTENTS)
    assert all(shares > 0 for _, shares in found)
    assert [intent for intent, _ in found] == sorted((intent for intent, _ in found), key=lambda i: "open" in i)
    for intent, shares in found:
        assert intent.startswith("buy" if wanted > 0 else "sell")
        assert not intent.endswith("_to_close") or shares <= abs(held)


def test_anyone_can_compute_the_id_of_an_order():
    text = "main|2015-01-02|AAPL|buy_to_open|1"
    assert (
        client_order_id("main", MONDAY.replace(2015, 1, 2), "AAPL", "buy_to_open", 1)
        == (sha256(text.encode()).hexdigest()[:32])
    )
    planned = plan(a_book(), MONDAY, {"AAA": 0.5}, {"AAA": -10.0}, {"AAA": 50.0}, 10_000.0)
    assert planned["client_order_id"].to_list() == [
        sha256(f"desk|2021-03-01|AAA|{intent}|1".encode()).hexdigest()[:32]
        for intent in ("buy_to_close", "buy_to_open")
    ]


def test_every_part_of_an_order_is_part_of_its_id():
    parts = ("main", MONDAY, "AAA", "buy_to_open", 1)
    others = ("other", TUESDAY, "BBB", "sell_to_open", 2)
    ids = {client_order_id(*parts[:n], others[n], *parts[n + 1 :]) for n in range(5)} | {client_order_id(*parts)}
    assert len(ids) == 6


@pytest.mark.parametrize(("lot", "held"), [(100.0, 137.0), (1.0, 0.5), (100.0, -137.0)])
def test_closing_takes_the_last_odd_lot_along(lot, held):
    planned = plan(a_book(lot_size=lot), MONDAY, {}, {"AAA": held}, {"AAA": 50.0}, 100_000.0)
    assert planned.select("side", "quantity").rows() == [("sell" if held > 0 else "buy", abs(held))]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([0.0, 0.001, 0.1, 2.5]),
    st.floats(-1.5, 1.5),
    st.integers(-(10**13), 10**13),
    st.floats(0.01, 5_000.0),
    st.floats(1.0, 1e8),
)
def test_every_leg_of_a_plan_has_the_decimals_of_a_broker(lot, weight, billionths, price, cash):
    held = {"AAA": billionths / 1e9} if billionths else {}
    planned = plan(
        a_book(lot_size=lot, live={"time_in_force": "day"}), MONDAY, {"AAA": weight}, held, {"AAA": price}, cash
    )
    assert [quantity_of("qty", shares) for shares in planned["quantity"]] == planned["quantity"].to_list()


def test_a_weight_of_zero_needs_no_price_and_makes_no_order():
    assert plan(a_book(), MONDAY, {"AAA": 0.0}, {}, {}, 1_000.0).equals(ORDERS.empty())


@pytest.mark.parametrize(("weights", "held"), [({"AAA": 0.5}, {}), ({}, {"AAA": 5.0})])
def test_a_symbol_without_price_stops_the_plan(weights, held):
    with pytest.raises(TradingBlockedError, match="book 'desk' on 2021-03-01: AAA has a weight or a position"):
        plan(a_book(), MONDAY, weights, held, {}, 1_000.0)


def test_drift_is_the_largest_distance_from_a_target():
    held, prices = {"AAA": 10.0, "BBB": 5.0}, {"AAA": 30.0, "BBB": 40.0}
    assert largest_drift({"AAA": 0.3, "BBB": 0.1}, held, prices, 500.0) == pytest.approx(0.1)
    assert largest_drift({"AAA": 0.3}, held, prices, 500.0) == pytest.approx(0.2)
    assert largest_drift({"AAA": 0.3}, held, prices, -600.0) == 0.0


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**9), lot=st.sampled_from([0.0, 1.0, 10.0, 100.0]))
def test_the_plan_has_the_orders_of_the_backtest(seed, lot):
    rng = np.random.default_rng(seed)
    price = dict(zip(SYMBOLS, rng.uniform(1, 300, len(SYMBOLS)).tolist(), strict=True))
    held = {s: float(q) for s, q in zip(SYMBOLS, rng.integers(-500, 500, len(SYMBOLS)), strict=True)
            if q and rng.random() < 0.7}  # fmt: skip
    weights = {s: float(w) for s, w in zip(SYMBOLS, rng.normal(0, 0.3, len(SYMBOLS)), strict=True)
               if rng.random() < 0.8}  # fmt: skip
    cash = float(rng.uniform(-10_000, 200_000))
    rules = a_book().live_rules.model_copy(update={"time_in_force": "day"}).model_dump()
    book = a_book(lot_size=lot, start=MONDAY, live=rules)

    planned = plan(book, MONDAY, weights, held, price, cash)

    decided = backtest_orders(book, weights, held, price, cash)
    net = planned.with_columns(
        signed=pl.when(pl.col("side") == "buy").then(pl.col("quantity")).otherwise(-pl.col("quantity"))
    )
    net = dict(net.group_by("symbol").agg(pl.col("signed").sum()).iter_rows())
    assert net.keys() == decided.keys()
    for symbol, quantity in decided.items():
        assert net[symbol] == (pytest.approx(quantity, rel=1e-12) if lot == 0 else quantity)


def backtest_orders(book, weights, held, price, cash) -> dict[str, float]:
    """Signed shares that the backtest decides on after the close, by symbol."""
    positions = pl.DataFrame(
        [(s, q, price[s], price[s]) for s, q in held.items()],
        schema={"symbol": pl.String, "quantity": pl.Float64, "average_price": pl.Float64, "price": pl.Float64},
        orient="row",
    )
    bars = pl.DataFrame(
        [(s, day, p, p, 1_000_000) for s, p in price.items() for day in (MONDAY, TUESDAY)],
        schema=["symbol", "date", "open", "close", "volume"], orient="row",
    )  # fmt: skip
    actions = pl.DataFrame(schema={"symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "value": pl.Float64})
    wanted = pl.DataFrame(
        [(book.name, day, s, weights.get(s, 0.0), True) for s in SYMBOLS for day in (MONDAY, TUESDAY)],
        schema=["book", "date", "symbol", "weight", "is_rebalance"], orient="row",
    )  # fmt: skip
    symbols = pl.DataFrame({"symbol": SYMBOLS, "delisted_on": [None] * len(SYMBOLS)}, schema_overrides={
        "delisted_on": pl.Date})  # fmt: skip
    found = simulate(book, bars, actions, wanted, symbols=symbols, sessions=[MONDAY, TUESDAY],
                     opening=OpeningBalance(cash, positions)).orders.filter(pl.col("date") == MONDAY)  # fmt: skip
    return {symbol: quantity if side == "buy" else -quantity
            for symbol, side, quantity in found.select("symbol", "side", "quantity").iter_rows()}  # fmt: skip
