"""Scaling: fitted on the fit part alone, the same numbers as scikit-learn's scalers, kept with the version."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import RobustScaler, StandardScaler

from trading_assets.models.model_spec import ModelSpec
from trading_assets.models.scaling import Scaler, fit_scaler
from trading_assets.models.training import train, training_rows
from trading_assets.predictions.predict import VersionInUse, predict
from trading_assets_tests.models.panels import panel

KINDS = ("standard", "robust", "winsorised")
SPEC = ModelSpec(
    name="scaled", params={"num_iterations": 8}, min_sessions=60, max_sessions=120, min_rows=200, scaling="robust"
)


def skewed() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Features of different scales, one with holes, one far from zero."""
    features, labels = panel(edge=0.5)
    return features.with_columns(
        f0=(pl.col("f0") * 2.0).exp().cast(pl.Float32),
        f1=pl.when(pl.col("f1") > 1.0).then(None).otherwise(pl.col("f1") * 1e-3).cast(pl.Float32),
        f2=(pl.col("f2") + 1000.0).cast(pl.Float32),
    ), labels


def cut_of(features: pl.DataFrame) -> date:
    return features["date"].unique().sort()[-15]


def by_hand(kind: str, fit: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The textbook formula on the known values of the fit part."""
    known = fit[~np.isnan(fit)]
    if kind == "robust":
        return (values - np.median(known)) / (np.quantile(known, 0.75) - np.quantile(known, 0.25))
    if kind == "winsorised":
        ends = np.quantile(known, [0.01, 0.99])
        known, values = np.clip(known, *ends), np.clip(values, *ends)
    return (values - known.mean()) / np.sqrt(np.mean((known - known.mean()) ** 2))


def test_nothing_is_fitted_where_nothing_is_asked_for():
    features, labels = panel()
    assert fit_scaler("none", features, ["f0"]) is None
    plain = train(replace(SPEC, scaling="none"), features, labels, knowledge_cut=cut_of(features))
    assert plain.fitted.scaler is None
    assert plain.scaling == "none"


@pytest.mark.parametrize(("kind", "peer"), [("standard", StandardScaler()), ("robust", RobustScaler())])
def test_scaled_values_are_those_of_scikit_learn(kind, peer):
    rows, _ = skewed()
    names = ["f0", "f1", "f2", "f3"]
    expected = peer.fit_transform(rows.select(names).cast(pl.Float64).to_numpy())
    found = fit_scaler(kind, rows, names).apply(rows).select(names).to_numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_winsorised_values_stay_within_the_percentiles_of_the_fit_part():
    fit = pl.DataFrame({"x": np.arange(1, 102, dtype=np.float64)})  # 1st and 99th percentile: 2 and 100
    scaler = fit_scaler("winsorised", fit, ["x"])
    assert (scaler.lower, scaler.upper) == ((2.0,), (100.0,))
    found = scaler.apply(pl.DataFrame({"x": [-1e9, 1.0, 2.0, 51.0, 100.0, 1e9]}))["x"].to_numpy()
    clipped = np.clip(np.arange(1, 102), 2, 100)
    np.testing.assert_allclose(found, (np.array([2, 2, 2, 51, 100, 100]) - 51.0) / clipped.std(), rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_what_has_no_spread_or_no_value_is_not_blown_up(kind):
    rows = pl.DataFrame({"same": [0.1] * 7, "none": [None] * 7}, schema={"same": pl.Float32, "none": pl.Float32})
    found = fit_scaler(kind, rows, ["same", "none"]).apply(rows)
    assert found["same"].abs().max() < 1e-6
    assert found["none"].null_count() == 7


@pytest.mark.parametrize("kind", KINDS)
def test_null_and_nan_stay_missing(kind):
    rows = pl.DataFrame({"x": [1.0, 2.0, None, float("nan"), 4.0], "y": ["a"] * 5})
    found = fit_scaler(kind, rows, ["x"]).apply(rows)
    assert found["x"].is_null().to_list() == [False, False, True, True, False]
    assert found["y"].to_list() == ["a"] * 5


@pytest.mark.parametrize("kind", KINDS)
def test_scaler_depends_on_the_fit_part_alone(kind):
    features, labels = skewed()
    cut, spec = cut_of(features), replace(SPEC, scaling=kind)
    first = train(spec, features, labels, knowledge_cut=cut)
    value = pl.col("^f[0-9]$")
    later = pl.col("date") > first.train_end
    poisoned = features.with_columns(pl.when(later).then(value * -7.0 + 3.0).otherwise(value).name.keep())
    again = train(spec, poisoned, labels, knowledge_cut=cut)
    assert again.fitted.scaler == first.fitted.scaler
    assert again.model_hash == first.model_hash
    assert again.validation_ic != first.validation_ic, "the tail is scaled with the same numbers, and was another"
    earlier = features.with_columns(pl.when(later).then(value).otherwise(value * 2.0).name.keep())
    assert train(spec, earlier, labels, knowledge_cut=cut).fitted.scaler != first.fitted.scaler


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_are_those_of_features_scaled_by_hand(kind):
    features, labels = skewed()
    cut, spec = cut_of(features), replace(SPEC, scaling=kind)
    trained = train(spec, features, labels, knowledge_cut=cut)
    fit = training_rows(spec, features, labels, cut).fit
    after = features.filter(pl.col("date") > cut)
    scaled = {
        name: by_hand(kind, *(rows[name].cast(pl.Float64).to_numpy() for rows in (fit, after))).astype(np.float32)
        for name in trained.fitted.features
    }
    expected = trained.fitted.fitted.predict(pl.DataFrame(scaled))
    scored = predict(after, [VersionInUse(cut, cut, "h", trained.fitted)], model="scaled")
    found = after.join(scored, on=["symbol", "date"], how="left", maintain_order="left")["prediction"]
    is_scored = found.is_not_null().to_numpy()
    np.testing.assert_allclose(found.to_numpy()[is_scored], expected[is_scored], rtol=1e-9)
    assert is_scored.any()


@settings(max_examples=30, deadline=None)
@given(
    values=st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=40),
    kind=st.sampled_from(KINDS),
)
def test_a_scaler_is_read_back_to_the_bit(values, kind):
    scaler = fit_scaler(kind, pl.DataFrame({"x": values}, schema={"x": pl.Float32}), ["x"])
    assert Scaler.from_json(scaler.to_json()) == scaler
