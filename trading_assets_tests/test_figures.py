"""Figures in messages."""

import math

import pytest

from trading_assets.figures import apart, figure


@pytest.mark.parametrize(
    ("value", "text"),
    [(7634100.0, "7,634,100"), (1234567.125, "1,234,567.125"), (0.0, "0"), (-3.5, "-3.5"), (math.nan, "nan")],
)
def test_a_figure_has_separators_and_no_exponent(value, text):
    assert figure(value) == text


@pytest.mark.parametrize(
    ("value", "limit", "texts"),
    [
        (0.43, 0.95, ("0.43", "0.95")),
        (0.9499, 0.95, ("0.9499", "0.9500")),
        (0.949999999, 0.95, ("0.949999999", "0.950000000")),
        (0.95, 0.95, ("0.95", "0.95")),
    ],
)
def test_a_figure_below_a_limit_does_not_look_like_it(value, limit, texts):
    assert apart(value, limit) == texts


def test_shares_are_told_apart_as_percent():
    assert apart(0.010004, 0.01, percent=True) == ("1.0004%", "1.0000%")
