"""Which version of a model is in use: each month's own, or what its gate let through.

Here: the verdicts on a run of months, and the versions that score a span of sessions. Not here: what a verdict depends
on (`validation.gate`), the fit (`training`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from trading_assets.desk.desk import Desk
from trading_assets.lake import LakeFrame
from trading_assets.lake.errors import UpstreamNotReadyError
from trading_assets.models.contract import PROMOTIONS, TRAINED
from trading_assets.models.fitted_model import FittedModel
from trading_assets.models.lookback import KEYS
from trading_assets.models.model_spec import ModelError, ModelSpec
from trading_assets.models.registry import load
from trading_assets.models.training import TrainedModel
from trading_assets.models.validation import Contender

USE_SCHEMA = {
    "since": pl.Date(),
    "trained_through": pl.Date(),
    "model_hash": pl.String(),
    "registry_version": pl.Int64(),
    "reasons": pl.String(),
}


def versions_in_use(desk: Desk, model: str, first: date, last: date, *, has_gate: bool) -> pl.DataFrame:
    """Version of a model that is in use after each month's end.

    Parameters
    ----------
    desk : Desk
        The desk.
    model : str
        Name of the model.
    first, last : date
        Span that the ends of the months lie in.
    has_gate : bool
        Whether its versions need a verdict.

    Returns
    -------
    polars.DataFrame
        `since` (the month's last session), `trained_through, model_hash, registry_version` of the version in use, null
        where there is none, and `reasons` against the month's own, null where that is the one in use; by `since`.

    Raises
    ------
    UpstreamNotReadyError
        A month's version has not been judged yet.
    """
    versions = LakeFrame(desk.lake, TRAINED).read(["date", "model_hash", "registry_version"], end=last, model=model)
    months = versions.filter(pl.col("date") >= first)
    if not has_gate:
        own = months.with_columns(since="date", trained_through="date", reasons=pl.lit(None, dtype=pl.String))
        return own.select(*USE_SCHEMA).cast(USE_SCHEMA)  # type: ignore[arg-type]
    verdicts = LakeFrame(desk.lake, PROMOTIONS).read(start=first, end=last, model=model)
    _require_verdicts(model, months, verdicts, versions)
    used = versions.rename({"date": "trained_through"})
    return (
        verdicts.select("reasons", since="date", trained_through="in_use")
        .join(used, on="trained_through", how="left")
        .select(*USE_SCHEMA)
        .sort("since")
    )


def _require_verdicts(model: str, months: pl.DataFrame, verdicts: pl.DataFrame, versions: pl.DataFrame) -> None:
    """Require that every version has its verdict, and that the version left in use still exists."""
    unjudged = months.join(verdicts, on=["date", "model_hash"], how="anti")["date"]
    gone = verdicts.drop_nulls("in_use").join(versions, left_on="in_use", right_on="date", how="anti")["date"]
    stale = pl.concat([unjudged, gone]).sort()
    if stale.len():
        first = stale[0]
        raise UpstreamNotReadyError(
            f"model {model!r} has a gate, and the verdict on its version of {first:%Y-%m} is missing or out of date; "
            f"train its months from {first:%Y-%m}"
        )


@dataclass(frozen=True)
class _Champion:
    trained_through: date
    model: FittedModel


@dataclass
class Gatekeeper:
    """Judges the months of a model that has a gate, in the order of the months.

    Attributes
    ----------
    desk : Desk
        Where verdicts and versions are.
    spec : ModelSpec
        The model.
    features : polars.DataFrame
        The panel that the months learn from; a champion is scored on it.
    """

    desk: Desk
    spec: ModelSpec
    features: pl.DataFrame
    _is_begun: bool = False
    _champion: _Champion | None = None
    _rows: list[pl.DataFrame] = field(default_factory=list)

    def judge(self, trained: TrainedModel) -> Sequence[str]:
        """Judge a month's version against the one in use; it is in use from then on unless there are reasons.

        Raises
        ------
        ModelError
            The version in use reads features that the model is no longer offered.
        """
        if not self._is_begun:
            self._champion, self._is_begun = self._in_use_before(trained.trained_through), True
        assert self.spec.gate is not None
        champion = self._champion
        reasons = self.spec.gate(
            Contender(trained.trained_through, trained.model_hash, trained.scored),
            self._contender(champion, trained) if champion else None,
        )
        if not reasons:
            self._champion = _Champion(trained.trained_through, trained.fitted)
        row = {
            "model": self.spec.name,
            "date": trained.trained_through,
            "model_hash": trained.model_hash,
            "is_promoted": not reasons,
            "champion": champion.trained_through if champion else None,
            "in_use": self._champion.trained_through if self._champion else None,
            "reasons": "; ".join(reasons) or None,
        }
        self._rows.append(pl.DataFrame([row], schema=PROMOTIONS.schema))
        return reasons

    def promotions(self) -> pl.DataFrame:
        """Rows of models.promotions."""
        return pl.concat([PROMOTIONS.empty(), *self._rows])

    def _in_use_before(self, cut: date) -> _Champion | None:
        before = versions_in_use(self.desk, self.spec.name, date.min, cut - timedelta(days=1), has_gate=True)
        last = before.tail(1)
        if last.is_empty() or last["trained_through"][0] is None:
            return None
        version = load(self.spec.name, last["registry_version"][0], tracking_uri=self.desk.mlflow_uri)
        return _Champion(last["trained_through"][0], version)

    def _contender(self, champion: _Champion, trained: TrainedModel) -> Contender:
        """The champion on the sessions that were held out of the candidate's fit."""
        model = champion.model
        missing = [name for name in model.features if name not in self.features.columns]
        if missing:
            raise ModelError(
                f"model {self.spec.name!r}: its version of {champion.trained_through:%Y-%m} is in use and reads "
                f"{missing}, which the model is not offered any more; train its months again from that one"
            )
        rows = trained.scored.select(*KEYS).join(
            self.features.select(*KEYS, *model.features), on=KEYS, how="left", maintain_order="left"
        )
        prediction = pl.Series("prediction", model.predict(rows, panel=self.features, threads=1), dtype=pl.Float64)
        return Contender(champion.trained_through, model.model_hash(), trained.scored.with_columns(prediction))
