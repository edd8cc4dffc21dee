"""Costs of a fill, worked by hand."""

import pytest

from trading_assets.execution.costs import commission, fill_price, slippage_rate
from trading_assets.portfolio.books import CostModel

FREE = CostModel(0.0, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("quantity", "price", "costs", "expected"),
    [
        (100.0, 50.0, FREE, 0.0),
        (100.0, 50.0, FREE._replace(commission_per_share=0.005), 0.5),
        (100.0, 50.0, FREE._replace(commission_bps=2.0), 1.0),
        (100.0, 50.0, FREE._replace(commission_per_share=0.005, commission_bps=2.0), 1.5),
        (100.0, 50.0, FREE._replace(commission_per_share=0.005, min_commission=1.0), 1.0),
        (0.0, 50.0, FREE._replace(min_commission=1.0), 0.0),
    ],
)
def test_commission_is_per_share_plus_per_value_and_at_least_the_minimum(quantity, price, costs, expected):
    assert commission(quantity, price, costs) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("quantity", "volume", "expected"), [(0.0, 100.0, 0.0005), (1.0, 100.0, 0.0025), (25.0, 100.0, 0.0105)]
)
def test_impact_grows_with_the_square_root_of_participation(quantity, volume, expected):
    costs = FREE._replace(half_spread_bps=5.0, impact_coefficient=0.02)
    assert slippage_rate(quantity, volume, costs) == pytest.approx(expected, rel=1e-12)


def test_buys_pay_above_the_open_and_sells_receive_below_it():
    costs = FREE._replace(half_spread_bps=5.0, impact_coefficient=0.02)
    assert fill_price(1.0, 200.0, 100.0, costs) == pytest.approx(200.5, rel=1e-12)
    assert fill_price(-1.0, 200.0, 100.0, costs) == pytest.approx(199.5, rel=1e-12)
    assert fill_price(-1.0, 200.0, 100.0, FREE) == 200.0
