"""Parity: every kind of difference from the backtest is counted as what it is."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from trading_assets.backtest.simulate import OpeningBalance
from trading_assets.live.contract import FILLS, ORDERS, PARITY
from trading_assets.live.orders import plan
from trading_assets.live.parity import LiveSession, MarketData, compare
from trading_assets_tests.live._examples import FREE, MONDAY, TUESDAY, a_book

EMPTY = OpeningBalance(10_000.0, pl.DataFrame(schema={"symbol": pl.String, "quantity": pl.Float64,
                                               "average_price": pl.Float64, "price": pl.Float64}))  # fmt: skip
WEIGHTS = {"AAA": 0.5, "BBB": 0.25}
PRICES = {"AAA": 50.0, "BBB": 20.0}
BOOK = a_book(costs=FREE, lot_size=1.0, live={"parity_tolerance": 0.001})
SYMBOLS = pl.DataFrame({"symbol": list(PRICES), "delisted_on": [None, None]}, schema_overrides={"delisted_on": pl.Date})
NO_ACTIONS = pl.DataFrame(schema={"symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "value": pl.Float64})


def bars(*, without: tuple[str, date] | None = None) -> pl.DataFrame:
    """Both names close where they opened, on the Friday before as well."""
    rows = [
        (name, day, price, price, 1_000_000)
        for name, price in PRICES.items()
        for day in (MONDAY - timedelta(days=3), MONDAY, TUESDAY)
        if (name, day) != without
    ]
    return pl.DataFrame(rows, schema=["symbol", "date", "open", "close", "volume"], orient="row")


def market(*, rebalances: bool = True, quotes: pl.DataFrame | None = None) -> MarketData:
    weights = [("desk", day, name, weight, rebalances and day == MONDAY)
               for day in (MONDAY, TUESDAY) for name, weight in WEIGHTS.items()]  # fmt: skip
    names = ["book", "date", "symbol", "weight", "is_rebalance"]
    wanted = pl.DataFrame(weights, schema=names, orient="row")
    return MarketData(bars() if quotes is None else quotes, NO_ACTIONS, wanted, SYMBOLS)


def orders() -> pl.DataFrame:
    return plan(BOOK, MONDAY, WEIGHTS, {}, PRICES, 10_000.0)


def fills(**changes: float) -> pl.DataFrame:
    """What the backtest expects to be filled; each name may have other shares, or other prices as `AAA_price`."""
    rows = [("AAA", 100.0, 50.0), ("BBB", 125.0, 20.0)]
    return pl.DataFrame(
        [
            {"book": "desk", "date": TUESDAY, "activity_id": name, "symbol": name, "client_order_id": name,
             "broker_order_id": name, "side": "buy", "quantity": changes.get(name, quantity),
             "price": changes.get(f"{name}_price", price), "filled_at": None}
            for name, quantity, price in rows
        ],
        schema=FILLS.schema,
    )  # fmt: skip


def parity(
    planned: pl.DataFrame | None = None,
    filled: pl.DataFrame | None = None,
    equity: float = 10_000.0,
    data: MarketData | None = None,
) -> dict:
    live = LiveSession(orders() if planned is None else planned, fills() if filled is None else filled, equity)
    found = compare(BOOK, MONDAY, TUESDAY, EMPTY, live, market() if data is None else data)
    assert PARITY.split(found).quarantined.is_empty()
    return found.row(0, named=True)


def test_the_same_session_has_no_difference():
    assert parity() == {
        "book": "desk", "date": TUESDAY, "orders": 2, "orders_expected": 2, "orders_differing": 0,
        "fills_differing": 0, "largest_price_difference": 0.0, "equity": 10_000.0, "equity_expected": 10_000.0,
        "difference": 0.0, "is_within": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("planned", "counts"),
    [
        (orders().head(1), (1, 2, 1)),
        (orders().clear(), (0, 2, 2)),
        (orders().with_columns(quantity=pl.col("quantity") + 1), (2, 2, 2)),
        (orders().with_columns(side=pl.lit("sell")), (2, 2, 2)),
        (pl.concat([orders(), orders().head(1).with_columns(symbol=pl.lit("ZZZ"))]), (3, 2, 1)),
    ],
    ids=["one is missing", "all are missing", "other shares", "other side", "one too many"],
)
def test_an_order_that_differs_loses_parity(planned, counts):
    found = parity(planned)
    assert (found["orders"], found["orders_expected"], found["orders_differing"]) == counts
    assert not found["is_within"]


def test_two_legs_across_zero_are_the_one_order_of_the_backtest():
    legs = orders().head(1)
    both = pl.concat(
        [legs.with_columns(quantity=pl.lit(40.0)), legs.with_columns(quantity=pl.lit(60.0)), orders().tail(1)]
    )
    assert parity(both)["orders_differing"] == 0


@pytest.mark.parametrize(
    ("filled", "differing"),
    [(fills(AAA=99.0), 1), (fills(AAA=1.0, BBB=1.0), 2), (fills().head(1), 1), (fills().clear(), 2)],
)
def test_a_fill_that_differs_is_counted_and_its_equity_decides(filled, differing):
    found = parity(filled=filled)
    assert (found["fills_differing"], found["is_within"]) == (differing, True)


def test_fills_of_one_order_count_together_at_their_average_price():
    parts = pl.concat([fills(AAA=40.0, AAA_price=49.0).head(1), fills(AAA=60.0, AAA_price=52.0).head(1),
                       fills().tail(1)])  # fmt: skip
    found = parity(filled=parts)
    assert found["fills_differing"] == 0
    assert found["largest_price_difference"] == pytest.approx((0.4 * 49 + 0.6 * 52) / 50 - 1)


def test_the_largest_difference_of_a_price_is_told():
    found = parity(filled=fills(AAA_price=50.5, BBB_price=19.0))
    assert found["largest_price_difference"] == pytest.approx(0.05)
    assert found["fills_differing"] == 0


@pytest.mark.parametrize(("equity", "within"), [(10_010.0, True), (9_990.0, True), (10_010.1, False), (9_989.9, False)])
def test_the_difference_of_equity_may_be_as_large_as_the_tolerance(equity, within):
    found = parity(equity=equity)
    assert found["difference"] == pytest.approx(equity / 10_000 - 1)
    assert found["is_within"] is within


def test_a_session_without_rebalance_expects_no_order():
    quiet = market(rebalances=False)
    assert parity(orders().clear(), fills().clear(), data=quiet)["orders_expected"] == 0
    assert parity(orders().clear(), fills().clear(), data=quiet)["is_within"]


def test_a_session_traded_because_it_had_drifted_counts_as_a_rebalance():
    assert parity(data=market(rebalances=False))["is_within"]


def test_a_name_that_did_not_trade_when_the_book_decided_is_valued_at_its_last_close():
    found = parity(data=market(quotes=bars(without=("AAA", MONDAY))))
    assert (found["orders_differing"], found["fills_differing"], found["is_within"]) == (0, 0, True)


def test_a_name_that_does_not_trade_in_the_session_is_not_filled():
    quotes = bars(without=("AAA", TUESDAY))
    found = parity(filled=fills().tail(1), data=market(quotes=quotes))
    assert (found["orders_differing"], found["fills_differing"], found["is_within"]) == (0, 0, True)
    assert ORDERS.schema == orders().schema
