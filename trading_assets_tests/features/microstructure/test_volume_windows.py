"""Windows that weigh prices by volume: against one window at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.features.microstructure import _volume

bars = st.lists(
    st.tuples(st.sampled_from([9.5, 10.0, 10.5, 12.0]), st.sampled_from([0.0, 100.0, 250.0])), min_size=4, max_size=40
)


def columns(given_bars):
    price, volume = (np.array(column, dtype=float) for column in zip(*given_bars, strict=True))
    return price, volume, price - 0.25, price + 0.5


@settings(deadline=None)
@given(bars, st.integers(1, 4))
def test_means_and_profiles_are_those_of_one_window_at_a_time(some, window):
    price, volume, low, high = columns(some)
    offsets = np.array([0, price.size])
    mean = _volume.weighted_mean(price, volume, offsets, window)
    below, around, whole = _volume.profile(price, low, high, price, volume, offsets, window)
    for row in range(window - 1, price.size):
        past = slice(row - window + 1, row + 1)
        traded = volume[past].sum()
        expected = np.average(price[past], weights=volume[past]) if traded else price[row]
        assert mean[row] == pytest.approx(expected, rel=1e-12)
        assert below[row] == volume[past][price[past] <= price[row]].sum()
        assert around[row] == volume[past][(low[past] <= price[row]) & (price[row] <= high[past])].sum()
        assert whole[row] == traded
    assert np.isnan(mean[: window - 1]).all()
    assert np.isnan(below[: window - 1]).all()


@settings(deadline=None)
@given(bars, st.integers(1, 40), st.lists(st.booleans(), min_size=40, max_size=40))
def test_a_session_so_far_begins_with_its_first_row_or_the_most_that_counts(some, most, breaks):
    price, volume, low, high = columns(some)
    first = np.maximum.accumulate([row if breaks[row] or row == 0 else 0 for row in range(price.size)])
    vwap, traded, lowest, highest = _volume.session_so_far(price, volume, low, high, first, most)
    for row in range(price.size):
        past = slice(max(first[row], row - most + 1), row + 1)
        weight = volume[past].sum()
        expected = np.average(price[past], weights=volume[past]) if weight else price[past][0]
        assert vwap[row] == pytest.approx(expected, rel=1e-12)
        assert (traded[row], lowest[row], highest[row]) == (weight, low[past].min(), high[past].max())


def test_prices_that_stay_have_their_own_mean_to_the_last_bit():
    price, volume = np.full(50, 10.1), np.arange(50.0) * 7 / 3
    assert (_volume.weighted_mean(price, volume, np.array([0, 50]), 20)[19:] == 10.1).all()
    assert (_volume.session_so_far(price, volume, price, price, np.zeros(50, np.int64), 30)[0] == 10.1).all()


def test_rows_since_the_last_mark():
    marks = np.array([0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0], dtype=bool)
    found = _volume.rows_since(marks, np.array([0, 8, 11]), 3)
    # of the second span three rows are known by its last row, none marked
    np.testing.assert_array_equal(found, [np.nan, np.nan, 0, 1, 2, 3, 3, 0, np.nan, np.nan, 3])
