"""A family of models and a gate are one file each: they train, register, predict and pass the point-in-time checks."""

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets.desk.calendar import sessions
from trading_assets.models import learners, registry
from trading_assets.models.contract import FEATURE_IMPORTANCE, PROMOTIONS, TRAINED
from trading_assets.models.model_spec import ModelSpec
from trading_assets.models.validation import Contender
from trading_assets.predictions.contract import DAILY
from trading_assets.predictions.versions import load_versions
from trading_assets_tests.models.small_desk import MATRIX, SmallDesk, logged, open_small_desk

# One file: any estimator with scikit-learn's interface.
STACKED = '''
from trading_assets.models.learners._sklearn import SklearnLearner


class Stacked(SklearnLearner):
    """A forest and a line, and a line on both."""

    depth: int = 3

    def estimator(self, seed):
        from sklearn.ensemble import RandomForestRegressor, StackingRegressor
        from sklearn.linear_model import Ridge

        forest = RandomForestRegressor(5, max_depth=self.depth, random_state=seed)
        return StackingRegressor([("forest", forest), ("line", Ridge())], final_estimator=Ridge(), cv=3)
'''
# One file: a model of sequences, with its own files.
SEQUENCE = '''
import json

import numpy as np
import polars as pl

from trading_assets.models.learner import IMPORTANCE_SCHEMA, Fitted, Learner
from trading_assets.models.lookback import Windows


class Sequence(Learner):
    """A line on the features of some sessions; one without a row counts as zero."""

    window: int = 4

    @property
    def lookback(self):
        return self.window - 1

    def fit(self, rows, *, seed, threads):
        windows = Windows.of(rows.frame, rows.features, lookback=self.lookback)
        learned = np.flatnonzero(rows.target.is_not_null().to_numpy())
        x = np.nan_to_num(windows[learned]).reshape(len(learned), -1).astype(float)
        target = rows.target.drop_nulls().to_numpy()
        # Sums in a fixed order, whatever the threads of linear algebra are.
        gram = np.einsum("ni,nj->ij", x, x) + np.eye(x.shape[1])
        weights = np.linalg.solve(gram, np.einsum("ni,n->i", x, target))
        return FittedSequence(rows.features, self.window, weights.tolist())

    @classmethod
    def load(cls, folder):
        return FittedSequence(*json.loads((folder / "line.json").read_text()))


class FittedSequence(Fitted):
    def __init__(self, features, window, weights):
        self._features, self.window, self.weights = tuple(features), window, weights

    @property
    def features(self):
        return self._features

    @property
    def lookback(self):
        return self.window - 1

    def predict(self, rows, *, threads=0):
        windows = Windows.of(rows, self.features, lookback=self.lookback)
        x = np.nan_to_num(windows[np.arange(len(windows))]).reshape(len(windows), -1).astype(float)
        return np.array([np.einsum("i,i", row, self.weights) for row in x])

    def importance(self):
        return pl.DataFrame(schema=IMPORTANCE_SCHEMA)

    def identity(self):
        return json.dumps([self.features, self.window, self.weights]).encode()

    def save(self, folder):
        folder.mkdir(parents=True)
        (folder / "line.json").write_text(self.identity().decode())
'''


class Picky:
    """A gate that lets nothing of July and the first candidate of all into use, and notes whom it compares."""

    def __init__(self) -> None:
        self.seen: list[tuple[date, date | None]] = []

    def __call__(self, candidate: Contender, champion: Contender | None) -> list[str]:
        self.seen.append((candidate.trained_through, champion and champion.trained_through))
        if champion is not None:
            assert_frame_equal(champion.scored.drop("prediction"), candidate.scored.drop("prediction"))
            assert -1.0 <= champion.rank_ic() <= 1.0
        if candidate.trained_through.month == 7:
            return ["it is July", f"its rank IC is {candidate.rank_ic():.1f}"]
        return ["nothing is let in before May"] if candidate.trained_through.month < 5 else []


RULES = {"min_sessions": 50, "max_sessions": 120, "min_rows": 100}
PICKY = Picky()
GATED = ModelSpec(name="gated", learner="ridge", features=("signal", "noise_1"), gate=PICKY, **RULES)
RIDGE = ModelSpec(name="linear", learner="ridge", features=("made",), params={"alpha": 2.0}, **RULES)
DROPPED = ModelSpec(name="stacked", learner="stacked", features=("signal", "noise_1"), params={"depth": 2}, **RULES)
LOOKING = ModelSpec(name="watcher", learner="sequence", features=("signal", "noise_1"), params={"window": 3}, **RULES)
NAMES = ("gated", "linear", "stacked", "watcher")


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("families")
    (folder / "stacked.py").write_text(STACKED)
    (folder / "sequence.py").write_text(SEQUENCE)
    learners.__path__.append(str(folder))
    yield folder
    learners.__path__.remove(str(folder))
    for name in ("stacked", "sequence"):
        sys.modules.pop(f"{learners.__name__}.{name}", None)


@pytest.fixture(scope="module")
def desk(families: Path, postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDesk]:
    with open_small_desk(postgres, tmp_path_factory.mktemp("seams"), GATED, RIDGE, DROPPED, LOOKING) as opened:
        yield opened


@pytest.fixture(scope="module")
def made(desk: SmallDesk) -> SmallDesk:
    desk.trained = desk.train("2020-01", "2020-08")
    desk.predicted = desk.predict("2020-05", "2020-09")
    return desk


@pytest.mark.parametrize("model", NAMES[1:])
def test_a_family_trains_registers_and_predicts(made: SmallDesk, model: str):
    trained = made.read(TRAINED, model=model)
    assert trained["date"].to_list()[-3:] == [date(2020, 6, 30), date(2020, 7, 31), date(2020, 8, 31)]
    assert trained["validation_rank_ic"].min() > 0.5
    row = trained.row(-1, named=True)
    loaded = registry.load(model, row["registry_version"], tracking_uri=made.bench.desk.mlflow_uri)
    assert loaded.model_hash() == row["model_hash"]
    version = registry.find(model, row["date"], tracking_uri=made.bench.desk.mlflow_uri)
    assert version is not None
    assert version.tags["learner"] == made.specs[model].learner
    found = made.read(DAILY, model=model)
    assert found["date"].unique().sort().to_list()[-42:] == sessions("XNYS", date(2020, 8, 3), date(2020, 9, 30))[-42:]
    assert set(found.filter(pl.col("date") > date(2020, 8, 31))["model_hash"]) == {row["model_hash"]}


def test_predictions_pass_the_blocking_checks_of_look_ahead_and_warm_up(made: SmallDesk):
    checks = {one.check_name: one.passed for one in made.predicted.get_asset_check_evaluations()}
    assert {"look_ahead", "warm_up", "contract"} <= set(checks)
    assert all(checks.values())


def test_a_linear_model_is_scaled_and_says_what_its_features_weigh(made: SmallDesk):
    assert made.read(TRAINED, model="linear")["scaling"].unique().to_list() == ["standard"]
    weights = made.read(FEATURE_IMPORTANCE, model="linear")
    assert weights["split"].null_count() == weights.height > 0
    top = weights.sort("gain", descending=True).group_by("date").first()["feature"]
    assert set(top) <= {"signal", "twin"}
    assert made.read(FEATURE_IMPORTANCE, model="stacked").is_empty()


@pytest.mark.parametrize("model", NAMES)
def test_a_month_scored_again_by_itself_has_the_same_rows(made: SmallDesk, model: str):
    before = made.read(DAILY)
    result = made.predict("2020-07", "2020-07", model)
    written = result.get_asset_materialization_events()[0].materialization.metadata
    assert [written[name].value for name in ("rows_added", "rows_changed", "rows_removed")] == [0, 0, 0]
    assert_frame_equal(made.read(DAILY), before)


def test_a_model_that_looks_back_scores_a_session_by_those_before_it(made: SmallDesk):
    """The score of the first session of a month depends on the last ones of the month before."""
    day = date(2020, 9, 1)
    versions, _ = load_versions(made.desk, "watcher", date(2020, 9, 1), date(2020, 9, 30))
    model = versions[-1].model
    assert model.lookback == 2
    features = MATRIX.read(made.lake, ("signal", "noise_1"), date(2020, 8, 28), day)
    weights = np.array(model.fitted.weights)
    stored = made.read(DAILY, model="watcher").filter(date=day).sort("symbol")
    for symbol, prediction in stored.select("symbol", "prediction").iter_rows():
        window = features.filter(symbol=symbol).sort("date").select("signal", "noise_1").to_numpy().astype(float)
        assert window.shape == (3, 2)
        assert prediction == pytest.approx(float(window.ravel() @ weights), abs=1e-12)


# --- gates


def test_a_gate_judges_each_month_against_the_version_in_use(made: SmallDesk):
    found = made.read(PROMOTIONS)
    assert found["model"].unique().to_list() == ["gated"]
    by_month = {row["date"].month: row for row in found.iter_rows(named=True)}
    may, june, july, august = (by_month[month]["date"] for month in (5, 6, 7, 8))
    assert [(by_month[month]["champion"], by_month[month]["in_use"]) for month in (5, 6, 7, 8)] == [
        (None, may),
        (may, june),
        (june, june),
        (june, august),
    ]
    assert by_month[4]["in_use"] is None
    assert {(july, june), (august, june)} <= set(PICKY.seen)
    assert by_month[7]["reasons"].startswith("it is July; its rank IC is 0.")
    assert [by_month[month]["is_promoted"] for month in (4, 5, 6, 7, 8)] == [False, True, True, False, True]
    assert by_month[6]["reasons"] is None
    # Whatever the gate says, the version is registered.
    assert made.read(TRAINED, model="gated")["date"].to_list() == found["date"].to_list()


def test_a_refused_version_scores_nothing_and_the_last_one_let_in_goes_on(made: SmallDesk):
    used = made.read(DAILY, model="gated").select("date", "trained_through").unique()
    by_month = {
        month: set(used.filter(pl.col("date").dt.month() == month)["trained_through"]) for month in range(5, 10)
    }
    assert by_month == {
        5: set(),
        6: {date(2020, 5, 29)},
        7: {date(2020, 6, 30)},
        8: {date(2020, 6, 30)},
        9: {date(2020, 8, 31)},
    }


def test_refusals_are_logged_where_models_are_trained_and_where_they_would_score(made: SmallDesk):
    trained = logged(made.trained, made.bench)
    assert any("not promoted: gated of 2020-07: it is July" in line for line in trained)
    predicted = logged(made.predicted, made.bench)
    assert any("gated of 2020-07 is not in use (it is July" in line and "2020-06 scores" in line for line in predicted)
    assert any("gated of 2020-04 is not in use" in line and "nothing scores" in line for line in predicted)


def test_a_month_judged_again_by_itself_has_the_same_champion(made: SmallDesk):
    before = made.read(PROMOTIONS)
    made.train("2020-08", "2020-08", "gated")
    assert_frame_equal(made.read(PROMOTIONS), before)


def test_a_month_is_not_judged_before_the_month_before(made: SmallDesk):
    with pytest.raises(Exception, match=r"models\.promotions.*2020-10\|gated"):
        made.train("2020-11", "2020-11", "gated")


def test_a_version_without_a_verdict_is_not_used(made: SmallDesk):
    """A gate that a model is given later has judged none of its versions yet."""
    spec = ModelSpec(name="linear", learner="ridge", features=("made",), gate=lambda candidate, champion: [], **RULES)
    later = made.with_models(spec)
    with pytest.raises(Exception, match=r"'linear' has a gate, and the verdict on its version of 2020-0"):
        load_versions(later, "linear", date(2020, 5, 1), date(2020, 9, 30))
