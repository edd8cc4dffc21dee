"""Laws of ranks as scores."""

from datetime import date
from itertools import pairwise

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.signals import ranked


def rows(values):
    symbols = [f"S{i:03d}" for i in range(len(values))]
    frame = {"symbol": symbols, "date": [date(2024, 1, 2)] * len(values), "value": values}
    return pl.DataFrame(frame, schema_overrides={"value": pl.Float64}).with_columns(is_member=pl.lit(value=True))


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60))
def test_scores_are_bounded_balanced_and_ordered_like_the_values(values):
    scored = ranked(rows(values), by="value")["score"].to_list()
    assert all(-1.0 <= score <= 1.0 for score in scored)
    assert abs(sum(scored)) < 1e-9
    pairs = sorted(zip(values, scored, strict=True))
    assert all(a[1] <= b[1] for a, b in pairwise(pairs))


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=40), st.floats(0.01, 100.0), st.integers(-50, 50))
def test_scale_and_level_of_the_values_do_not_matter(values, scale, level):
    moved = [value * scale + level for value in map(float, values)]
    assert ranked(rows(moved), by="value").equals(ranked(rows(values), by="value"))
