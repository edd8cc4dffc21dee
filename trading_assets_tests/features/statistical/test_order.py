"""Windows that rank and count: against one window at a time, by hand where it is short."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.features.statistical import _co_moments, _order

few_values = st.lists(st.sampled_from([-2.0, -0.5, 0.0, 0.5, 3.0]), min_size=8, max_size=40)


def one_span(values):
    return np.asarray(values, dtype=float), np.array([0, len(values)])


def test_the_rank_of_the_newest_value_by_hand():
    values, offsets = one_span([5.0, 1.0, 3.0, 3.0, 9.0, 0.0])
    found = _order.percent_rank(values, offsets, 4)
    # 3 among 5, 1, 3, 3: one below, one its equal; 9 is the highest of four; 0 the lowest
    np.testing.assert_array_equal(found, [np.nan, np.nan, np.nan, 1.5 / 3, 1.0, 0.0])


def test_the_lowest_values_by_hand():
    values, offsets = one_span([4.0, -1.0, 2.0, 2.0, -3.0])
    greatest, mean = _order.lowest(values, offsets, 4, 2)
    np.testing.assert_array_equal(greatest[3:], [2.0, -1.0])
    np.testing.assert_array_equal(mean[3:], [0.5, -2.0])


def test_the_entropy_of_patterns_by_hand():
    codes, offsets = one_span([np.nan, 0, 0, 1, 2, 2])
    found = _order.entropy(codes, offsets, 4, 3)
    # 0, 0, 1, 2: a half and two quarters; then 0, 1, 2, 2 the same
    half_and_quarters = 0.5 * math.log(2) + 0.5 * math.log(4)
    np.testing.assert_allclose(found[4:], [half_and_quarters, half_and_quarters], rtol=1e-15)
    assert np.isnan(found[:4]).all()


@settings(deadline=None)
@given(few_values, st.integers(2, 8))
def test_ranks_and_lowest_are_those_of_a_sorted_window(numbers, window):
    values, offsets = one_span(numbers)
    count = max(window // 2, 1)
    rank, (greatest, mean) = _order.percent_rank(values, offsets, window), _order.lowest(values, offsets, window, count)
    for row in range(window - 1, values.size):
        past = values[row - window + 1 : row + 1]
        below, equal = np.sum(past < past[-1]), np.sum(past == past[-1]) - 1
        assert rank[row] == (below + 0.5 * equal) / (window - 1)
        assert greatest[row] == np.sort(past)[count - 1]
        assert mean[row] == pytest.approx(np.sort(past)[:count].mean(), abs=1e-12)


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=6, max_size=40), st.integers(2, 6))
def test_entropy_is_that_of_the_counts(kinds, window):
    codes, offsets = one_span(kinds)
    found = _order.entropy(codes, offsets, window, 4)
    for row in range(window - 1, codes.size):
        shares = np.array(list(Counter(kinds[row - window + 1 : row + 1]).values())) / window
        assert found[row] == pytest.approx(-np.sum(shares * np.log(shares)), abs=1e-12)


@settings(deadline=None)
@given(few_values, st.integers(1, 7))
def test_no_bit_depends_on_where_the_rows_begin(numbers, start):
    x, offsets = one_span(numbers)
    y, later = x[::-1].copy(), np.array([0, x.size - start])
    means = np.full((2, x.size), 0.25)

    def all_of(first, spans):
        a, b, m, n = x[first:], y[first:], means[0][first:], means[1][first:]
        return [
            _order.percent_rank(a, spans, 3),
            *_order.lowest(a, spans, 3, 2),
            _order.count_beyond(a, m, n, spans, 3),
            _order.entropy(np.abs(np.floor(a)), spans, 3, 4),
            _co_moments.co_skew_sum(a, b, m, n, spans, 3),
            _co_moments.beta_below(a, b, m, n, spans, 3),
            _co_moments.range_of_sums(a, m, spans, 3),
        ]

    for whole, part in zip(all_of(0, offsets), all_of(start, later), strict=True):
        np.testing.assert_array_equal(whole[start + 2 :], part[2:])


@pytest.mark.parametrize("hole", range(4))
def test_a_window_with_a_hole_has_no_value(hole):
    values, offsets = one_span([1.0, 2.0, 3.0, 4.0])
    values[hole] = np.nan
    unknown = np.array([np.nan] * 4)
    assert np.isnan(_order.percent_rank(values, offsets, 4)).all()
    assert np.isnan(_order.lowest(values, offsets, 4, 1)).all()
    assert np.isnan(_order.count_beyond(values, unknown, unknown, offsets, 4)).all()
    assert np.isnan(_co_moments.beta_below(values, values, unknown, unknown, offsets, 4)).all()
    assert np.isnan(_co_moments.range_of_sums(values, unknown, offsets, 4)).all()


def test_no_window_reaches_over_the_start_of_a_span():
    values, offsets = np.arange(8.0), np.array([0, 5, 8])
    rank = _order.percent_rank(values, offsets, 3)
    np.testing.assert_array_equal(np.isnan(rank), [1, 1, 0, 0, 0, 1, 1, 0])
    assert (
        np.isnan(_order.entropy(np.zeros(8), offsets, 4, 1)).tolist() == [True, True, True, False, False] + [True] * 3
    )
