import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import mlflow
import mlflow.lightgbm
import numpy as np
import polars as pl
import pytest
from mlflow import MlflowClient

from trading_assets.models import registry
from trading_assets.models.fitted_model import FittedModel
from trading_assets.models.learners.lightgbm import LightGbmTrees
from trading_assets.models.model_spec import ModelSpec
from trading_assets.models.registry import RegistryError
from trading_assets.models.training import TrainedModel, train
from trading_assets_tests.models.panels import panel

SPEC = ModelSpec(name="small", params={"num_iterations": 8}, min_sessions=60, max_sessions=120, min_rows=200)
TAGS = {"lake_snapshot": "42", "features.technical": "abc123"}


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    features, labels = panel(edge=0.5)
    return train(SPEC, features, labels, knowledge_cut=features["date"].unique().sort()[-15])


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> dict[str, str]:
    """One MLflow store for the module: making its tables takes seconds. Tests use models of their own names."""
    root = tmp_path_factory.mktemp("mlflow")
    return {
        "tracking_uri": f"sqlite:///{root}/mlflow.db",
        "artifact_location": str(root / "artifacts"),
        "experiment": "trading_assets",
    }


class Unwritable(LightGbmTrees):
    def save(self, folder: Path) -> None:
        raise OSError("the disk is full")


def client_of(store):
    return MlflowClient(tracking_uri=store["tracking_uri"], registry_uri=store["tracking_uri"])


def named(trained: TrainedModel, name: str) -> TrainedModel:
    return replace(trained, spec=replace(trained.spec, name=name))


def test_registering_twice_makes_one_version_and_one_run(trained, store):
    model = named(trained, "twice")
    first = registry.register(model, **store, tags=TAGS)
    runs = len(client_of(store).search_runs([client_of(store).get_experiment_by_name("trading_assets").experiment_id]))
    second = registry.register(model, **store, tags=TAGS)
    client = client_of(store)
    assert first == second
    assert first.version == 1
    assert len(client.search_model_versions("name = 'twice'")) == 1
    assert len(client.search_runs([client.get_experiment_by_name("trading_assets").experiment_id])) == runs


def test_another_model_or_another_month_is_a_new_version(trained, store):
    model = named(trained, "months")
    later = replace(model, trained_through=model.trained_through + timedelta(days=31))
    features, labels = panel(edge=0.5, seed=9)
    restated = named(train(SPEC, features, labels, knowledge_cut=trained.trained_through), "months")
    versions = [registry.register(one, **store, tags=TAGS).version for one in (model, later, restated)]
    assert versions == [1, 2, 3]
    find = lambda **kw: registry.find("months", model.trained_through, tracking_uri=store["tracking_uri"], **kw)
    assert find().version == 3
    assert find(model_hash=model.model_hash).version == 1
    assert find(model_hash="0" * 64) is None
    assert registry.find("months", date(1999, 1, 29), tracking_uri=store["tracking_uri"]) is None
    assert registry.find("unknown", model.trained_through, tracking_uri=store["tracking_uri"]) is None


def test_a_loaded_version_gives_the_same_predictions(trained, store):
    model = named(trained, "loaded")
    version = registry.register(model, **store, tags=TAGS)
    features, _ = panel(edge=0.5)
    columns = features.select(trained.fitted.features)
    loaded = registry.load("loaded", version.version, tracking_uri=store["tracking_uri"])
    np.testing.assert_array_equal(loaded.predict(columns), trained.fitted.predict(columns))
    assert loaded.features == trained.fitted.features


def test_a_scaled_version_is_loaded_with_its_scaler_and_both_are_proved(store):
    features, labels = panel(edge=0.5)
    spec = replace(SPEC, name="scaled", scaling="robust")
    scaled = train(spec, features, labels, knowledge_cut=features["date"].unique().sort()[-15])
    version = registry.register(scaled, **store, tags=TAGS)
    assert version.tags["scaling"] == "robust"
    columns = features.select(scaled.fitted.features)
    loaded = registry.load("scaled", version.version, tracking_uri=store["tracking_uri"])
    np.testing.assert_array_equal(loaded.predict(columns), scaled.fitted.predict(columns))
    assert not np.array_equal(loaded.predict(columns), scaled.fitted.fitted.predict(columns))
    file = Path(client_of(store).get_model_version("scaled", str(version.version)).source) / "scaler.json"
    altered = json.loads(file.read_text())
    altered["centre"][0] += 1.0
    file.write_text(json.dumps(altered, sort_keys=True))
    with pytest.raises(RegistryError, match="altered"):
        registry.load("scaled", version.version, tracking_uri=store["tracking_uri"])
    file.unlink()
    with pytest.raises(RegistryError, match="cannot be loaded"):
        registry.load("scaled", version.version, tracking_uri=store["tracking_uri"])


def test_mlflow_itself_loads_the_version(trained, store):
    version = registry.register(named(trained, "by_mlflow"), **store, tags=TAGS)
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(store["tracking_uri"])
    try:
        loaded = mlflow.lightgbm.load_model(f"models:/by_mlflow/{version.version}")
    finally:
        mlflow.set_tracking_uri(before)
    features, _ = panel(edge=0.5)
    columns = features.select(trained.fitted.features)
    np.testing.assert_array_equal(loaded.predict(columns), trained.fitted.predict(columns))


def test_version_and_run_tell_where_they_come_from(trained, store):
    version = registry.register(named(trained, "told"), **store, tags=TAGS)
    client = client_of(store)
    entry = client.get_model_version("told", str(version.version))
    assert entry.tags == {
        **TAGS,
        "learner": "lightgbm",
        "model_hash": trained.model_hash,
        "trained_through": trained.trained_through.isoformat(),
    }
    run = client.get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["num_iterations"] == "8"
    assert run.data.params["train_start"] == trained.train_start.isoformat()
    assert run.data.metrics["validation_rank_ic"] == pytest.approx(trained.validation_rank_ic)
    assert run.data.metrics["n_rows"] == trained.n_rows
    folder = Path(run.info.artifact_uri)
    assert pl.read_csv(folder / "feature_importance.csv")["feature"].to_list() == (
        trained.feature_importance["feature"].to_list()
    )
    assert "lightgbm==" in (folder / "model" / "requirements.txt").read_text()


def test_an_undefined_metric_is_left_out(trained, store):
    model = named(replace(trained, validation_ic=float("nan")), "undefined")
    version = registry.register(model, **store, tags=TAGS)
    assert "validation_ic" not in client_of(store).get_run(version.run_id).data.metrics


def test_an_altered_file_is_not_loaded(trained, store):
    version = registry.register(named(trained, "altered"), **store, tags=TAGS)
    source = client_of(store).get_model_version("altered", str(version.version)).source
    file = Path(source) / "model.lgb"
    file.write_text(file.read_text().replace("shrinkage=0.05", "shrinkage=0.06", 1))
    with pytest.raises(RegistryError, match="altered"):
        registry.load("altered", version.version, tracking_uri=store["tracking_uri"])
    file.unlink()
    with pytest.raises(RegistryError, match="cannot be loaded"):
        registry.load("altered", version.version, tracking_uri=store["tracking_uri"])


def test_an_unknown_version_is_named(store):
    with pytest.raises(RegistryError, match="'nowhere' version 7"):
        registry.load("nowhere", 7, tracking_uri=store["tracking_uri"])


def test_an_experiment_with_another_folder_is_refused(trained, store):
    registry.register(named(trained, "folder"), **store, tags=TAGS)
    elsewhere = {**store, "artifact_location": store["artifact_location"] + "_moved"}
    with pytest.raises(RegistryError, match="_moved"):
        registry.register(named(trained, "folder"), **elsewhere, tags=TAGS)
    by_uri = {**store, "artifact_location": f"file://{store['artifact_location']}"}
    assert registry.register(named(trained, "folder"), **by_uri, tags=TAGS).version == 1


def test_a_failed_registration_is_marked_failed_and_can_be_repeated(trained, store):
    model = named(trained, "broken")
    broken = replace(model, fitted=FittedModel(Unwritable(model.fitted.fitted.booster)))
    with pytest.raises(OSError, match="disk"):
        registry.register(broken, **store, tags=TAGS)
    client = client_of(store)
    experiment = client.get_experiment_by_name("trading_assets").experiment_id
    failed = client.search_runs([experiment], filter_string="attributes.status = 'FAILED'")
    assert [run.info.run_name for run in failed] == [f"broken {trained.trained_through}"]
    assert registry.register(model, **store, tags=TAGS).version == 1


def test_registering_leaves_mlflow_and_the_working_folder_as_they_were(trained, store, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    capfd.readouterr()
    version = registry.register(named(trained, "quiet"), **store, tags=TAGS)
    registry.load("quiet", version.version, tracking_uri=store["tracking_uri"])
    assert (mlflow.get_tracking_uri(), mlflow.get_registry_uri()) == before
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
