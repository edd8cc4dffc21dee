"""The moving-average cross, worked out by hand."""

import math
from datetime import date, timedelta

import polars as pl
import pytest

from trading_assets.signals.strategies.moving_average_cross import moving_average_cross

QUICK = moving_average_cross.of(fast=2, slow=4)


def prices(closes, symbol="A"):
    days = [date(2024, 1, 1) + timedelta(days=i) for i in range(len(closes))]
    frame = pl.DataFrame({"symbol": [symbol] * len(closes), "date": days, "close": closes})
    return frame.with_columns(pl.col("close").cast(pl.Float64), is_member=pl.lit(value=True))


def values(*closes, of=QUICK):
    return of.scores({"prices": prices(closes)})["score"].to_list()


def test_the_score_is_the_difference_of_the_means_over_their_sum():
    # means of 2 and of 4: 16 and 13, then 13 and 13
    assert values(8, 12, 14, 18, 8) == pytest.approx([3 / 29, 0.0], abs=1e-12)
    assert values(10, 10, 10, 10, 30, 10) == pytest.approx([0.0, 5 / 35, 5 / 35], abs=1e-12)


def test_it_is_positive_while_the_fast_mean_is_above_the_slow_one():
    rising, falling = values(1, 2, 3, 4, 5), values(5, 4, 3, 2, 1)
    assert all(score > 0 for score in rising)
    assert all(score < 0 for score in falling)


def test_it_is_the_hyperbolic_tangent_of_half_the_logarithm_of_their_ratio():
    fast, slow = (14 + 18) / 2, (8 + 12 + 14 + 18) / 4
    assert values(8, 12, 14, 18)[0] == pytest.approx(math.tanh(math.log(fast / slow) / 2), abs=1e-12)


def test_the_scale_of_prices_does_not_matter():
    assert values(8, 12, 14, 18, 9) == values(*(1e6 * close for close in (8, 12, 14, 18, 9)))


def test_a_price_at_rest_scores_exactly_nothing_whatever_it_did_before():
    moved = [50.1 + 0.37 * i for i in range(300)] + [7.3] * 210
    assert values(*moved, of=moving_average_cross)[-1] == 0.0


def test_a_name_without_enough_closes_has_no_score():
    assert values(1, 2, 3) == []
    assert values(*([5.0] * 199), of=moving_average_cross) == []
    assert values(*([5.0] * 200), of=moving_average_cross) == [0.0]


def test_names_do_not_run_into_each_other():
    both = pl.concat([prices([1, 2, 3, 4]), prices([400, 300, 200, 100], symbol="B")])
    assert QUICK.scores({"prices": both})["score"].to_list() == pytest.approx([1 / 6, -1 / 4], abs=1e-12)


def test_what_it_declares():
    assert (moving_average_cross.lookback, QUICK.lookback) == (199, 3)
    assert moving_average_cross.models == ()
