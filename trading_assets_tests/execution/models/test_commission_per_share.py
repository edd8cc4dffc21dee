"""Commission per share and per value, worked by hand."""

import pytest

from trading_assets.execution.models.commission_per_share import PerShareCommission
from trading_assets_tests.execution.examples import charged


@pytest.mark.parametrize(
    ("quantity", "per_share", "bps", "minimum", "expected"),
    [
        (100.0, 0.0, 0.0, 0.0, 0.0),
        (100.0, 0.005, 0.0, 0.0, 0.5),
        (100.0, 0.0, 2.0, 0.0, 1.0),
        (100.0, 0.005, 2.0, 0.0, 1.5),
        (-100.0, 0.005, 2.0, 0.0, 1.5),
        (100.0, 0.005, 0.0, 1.0, 1.0),
        (0.0, 0.005, 0.0, 1.0, 0.0),
    ],
)
def test_commission_is_per_share_plus_per_value_and_at_least_the_minimum(quantity, per_share, bps, minimum, expected):
    model = PerShareCommission(commission_per_share=per_share, commission_bps=bps, min_commission=minimum)
    assert charged(model, quantity, 50.0) == pytest.approx(expected, rel=1e-12)
