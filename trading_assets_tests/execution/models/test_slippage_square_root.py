"""Half of the spread and the square-root law of impact, worked by hand."""

import pytest

from trading_assets.execution.models.slippage_square_root import SquareRootSlippage
from trading_assets_tests.execution.examples import paid

MODEL = SquareRootSlippage(half_spread_bps=5.0, impact_coefficient=0.02)


@pytest.mark.parametrize(
    ("quantity", "rate"), [(0.0, 0.0005), (1.0, 0.0025), (25.0, 0.0105), (-1.0, -0.0025), (-25.0, -0.0105)]
)
def test_impact_grows_with_the_square_root_of_participation_above_the_open_for_buys_and_below_it_for_sells(
    quantity, rate
):
    assert paid(MODEL, quantity, 200.0, 100.0) == pytest.approx(200.0 * (1 + rate), rel=1e-12)


def test_without_spread_and_impact_the_price_is_that_of_the_market():
    assert paid(SquareRootSlippage(half_spread_bps=0.0, impact_coefficient=0.0), -1.0, 200.0, 100.0) == 200.0


def test_the_quoted_spread_has_no_impact():
    assert MODEL.half_spread(200.0) == pytest.approx(0.1, rel=1e-12)


def test_the_largest_rate_is_that_of_the_whole_participation():
    assert MODEL.largest_rate(0.25) == pytest.approx(0.0005 + 0.02 * 0.5, rel=1e-12)
