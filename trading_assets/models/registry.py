"""Keep every trained model as a version in an MLflow registry, once.

Here: register, find and load versions, against whatever tracking store the caller names.
Not here: training, the lake. Nothing reads or sets MLflow's process-wide state; every call names its store.
"""

from __future__ import annotations

import json
import logging
import math
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from trading_assets.errors import TradingAssetsError
from trading_assets.models.fitted_model import FittedModel
from trading_assets.models.learners import learner_class
from trading_assets.models.scaling import Scaler
from trading_assets.models.training import TrainedModel

_FOLDER = "model"
_SCALER = "scaler.json"
# Versions that were registered before there was a second learner do not name theirs.
_LEARNER_WITHOUT_TAG = "lightgbm"


class RegistryError(TradingAssetsError, RuntimeError):
    """A model version is missing, altered, or its store is set up differently from what was requested."""


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """One version in the registry.

    Attributes
    ----------
    model_name
        Name of the registered model.
    version
        Its number, from 1.
    run_id
        The MLflow run that holds parameters, metrics, importance and the model files.
    tags
        What the version was registered with, `lake_snapshot` among them.

    """

    model_name: str
    version: int
    run_id: str
    tags: Mapping[str, str]


def register(
    trained: TrainedModel,
    *,
    tracking_uri: str,
    artifact_location: str,
    experiment: str,
    tags: Mapping[str, str],
) -> RegisteredVersion:
    """Store a trained model as a version; a version with the same hash and knowledge cut is reused.

    The version carries the tags given plus `learner`, `model_hash` and `trained_through`. Its files are what the
    learner saves: an MLflow model with the flavour of its library, so that for instance
    `mlflow.lightgbm.load_model("models:/<name>/<version>")` works. A scaled model has its scaler beside them as
    `scaler.json`, and the tag `scaling`; MLflow's own loader gives what reads scaled features.

    Parameters
    ----------
    trained
        The model; its name is that of the registered model.
    tracking_uri
        MLflow store for runs and registry, such as `postgresql://...` or `sqlite:///...`.
    artifact_location
        Folder or object-store prefix for the model files; used when the experiment is created.
    experiment
        Name of the experiment.
    tags
        Where the data came from: `lake_snapshot`, and the content hashes of the tables that were read.

    Raises
    ------
    RegistryError
        If the experiment exists with another artifact location.

    """
    client = _client(tracking_uri)
    with _quiet():
        experiment_id = _experiment(client, experiment, artifact_location)
        known = find(trained.name, trained.trained_through, tracking_uri=tracking_uri, model_hash=trained.model_hash)
        if known is not None:
            return known
        scaler = trained.fitted.scaler
        identity = {
            **tags,
            "learner": trained.spec.learner,
            "model_hash": trained.model_hash,
            "trained_through": trained.trained_through.isoformat(),
            **({"scaling": scaler.kind} if scaler else {}),
        }
        run = client.create_run(
            experiment_id, tags=identity, run_name=f"{trained.name} {trained.trained_through.isoformat()}"
        )
        run_id = run.info.run_id
        try:
            _log_run(client, run_id, trained)
            version = client.create_model_version(
                _registered_model(client, trained.name),
                f"{run.info.artifact_uri}/{_FOLDER}",
                run_id,
                tags=identity,
                await_creation_for=0,
            )
        except BaseException:
            client.set_terminated(run_id, status="FAILED")
            raise
        client.set_terminated(run_id)
    return RegisteredVersion(trained.name, int(version.version), run_id, identity)


def find(
    model_name: str, trained_through: date, *, tracking_uri: str, model_hash: str | None = None
) -> RegisteredVersion | None:
    """Return the newest version with that knowledge cut, or None; `model_hash` selects exactly that model.

    A month trained again on restated data has several versions with one knowledge cut.
    """
    conditions = [f"name = '{model_name}'", f"tags.trained_through = '{trained_through.isoformat()}'"]
    if model_hash is not None:
        conditions.append(f"tags.model_hash = '{model_hash}'")
    with _quiet():
        found = _client(tracking_uri).search_model_versions(" and ".join(conditions))
    versions = (
        RegisteredVersion(model_name, int(version.version), version.run_id, dict(version.tags)) for version in found
    )
    return max(versions, key=lambda version: version.version, default=None)


def load(model_name: str, version: int, *, tracking_uri: str) -> FittedModel:
    """Load a version through its learner; it scales its features if it was trained on scaled ones.

    Its hash is compared with the registered one.

    Raises
    ------
    RegistryError
        If the version does not exist, its files are gone, or their hash is not the registered one.
    LearnerError
        If its learner no longer exists, or lacks its library.

    """
    from mlflow.artifacts import download_artifacts  # see _client
    from mlflow.exceptions import MlflowException

    client = _client(tracking_uri)
    with _quiet():
        try:
            entry = client.get_model_version(model_name, str(version))
        except MlflowException as error:
            raise RegistryError(f"model {model_name!r} version {version} is not registered: {error}") from error
        learner = learner_class(entry.tags.get("learner", _LEARNER_WITHOUT_TAG))
        try:
            folder = Path(
                download_artifacts(artifact_uri=entry.source, tracking_uri=tracking_uri, registry_uri=tracking_uri)
            )
            model = FittedModel(learner.load(folder), _scaler(folder) if "scaling" in entry.tags else None)
            found = model.model_hash()
        except (MlflowException, OSError, ValueError, KeyError) as error:
            raise RegistryError(
                f"model {model_name!r} version {version} cannot be loaded: {error}; train its month again"
            ) from error
    expected = entry.tags.get("model_hash")
    if found != expected:
        raise RegistryError(
            f"model {model_name!r} version {version}: its files in {entry.source} have hash {found}, but {expected} "
            "was registered; a file was altered, train the month again"
        )
    return model


def _scaler(folder: Path) -> Scaler:
    return Scaler.from_json((folder / _SCALER).read_text(encoding="utf-8"))


def _client(tracking_uri: str) -> Any:
    from mlflow import MlflowClient  # importing MLflow takes seconds; definitions must not pay for it

    with _quiet():
        return MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress MLflow's and Alembic's progress messages; errors are still raised."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _experiment(client: Any, name: str, artifact_location: str) -> str:
    from mlflow.exceptions import MlflowException  # see _client

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name, artifact_location=artifact_location))
        except MlflowException:
            # Another process may have created it in between; any other failure has left nothing to find.
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if _place(found.artifact_location) != _place(artifact_location):
        raise RegistryError(
            f"experiment {name!r} keeps its files in {found.artifact_location}, not in {artifact_location}; "
            "use another experiment name, or the folder it was created with"
        )
    return str(found.experiment_id)


def _place(location: str) -> str:
    local = location.removeprefix("file://").rstrip("/")
    return local if "://" in local else str(Path(local).absolute())


def _registered_model(client: Any, name: str) -> str:
    from mlflow.exceptions import MlflowException  # see _client

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    return name


def _log_run(client: Any, run_id: str, trained: TrainedModel) -> None:
    from mlflow.entities import Metric, Param  # see _client

    params = {
        **trained.spec.settings(),
        "train_start": trained.train_start.isoformat(),
        "train_end": trained.train_end.isoformat(),
        "last_label_exit": trained.last_label_exit.isoformat(),
        "validation_start": str(trained.scored["date"].min()),
        "validation_end": str(trained.scored["date"].max()),
        "feature_names": json.dumps(trained.fitted.features),
    }
    metrics = {
        "n_rows": float(trained.n_rows),
        "n_features": float(trained.n_features),
        "validation_ic": trained.validation_ic,
        "validation_rank_ic": trained.validation_rank_ic,
    }
    started_ms = client.get_run(run_id).info.start_time
    client.log_batch(
        run_id,
        metrics=[Metric(key, value, started_ms, 0) for key, value in metrics.items() if math.isfinite(value)],
        params=[Param(key, value) for key, value in params.items()],
    )
    with tempfile.TemporaryDirectory() as folder:
        _write_model_files(trained, Path(folder))
        client.log_artifacts(run_id, folder)


def _write_model_files(trained: TrainedModel, folder: Path) -> None:
    trained.feature_importance.write_csv(folder / "feature_importance.csv")
    trained.fitted.fitted.save(folder / _FOLDER)
    if trained.fitted.scaler:
        (folder / _FOLDER / _SCALER).write_text(trained.fitted.scaler.to_json(), encoding="utf-8")
