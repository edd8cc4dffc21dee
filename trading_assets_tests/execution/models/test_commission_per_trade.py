"""Commission per trade."""

import pytest

from trading_assets.execution.models.commission_per_trade import PerTradeCommission
from trading_assets_tests.execution.examples import charged


@pytest.mark.parametrize(("quantity", "expected"), [(1.0, 7.5), (1e6, 7.5), (-3.0, 7.5), (0.0, 0.0)])
def test_every_trade_costs_the_same_and_none_costs_nothing(quantity, expected):
    assert charged(PerTradeCommission(commission_per_trade=7.5), quantity, 50.0) == expected
