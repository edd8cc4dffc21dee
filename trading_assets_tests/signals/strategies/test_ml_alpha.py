"""The strategy ml_alpha, worked out by hand."""

from datetime import date

import polars as pl
import pytest

from trading_assets.signals.strategies.ml_alpha import ml_alpha

DAY, NEXT_DAY = date(2024, 1, 2), date(2024, 1, 3)


def predicted(values, day=DAY, outside=()):
    symbols = [f"S{i:03d}" for i in range(len(values))]
    frame = {"symbol": symbols, "date": [day] * len(values), "prediction": values}
    types = {"symbol": pl.String, "date": pl.Date, "prediction": pl.Float64}
    return pl.DataFrame(frame, schema=types).with_columns(is_member=~pl.col("symbol").is_in(list(outside)))


def scored(*frames):
    return ml_alpha.scores({"predicted": pl.concat(frames)})


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
    assert scored(predicted(values))["score"].to_list() == scores


def test_each_session_is_ranked_by_itself():
    found = scored(predicted([1.0, 2.0]), predicted([200.0, 100.0], day=NEXT_DAY))
    assert found.rows() == [(DAY, "S000", -1.0), (DAY, "S001", 1.0), (NEXT_DAY, "S000", 1.0), (NEXT_DAY, "S001", -1.0)]
    assert found.schema == {"date": pl.Date, "symbol": pl.String, "score": pl.Float64}


def test_names_without_a_finite_prediction_are_left_out_of_the_ranking():
    found = scored(predicted([1.0, float("nan"), None, 3.0]))
    assert found.select("symbol", "score").rows() == [("S000", -1.0), ("S003", 1.0)]


def test_names_that_are_no_members_are_left_out_of_the_ranking():
    found = scored(predicted([1.0, 2.0, 3.0, 4.0], outside=["S001", "S003"]))
    assert found.select("symbol", "score").rows() == [("S000", -1.0), ("S002", 1.0)]


def test_it_follows_one_model_and_each_variant_another():
    assert ml_alpha.models == ("lgbm_daily",)
    assert ml_alpha.of("lgbm_momentum").models == ("lgbm_momentum",)
    assert ml_alpha.lookback == 0
