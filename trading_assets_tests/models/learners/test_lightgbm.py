"""Trees: LightGBM's own, the same bytes on any number of threads, whatever parameters are chosen."""

import lightgbm
import mlflow.lightgbm
import numpy as np
import polars as pl
import pytest
from lightgbm.basic import _ConfigAliases

from trading_assets.models.learner import IMPORTANCE_SCHEMA, LearnerError, LearningRows
from trading_assets.models.learners.lightgbm import LightGbm

NAMES = tuple(f"f{place}" for place in range(6))
# Each parameter that is left to LightGBM otherwise, with a value that changes what it does.
CHOICES = [
    {"boosting": "rf"},
    {"boosting": "dart", "drop_rate": 0.3, "max_drop": 3, "skip_drop": 0.2},
    {"boosting": "dart", "drop_rate": 0.5, "skip_drop": 0.0, "uniform_drop": True, "xgboost_dart_mode": True},
    {"objective": "regression_l1"},
    {"objective": "huber", "alpha": 0.5},
    {"objective": "quantile"},
    {"objective": "mape"},
    {"max_depth": 3},
    {"min_sum_hessian_in_leaf": 200.0},
    {"min_gain_to_split": 20.0},
    {"lambda_l1": 5.0},
    {"linear_tree": True, "linear_lambda": 0.1},
    {"max_delta_step": 0.1},
    {"path_smooth": 10.0},
    {"extra_trees": True},
    {"feature_fraction_bynode": 0.5},
    {"min_data_in_bin": 500},
    {"bin_construct_sample_cnt": 500},
    {"use_missing": False},
    {"zero_as_missing": True},
    {"boost_from_average": False},
    {"reg_sqrt": True},
]


@pytest.fixture(scope="module")
def rows() -> LearningRows:
    """Gradients over some orders of magnitude, and missing values."""
    rng = np.random.default_rng(3)
    values = rng.standard_normal((8_000, len(NAMES))).astype(np.float32)
    values[rng.random(values.shape) < 0.05] = np.nan
    target = np.nan_to_num(values[:, 0]) * np.exp(rng.standard_normal(len(values))) + rng.standard_normal(len(values))
    frame = pl.DataFrame({name: values[:, place] for place, name in enumerate(NAMES)})
    return LearningRows(frame.with_columns(target=pl.Series(target, dtype=pl.Float32)), NAMES)


def test_trees_are_those_of_lightgbm_with_the_same_parameters(rows: LearningRows):
    params = {
        "objective": "regression",
        "learning_rate": 0.05,
        "num_leaves": 31,
        "min_data_in_leaf": 30,
        "lambda_l2": 10.0,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "max_bin": 63,
        "deterministic": True,
        "force_row_wise": True,
        "use_quantized_grad": True,
        "num_grad_quant_bins": 64,
        "stochastic_rounding": False,
        "verbosity": -1,
        "seed": 7,
        "num_threads": 1,
    }
    data = lightgbm.Dataset(rows.values.to_numpy(), rows.target.to_numpy(), feature_name=list(NAMES), params=params)
    expected = lightgbm.train(params, data, num_boost_round=120)
    found = LightGbm().fit(rows, seed=7, threads=1)
    lines = expected.model_to_string().split("\n")
    assert found.identity().decode() == "\n".join(line for line in lines if not line.startswith("[num_threads:"))
    np.testing.assert_array_equal(
        found.predict(rows.frame, threads=1), expected.predict(rows.values.to_numpy(), num_threads=1)
    )
    gains = dict(zip(NAMES, expected.feature_importance("gain"), strict=True))
    assert dict(found.importance().select("feature", "gain").iter_rows()) == gains
    assert found.importance()["gain"].is_sorted(descending=True)
    assert dict(found.importance().schema) == IMPORTANCE_SCHEMA


def test_every_parameter_is_one_of_lightgbm_s():
    assert set(LightGbm.model_fields) <= set(_ConfigAliases._get_all_param_aliases())


@pytest.mark.parametrize("choice", CHOICES, ids=lambda one: next(iter(one.values())) and " ".join(map(str, one)))
def test_every_choice_has_an_effect_and_gives_the_same_bytes_on_any_number_of_threads(rows, choice):
    learner = LightGbm(num_iterations=5, learning_rate=0.3, **choice)
    found = {learner.fit(rows, seed=7, threads=threads).identity() for threads in (1, 2)}
    assert len(found) == 1
    trees = found.pop().split(b"\nparameters:")[0]
    default = LightGbm(num_iterations=5, learning_rate=0.3).fit(rows, seed=7, threads=1).identity()
    assert trees != default.split(b"\nparameters:")[0]


def test_a_saved_model_is_read_back_to_the_bit_also_by_mlflow(rows, tmp_path):
    found = LightGbm(num_iterations=5).fit(rows, seed=7, threads=2)
    found.save(tmp_path / "model")
    again = LightGbm.load(tmp_path / "model")
    assert again.identity() == found.identity()
    assert again.features == found.features == NAMES
    np.testing.assert_array_equal(again.predict(rows.frame, threads=1), found.predict(rows.frame, threads=1))
    by_mlflow = mlflow.lightgbm.load_model(str(tmp_path / "model"))
    np.testing.assert_array_equal(by_mlflow.predict(rows.values.to_numpy(), num_threads=1), found.predict(rows.frame))


def test_what_is_no_model_is_refused(tmp_path):
    (tmp_path / "model.lgb").write_text("no trees")
    with pytest.raises(LearnerError, match="holds no trees"):
        LightGbm.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        LightGbm.load(tmp_path / "elsewhere")


def test_features_are_ranked_with_fewer_trees():
    assert LightGbm().for_ranking() == LightGbm(num_iterations=40)
    assert LightGbm(num_iterations=8).for_ranking() == LightGbm(num_iterations=8)
