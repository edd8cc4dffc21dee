"""Fills are limited by the open, the session's volume and the cash."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.execution.costs import commission, fill_price
from trading_assets.execution.fills import OpeningAuction, fill_orders
from trading_assets.execution.roles import AuctionOrder, Trade
from trading_assets_tests.execution.examples import FREE, PER_TRADE, models

COSTLY = models(0.01, 1.0, 1.0, 5.0, 0.05)


def filled(wanted, held, opens, volume, *, available, rules):
    count = len(wanted)
    return fill_orders(
        np.array(wanted, dtype=float),
        np.broadcast_to(np.array(held, dtype=float), count).copy(),
        OpeningAuction(np.array(opens, dtype=float), np.array(volume, dtype=float)),
        float(available),
        rules,
    )


@pytest.mark.parametrize(
    ("wanted", "open_price", "volume", "lot_size", "expected"),
    [
        (100, 10.0, 1_000, 1.0, 100.0),
        (100, 10.0, 505, 1.0, 50.0),
        (-100, 10.0, 505, 1.0, -50.0),
        (100, 10.0, 505, 0.0, 50.5),
        (100, 10.0, 505, 20.0, 40.0),
        (55, 10.0, 1_000, 20.0, 55.0),  # an odd lot that fits trades as a whole
        (100, 10.0, 0, 1.0, 0.0),
        (100, np.nan, 1_000, 1.0, 0.0),
        (5, 10.0, 9, 1.0, 0.0),
    ],
)
def test_a_fill_takes_at_most_its_part_of_the_volume(wanted, open_price, volume, lot_size, expected):
    result = filled([wanted], [100.0], [open_price], [volume], available=1e6, rules=FREE.rules(lot_size, 0.1))
    assert result == pytest.approx([expected], rel=1e-12)


class WholeOrders(NamedTuple):
    """A fill model: all of an order or nothing of it, and more than there is of the largest."""

    greed: float

    def fillable(self, order: AuctionOrder) -> float:
        return abs(order.quantity) * self.greed if abs(order.quantity) <= order.limit * self.greed else np.nan


def test_a_fill_model_decides_how_much_of_an_order_trades_within_the_order_and_the_volume():
    rules = FREE.rules(1.0, 0.1)._replace(fill=WholeOrders(1.0))
    orders = {"wanted": [100, 101, -100, -101], "held": [0, 0, 100, 101], "opens": [10.0] * 4, "volume": [1_000] * 4}
    assert filled(**orders, available=1e6, rules=rules).tolist() == [100.0, 0.0, -100.0, 0.0]
    greedy = rules._replace(fill=WholeOrders(1.5))
    assert filled(**orders, available=1e6, rules=greedy).tolist() == [100.0, 100.0, -100.0, -100.0]


def test_sells_pay_for_buys():
    rules = FREE.rules(1.0, 1.0)
    assert filled([100, -100], [0, 100], [10, 10], [1e6, 1e6], available=0, rules=rules).tolist() == [100.0, -100.0]
    assert filled([100, -60], [0, 60], [10, 10], [1e6, 1e6], available=0, rules=rules).tolist() == [60.0, -60.0]


def test_buys_that_cash_does_not_pay_for_are_scaled_by_one_factor():
    result = filled([100, 300], 0, [10, 10], [1e6, 1e6], available=1_000, rules=FREE.rules(0.0, 1.0))
    assert result == pytest.approx([25.0, 75.0], rel=1e-9)


def test_buying_back_a_short_position_is_not_scaled():
    # 40 shares close the short position and cost 400 of the 500 available; 10 more can be opened.
    result = filled([100], [-40], [10], [1e6], available=500, rules=FREE.rules(0.0, 1.0))
    assert result == pytest.approx([50.0], rel=1e-9)
    assert filled([40], [-40], [10], [1e6], available=-1e6, rules=FREE.rules(1.0, 1.0)).tolist() == [40.0]


def test_a_sale_that_costs_more_than_it_brings_waits_until_there_is_cash():
    rules = models(minimum=5.0).rules(1.0, 1.0)
    assert filled([-1], [1], [2], [1e6], available=0, rules=rules).tolist() == [0.0]
    assert filled([-1], [1], [2], [1e6], available=3, rules=rules).tolist() == [-1.0]


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-500, 500), st.integers(-300, 300), st.floats(0.5, 500.0), st.integers(0, 10_000)),
        min_size=1,
        max_size=8,
    ),
    st.floats(0, 1e5),
    st.sampled_from([0.0, 1.0, 10.0]),
    st.sampled_from([FREE, COSTLY, PER_TRADE]),
)
def test_fills_never_exceed_orders_volume_or_cash_and_leave_no_affordable_rest(rows, available, lot_size, costs):
    wanted, held, opens, volume = map(list, zip(*rows, strict=True))
    held = [abs(h) if w < 0 else max(h, 0) for w, h in zip(wanted, held, strict=True)]
    rules = costs.rules(lot_size, 0.2)
    result = filled(wanted, held, opens, volume, available=available, rules=rules)
    spent = 0.0
    for quantity, ordered, price, traded in zip(result, wanted, opens, volume, strict=True):
        assert quantity * ordered >= 0
        assert abs(quantity) <= min(abs(ordered), 0.2 * traded) + 1e-9
        if quantity:
            paid = fill_price(Trade(quantity, price, traded), rules.slippage)
            spent += quantity * paid + commission(Trade(quantity, paid, traded), rules.commission)
    assert spent <= available + 1e-6
    # Without lots and fixed costs a scaled-down buy leaves no cash but for the smallest fraction of each share.
    unlimited = [min(w, 0.2 * v) for w, v in zip(wanted, volume, strict=True)]
    is_scaled = any(0 < q < u * (1 - 1e-9) for q, u in zip(result, unlimited, strict=True))
    if is_scaled and lot_size == 0.0 and costs == FREE:
        assert spent == pytest.approx(available, rel=1e-6, abs=1e-6 + 1e-9 * sum(opens))
