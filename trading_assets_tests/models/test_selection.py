"""Selection of features: what goes and why, from the fit part of the month alone."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from scipy.stats import spearmanr

from trading_assets.models.contract import FEATURE_SELECTION
from trading_assets.models.labelled_rows import InsufficientHistoryError
from trading_assets.models.model_spec import ModelSpec, SelectionRules
from trading_assets.models.selection import rank_correlations, select_by_month, select_features, selected_features
from trading_assets.models.training import train, training_rows
from trading_assets_tests.models.panels import panel

RULES = SelectionRules(top=2, windows=3, at_least=1, min_stability=0.6)
SPEC = ModelSpec(
    name="choosy", params={"num_iterations": 8}, min_sessions=60, max_sessions=120, min_rows=200, selection=RULES
)


def offered() -> tuple[pl.DataFrame, pl.DataFrame]:
    """`f0` carries the return, `twin` and `mirror` follow it in order; one is mostly missing, one never moves."""
    features, labels = panel(edge=1.0, n_features=3)
    number = pl.int_range(pl.len())
    return features.with_columns(
        twin=(pl.col("f0") ** 3 + pl.col("f0")).cast(pl.Float32),
        mirror=(-pl.col("f0").exp()).cast(pl.Float32),
        holes=pl.when(number % 3 == 0).then("f1").cast(pl.Float32),
        still=pl.lit(0.25, dtype=pl.Float32),
        nothing=pl.lit(None, dtype=pl.Float32),
    ), labels


def cut_of(features: pl.DataFrame) -> date:
    return features["date"].unique().sort()[-15]


@pytest.fixture(scope="module")
def chosen() -> pl.DataFrame:
    features, labels = offered()
    return select_features(SPEC, features, labels, knowledge_cut=cut_of(features))


def test_every_feature_has_its_reason(chosen: pl.DataFrame):
    reasons = dict(chosen.select("feature", "reason").iter_rows())
    assert reasons["still"] == "constant"
    assert reasons["holes"] == reasons["nothing"] == "missing"
    same = {name: reasons[name] for name in ("f0", "twin", "mirror")}
    assert sorted(same.values()) == ["redundant", "redundant", "stable"]
    assert {reasons["f1"], reasons["f2"]} <= {"stable", "unstable"}
    assert set(chosen.filter("is_selected")["reason"]) <= {"among the best", "stable"}
    assert not set(chosen.filter(~pl.col("is_selected"))["reason"]) & {"among the best", "stable"}
    assert chosen["feature"].to_list() == ["f0", "f1", "f2", "holes", "mirror", "nothing", "still", "twin"]
    assert dict(chosen.schema) == FEATURE_SELECTION.schema
    assert FEATURE_SELECTION.split(chosen).quarantined.is_empty()


def test_figures_are_those_of_the_fit_part(chosen: pl.DataFrame):
    features, labels = offered()
    fit = training_rows(SPEC, features, labels, cut_of(features)).fit
    row = {name: values for name, *values in chosen.select("feature", "variance", "missing_share").iter_rows()}
    for name in ("f0", "holes", "still"):
        assert row[name][0] == pytest.approx(fit[name].cast(pl.Float64).var(ddof=0), abs=1e-12)
        assert row[name][1] == pytest.approx(fit[name].null_count() / fit.height)
    assert row["nothing"] == [None, 1.0]


def test_what_follows_another_feature_in_order_is_in_its_cluster(chosen: pl.DataFrame):
    same = chosen.filter(pl.col("feature").is_in(["f0", "twin", "mirror"]))
    assert same["cluster"].unique().to_list() == [1]
    assert same["representative"].n_unique() == 1
    kept = same["representative"][0]
    sign = {"f0": 1, "twin": 1, "mirror": -1}
    expected = [sign[name] * sign[kept] for name in same["feature"]]
    np.testing.assert_allclose(same["correlation"].to_numpy(), expected, atol=1e-3)


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"min_stability": 1.0, "top": 1}, "unstable"),
        ({"min_stability": 1.0, "top": 1, "at_least": 3}, "among the best"),
        ({"min_stability": 0.0}, "stable"),
        ({"min_variance": 100.0, "max_missing": 1.0}, "constant"),
    ],
)
def test_rules_decide(rules, reason):
    features, labels = offered()
    spec = replace(SPEC, selection=replace(RULES, **rules))
    wanted = spec if reason != "constant" else replace(spec, features=("f1", "loud"))
    loud = features.with_columns(loud=pl.col("f2") * 1000)
    found = select_features(wanted, loud, labels, knowledge_cut=cut_of(features))
    assert found.filter(feature="f1")["reason"].to_list() == [reason]


def test_selection_is_blind_to_everything_after_its_cut_and_to_the_tail():
    features, labels = offered()
    cut = cut_of(features)
    plain = select_features(SPEC, features, labels, knowledge_cut=cut)
    fit = training_rows(SPEC, features, labels, cut).fit
    last, last_exit = fit["date"].max(), fit["exit_date"].max()
    value = pl.col("^(f[0-9]|twin|mirror|holes|still)$")
    poisoned = (
        features.with_columns(pl.when(pl.col("date") > last).then(value * -9.0 + 1.0).otherwise(value).name.keep()),
        labels.with_columns(
            forward_return=pl.when(pl.col("exit_date") > last_exit).then(9.9).otherwise("forward_return")
        ),
    )
    cut_off = features.filter(pl.col("date") <= cut), labels.filter(pl.col("exit_date") <= cut)
    for given_rows in (poisoned, cut_off):
        assert_frame_equal(select_features(SPEC, *given_rows, knowledge_cut=cut), plain, check_exact=True)


def test_selection_depends_on_what_was_known():
    features, labels = offered()
    cut = cut_of(features)
    past = features.with_columns(f1=pl.when(pl.col("date") <= cut).then(pl.lit(1.0)).otherwise("f1").cast(pl.Float32))
    found = select_features(SPEC, past, labels, knowledge_cut=cut)
    assert found.filter(feature="f1")["reason"].to_list() == ["constant"]


def test_selection_is_the_same_for_any_thread_count_and_row_order():
    features, labels = offered()
    cut = cut_of(features)
    plain = select_features(SPEC, features, labels, knowledge_cut=cut)
    shuffled = (features.sample(fraction=1.0, shuffle=True, seed=3), labels.sample(fraction=1.0, shuffle=True, seed=4))
    assert_frame_equal(select_features(SPEC, *shuffled, knowledge_cut=cut, threads=2), plain, check_exact=True)


@settings(max_examples=25, deadline=None)
@given(
    columns=st.lists(
        st.lists(st.integers(-5, 5), min_size=12, max_size=12).filter(lambda one: len(set(one)) > 1),
        min_size=2,
        max_size=5,
    )
)
def test_rank_correlations_are_spearman_s(columns):
    rows = pl.DataFrame({f"c{place}": np.array(one, dtype=np.float32) for place, one in enumerate(columns)})
    found = rank_correlations(rows)
    for i in range(len(columns)):
        for j in range(len(columns)):
            assert found[i, j] == pytest.approx(spearmanr(columns[i], columns[j]).statistic, abs=1e-12)


def test_rank_correlations_have_the_same_bits_in_any_order_of_rows():
    features, _ = panel(n_features=6)
    rows = features.drop("symbol", "date").with_columns(f1=pl.when(pl.col("f1") > 0).then("f1"))
    turned = rows.sample(fraction=1.0, shuffle=True, seed=1)
    np.testing.assert_array_equal(rank_correlations(rows), rank_correlations(turned))


@pytest.mark.parametrize(
    "wrong", [{"max_missing": 1.5}, {"min_stability": -0.1}, {"windows": 0}, {"top": 0}, {"max_rows": 300_000}]
)
def test_rules_that_cannot_be_followed_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SelectionRules(**wrong)


def test_a_model_without_rules_or_without_a_usable_feature_is_an_error():
    features, labels = offered()
    cut = cut_of(features)
    with pytest.raises(ValueError, match="no rules of selection"):
        select_features(replace(SPEC, selection=None), features, labels, knowledge_cut=cut)
    with pytest.raises(ValueError, match="every feature is missing or constant"):
        select_features(replace(SPEC, features=("still", "holes")), features, labels, knowledge_cut=cut)


def test_months_are_selected_side_by_side_and_early_ones_are_named():
    features, labels = offered()
    days = features["date"].unique().sort().to_list()
    found, too_early = select_by_month(SPEC, features, labels, [days[20], days[120], days[145]], workers=2)
    assert found["date"].unique(maintain_order=True).to_list() == [days[120], days[145]]
    assert [(type(error), error.knowledge_cut) for error in too_early] == [(InsufficientHistoryError, days[20])]
    alone = select_features(SPEC, features, labels, knowledge_cut=days[145])
    assert_frame_equal(found.filter(date=days[145]), alone)


def test_a_model_learns_from_the_selected_features_in_the_order_they_are_offered():
    features, labels = offered()
    cut = cut_of(features)
    order = ("twin", "f2", "f1", "f0", "mirror", "still")
    rows = select_features(replace(SPEC, features=order), features, labels, knowledge_cut=cut)
    names = selected_features(rows.sort("feature"), order)[cut]
    assert set(names) == set(rows.filter("is_selected")["feature"])
    assert [name for name in order if name in names] == list(names)
    assert train(replace(SPEC, features=names), features, labels, knowledge_cut=cut).fitted.features == names
