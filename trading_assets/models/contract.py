"""Tables of models: what was trained on what, and what it looks at."""

import datetime as dt

import polars as pl

from trading_assets.lake.contracts import Contract, column
from trading_assets.lake.pandera_polars import pa


class Trained(pa.DataFrameModel):
    """One model per month, trained with what was known at the close of the month's last session."""

    model: str = column("name of the model")
    date: dt.date = column("last session of the month: nothing later was known")
    train_start: dt.date = column("first decision session of the fit part")
    train_end: dt.date = column("last decision session of the fit part")
    last_label_exit: dt.date = column("latest end of a label that was learned from; never after the date")
    n_rows: pl.Int64 = column("rows of the fit part", unit="rows", gt=0)
    n_features: pl.Int64 = column("features offered", gt=0)
    validation_ic: float = column("mean correlation of prediction and return in the held-out tail", nullable=True)
    validation_rank_ic: float = column("mean rank correlation in the held-out tail", nullable=True)
    model_hash: str = column("SHA-256 of the trees")
    registry_version: pl.Int64 = column("version in the MLflow registry", ge=1)
    run_id: str = column("MLflow run")
    data_snapshot: pl.Int64 = column("lake snapshot that last changed the training data", ge=0)

    @pa.dataframe_check(name="a label that ends after the knowledge cut was learned from")
    def labels_had_ended(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805 - pandera passes the class
        """Every label had ended by the knowledge cut."""
        return data.lazyframe.select(pl.col("last_label_exit") <= pl.col("date"))


class FeatureImportance(pa.DataFrameModel):
    """How much each feature reduced the loss of each month's model."""

    model: str = column("name of the model")
    date: dt.date = column("last session of the training month")
    feature: str = column("feature")
    gain: float = column("total reduction of the loss", ge=0)
    split: pl.Int64 = column("number of splits that use it", ge=0)


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
CONTRACTS = (TRAINED, FEATURE_IMPORTANCE)
