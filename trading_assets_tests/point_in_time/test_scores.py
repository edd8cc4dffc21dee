"""Predictions and signals know nothing of later sessions: not of their features, and not of models trained later."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from trading_assets.point_in_time.lookahead import lookahead_violations, pick_cuts
from trading_assets.point_in_time.warm_up import warmup_violations
from trading_assets.predictions.predict import VersionInUse, predict
from trading_assets.signals.strategies.ml_alpha import ml_alpha
from trading_assets_tests.point_in_time.sample import weekdays

DAYS = weekdays(date(2015, 1, 1), 300)
CUTS = pick_cuts(DAYS[30:], 20)


class Line:
    """A model that is one slope."""

    def __init__(self, slope):
        self.slope = slope

    features = ("x", "y")
    lookback = 0

    def predict(self, data, **_):
        return self.slope * data["x"].to_numpy().astype(np.float64) + data["y"].to_numpy().astype(np.float64)


def features():
    random = np.random.default_rng(3)
    keys = pl.DataFrame({"date": DAYS}).join(pl.DataFrame({"symbol": list("ABCDEF")}), how="cross")
    return keys.with_columns(pl.Series(name, random.normal(size=keys.height)).cast(pl.Float32) for name in ("x", "y"))


def models():
    ends = pl.date_range(date(2014, 12, 1), date(2016, 2, 1), "1mo", eager=True).dt.month_end()
    return pl.DataFrame({"trained_through": ends, "slope": [float(number) for number in range(len(ends))]})


def predictions(inputs):
    known = [VersionInUse(cut, cut, f"model {slope}", Line(slope)) for cut, slope in inputs["models"].iter_rows()]
    return predict(inputs["features"], known, model="m")


def signals(inputs):
    predicted = predictions(inputs).select("symbol", "date", "prediction", is_member=pl.lit(value=True))
    return ml_alpha.scores({"predicted": predicted})


def scored_by_the_model_of_the_same_month(inputs):
    known = inputs["models"].with_columns(pl.col("trained_through").dt.offset_by("-1mo").dt.month_end())
    return predictions({**inputs, "models": known})


def ranked_among_all_sessions(inputs):
    return signals(inputs).with_columns(score=pl.col("score").rank() + pl.col("score").len())


def violations(compute):
    return lookahead_violations(
        compute,
        {"features": features(), "models": models()},
        known_on={"features": "date", "models": "trained_through"},
        key=["symbol", "date"],
        cuts=CUTS,
        poison_seed=5,
    )


@pytest.mark.parametrize("compute", [predictions, signals])
def test_no_score_changes_when_the_future_is_taken_away_or_falsified(compute):
    assert len(CUTS) == 20
    assert violations(compute).rows() == []


@pytest.mark.parametrize("compute", [scored_by_the_model_of_the_same_month, ranked_among_all_sessions])
def test_a_score_that_knows_the_future_is_caught(compute):
    assert violations(compute).height > 0


@pytest.mark.parametrize("compute", [predictions, signals])
def test_a_score_depends_on_its_own_session_alone(compute):
    found = warmup_violations(
        compute,
        {"features": features(), "models": models()},
        history={"features": "date"},
        lookback=0,
        probes=CUTS,
        key=["symbol", "date"],
    )
    assert found.rows() == []
