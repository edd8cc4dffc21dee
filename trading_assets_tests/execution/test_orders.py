"""Orders lead from positions to target weights."""

import hashlib
from datetime import date
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trading_assets.execution.orders import in_fractions, order_ids, plan_orders, whole_lots
from trading_assets.execution.roles import SHARE_DECIMALS


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
        (5.0 / 3.0, 0.0, 1.666666666),
        (-2.0 / 3.0, 0.0, -0.666666666),
        (0.1 + 0.2, 0.0, 0.3),
        (9e-10, 0.0, 0.0),
        (1e-9, 0.0, 1e-9),
    ],
)
def test_quantities_are_rounded_toward_zero_to_lots(quantity, lot_size, expected):
    assert whole_lots(quantity, lot_size) == pytest.approx(expected, rel=1e-15)


def decimals(quantity):
    return max(-Decimal(repr(float(quantity))).normalize().as_tuple().exponent, 0)


@given(st.floats(-4e6, 4e6), st.sampled_from([0.0, 1e-9, 0.001, 0.1, 0.3, 1.0, 7.5, 100.0]))
@example(0.3, 0.1)
@example(8.0, 0.1)
def test_a_quantity_in_lots_has_at_most_nine_decimals_and_is_its_own_rounding(quantity, lot_size):
    shares = whole_lots(quantity, lot_size)
    assert decimals(shares) <= SHARE_DECIMALS
    assert abs(shares) <= abs(quantity) * (1 + 1e-15) + 1e-9 * lot_size
    assert whole_lots(shares, 0.0) == in_fractions(shares) == shares


@given(st.integers(-(2 * 10**15), 2 * 10**15), st.integers(-(2 * 10**15), 2 * 10**15))
def test_sums_of_fractions_lose_the_rounding_of_doubles(first, second):
    assert in_fractions(first / 1e9 + second / 1e9) == pytest.approx((first + second) / 1e9, abs=1.01e-9)
    assert in_fractions(first / 1e9) == first / 1e9
    assert decimals(in_fractions(first / 1e9 + second / 1e9)) <= SHARE_DECIMALS


@pytest.mark.parametrize(
    ("weight", "held", "price", "lot_size", "expected"),
    [
        (0.5, 0.0, 50.0, 1.0, 100.0),
        (0.5, 30.0, 50.0, 1.0, 70.0),
        (0.5, 130.0, 50.0, 1.0, -30.0),
        (-0.5, 20.0, 50.0, 1.0, -120.0),
        (0.5, 0.0, 3.0, 1.0, 1666.0),
        (0.5, 0.0, 3.0, 0.0, 1666.666666666),
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
