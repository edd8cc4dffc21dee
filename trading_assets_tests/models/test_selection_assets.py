"""A desk whose model selects and scales: the lineage, what is stored, what is learned from, what predicts."""

from datetime import date

import dagster as dg
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets.desk.calendar import sessions
from trading_assets.features.drift import checks as drift_checks
from trading_assets.features.drift.contract import DRIFT
from trading_assets.features.matrix.view import ensure_matrix
from trading_assets.lake import Scope
from trading_assets.lake.bridge.partition_keys import range_tags
from trading_assets.lake.errors import UpstreamNotReadyError
from trading_assets.models import assets as model_assets
from trading_assets.models import registry
from trading_assets.models.contract import FEATURE_IMPORTANCE, FEATURE_SELECTION, TRAINED
from trading_assets.models.model_spec import ModelSpec, SelectionRules
from trading_assets.predictions.contract import DAILY as PREDICTIONS
from trading_assets_tests.models.small_desk import FEATURES, MADE, MATRIX, START, SmallDesk, open_small_desk

CHOOSY = ModelSpec(
    name="choosy",
    features=("made",),
    params={"num_iterations": 8},
    min_sessions=100,
    max_sessions=120,
    min_rows=200,
    selection=SelectionRules(top=1, windows=3, at_least=1, min_stability=0.6),
    scaling="robust",
)
PLAIN = ModelSpec(
    name="plain",
    features=("signal", "noise_1"),
    params={"num_iterations": 5},
    min_sessions=60,
    max_sessions=120,
    min_rows=200,
)


@pytest.fixture(scope="module")
def desk(postgres, tmp_path_factory):
    with open_small_desk(postgres, tmp_path_factory.mktemp("selection"), CHOOSY, PLAIN) as opened:
        yield opened


@pytest.fixture(scope="module")
def made(desk: SmallDesk) -> SmallDesk:
    desk.run("models.feature_selection", tags=desk.months("2020-05", "2020-08"))
    desk.train("2020-05", "2020-08")
    return desk


def test_no_table_of_selections_exists_where_no_model_selects(desk: SmallDesk):
    plain = model_assets.build_assets(desk.with_models(PLAIN))
    assert {key.to_user_string() for asset in plain for key in asset.keys} == {
        "models/trained",
        "models/feature_importance",
    }


def test_training_comes_after_selection_and_selection_after_features_and_labels(desk: SmallDesk):
    graph = dg.Definitions(assets=desk.assets, resources=desk.resources).resolve_asset_graph()
    selection, trained = dg.AssetKey(FEATURE_SELECTION.asset_key), dg.AssetKey(TRAINED.asset_key)
    assert selection in graph.get(trained).parent_keys
    parents = {key.to_user_string() for key in graph.get(selection).parent_keys}
    assert parents == {"features/made", "labels/forward_return", "market_data/symbols"}


def test_each_month_of_a_choosy_model_has_its_selection_and_early_months_have_none(made: SmallDesk):
    found = made.read(FEATURE_SELECTION)
    assert found["model"].unique().to_list() == ["choosy"]
    assert found["date"].unique().sort().to_list() == [date(2020, 6, 30), date(2020, 7, 31), date(2020, 8, 31)]
    assert found.group_by("date").len()["len"].unique().to_list() == [len(FEATURES)]
    by_month = found.group_by("date").agg(pl.col("feature").filter("is_selected"))
    assert all(len(set(names) & {"signal", "twin"}) == 1 for names in by_month["feature"])
    assert found.filter(feature="still")["reason"].unique().to_list() == ["constant"]


def test_models_learn_from_what_was_selected_and_say_so(made: SmallDesk):
    selected = made.read(FEATURE_SELECTION).filter("is_selected")
    counted = dict(selected.group_by("date").agg(pl.len().cast(pl.Int64)).iter_rows())
    trained = made.read(TRAINED, model="choosy")
    assert dict(trained.select("date", "n_features").iter_rows()) == counted
    assert trained.select("n_offered", "scaling").unique().rows() == [(len(FEATURES), "robust")]
    learned = made.read(FEATURE_IMPORTANCE, model="choosy").select("date", "feature")
    assert_frame_equal(learned, selected.select("date", "feature").sort("date", "feature"), check_row_order=False)
    plain = made.read(TRAINED, model="plain").select("n_features", "n_offered", "scaling").unique()
    assert plain.rows() == [(2, 2, "none")]


def test_the_registry_holds_the_selected_features_and_the_scaler(made: SmallDesk):
    row = made.read(TRAINED, model="choosy").row(-1, named=True)
    loaded = registry.load("choosy", row["registry_version"], tracking_uri=made.bench.desk.mlflow_uri)
    chosen = made.read(FEATURE_SELECTION).filter("is_selected", date=row["date"])["feature"].to_list()
    assert sorted(loaded.features) == chosen == sorted(loaded.scaler.features)


def test_predictions_are_those_of_the_month_s_features_and_scaler(made: SmallDesk):
    made.predict("2020-08", "2020-09")
    found = made.read(PREDICTIONS, model="choosy")
    assert found["date"].unique().sort().to_list() == sessions("XNYS", date(2020, 8, 1), date(2020, 9, 30))
    features = MATRIX.read(made.lake, (), date(2020, 9, 1), date(2020, 9, 1))
    august = made.read(TRAINED, model="choosy").filter(date=date(2020, 8, 31)).row(0, named=True)
    model = registry.load("choosy", august["registry_version"], tracking_uri=made.bench.desk.mlflow_uri)
    expected = model.fitted.predict(model.scaler.apply(features))
    day = found.filter(date=date(2020, 9, 1)).sort("symbol")
    np.testing.assert_array_equal(day["prediction"].to_numpy(), expected)
    assert day["trained_through"].unique().to_list() == [date(2020, 8, 31)]


def test_a_month_selected_again_by_itself_is_the_same_rows(made: SmallDesk):
    before = made.read(FEATURE_SELECTION)
    result = made.run("models.feature_selection", tags=made.months("2020-07", "2020-07"))
    written = result.get_asset_materialization_events()[0].materialization.metadata
    assert [written[name].value for name in ("rows_added", "rows_changed", "rows_removed")] == [0, 0, 0]
    assert_frame_equal(made.read(FEATURE_SELECTION), before)


def test_training_without_its_selection_is_refused_by_name(desk: SmallDesk):
    with pytest.raises(Exception, match=r"models\.feature_selection.*2021-03\|choosy") as caught:
        desk.train("2021-03", "2021-03", "choosy")
    causes = [caught.value, caught.value.__cause__]
    assert any(isinstance(cause, UpstreamNotReadyError) or "not been written yet" in str(cause) for cause in causes)


# --- drift, over the same features


def test_drift_of_a_range_of_months_is_stored_and_shown(made: SmallDesk, monkeypatch):
    made.run("features.drift", tags=range_tags("2020-12", "2021-02"))
    found = made.read(DRIFT).filter(pl.col("month") <= date(2021, 2, 1))
    assert found.select("month", "feature").height == 3 * len(FEATURES)
    assert found.filter(month=date(2020, 12, 1))["psi"].null_count() == len(FEATURES), "2019 is not in the lake"
    january = found.filter(month=date(2021, 1, 1))
    assert january["psi"].null_count() == 0
    scope = Scope(time="month", start=date(2020, 12, 1), end=date(2021, 3, 1))
    monkeypatch.setattr(drift_checks, "MAJOR_SHIFT", 0.0)
    violations = drift_checks.drifted(made.desk, scope, "run")
    assert set(violations["feature"]) <= set(FEATURES)
    assert violations["psi"].is_sorted(descending=True)
    shown = drift_checks.drift_shown(made.desk, scope, "run")
    assert {name: value.value[:30].count("![") for name, value in shown.items()} == {"heat_map": 1, "distributions": 1}
    assert drift_checks.drift_shown(made.desk, Scope(time="month", start=START, end=date(2020, 2, 1)), "run") == {}


def test_a_month_of_drift_by_itself_is_the_same_rows(made: SmallDesk):
    made.run("features.drift", tags=range_tags("2021-01", "2021-03"))
    before = made.read(DRIFT)
    made.run("features.drift", tags=range_tags("2021-02", "2021-02"))
    assert_frame_equal(made.read(DRIFT), before)


def test_the_view_is_there_for_sql(made: SmallDesk):
    assert ensure_matrix(made.lake, MATRIX)
    found = made.lake.query("SELECT count(*) AS rows, count(DISTINCT symbol) AS names FROM lake.features.matrix")
    assert found.row(0) == (made.read(MADE).height, 6)
