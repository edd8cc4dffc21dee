"""A desk whose model selects and scales: the lineage, what is stored, what is learned from, what predicts."""

from collections.abc import Mapping
from datetime import date, timedelta

import dagster as dg
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets.desk import desk as desks
from trading_assets.desk.calendar import sessions
from trading_assets.features.contract import contract_of
from trading_assets.features.desk_matrix import desk_matrix
from trading_assets.features.drift import assets as drift_assets
from trading_assets.features.drift import checks as drift_checks
from trading_assets.features.drift.contract import DRIFT
from trading_assets.features.feature_set import Feature, FeatureSet
from trading_assets.features.matrix.matrix import Matrix, whole_matrix
from trading_assets.features.matrix.view import ensure_matrix
from trading_assets.labels.contract import FORWARD_RETURN
from trading_assets.lake import Contract, LakeFrame, Scope
from trading_assets.lake.bridge.io_manager import LakeIOManager
from trading_assets.lake.bridge.partition_keys import range_tags
from trading_assets.lake.bridge.table_assets import IO_MANAGER_KEY
from trading_assets.lake.errors import UpstreamNotReadyError
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import SYMBOLS
from trading_assets.models import assets as model_assets
from trading_assets.models import registry
from trading_assets.models.contract import FEATURE_IMPORTANCE, FEATURE_SELECTION, TRAINED
from trading_assets.models.model_spec import ModelSpec, SelectionRules
from trading_assets.models.specs import models
from trading_assets.predictions import assets as prediction_assets
from trading_assets.predictions.contract import DAILY as PREDICTIONS
from trading_assets_tests.desks import Bench, multi_range, open_bench

START, END = date(2020, 1, 1), date(2021, 4, 1)
FEATURES = ("signal", "twin", "noise_1", "noise_2", "still")
MADE = contract_of(
    FeatureSet("made", "Made up.", {name: Feature(name, "made up", "ratio", 0) for name in FEATURES}, "none"), "daily"
)
MATRIX = Matrix((MADE,))
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
MODELS = {"choosy": CHOOSY, "plain": PLAIN}
CONTRACTS = {one.table: one for one in (SYMBOLS, FEATURE_SELECTION, TRAINED, FEATURE_IMPORTANCE, PREDICTIONS, DRIFT)}


class Desk:
    """A desk of two models over one table of features that the test has written."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.lake = bench, bench.desk.lake
        desk = self.desk(MODELS)
        self.assets = [
            dg.AssetSpec(SYMBOLS.asset_key).with_io_manager_key(IO_MANAGER_KEY),
            *model_assets.build_assets(desk),
            *prediction_assets.build_assets(desk),
            *drift_assets.build_assets(desk),
        ]
        manager = dg.IOManagerDefinition(lambda _: LakeIOManager(self.lake, CONTRACTS))
        self.resources = {"desk": desk, IO_MANAGER_KEY: manager}

    def desk(self, specs: Mapping[str, ModelSpec]) -> desks.Desk:
        """The desk of the bench, with other models over another matrix."""
        desk = desks.Desk(self.bench.settings, given={models: specs, desk_matrix: MATRIX, whole_matrix: MATRIX})
        desk.__dict__["lake"] = self.lake
        return desk

    def run(self, *tables: str, tags: Mapping[str, str]) -> dg.ExecuteInProcessResult:
        with self.bench.active():
            return dg.materialize(
                self.assets,
                selection=[dg.AssetKey(table.split(".")) for table in tables],
                resources=self.resources,
                instance=self.bench.instance,
                tags=dict(tags),
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )

    def read(self, contract: Contract, **where: str) -> pl.DataFrame:
        return LakeFrame(self.lake, contract).read(**where)

    def write(self, contract: Contract, frame: pl.DataFrame) -> None:
        names = frame["symbol"].unique().sort().to_list()
        keys = tuple(sorted(f"{year}|{name}" for year in (2020, 2021) for name in names))
        replace(self.lake, contract, frame, Scope({"symbol": tuple(names)}, "date", START, END, keys))


def months(first: str, last: str, *models: str) -> dict[str, str]:
    ends = models or ("choosy", "plain")
    return multi_range({"date": first, "model": ends[0]}, {"date": last, "model": ends[-1]})


def panel(names: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Features and labels of every session; the return follows `signal`."""
    rng = np.random.default_rng(4)
    days = sessions("XNYS", START, END - timedelta(days=1))
    keys = pl.DataFrame({"symbol": sorted(names)}).join(pl.DataFrame({"date": days}), how="cross")
    noise = {name: rng.standard_normal(keys.height).astype(np.float32) for name in ("signal", "noise_1", "noise_2")}
    features = keys.with_columns(
        **noise, twin=pl.Series(100.0 * noise["signal"] ** 3, dtype=pl.Float32), still=pl.lit(1.0, dtype=pl.Float32)
    )
    calendar = pl.DataFrame({"date": days[:-6], "entry_date": days[1:-5], "exit_date": days[6:]})
    labels = keys.with_columns(
        forward_return=pl.Series(0.01 * noise["signal"] + 0.005 * rng.standard_normal(keys.height)).cast(pl.Float64)
    ).join(calendar, on="date", how="inner", maintain_order="left")
    return features.select(*MADE.schema), labels.select(*FORWARD_RETURN.schema)


@pytest.fixture(scope="module")
def desk(postgres, tmp_path_factory):
    source = {"kind": "simulated", "n_symbols": 6, "seed": 2}
    with open_bench(postgres, tmp_path_factory.mktemp("selection"), source, START, END) as bench:
        opened = Desk(bench)
        features, labels = panel(bench.list_symbols())
        opened.write(MADE, features)
        opened.write(FORWARD_RETURN, labels)
        yield opened


@pytest.fixture(scope="module")
def made(desk: Desk) -> Desk:
    desk.run("models.feature_selection", tags=months("2020-05", "2020-08"))
    desk.run("models.trained", "models.feature_importance", tags=months("2020-05", "2020-08"))
    return desk


def test_no_table_of_selections_exists_where_no_model_selects(desk: Desk):
    plain = model_assets.build_assets(desk.desk({"plain": PLAIN}))
    assert {key.to_user_string() for asset in plain for key in asset.keys} == {
        "models/trained",
        "models/feature_importance",
    }


def test_training_comes_after_selection_and_selection_after_features_and_labels(desk: Desk):
    graph = dg.Definitions(assets=desk.assets, resources=desk.resources).resolve_asset_graph()
    selection, trained = dg.AssetKey(FEATURE_SELECTION.asset_key), dg.AssetKey(TRAINED.asset_key)
    assert selection in graph.get(trained).parent_keys
    parents = {key.to_user_string() for key in graph.get(selection).parent_keys}
    assert parents == {"features/made", "labels/forward_return", "market_data/symbols"}


def test_each_month_of_a_choosy_model_has_its_selection_and_early_months_have_none(made: Desk):
    found = made.read(FEATURE_SELECTION)
    assert found["model"].unique().to_list() == ["choosy"]
    assert found["date"].unique().sort().to_list() == [date(2020, 6, 30), date(2020, 7, 31), date(2020, 8, 31)]
    assert found.group_by("date").len()["len"].unique().to_list() == [len(FEATURES)]
    by_month = found.group_by("date").agg(pl.col("feature").filter("is_selected"))
    assert all(len(set(names) & {"signal", "twin"}) == 1 for names in by_month["feature"])
    assert found.filter(feature="still")["reason"].unique().to_list() == ["constant"]


def test_models_learn_from_what_was_selected_and_say_so(made: Desk):
    selected = made.read(FEATURE_SELECTION).filter("is_selected")
    counted = dict(selected.group_by("date").agg(pl.len().cast(pl.Int64)).iter_rows())
    trained = made.read(TRAINED, model="choosy")
    assert dict(trained.select("date", "n_features").iter_rows()) == counted
    assert trained.select("n_offered", "scaling").unique().rows() == [(len(FEATURES), "robust")]
    learned = made.read(FEATURE_IMPORTANCE, model="choosy").select("date", "feature")
    assert_frame_equal(learned, selected.select("date", "feature").sort("date", "feature"), check_row_order=False)
    plain = made.read(TRAINED, model="plain").select("n_features", "n_offered", "scaling").unique()
    assert plain.rows() == [(2, 2, "none")]


def test_the_registry_holds_the_selected_features_and_the_scaler(made: Desk):
    row = made.read(TRAINED, model="choosy").row(-1, named=True)
    loaded = registry.load("choosy", row["registry_version"], tracking_uri=made.bench.desk.mlflow_uri)
    chosen = made.read(FEATURE_SELECTION).filter("is_selected", date=row["date"])["feature"].to_list()
    assert sorted(loaded.features) == chosen == sorted(loaded.scaler.features)


def test_predictions_are_those_of_the_month_s_features_and_scaler(made: Desk):
    made.run("predictions.daily", tags=months("2020-08", "2020-09"))
    found = made.read(PREDICTIONS, model="choosy")
    assert found["date"].unique().sort().to_list() == sessions("XNYS", date(2020, 8, 1), date(2020, 9, 30))
    features = MATRIX.read(made.lake, (), date(2020, 9, 1), date(2020, 9, 1))
    august = made.read(TRAINED, model="choosy").filter(date=date(2020, 8, 31)).row(0, named=True)
    model = registry.load("choosy", august["registry_version"], tracking_uri=made.bench.desk.mlflow_uri)
    expected = model.fitted.predict(model.scaler.apply(features))
    day = found.filter(date=date(2020, 9, 1)).sort("symbol")
    np.testing.assert_array_equal(day["prediction"].to_numpy(), expected)
    assert day["trained_through"].unique().to_list() == [date(2020, 8, 31)]


def test_a_month_selected_again_by_itself_is_the_same_rows(made: Desk):
    before = made.read(FEATURE_SELECTION)
    result = made.run("models.feature_selection", tags=months("2020-07", "2020-07"))
    written = result.get_asset_materialization_events()[0].materialization.metadata
    assert [written[name].value for name in ("rows_added", "rows_changed", "rows_removed")] == [0, 0, 0]
    assert_frame_equal(made.read(FEATURE_SELECTION), before)


def test_training_without_its_selection_is_refused_by_name(desk: Desk):
    with pytest.raises(Exception, match=r"models\.feature_selection.*2021-03\|choosy") as caught:
        desk.run("models.trained", "models.feature_importance", tags=months("2021-03", "2021-03", "choosy"))
    causes = [caught.value, caught.value.__cause__]
    assert any(isinstance(cause, UpstreamNotReadyError) or "not been written yet" in str(cause) for cause in causes)


# --- drift, over the same features


def test_drift_of_a_range_of_months_is_stored_and_shown(made: Desk, monkeypatch):
    made.run("features.drift", tags=range_tags("2020-12", "2021-02"))
    found = made.read(DRIFT).filter(pl.col("month") <= date(2021, 2, 1))
    assert found.select("month", "feature").height == 3 * len(FEATURES)
    assert found.filter(month=date(2020, 12, 1))["psi"].null_count() == len(FEATURES), "2019 is not in the lake"
    january = found.filter(month=date(2021, 1, 1))
    assert january["psi"].null_count() == 0
    scope = Scope(time="month", start=date(2020, 12, 1), end=date(2021, 3, 1))
    monkeypatch.setattr(drift_checks, "MAJOR_SHIFT", 0.0)
    violations = drift_checks.drifted(made.resources["desk"], scope, "run")
    assert set(violations["feature"]) <= set(FEATURES)
    assert violations["psi"].is_sorted(descending=True)
    shown = drift_checks.drift_shown(made.resources["desk"], scope, "run")
    assert {name: value.value[:30].count("![") for name, value in shown.items()} == {"heat_map": 1, "distributions": 1}
    assert (
        drift_checks.drift_shown(made.resources["desk"], Scope(time="month", start=START, end=date(2020, 2, 1)), "run")
        == {}
    )


def test_a_month_of_drift_by_itself_is_the_same_rows(made: Desk):
    made.run("features.drift", tags=range_tags("2021-01", "2021-03"))
    before = made.read(DRIFT)
    made.run("features.drift", tags=range_tags("2021-02", "2021-02"))
    assert_frame_equal(made.read(DRIFT), before)


def test_the_view_is_there_for_sql(made: Desk):
    assert ensure_matrix(made.lake, MATRIX)
    found = made.lake.query("SELECT count(*) AS rows, count(DISTINCT symbol) AS names FROM lake.features.matrix")
    assert found.row(0) == (made.read(MADE).height, 6)
