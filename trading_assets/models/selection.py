"""Choose features for one month's model from what was known at its cut: spread, redundancy, stability of importance.

Here: the figures of each feature over the fit part of the month, and the choice. Not here: which rows the fit part has
(`walk_forward`), the rules' numbers (`model_spec.SelectionRules`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.models.contract import FEATURE_SELECTION
from trading_assets.models.labelled_rows import InsufficientHistoryError
from trading_assets.models.model_spec import ModelError, ModelSpec, SelectionRules
from trading_assets.models.training import feature_columns, fit_model, training_rows
from trading_assets.parallel import map_ordered

Array = NDArray[np.float64]


def select_features(
    spec: ModelSpec, features: pl.DataFrame, labels: pl.DataFrame, *, knowledge_cut: date, threads: int = 1
) -> pl.DataFrame:
    """Decide for each feature of a model whether its month learns from it, and why.

    Only the fit part of the month is used: neither the validation tail nor anything after the cut has influence.
    Features that are mostly missing or do not vary are dropped first. The others are clustered by the size of their
    rank correlation (complete linkage: all of a cluster are correlated beyond the threshold with each other) and each
    cluster is represented by its medoid. The learner is fitted to the representatives on disjoint windows of sessions;
    those that are among the first by gain in enough windows are selected.

    Parameters
    ----------
    spec
        The model, with its rules of selection.
    features, labels
        As for `trading_assets.models.training.train`.
    knowledge_cut
        Last session of the training month.
    threads
        Threads of the learner; the result is the same for any number.

    Returns
    -------
    polars.DataFrame
        Rows of models.feature_selection, in the order of the model's features.

    Raises
    ------
    InsufficientHistoryError
        If the window has too few sessions or rows to train from.
    ModelError
        If the specification has no rules, its learner reports no importance of features, or every feature is missing or
        constant.

    References
    ----------
    Lopez de Prado, M. (2020), *Machine Learning for Asset Managers*, ch. 4 and 6 (clusters of features, their
    importance). Meinshausen, N. and Buehlmann, P. (2010), Stability Selection, *JRSS B* 72(4).

    """
    if spec.selection is None:
        raise ModelError(f"model {spec.name!r} has no rules of selection; give its specification SelectionRules")
    rules, names = spec.selection, feature_columns(spec, features)
    fit = training_rows(spec, features, labels, knowledge_cut).fit
    described = _described(fit, names)
    has_values = (pl.col("missing_share") <= rules.max_missing) & (pl.col("variance") > rules.min_variance)
    usable = described.filter(has_values.fill_null(value=False))["feature"].to_list()
    if not usable:
        raise ModelError(f"model {spec.name!r} of {knowledge_cut:%Y-%m}: every feature is missing or constant")
    clusters = _clusters(_evenly(fit.select(usable), rules.max_rows), rules.max_correlation)
    kept = clusters.filter(pl.col("feature") == pl.col("representative"))["feature"].to_list()
    places = _places(spec, features, fit, kept, threads=threads)
    found = described.join(clusters, on="feature", how="left").join(places, on="feature", how="left")
    return _decided(found, rules).select(
        model=pl.lit(spec.name), date=pl.lit(knowledge_cut), **{name: pl.col(name) for name in _COLUMNS}
    )


_COLUMNS = tuple(FEATURE_SELECTION.schema)[2:]


def _described(fit: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Variance and share of missing values; values are summed in the order of the rows, by one thread each."""
    rows = []
    for name in names:
        known = fit[name].cast(pl.Float64).drop_nulls().drop_nans().to_numpy()
        rows.append((name, float(np.var(known)) if known.size else None, 1.0 - known.size / fit.height))
    return pl.DataFrame(
        rows, schema={"feature": pl.String, "variance": pl.Float64, "missing_share": pl.Float64}, orient="row"
    )


def _evenly(rows: pl.DataFrame, most: int) -> pl.DataFrame:
    """Rows spaced evenly over the fit part, which is sorted by session and name."""
    if rows.height <= most:
        return rows
    return rows[np.linspace(0, rows.height - 1, most).astype(np.int64)]


def rank_correlations(rows: pl.DataFrame) -> Array:
    """Spearman correlation of each pair of columns; a missing value counts as the middle rank.

    Ranks are doubled and centred, so that they are whole numbers and all sums are exact: the same bits for any number
    of threads.
    """
    ranks = np.empty((rows.height, rows.width))
    for place, name in enumerate(rows.columns):
        column = rows[name].fill_nan(None)
        doubled = 2.0 * column.rank("average") - (column.len() - column.null_count() + 1)
        ranks[:, place] = doubled.fill_null(0.0).to_numpy()
    products: Array = ranks.T @ ranks
    spread = np.sqrt(np.diag(products))
    still = spread == 0.0
    scale = np.where(still, 1.0, spread)
    found: Array = np.clip(products / scale / scale[:, None], -1.0, 1.0)
    np.fill_diagonal(found, 1.0)
    return found


def _clusters(rows: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """Cluster of each column, its representative, and the correlation with it; clusters count from 1 in order."""
    correlations = rank_correlations(rows)
    size = np.abs(correlations)
    labels = _linked(size, threshold)
    order = {label: number for number, label in enumerate(dict.fromkeys(labels.tolist()), 1)}
    found = []
    for place, label in enumerate(labels.tolist()):
        members = np.flatnonzero(labels == label)
        closeness = size[np.ix_(members, members)].sum(axis=1)
        medoid = int(members[int(closeness.argmax())])
        found.append((rows.columns[place], order[label], rows.columns[medoid], float(correlations[place, medoid])))
    return pl.DataFrame(
        found,
        schema={"feature": pl.String, "cluster": pl.Int64, "representative": pl.String, "correlation": pl.Float64},
        orient="row",
    )


def _linked(size: Array, threshold: float) -> NDArray[np.int64]:
    from scipy.cluster.hierarchy import fcluster, linkage  # module import must stay cheap
    from scipy.spatial.distance import squareform

    if len(size) == 1:
        return np.ones(1, dtype=np.int64)
    tree = linkage(squareform(1.0 - size, checks=False), method="complete")
    return np.asarray(fcluster(tree, 1.0 - threshold, criterion="distance"), dtype=np.int64)


def _places(
    spec: ModelSpec, panel: pl.DataFrame, fit: pl.DataFrame, names: Sequence[str], *, threads: int
) -> pl.DataFrame:
    """Mean place by gain over the windows, and the share of windows in which a feature is among the first."""
    assert spec.selection is not None
    rules, learner = spec.selection, spec.make_learner().for_ranking()
    ranking = replace(spec, params=learner.parameters(), scaling=None)
    days = fit["date"].unique().sort().to_list()
    windows = min(rules.windows, len(days))
    firsts = [len(days) * number // windows for number in range(windows)]
    gains = []
    for first, following in zip(firsts, [*firsts[1:], len(days)], strict=True):
        rows = fit.filter(pl.col("date").is_between(days[first], days[following - 1]))
        fitted = fit_model(ranking, panel, tuple(names), rows, threads=threads)
        gains.append(_gains(spec, fitted.fitted.importance(), names))
    places = [gain.rank("min", descending=True).cast(pl.Float64) for gain in gains]
    important = [(gain > 0) & (place <= rules.top) for gain, place in zip(gains, places, strict=True)]
    return pl.DataFrame({"feature": list(names)}).with_columns(
        mean_place=pl.sum_horizontal(places) / len(places),
        stability=pl.sum_horizontal(flag.cast(pl.Float64) for flag in important) / len(important),
    )


def _gains(spec: ModelSpec, importance: pl.DataFrame, names: Sequence[str]) -> pl.Series:
    if importance.is_empty():
        raise ModelError(
            f"model {spec.name!r}: learner {spec.learner!r} reports no importance of features, which selection needs; "
            "choose its features by hand and leave selection out"
        )
    return pl.DataFrame({"feature": names}).join(importance, on="feature", how="left", maintain_order="left")["gain"]


def _decided(found: pl.DataFrame, rules: SelectionRules) -> pl.DataFrame:
    """Add the reason, and whether the feature is selected."""
    best = found.drop_nulls("mean_place").sort("mean_place", maintain_order=True)["feature"].head(rules.at_least)
    reason = (
        pl.when(pl.col("missing_share") > rules.max_missing)
        .then(pl.lit("missing"))
        .when(pl.col("representative").is_null())
        .then(pl.lit("constant"))
        .when(pl.col("representative") != pl.col("feature"))
        .then(pl.lit("redundant"))
        .when(pl.col("stability") >= rules.min_stability)
        .then(pl.lit("stable"))
        .when(pl.col("feature").is_in(best.to_list()))
        .then(pl.lit("among the best"))
        .otherwise(pl.lit("unstable"))
    )
    return found.with_columns(reason=reason).with_columns(
        is_selected=pl.col("reason").is_in(["stable", "among the best"])
    )


def select_by_month(
    spec: ModelSpec, features: pl.DataFrame, labels: pl.DataFrame, cuts: Sequence[date], *, workers: int
) -> tuple[pl.DataFrame, list[InsufficientHistoryError]]:
    """Select for each knowledge cut, months side by side; months with too little history before them are left out."""

    def select(cut: date) -> pl.DataFrame | InsufficientHistoryError:
        try:
            return select_features(spec, features, labels, knowledge_cut=cut)
        except InsufficientHistoryError as error:
            return error

    answers = list(map_ordered(select, cuts, workers=workers))
    found = [one for one in answers if isinstance(one, pl.DataFrame)]
    return pl.concat([FEATURE_SELECTION.empty(), *found]), [one for one in answers if not isinstance(one, pl.DataFrame)]


def selected_features(selection: pl.DataFrame, offered: Sequence[str]) -> dict[date, tuple[str, ...]]:
    """Features that each month learns from, in the order in which they are offered.

    Parameters
    ----------
    selection
        Rows of models.feature_selection of one model.
    offered
        Its features.
    """
    chosen = selection.filter("is_selected").group_by("date", maintain_order=True).agg("feature")
    return {day: tuple(name for name in offered if name in names) for day, names in chosen.iter_rows()}
