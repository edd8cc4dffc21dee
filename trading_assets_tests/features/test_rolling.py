"""Windows of features: against numpy, one window at a time, and the laws that make a value its window's alone."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.features import _rolling

ROWS = 1200
"""More than two tiles of 512 rows."""
WINDOWS = (1, 2, 3, 10, 63, 511, 512, 513)


def whole(values):
    return np.array([0, len(values)])


def one_by_one(values, offsets, window, of):
    """What a function gives of each window that lies within a span."""
    found = np.full(len(values), np.nan)
    for first, stop in pairwise(offsets):
        for row in range(first + window - 1, stop):
            found[row] = of(slice(row - window + 1, row + 1))
    return found


def powers(values, order):
    return np.sum((values - values.mean()) ** order)


def products(left, right):
    return np.sum((left - left.mean()) * (right - right.mean()))


KERNELS = {
    "mean": lambda x, y, offsets, n: _rolling.mean(x, offsets, n),
    "squared_deviations": lambda x, y, offsets, n: _rolling.squared_deviations(x, offsets, n),
    "squares_of_3": lambda x, y, offsets, n: _rolling.central_sums(x, offsets, n, 3)[0],
    "cubes": lambda x, y, offsets, n: _rolling.central_sums(x, offsets, n, 3)[1],
    "squares_of_4": lambda x, y, offsets, n: _rolling.central_sums(x, offsets, n, 4)[0],
    "fourth_powers": lambda x, y, offsets, n: _rolling.central_sums(x, offsets, n, 4)[1],
    "co_deviations": _rolling.co_deviations,
    "highest": lambda x, y, offsets, n: _rolling.highest(x, offsets, n),
}
BY_NUMPY = {
    "mean": lambda x, y: x.mean(),
    "squared_deviations": lambda x, y: powers(x, 2),
    "squares_of_3": lambda x, y: powers(x, 2),
    "cubes": lambda x, y: powers(x, 3),
    "squares_of_4": lambda x, y: powers(x, 2),
    "fourth_powers": lambda x, y: powers(x, 4),
    "co_deviations": products,
    "highest": lambda x, y: x.max(),
}
DISPERSIONS = [name for name in KERNELS if name not in ("mean", "highest")]
every_kernel = pytest.mark.parametrize("name", KERNELS)


@pytest.fixture(scope="module")
def columns():
    random = np.random.default_rng(0)
    return random.normal(50.0, 1.0, ROWS), random.normal(-3.0, 2.0, ROWS)


@pytest.mark.parametrize("window", WINDOWS)
@every_kernel
def test_a_window_has_the_value_that_numpy_gives_it(name, window, columns):
    x, y = columns
    spans = np.array([0, 1, 1, 600, ROWS])
    expected = one_by_one(x, spans, window, lambda rows: BY_NUMPY[name](x[rows], y[rows]))
    # sums of odd powers cancel: they are compared on the scale of the sums of their magnitudes
    np.testing.assert_allclose(KERNELS[name](x, y, spans, window), expected, rtol=1e-9, atol=1e-9 * window)


@given(st.integers(0, 700), st.integers(1, 40), st.integers(1, 520))
@settings(deadline=None, max_examples=40)
def test_no_bit_depends_on_where_the_rows_begin_or_end(columns, start, window, length):
    x, y = columns
    stop = min(start + window + length, ROWS)
    for name, kernel in KERNELS.items():
        full, part = kernel(x, y, whole(x), window), kernel(x[start:stop], y[start:stop], whole(x[start:stop]), window)
        assert part[window - 1 :].tobytes() == full[start + window - 1 : stop].tobytes(), name


@given(st.lists(st.integers(0, 60), min_size=1, max_size=6), st.integers(1, 30))
@settings(deadline=None, max_examples=40)
def test_no_window_reaches_over_the_start_of_a_span(columns, lengths, window):
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    x, y = (column[: offsets[-1]] for column in columns)
    inside = np.concatenate([np.arange(length) for length in lengths])
    for name, kernel in KERNELS.items():
        found = kernel(x, y, offsets, window)
        np.testing.assert_array_equal(np.isnan(found), inside < window - 1, err_msg=name)
        for first, stop in pairwise(offsets):
            alone = kernel(x[first:stop], y[first:stop], whole(x[first:stop]), window)
            assert alone.tobytes() == found[first:stop].tobytes(), name


@given(st.sets(st.integers(0, 79), min_size=1, max_size=5), st.integers(1, 20))
@settings(deadline=None, max_examples=40)
def test_a_window_with_a_hole_has_no_value_and_the_next_one_has(columns, holes, window):
    x, y = (column[:80].copy() for column in columns)
    x[list(holes)] = np.nan
    known = one_by_one(x, whole(x), window, lambda rows: np.isnan(x[rows]).sum())
    for name, kernel in KERNELS.items():
        np.testing.assert_array_equal(np.isnan(kernel(x, y, whole(x), window)), known != 0, err_msg=name)


@pytest.mark.parametrize("level", [0.0, 0.1, -7 / 3, 1e-12, 1e9 / 3])
@pytest.mark.parametrize("window", [2, 20, 63, 600])
def test_a_window_without_movement_has_exactly_none_whatever_came_before(level, window):
    x = np.concatenate([np.random.default_rng(1).normal(0.0, 1e6, 700), np.full(700, level)])
    still = slice(700 + window - 1, None)
    for name in DISPERSIONS:
        assert (KERNELS[name](x, x, whole(x), window)[still] == 0.0).all(), name
    assert (_rolling.mean(x, whole(x), window)[still] == level).all()


def test_a_small_movement_on_a_high_level_keeps_its_precision():
    steps = np.random.default_rng(2).integers(-8, 9, 300) / 1024.0
    high = steps + 2.0**30
    for name in DISPERSIONS:
        near, far = (KERNELS[name](x, x, whole(x), 50)[49:] for x in (steps, high))
        np.testing.assert_allclose(far, near, rtol=1e-9, atol=1e-12, err_msg=name)


@given(st.integers(1, 40))
@settings(deadline=None, max_examples=20)
def test_deviations_do_not_depend_on_the_sign_and_covariances_turn_with_it(columns, window):
    x, y = (column[:100] for column in columns)
    squares = _rolling.squared_deviations(x, whole(x), window)
    np.testing.assert_array_equal(_rolling.squared_deviations(-x, whole(x), window), squares)
    np.testing.assert_array_equal(
        _rolling.co_deviations(-x, y, whole(x), window), -_rolling.co_deviations(x, y, whole(x), window)
    )
    np.testing.assert_array_equal(
        _rolling.co_deviations(y, x, whole(x), window), _rolling.co_deviations(x, y, whole(x), window)
    )
    np.testing.assert_array_equal(_rolling.co_deviations(x, x, whole(x), window), squares)


@pytest.mark.parametrize("rows", [0, 1, 5, 50])
def test_a_shift_stays_within_its_span(rows):
    x, offsets = np.arange(20.0), np.array([0, 6, 6, 20])
    expected = [row - rows if row - rows >= (0 if row < 6 else 6) else np.nan for row in range(20)]
    np.testing.assert_array_equal(_rolling.shifted(x, offsets, rows), expected)


def test_no_rows_have_no_values():
    empty, offsets = np.empty(0), np.array([0])
    assert [kernel(empty, empty, offsets, 5).size for kernel in KERNELS.values()] == [0] * len(KERNELS)
    assert _rolling.shifted(empty, offsets, 1).size == 0
