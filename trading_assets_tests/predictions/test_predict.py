from datetime import date

import numpy as np
import polars as pl
import pytest

from trading_assets.predictions.contract import DAILY
from trading_assets.predictions.predict import VersionInUse, predict


class Constant:
    """A model that predicts a constant plus its feature, and counts its calls."""

    def __init__(self, value: float) -> None:
        self.value = value
        self.calls = 0

    features = ("x",)
    lookback = 0

    def predict(self, rows: pl.DataFrame, **_) -> np.ndarray:
        self.calls += 1
        return self.value + rows["x"].to_numpy().astype(np.float64)


DAYS = [date(2024, 1, 30), date(2024, 1, 31), date(2024, 2, 1), date(2024, 2, 29), date(2024, 3, 1)]


def features(days=DAYS, symbols=("A", "B")) -> pl.DataFrame:
    return pl.DataFrame(
        [{"symbol": s, "date": d, "x": float(i)} for d in days for i, s in enumerate(symbols)],
        schema={"symbol": pl.Utf8, "date": pl.Date, "x": pl.Float32},
    )


def models():
    return [version(date(2024, 2, 29), "feb", 20.0), version(date(2024, 1, 31), "jan", 10.0)]


def version(cut: date, name: str, value: float, since: date | None = None) -> VersionInUse:
    return VersionInUse(since or cut, cut, name, Constant(value))


def test_each_session_is_scored_by_the_latest_model_strictly_before_it():
    scored = predict(features(), models(), model="m")
    assert scored.schema == DAILY.schema
    assert scored.filter(pl.col("symbol") == "B").select(
        "date", "model_hash", "trained_through", "prediction"
    ).rows() == [
        (date(2024, 2, 1), "jan", date(2024, 1, 31), 11.0),
        # The model of February is known only after the close of the 29th.
        (date(2024, 2, 29), "jan", date(2024, 1, 31), 11.0),
        (date(2024, 3, 1), "feb", date(2024, 2, 29), 21.0),
    ]
    assert set(scored["model"]) == {"m"}


def test_sessions_without_an_earlier_model_have_no_rows():
    assert predict(features(DAYS[:2]), models(), model="m").is_empty()
    assert predict(features(), [], model="m").schema == DAILY.schema
    assert predict(features([]), models(), model="m").is_empty()


def test_a_month_without_a_model_of_the_month_before_has_no_rows():
    """One session is asked with the models of the month before alone; a range must not reach back further."""
    april = [date(2024, 4, 1), date(2024, 4, 30)]
    assert predict(features(april), models(), model="m").is_empty()


def test_a_range_is_the_union_of_its_single_sessions():
    whole = predict(features(), models(), model="m")
    single = pl.concat([predict(features([day]), models(), model="m") for day in DAYS])
    assert whole.equals(single)


def test_each_model_is_asked_once_for_all_its_sessions():
    both = models()
    predict(features(), both, model="m")
    assert [one.model.calls for one in both] == [1, 1]


def test_row_order_of_the_features_does_not_matter():
    shuffled = features().sample(fraction=1.0, shuffle=True, seed=2)
    assert predict(shuffled, models(), model="m").equals(predict(features(), models(), model="m"))


def test_rows_without_any_feature_get_no_prediction():
    empty = pl.col("symbol") == "A"
    for missing in (None, float("nan")):
        holes = features().with_columns(x=pl.when(empty).then(missing).otherwise("x").cast(pl.Float32))
        assert set(predict(holes, models(), model="m")["symbol"]) == {"B"}
    gone = features().with_columns(x=pl.lit(None, dtype=pl.Float32))
    assert predict(gone, models(), model="m").is_empty()


def test_two_models_of_one_cut_are_refused():
    twice = [*models(), version(date(2024, 1, 31), "again", 0.0)]
    with pytest.raises(ValueError, match="since the same session"):
        predict(features(), twice, model="m")


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match=r"'m' \(jan\) reads \['x'\]"):
        predict(features().rename({"x": "y"}), models(), model="m")
