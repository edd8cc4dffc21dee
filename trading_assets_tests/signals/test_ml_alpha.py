from datetime import date
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.signals.ml_alpha import ml_alpha

DAY = date(2024, 1, 2)


def predictions(values, day=DAY, model="m") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "model": [model] * len(values),
            "date": [day] * len(values),
            "symbol": [f"S{i:03d}" for i in range(len(values))],
            "prediction": values,
        },
        schema={"model": pl.Utf8, "date": pl.Date, "symbol": pl.Utf8, "prediction": pl.Float64},
    )


@pytest.mark.parametrize(
    ("values", "scores"),
    [
        ([0.3], [0.0]),
        ([0.3, -0.1], [1.0, -1.0]),
        ([5.0, 1.0, 3.0], [1.0, -1.0, 0.0]),
        ([1.0, 2.0, 3.0, 4.0, 1e9], [-1.0, -0.5, 0.0, 0.5, 1.0]),
        ([2.0, 2.0, 2.0], [0.0, 0.0, 0.0]),
        ([1.0, 1.0, 9.0], [-0.5, -0.5, 1.0]),
        ([], []),
    ],
)
def test_score_is_the_rank_spread_over_minus_one_to_one(values, scores):
    assert ml_alpha(predictions(values))["score"].to_list() == scores


def test_each_session_is_ranked_by_itself():
    other = date(2024, 1, 3)
    scored = ml_alpha(pl.concat([predictions([1.0, 2.0]), predictions([200.0, 100.0], day=other)]))
    assert scored.rows() == [
        ("ml_alpha", DAY, "S000", -1.0),
        ("ml_alpha", DAY, "S001", 1.0),
        ("ml_alpha", other, "S000", 1.0),
        ("ml_alpha", other, "S001", -1.0),
    ]
    assert scored.schema == {"strategy": pl.Utf8, "date": pl.Date, "symbol": pl.Utf8, "score": pl.Float64}


def test_names_without_a_finite_prediction_are_left_out_of_the_ranking():
    scored = ml_alpha(predictions([1.0, float("nan"), None, 3.0]))
    assert scored.select("symbol", "score").rows() == [("S000", -1.0), ("S003", 1.0)]


def test_predictions_of_two_models_are_refused():
    mixed = pl.concat([predictions([1.0], model="a"), predictions([1.0], model="b")])
    with pytest.raises(ValueError, match=r"\['a', 'b'\]"):
        ml_alpha(mixed)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60))
def test_scores_are_bounded_balanced_and_ordered_like_predictions(values):
    scored = ml_alpha(predictions(values))["score"].to_list()
    assert all(-1.0 <= score <= 1.0 for score in scored)
    assert abs(sum(scored)) < 1e-9
    pairs = sorted(zip(values, scored, strict=True))
    assert all(a[1] <= b[1] for a, b in pairwise(pairs))


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=40), st.floats(0.01, 100.0), st.integers(-50, 50))
def test_scale_and_level_of_predictions_do_not_matter(values, scale, level):
    moved = [value * scale + level for value in map(float, values)]
    assert ml_alpha(predictions(moved))["score"].equals(ml_alpha(predictions(list(map(float, values))))["score"])
