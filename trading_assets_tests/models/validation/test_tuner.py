"""A tuner is one class: it asks for scores of parameters, and sees the fit part of its month alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from trading_assets.models.labelled_rows import LabelledRows
from trading_assets.models.model_spec import ModelSpec
from trading_assets.models.training import train, training_rows
from trading_assets.models.validation import PurgedTail, Split, Splitter
from trading_assets_tests.models.panels import panel


@dataclass
class Grid:
    """Takes the best of some penalties."""

    alphas: tuple[float, ...]
    splitter: Splitter = field(default_factory=lambda: PurgedTail(10))
    seen: dict[float, float] = field(default_factory=dict)

    def tune(self, spec: ModelSpec, score: Callable[[Mapping[str, Any]], float]) -> Mapping[str, Any]:
        self.seen |= {alpha: score({**spec.params, "alpha": alpha}) for alpha in self.alphas}
        return {**spec.params, "alpha": max(self.seen, key=lambda alpha: self.seen[alpha])}


@dataclass(frozen=True)
class Halves:
    """Two pairs: the first half of the sessions for the second, and the other way round; notes what it is given."""

    given: list[LabelledRows] = field(default_factory=list)

    def split(self, rows: LabelledRows) -> list[Split]:
        self.given.append(rows)
        days = rows.frame["date"].unique().sort()
        is_late = pl.col("date") >= days[len(days) // 2]
        early, late = rows.frame.filter(~is_late), rows.frame.filter(is_late)
        return [Split(early, late), Split(late, early)]


SPEC = ModelSpec(name="tuned", learner="ridge", min_sessions=60, max_sessions=120, min_rows=200)


def test_the_model_has_the_parameters_that_the_tuner_chose():
    features, labels = panel(edge=0.5)
    cut = features["date"].unique().sort()[-15]
    grid = Grid((1.0, 1e9))
    trained = train(replace(SPEC, tuner=grid), features, labels, knowledge_cut=cut)
    best = max(grid.seen, key=lambda alpha: grid.seen[alpha])
    assert trained.spec.params == {"alpha": best}
    plain = train(replace(SPEC, params={"alpha": best}), features, labels, knowledge_cut=cut)
    assert trained.model_hash == plain.model_hash
    assert trained.spec.settings()["alpha"] == str(best)
    assert "Grid(" in trained.spec.settings()["tuner"]


def test_a_score_is_the_mean_rank_ic_of_the_held_out_parts():
    features, labels = panel(edge=0.5)
    cut = features["date"].unique().sort()[-15]
    grid = Grid((1.0,), splitter=Halves())
    train(replace(SPEC, tuner=grid), features, labels, knowledge_cut=cut)
    assert 0.2 < grid.seen[1.0] < 0.7


def test_a_tuner_is_given_the_fit_part_alone():
    features, labels = panel(edge=0.5)
    cut = features["date"].unique().sort()[-15]
    halves = Halves()
    train(replace(SPEC, tuner=Grid((1.0,), splitter=halves)), features, labels, knowledge_cut=cut)
    fit = training_rows(SPEC, features, labels, cut).fit
    assert halves.given[0].frame.equals(fit.drop("target"))
    later = pl.col("date") > fit["date"].max()
    value = pl.col("^f[0-9]$")
    poisoned = features.with_columns(pl.when(later).then(value * -7.0 + 3.0).otherwise(value).name.keep())
    grids = [Grid((1.0, 100.0)), Grid((1.0, 100.0))]
    for grid, given_features in zip(grids, (features, poisoned), strict=True):
        train(replace(SPEC, tuner=grid), given_features, labels, knowledge_cut=cut)
    assert grids[0].seen == grids[1].seen


def test_a_model_is_fitted_to_the_last_pair_of_its_own_splitter():
    features, labels = panel(edge=0.5)
    cut = features["date"].unique().sort()[-15]
    trained = train(replace(SPEC, splitter=Halves()), features, labels, knowledge_cut=cut)
    assert trained.train_start > trained.scored["date"].max()
