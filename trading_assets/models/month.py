"""Train the models of a run of months, register each, and collect the rows that describe them."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from trading_assets.desk.desk import Desk
from trading_assets.models.contract import FEATURE_IMPORTANCE, TRAINED
from trading_assets.models.model_spec import ModelSpec
from trading_assets.models.registry import RegisteredVersion, register
from trading_assets.models.training import TrainedModel, train
from trading_assets.models.walk_forward import InsufficientHistoryError

EXPERIMENT = "trading_assets"


@dataclass
class MonthlyTrainer:
    """Trains month after month on one panel.

    Attributes
    ----------
    desk : Desk
        Where models are registered.
    features, labels : polars.DataFrame
        The panel: everything that any of the months may look at.
    snapshot : int
        Lake snapshot that last changed the panel; every registered version carries it.
    """

    desk: Desk
    features: pl.DataFrame
    labels: pl.DataFrame
    snapshot: int
    _rows: list[pl.DataFrame] = field(default_factory=list)
    _importance: list[pl.DataFrame] = field(default_factory=list)

    def train(
        self,
        spec: ModelSpec,
        cuts: Sequence[date],
        *,
        workers: int,
        selected: Mapping[date, tuple[str, ...]] | None = None,
    ) -> list[InsufficientHistoryError]:
        """Train one model per knowledge cut and register each, in the order of the cuts.

        Where the features of each cut have been selected, its model is offered those; a cut without has no model.

        Months are fitted side by side with one thread each: 48 fits of 505 names took half the time of one after the
        other with two threads each (``python -m benchmarks training``).

        Returns
        -------
        list of InsufficientHistoryError
            Months that have too little history before them; they are left out.
        """
        too_early = []
        with ThreadPoolExecutor(workers) as pool:
            fits = [
                pool.submit(train, one, self.features, self.labels, knowledge_cut=cut)
                for cut, one in _by_cut(spec, cuts, selected)
            ]
            for fit in fits:
                try:
                    self._register(spec, fit.result())
                except InsufficientHistoryError as error:
                    too_early.append(error)
        return too_early

    def _register(self, spec: ModelSpec, model: TrainedModel) -> None:
        version = register(
            model,
            spec,
            tracking_uri=self.desk.mlflow_uri,
            artifact_location=self.desk.artifact_location,
            experiment=EXPERIMENT,
            tags={"lake_snapshot": str(self.snapshot)},
        )
        self._rows.append(_describe(model, spec, version))
        self._importance.append(
            model.feature_importance.select(
                model=pl.lit(spec.name),
                date=pl.lit(model.trained_through),
                feature="feature",
                gain="gain",
                split="split",
            )
        )

    def trained(self) -> pl.DataFrame:
        """Rows of models.trained."""
        return pl.concat([TRAINED.empty(), *self._rows])

    def importance(self) -> pl.DataFrame:
        """Rows of models.feature_importance."""
        return pl.concat([FEATURE_IMPORTANCE.empty(), *self._importance])


def _by_cut(
    spec: ModelSpec, cuts: Sequence[date], selected: Mapping[date, tuple[str, ...]] | None
) -> list[tuple[date, ModelSpec]]:
    if selected is None:
        return [(cut, spec) for cut in cuts]
    return [(cut, replace(spec, features=selected[cut])) for cut in cuts if cut in selected]


def _describe(model: TrainedModel, spec: ModelSpec, version: RegisteredVersion) -> pl.DataFrame:
    row = {
        "model": model.model,
        "date": model.trained_through,
        "train_start": model.train_start,
        "train_end": model.train_end,
        "last_label_exit": model.last_label_exit,
        "n_rows": model.n_rows,
        "n_features": model.n_features,
        "n_offered": len(spec.features) or model.n_features,
        "scaling": spec.scaling,
        "validation_ic": model.validation_ic,
        "validation_rank_ic": model.validation_rank_ic,
        "model_hash": model.model_hash,
        "registry_version": version.version,
        "run_id": version.run_id,
        # Training that gives a model which is registered already gives that version, with the data it came from.
        "data_snapshot": int(version.tags["lake_snapshot"]),
    }
    return pl.DataFrame([row], schema=TRAINED.schema)
