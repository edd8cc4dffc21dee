import hashlib
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from trading_assets.models.labelled_rows import InsufficientHistoryError
from trading_assets.models.learner import LearningRows
from trading_assets.models.learners.lightgbm import LightGbm
from trading_assets.models.model_spec import ModelSpec
from trading_assets.models.training import feature_columns, train
from trading_assets_tests.models.panels import panel

SPEC = ModelSpec(name="small", params={"num_iterations": 20}, min_sessions=60, max_sessions=120, min_rows=200)


def cut_of(features: pl.DataFrame) -> date:
    return features["date"].unique().sort()[-15]


def test_a_planted_signal_shows_in_the_validation_tail():
    features, labels = panel(edge=0.7)
    trained = train(SPEC, features, labels, knowledge_cut=cut_of(features))
    assert trained.validation_rank_ic > 0.3
    assert trained.validation_ic > 0.3
    assert trained.feature_importance["feature"][0] == "f0"


def test_noise_has_no_information_coefficient_to_speak_of():
    features, labels = panel(edge=0.0, n_names=40)
    trained = train(SPEC, features, labels, knowledge_cut=cut_of(features))
    # The standard error of 21 sessions of 40 names is 1 / sqrt(21 * 39) = 0.035.
    assert abs(trained.validation_rank_ic) < 0.12


@pytest.mark.parametrize("n_names", [3, 5])
def test_a_handful_of_names_is_enough_to_learn_from(n_names):
    features, labels = panel(n_names=n_names, n_sessions=220, edge=1.0)
    trained = train(SPEC, features, labels, knowledge_cut=cut_of(features))
    assert trained.validation_rank_ic > 0.2


def test_model_is_identical_for_any_thread_count_and_row_order():
    features, labels = panel(edge=0.3)
    cut = cut_of(features)
    shuffled = features.sample(fraction=1.0, shuffle=True, seed=5), labels.sample(fraction=1.0, shuffle=True, seed=6)
    one = train(SPEC, features, labels, knowledge_cut=cut, threads=1)
    two = train(SPEC, features, labels, knowledge_cut=cut, threads=2)
    other = train(SPEC, *shuffled, knowledge_cut=cut, threads=2)
    assert one.fitted.fitted.identity() == two.fitted.fitted.identity() == other.fitted.fitted.identity()
    assert one.model_hash == two.model_hash == other.model_hash
    assert one.validation_ic == two.validation_ic == other.validation_ic


def test_sums_of_gradients_are_exact_in_any_order_of_threads():
    # Given first gradients over many orders of magnitude, whose float sums depend on the order of addition.
    rng = np.random.default_rng(2)
    features = pl.DataFrame({f"f{i}": rng.standard_normal(20_000).astype(np.float32) for i in range(6)})
    target = pl.Series("target", np.exp(3 * rng.standard_normal(20_000)) * features["f0"].to_numpy(), dtype=pl.Float32)
    rows = LearningRows(features.with_columns(target), tuple(features.columns))
    learner = LightGbm(num_iterations=3, boost_from_average=False, bagging_freq=0)
    assert len({learner.fit(rows, seed=7, threads=threads).identity() for threads in (1, 2, 3)}) == 1


def test_model_ignores_whatever_happens_after_its_cut():
    features, labels = panel(edge=0.3)
    cut = cut_of(features)
    value = pl.col("^f[0-9]$")
    poisoned = (
        features.with_columns(pl.when(pl.col("date") > cut).then(value * -1e6).otherwise(value).name.keep()),
        labels.with_columns(
            pl.when(pl.col("exit_date") > cut).then(9.9).otherwise("forward_return").alias("forward_return")
        ),
    )
    cut_off = features.filter(pl.col("date") <= cut), labels.filter(pl.col("exit_date") <= cut)
    plain = train(SPEC, features, labels, knowledge_cut=cut)
    assert not poisoned[1].equals(labels)
    assert train(SPEC, *poisoned, knowledge_cut=cut).model_hash == plain.model_hash
    assert train(SPEC, *cut_off, knowledge_cut=cut).model_hash == plain.model_hash


def test_model_depends_on_data_before_its_cut_and_on_the_seed():
    features, labels = panel(edge=0.3)
    cut = cut_of(features)
    plain = train(SPEC, features, labels, knowledge_cut=cut)
    past = features.with_columns(f0=pl.when(pl.col("date") < date(2020, 4, 1)).then(0.0).otherwise("f0"))
    assert train(SPEC, past, labels, knowledge_cut=cut).model_hash != plain.model_hash
    assert train(replace(SPEC, seed=8), features, labels, knowledge_cut=cut).model_hash != plain.model_hash


def test_hash_is_of_the_text_and_the_text_names_no_thread_count():
    features, labels = panel()
    trained = train(SPEC, features, labels, knowledge_cut=cut_of(features))
    text = trained.fitted.fitted.identity()
    assert trained.model_hash == hashlib.sha256(text).hexdigest()
    assert b"num_threads" not in text


def test_facts_of_the_fit_are_reported():
    features, labels = panel(n_sessions=160, n_names=12, horizon=5)
    sessions = features["date"].unique().sort().to_list()
    trained = train(SPEC, features, labels, knowledge_cut=sessions[149])
    # Last exit 149 - 5 = 144, last decision 144 - 5 = 139, tail 119..139, last fit exit 118 - 5 = 113, decision 108;
    # the window of 120 sessions starts at 144 - 119 = 25.
    assert trained.trained_through == sessions[149]
    assert (trained.scored["date"].min(), trained.scored["date"].max()) == (sessions[119], sessions[139])
    assert (trained.train_start, trained.train_end) == (sessions[25], sessions[108])
    assert trained.last_label_exit == sessions[113]
    assert trained.n_rows == (108 - 25 + 1) * 12
    assert trained.n_features == 4
    assert trained.feature_importance.schema == {"feature": pl.Utf8, "gain": pl.Float64, "split": pl.Int64}
    assert trained.feature_importance.height == 4


def test_null_and_nan_features_are_the_same_missing_value():
    features, labels = panel(edge=0.5)
    cut = cut_of(features)
    holes = pl.col("f1") > 1.0
    with_null = features.with_columns(f1=pl.when(holes).then(None).otherwise("f1"))
    with_nan = features.with_columns(f1=pl.when(holes).then(float("nan")).otherwise("f1").cast(pl.Float32))
    trained = train(SPEC, with_null, labels, knowledge_cut=cut)
    assert trained.model_hash == train(SPEC, with_nan, labels, knowledge_cut=cut).model_hash
    columns = list(trained.fitted.features)
    model = trained.fitted
    np.testing.assert_array_equal(model.predict(with_null.select(columns)), model.predict(with_nan.select(columns)))


def test_too_few_rows_name_model_month_found_and_needed():
    features, labels = panel()
    cut = cut_of(features)
    with pytest.raises(InsufficientHistoryError) as caught:
        train(replace(SPEC, min_rows=50_000), features, labels, knowledge_cut=cut)
    assert caught.value.needed == 50_000
    for part in ("small", f"{cut:%Y-%m}", "rows", "50000 needed"):
        assert part in str(caught.value)


def test_too_short_a_history_is_named_in_sessions():
    features, labels = panel()
    with pytest.raises(InsufficientHistoryError, match="sessions"):
        train(ModelSpec(), features, labels, knowledge_cut=cut_of(features))


def test_features_are_taken_by_name_in_alphabetical_order_unless_listed():
    features, _ = panel(n_features=3)
    assert feature_columns(ModelSpec(), features.select("f2", "symbol", "f0", "date", "f1")) == ("f0", "f1", "f2")
    assert feature_columns(ModelSpec(features=("f2", "f0")), features) == ("f2", "f0")
    with pytest.raises(ValueError, match="f9"):
        feature_columns(ModelSpec(features=("f9",)), features)


def test_column_order_of_the_frame_does_not_change_the_model():
    features, labels = panel(edge=0.3)
    cut = cut_of(features)
    turned = features.select("f3", "date", "f0", "f2", "symbol", "f1")
    plain = train(SPEC, features, labels, knowledge_cut=cut)
    assert train(SPEC, turned, labels, knowledge_cut=cut).model_hash == plain.model_hash
