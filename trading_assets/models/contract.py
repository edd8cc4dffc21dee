"""Tables of models: what was trained on which data, and how features are chosen and weighed."""

import datetime as dt

import polars as pl

from trading_assets.desk.desk import Desk
from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.contracts.pandera_polars import pa
from trading_assets.models.specs import models


class Trained(pa.DataFrameModel):
    """One model per month, trained with what was known at the close of the month's last session."""

    model: str = column("name of the model")
    date: dt.date = column("last session of the month: nothing later was known")
    train_start: dt.date = column("first decision session of the fit part")
    train_end: dt.date = column("last decision session of the fit part")
    last_label_exit: dt.date = column("latest end of a label that was learned from; never after the date")
    n_rows: pl.Int64 = column("rows of the fit part", unit="rows", gt=0)
    n_features: pl.Int64 = column("features learned from", gt=0)
    n_offered: pl.Int64 = column("features of the specification, before any selection", nullable=True, gt=0)
    scaling: str = column("how the features were scaled before the fit", nullable=True)
    validation_ic: float = column("mean correlation of prediction and return in the held-out tail", nullable=True)
    validation_rank_ic: float = column("mean rank correlation in the held-out tail", nullable=True)
    model_hash: str = column("SHA-256 of the model, and of its scaler where there is one")
    registry_version: pl.Int64 = column("version in the MLflow registry", ge=1)
    run_id: str = column("MLflow run")
    data_snapshot: pl.Int64 = column("lake snapshot that last changed the training data", ge=0)

    @pa.dataframe_check(name="a label that ends after the knowledge cut was learned from")
    def labels_had_ended(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 - pandera passes the class
        """Every label had ended by the knowledge cut."""
        return data.lazyframe.select(pl.col("last_label_exit") <= pl.col("date"))


class FeatureImportance(pa.DataFrameModel):
    """How much each feature weighs in each month's model, where its learner reports it."""

    model: str = column("name of the model")
    date: dt.date = column("last session of the training month")
    feature: str = column("feature")
    gain: float = column("total reduction of the loss by trees, size of the coefficient of linear models", ge=0)
    split: pl.Int64 = column("number of splits that use it; null where there are no trees", nullable=True, ge=0)


class FeatureSelection(pa.DataFrameModel):
    """What each month's model learns from and why, decided from its fit part alone; of models that select features."""

    model: str = column("name of the model")
    date: dt.date = column("last session of the training month: nothing later was known")
    feature: str = column("feature offered")
    variance: float = column("variance over the fit part; null where every value is missing", nullable=True, ge=0)
    missing_share: float = column("share of the fit part's rows without a value", unit="fraction", ge=0, le=1)
    cluster: pl.Int64 = column(
        "features whose rank correlations with each other are beyond the threshold; null where it is uninformative",
        nullable=True,
        ge=1,
    )
    representative: str = column("the feature that stands for the cluster", nullable=True)
    correlation: float = column("rank correlation with the representative", nullable=True, ge=-1, le=1)
    mean_place: float = column("mean place by gain over windows of the fit part; 1 is best", nullable=True, ge=1)
    stability: float = column("share of the windows with a place among the first", nullable=True, ge=0, le=1)
    is_selected: bool = column("whether the month's model learns from it")
    reason: str = column("why", isin=["missing", "constant", "redundant", "unstable", "stable", "among the best"])


class Promotions(pa.DataFrameModel):
    """Whether each month's version went into use, and what is in use since; of models that have a gate."""

    model: str = column("name of the model")
    date: dt.date = column("last session of the training month: nothing later was known")
    model_hash: str = column("SHA-256 of the month's version")
    is_promoted: bool = column("whether it went into use")
    champion: dt.date = column(
        "knowledge cut of the version it was compared with; null where there was none", nullable=True
    )
    in_use: dt.date = column("knowledge cut of the version in use since; null where there is none", nullable=True)
    reasons: str = column("why it did not go into use; null where it did", nullable=True)

    @pa.dataframe_check(name="the version in use since is neither the month's nor the one before")
    def use_follows_from_the_verdict(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 - pandera passes the class
        """A promoted version is in use, a refused one leaves the champion there."""
        wanted = pl.when("is_promoted").then("date").otherwise("champion")
        return data.lazyframe.select(pl.col("in_use").eq_missing(wanted))


TRAINED = Contract(
    Trained,
    "models.trained",
    key=("model", "date"),
    time="date",
    provenance=("registry_version", "run_id", "data_snapshot"),
)
FEATURE_IMPORTANCE = Contract(
    FeatureImportance, "models.feature_importance", key=("model", "date", "feature"), time="date"
)
FEATURE_SELECTION = Contract(
    FeatureSelection, "models.feature_selection", key=("model", "date", "feature"), time="date"
)
PROMOTIONS = Contract(Promotions, "models.promotions", key=("model", "date"), time="date")


def contracts(desk: Desk) -> tuple[Contract, ...]:
    """Tables of a desk: selections and promotions where a model of it selects its features or has a gate."""
    specs = desk.part(models).values()
    selections = (FEATURE_SELECTION,) if any(spec.selection for spec in specs) else ()
    promotions = (PROMOTIONS,) if any(spec.gate for spec in specs) else ()
    return (TRAINED, FEATURE_IMPORTANCE, *selections, *promotions)
