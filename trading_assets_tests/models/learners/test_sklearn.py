"""Estimators of scikit-learn as learners: ridge regression, and whatever else has their interface."""

import os
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import mlflow.sklearn
import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor, StackingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info, threadpool_limits

from trading_assets.models.learner import IMPORTANCE_SCHEMA, LearnerError, LearningRows
from trading_assets.models.learners._sklearn import SklearnLearner
from trading_assets.models.learners.ridge import RidgeRegression

NAMES = tuple(f"f{place}" for place in range(8))


def sample(n_sessions: int = 40, n_names: int = 60, *, holes: float = 0.05, n_features: int = 8) -> LearningRows:
    rng = np.random.default_rng(5)
    names, n = [f"f{place}" for place in range(n_features)], n_sessions * n_names
    values = rng.standard_normal((n, n_features)).astype(np.float32)
    target = values @ np.arange(n_features) + rng.standard_normal(n)
    values[rng.random(values.shape) < holes] = np.nan
    days = [date(2020, 1, 1) + timedelta(days=number) for number in range(n_sessions)]
    keys = pl.DataFrame({"date": days}).join(
        pl.DataFrame({"symbol": [f"S{i:03d}" for i in range(n_names)]}), how="cross"
    )
    frame = keys.with_columns(pl.Series(name, values[:, place]) for place, name in enumerate(names))
    return LearningRows(frame.with_columns(target=pl.Series(target, dtype=pl.Float32)), tuple(names))


class Forest(SklearnLearner):
    def estimator(self, seed):
        imputed = RandomForestRegressor(8, max_depth=4, random_state=seed)
        return make_pipeline(SimpleImputer(), imputed)


class BareForest(SklearnLearner):
    def estimator(self, seed):
        return RandomForestRegressor(8, max_depth=4, random_state=seed)


class Histograms(SklearnLearner):
    def estimator(self, seed):
        return HistGradientBoostingRegressor(max_iter=8, random_state=seed)


class Stack(SklearnLearner):
    def estimator(self, seed):
        linear = make_pipeline(SimpleImputer(), StandardScaler(), Ridge())
        near = make_pipeline(SimpleImputer(), KNeighborsRegressor(5))
        return StackingRegressor([("linear", linear), ("near", near)], final_estimator=Ridge(), cv=3)


class Weird(SklearnLearner):
    def estimator(self, seed):
        found = Ridge()
        found.memory = (one for one in "ab")
        return found


EVERY = (RidgeRegression, Forest, BareForest, Histograms, Stack)


def test_ridge_is_the_closed_form():
    rows = sample(holes=0.0)
    x, y = rows.values.to_numpy().astype(float), rows.target.to_numpy().astype(float)
    centred = x - x.mean(axis=0)
    weights = np.linalg.solve(centred.T @ centred + 50.0 * np.eye(len(NAMES)), centred.T @ (y - y.mean()))
    found = RidgeRegression(alpha=50.0).fit(rows, seed=7, threads=1)
    np.testing.assert_allclose(found.predict(rows.frame), centred @ weights + y.mean(), rtol=1e-9, atol=1e-9)
    importance = found.importance()
    assert dict(importance.schema) == IMPORTANCE_SCHEMA
    assert importance["split"].null_count() == len(NAMES)
    by_name = dict(importance.select("feature", "gain").iter_rows())
    np.testing.assert_allclose([by_name[name] for name in NAMES], np.abs(weights), rtol=1e-9)


def test_a_missing_value_counts_as_the_mean_and_an_empty_feature_as_nothing():
    rows = sample(holes=0.0)
    mean = float(rows.frame["f7"].cast(pl.Float64).mean())
    found = RidgeRegression().fit(rows, seed=7, threads=1)
    at_mean = rows.frame.with_columns(f7=pl.lit(mean, dtype=pl.Float32))
    gone = rows.frame.with_columns(f7=pl.lit(None, dtype=pl.Float32))
    np.testing.assert_allclose(found.predict(gone), found.predict(at_mean), atol=1e-5)
    empty = LearningRows(gone, NAMES)
    assert np.isfinite(RidgeRegression().fit(empty, seed=7, threads=1).predict(gone)).all()


@pytest.mark.parametrize("learner", EVERY)
def test_identity_is_the_same_for_any_number_of_threads_and_depends_on_the_rows(learner):
    rows = sample()
    found = {learner().fit(rows, seed=7, threads=threads).identity() for threads in (1, 2)}
    assert len(found) == 1
    other = LearningRows(rows.frame.with_columns(target=pl.col("target") * 1.001), NAMES)
    assert learner().fit(other, seed=7, threads=1).identity() not in found


def test_identity_and_scores_are_the_same_in_another_process_with_another_number_of_threads():
    """20,000 x 30 is enough for linear algebra to use two threads, and for the sums to differ then."""
    program = (
        "from hashlib import sha256\n"
        "from trading_assets_tests.models.learners.test_sklearn import EVERY, RidgeRegression, sample\n"
        "large = sample(40, 500, n_features=30)\n"
        "wide = RidgeRegression().fit(large, seed=7, threads=1)\n"
        "fitted = [one().fit(sample(), seed=7, threads=1) for one in EVERY]\n"
        "parts = [*(one.identity() for one in (wide, *fitted)), wide.predict(large.frame).tobytes()]\n"
        "print(*(sha256(part).hexdigest() for part in parts))"
    )
    found = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            env={
                "PYTHONHASHSEED": number,
                "OPENBLAS_NUM_THREADS": number,
                "PATH": "/usr/bin:/bin",
                "PYTHONPATH": str(Path(__file__).parents[3]),
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for number in ("1", "2")
    ]
    assert found[0] == found[1]
    assert len(set(found[0])) == len(EVERY) + 2


@pytest.mark.parametrize("learner", EVERY)
def test_a_saved_model_is_read_back_to_the_bit_also_by_mlflow(learner, tmp_path):
    rows = sample()
    found = learner().fit(rows, seed=7, threads=1)
    found.save(tmp_path / "model")
    again = learner.load(tmp_path / "model")
    assert again.identity() == found.identity()
    assert again.features == NAMES
    np.testing.assert_array_equal(again.predict(rows.frame), found.predict(rows.frame))
    first = rows.frame.filter(pl.col("date") == pl.col("date").min())
    by_mlflow = mlflow.sklearn.load_model(str(tmp_path / "model"))
    np.testing.assert_allclose(
        by_mlflow.predict(first.select(NAMES).to_numpy().astype(float)), found.predict(first), rtol=1e-12
    )


@pytest.mark.parametrize("learner", EVERY)
def test_the_scores_of_a_range_are_those_of_each_session_by_itself(learner):
    rows = sample(n_names=37)
    found = learner().fit(rows, seed=7, threads=1)
    whole = found.predict(rows.frame)
    single = [found.predict(one) for one in rows.frame.partition_by("date", maintain_order=True)]
    np.testing.assert_array_equal(whole, np.concatenate(single))
    by_name = rows.frame.with_columns(score=pl.Series(whole)).sort("symbol", "date")
    np.testing.assert_array_equal(found.predict(by_name), by_name["score"].to_numpy())


def test_no_rows_have_no_scores():
    found = RidgeRegression().fit(sample(), seed=7, threads=1)
    assert found.predict(sample().frame.clear()).tolist() == []


def test_nothing_in_an_archive_is_made_before_it_is_asked_to_predict(tmp_path):
    """An altered file shows in the identity; what it holds instead is neither imported nor run."""
    found = RidgeRegression().fit(sample(), seed=7, threads=1)
    found.save(tmp_path)
    path = tmp_path / "model.skops"
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["schema.json"] = parts["schema.json"].replace(b"sklearn.pipeline", b"no_such_module")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    altered = RidgeRegression.load(tmp_path)
    assert altered.identity() != found.identity()
    with pytest.raises(ModuleNotFoundError):
        altered.predict(sample().frame)


@pytest.mark.parametrize(("file", "text"), [("model.skops", "no archive"), ("features.json", "no list")])
def test_what_is_no_model_is_refused(tmp_path, file, text):
    RidgeRegression().fit(sample(), seed=7, threads=1).save(tmp_path)
    (tmp_path / file).write_text(text)
    with pytest.raises(LearnerError, match=file):
        RidgeRegression.load(tmp_path).identity()


def test_what_cannot_be_stored_without_a_pickle_is_refused_when_it_is_fitted():
    with pytest.raises(LearnerError, match="Ridge cannot be stored by skops"):
        Weird().fit(sample(holes=0.0), seed=7, threads=1)


def test_trees_and_stacks_say_what_they_know_of_the_features():
    rows = sample()
    assert Forest().fit(rows, seed=7, threads=1).importance()["feature"][0] == "f7"
    assert Stack().fit(rows, seed=7, threads=1).importance().is_empty()


def test_linear_algebra_has_one_thread_while_any_fit_runs_and_its_own_number_after():
    before = blas_threads()
    with ThreadPoolExecutor(3) as pool:
        fits = [pool.submit(Watched().fit, sample(n_sessions=6 + n), seed=7, threads=1) for n in range(6)]
        assert [fit.result().estimator.seen_ for fit in fits] == [[1]] * 6
    assert blas_threads() == before


@pytest.mark.skipif(os.cpu_count() == 1, reason="one core has one thread")
def test_a_number_of_threads_that_someone_else_insists_on_is_an_error():
    with threadpool_limits(2, user_api="blas"), pytest.raises(LearnerError, match="threads of linear algebra"):
        RidgeRegression().fit(sample(), seed=7, threads=1)
    assert np.isfinite(RidgeRegression().fit(sample(), seed=7, threads=1).predict(sample().frame)).all()


class Watching(Ridge):
    """Notes how many threads linear algebra has while it is fitted."""

    def fit(self, x, y):
        super().fit(np.nan_to_num(x), y)
        self.seen_ = sorted({threads for _ in range(20) for threads in blas_threads()})
        return self


class Watched(SklearnLearner):
    def estimator(self, seed):
        return Watching()


def blas_threads() -> set[int]:
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}
