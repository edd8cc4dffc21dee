"""Train the models of a run of months, register each, and collect the rows that describe them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from trading_assets.desk.desk import Desk
from trading_assets.models.contract import FEATURE_IMPORTANCE, PROMOTIONS, TRAINED
from trading_assets.models.labelled_rows import InsufficientHistoryError
from trading_assets.models.model_spec import ModelSpec
from trading_assets.models.promotion import Gatekeeper
from trading_assets.models.registry import RegisteredVersion, register
from trading_assets.models.training import TrainedModel, train
from trading_assets.parallel import map_ordered

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
    _promotions: list[pl.DataFrame] = field(default_factory=list)

    def train(
        self,
        spec: ModelSpec,
        cuts: Sequence[date],
        *,
        workers: int,
        selected: Mapping[date, tuple[str, ...]] | None = None,
    ) -> list[str]:
        """Train one model per knowledge cut, register each and let it pass the model's gate, in the order of the cuts.

        Where features are selected, the model of each cut is offered those of its cut; a cut without any has no model.

        Months are fitted side by side with one thread each: 48 fits of 505 names took half the time of one after the
        other with two threads each (``python -m benchmarks training``).

        Returns
        -------
        list of str
            Messages in the order of the cuts: about months that are left out because they have too little history
            before them, and about versions that the gate keeps out of use.
        """
        said = []
        gatekeeper = Gatekeeper(self.desk, spec, self.features) if spec.gate else None
        for model in map_ordered(self._fit, _by_cut(spec, cuts, selected), workers=workers):
            if isinstance(model, InsufficientHistoryError):
                said.append(f"not trained: {model}")
                continue
            self._register(spec, model)
            if gatekeeper and (reasons := gatekeeper.judge(model)):
                said.append(f"not promoted: {spec.name} of {model.trained_through:%Y-%m}: {'; '.join(reasons)}")
        if gatekeeper:
            self._promotions.append(gatekeeper.promotions())
        return said

    def _fit(self, month: tuple[date, ModelSpec]) -> TrainedModel | InsufficientHistoryError:
        cut, spec = month
        try:
            return train(spec, self.features, self.labels, knowledge_cut=cut)
        except InsufficientHistoryError as error:
            return error

    def _register(self, spec: ModelSpec, model: TrainedModel) -> None:
        version = register(
            model,
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

    def promotions(self) -> pl.DataFrame:
        """Rows of models.promotions."""
        return pl.concat([PROMOTIONS.empty(), *self._promotions])


def _by_cut(
    spec: ModelSpec, cuts: Sequence[date], selected: Mapping[date, tuple[str, ...]] | None
) -> list[tuple[date, ModelSpec]]:
    if selected is None:
        return [(cut, spec) for cut in cuts]
    return [(cut, replace(spec, features=selected[cut])) for cut in cuts if cut in selected]


def _describe(model: TrainedModel, spec: ModelSpec, version: RegisteredVersion) -> pl.DataFrame:
    row = {
        "model": model.name,
        "date": model.trained_through,
        "train_start": model.train_start,
        "train_end": model.train_end,
        "last_label_exit": model.last_label_exit,
        "n_rows": model.n_rows,
        "n_features": model.n_features,
        "n_offered": len(spec.features) or model.n_features,
        "scaling": model.scaling,
        "validation_ic": model.validation_ic,
        "validation_rank_ic": model.validation_rank_ic,
        "model_hash": model.model_hash,
        "registry_version": version.version,
        "run_id": version.run_id,
        # If training gives a model that is registered already, that version is used, with the data it came from.
        "data_snapshot": int(version.tags["lake_snapshot"]),
    }
    return pl.DataFrame([row], schema=TRAINED.schema)
