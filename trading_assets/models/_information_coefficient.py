"""Cross-sectional agreement between a prediction and the return that followed."""

from __future__ import annotations

import polars as pl


def session_correlations(rows: pl.DataFrame, *, prediction: str, outcome: str) -> pl.DataFrame:
    """Correlation per session between a prediction and its outcome.

    Parameters
    ----------
    rows
        Frame with `date` and the two columns; rows with a missing value in either are left out.
    prediction, outcome
        Column names.

    Returns
    -------
    pl.DataFrame
        `date, ic` (Pearson), `rank_ic` (Spearman), `n_names`, by date. Sessions with fewer than two names or with a
        constant column have no correlation and no row.

    References
    ----------
    Grinold, R. and Kahn, R. (2000), *Active Portfolio Management*, ch. 6 (information coefficient).

    """
    x, y = pl.col(prediction), pl.col(outcome)
    return (
        rows.lazy()
        .filter(x.is_finite(), y.is_finite())
        .group_by("date")
        .agg(
            pl.corr(x, y).alias("ic"),
            pl.corr(x.rank(), y.rank()).alias("rank_ic"),
            pl.len().cast(pl.Int64).alias("n_names"),
            ((x.n_unique() > 1) & (y.n_unique() > 1)).alias("varies"),
        )
        .filter("varies")
        .drop("varies")
        .sort("date")
        .collect()
    )
