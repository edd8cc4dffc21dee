"""Orders lead from positions to target weights."""

import hashlib
from datetime import date

import numpy as np
import polars as pl
import pytest

from trading_assets.execution.orders import order_ids, plan_orders, whole_lots


@pytest.mark.parametrize(
    ("quantity", "lot_size", "expected"),
    [
        (7.9, 1.0, 7.0),
        (-7.9, 1.0, -7.0),
        (0.9, 1.0, 0.0),
        (99.9999999999, 1.0, 100.0),
        (299.0, 100.0, 200.0),
        (-7.9, 0.0, -7.9),
        (0.25, 0.1, 0.2),
    ],
)
def test_quantities_are_rounded_toward_zero_to_lots(quantity, lot_size, expected):
    assert whole_lots(quantity, lot_size) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("weight", "held", "price", "lot_size", "expected"),
    [
        (0.5, 0.0, 50.0, 1.0, 100.0),
        (0.5, 30.0, 50.0, 1.0, 70.0),
        (0.5, 130.0, 50.0, 1.0, -30.0),
        (-0.5, 20.0, 50.0, 1.0, -120.0),
        (0.5, 0.0, 3.0, 1.0, 1666.0),
        (0.5, 0.0, 3.0, 0.0, 5000.0 / 3.0),
        (0.5, 0.0, 50.0, 30.0, 90.0),
        (0.0, 150.0, 50.0, 100.0, -150.0),  # closing takes the odd lot along
        (0.0, 0.0, np.nan, 1.0, 0.0),
    ],
)
def test_an_order_is_the_difference_to_the_target_in_lots(weight, held, price, lot_size, expected):
    planned = plan_orders(np.array([weight]), np.array([held]), np.array([price]), 10_000.0, lot_size)
    assert planned == pytest.approx([expected], rel=1e-12)


@pytest.mark.parametrize("equity", [0.0, -1.0])
def test_a_book_without_equity_closes_everything(equity):
    planned = plan_orders(np.array([0.5, -0.5]), np.array([10.0, -5.0]), np.array([50.0, 50.0]), equity, 1.0)
    assert planned.tolist() == [-10.0, 5.0]


def test_the_id_of_an_order_is_the_hash_of_book_session_symbol_and_side():
    orders = pl.DataFrame(
        {
            "book": ["main"] * 3,
            "date": [date(2015, 1, 2)] * 3,
            "symbol": ["AAPL", "AAPL", "BRK.B"],
            "side": ["buy", "sell", "buy"],
        }
    )
    keys = ["main|2015-01-02|AAPL|buy", "main|2015-01-02|AAPL|sell", "main|2015-01-02|BRK.B|buy"]
    assert order_ids(orders).to_list() == [hashlib.sha256(key.encode()).hexdigest()[:32] for key in keys]
    assert order_ids(orders.clear()).to_list() == []


def test_what_no_order_decided_has_no_id():
    # a delisting in the first session of a replay
    undated = pl.DataFrame({"book": ["main"], "date": [None], "symbol": ["AAPL"], "side": ["sell"]},
                           schema_overrides={"date": pl.Date})  # fmt: skip
    assert order_ids(undated).to_list() == [None]
