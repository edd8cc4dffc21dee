from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from trading_assets.models.labelled_rows import InsufficientHistoryError
from trading_assets.models.validation import PurgedTail
from trading_assets.models.walk_forward import training_rows_of, training_window
from trading_assets_tests.models.panels import panel, weekdays

JANUARY = weekdays(23)  # 2020-01-01 (Wed) .. 2020-01-31 (Fri)


@pytest.mark.parametrize(
    ("cut", "embargo", "longest", "expected"),
    [
        # No embargo: the window ends on the cut itself.
        (date(2020, 1, 31), 0, 5, (date(2020, 1, 27), date(2020, 1, 31), 5)),
        # One session of embargo moves both ends back by one session, over no weekend.
        (date(2020, 1, 31), 1, 5, (date(2020, 1, 24), date(2020, 1, 30), 5)),
        # Five sessions of embargo are one week.
        (date(2020, 1, 31), 5, 5, (date(2020, 1, 20), date(2020, 1, 24), 5)),
        # Less history than the longest window: from the first session.
        (date(2020, 1, 31), 5, 99, (date(2020, 1, 1), date(2020, 1, 24), 18)),
        # Sessions after the cut are ignored.
        (date(2020, 1, 10), 1, 3, (date(2020, 1, 7), date(2020, 1, 9), 3)),
        # A cut on a Sunday counts from the Friday before.
        (date(2020, 1, 12), 1, 3, (date(2020, 1, 7), date(2020, 1, 9), 3)),
    ],
)
def test_window_ends_the_embargo_before_the_cut(cut, embargo, longest, expected):
    window = training_window(
        cut, calendar_sessions=JANUARY, min_sessions=3, max_sessions=longest, embargo_sessions=embargo
    )
    assert window.knowledge_cut == cut
    assert (window.first_decision, window.last_exit, window.n_sessions) == expected


def test_window_without_enough_sessions_names_model_month_and_counts():
    with pytest.raises(InsufficientHistoryError) as caught:
        training_window(
            date(2020, 1, 31),
            calendar_sessions=JANUARY,
            min_sessions=19,
            max_sessions=99,
            embargo_sessions=5,
            model="lgbm_daily",
        )
    assert (caught.value.found, caught.value.needed, caught.value.unit) == (18, 19, "sessions")
    for part in ("lgbm_daily", "2020-01", "18 sessions", "19 needed"):
        assert part in str(caught.value)


@pytest.mark.parametrize("cut", [date(2019, 12, 31), date(2020, 1, 2)])
def test_window_before_the_embargo_is_filled_has_no_sessions(cut):
    with pytest.raises(InsufficientHistoryError) as caught:
        training_window(cut, calendar_sessions=JANUARY, min_sessions=1, max_sessions=9, embargo_sessions=2)
    assert caught.value.found == 0


@pytest.mark.parametrize(("least", "longest", "embargo"), [(0, 5, 1), (6, 5, 1), (2, 5, -1)])
def test_settings_that_contradict_themselves_are_refused(least, longest, embargo):
    with pytest.raises(ValueError, match="must"):
        training_window(
            date(2020, 1, 31),
            calendar_sessions=JANUARY,
            min_sessions=least,
            max_sessions=longest,
            embargo_sessions=embargo,
        )


def rows_of(features, labels, *, tail=4, **changes):
    options = {
        "knowledge_cut": features["date"].max(),
        "embargo_sessions": 2,
        "min_sessions": 5,
        "max_sessions": 999,
        "splitter": PurgedTail(tail),
        "feature_names": [name for name in features.columns if name.startswith("f")],
    }
    return training_rows_of(features, labels, **{**options, **changes})


def test_purge_and_embargo_leave_the_expected_dates():
    # Given 23 sessions of January 2020, labels of 3 sessions, an embargo of 2, a tail of 4.
    features, labels = panel(n_sessions=23, n_names=3, horizon=3)
    rows = rows_of(features, labels)
    # Then the last label ends on Wed 29th (2 before the cut), so it was decided on Fri 24th (3 before that);
    assert rows.window.last_exit == date(2020, 1, 29)
    assert rows.validation["date"].unique().sort().to_list() == [
        date(2020, 1, 21),
        date(2020, 1, 22),
        date(2020, 1, 23),
        date(2020, 1, 24),
    ]
    # and the fit part knows what a model of cut Mon 20th knows: labels ended by Thu 16th, decided by Mon 13th.
    assert rows.fit["date"].min() == date(2020, 1, 1)
    assert rows.fit["date"].max() == date(2020, 1, 13)


@settings(max_examples=40, deadline=None)
@given(
    horizon=st.integers(1, 8),
    embargo=st.integers(0, 6),
    tail=st.integers(1, 10),
    longest=st.integers(40, 90),
    cut=st.integers(60, 89),
)
def test_no_fit_label_reaches_the_tail_and_no_label_reaches_the_embargo(horizon, embargo, tail, longest, cut):
    features, labels = panel(n_sessions=90, n_names=3, n_features=1, horizon=horizon)
    sessions = features["date"].unique().sort().to_list()
    position = {day: i for i, day in enumerate(sessions)}
    rows = rows_of(
        features,
        labels,
        knowledge_cut=sessions[cut],
        embargo_sessions=embargo,
        max_sessions=longest,
        tail=tail,
    )
    exits = {day: position[end] for day, end in labels.select("date", "exit_date").iter_rows()}
    first_of_tail = position[rows.validation["date"].min()]
    assert max(exits[day] for day in rows.validation["date"]) == cut - embargo
    assert rows.validation["date"].n_unique() == tail
    assert max(exits[day] for day in rows.fit["date"]) + embargo < first_of_tail
    assert position[rows.fit["date"].min()] == max(0, cut - embargo - longest + 1)


def test_labels_with_their_own_exit_are_purged_one_by_one():
    # Given one name whose label of the last usable session ends after the cut (a halt).
    features, labels = panel(n_sessions=23, n_names=3, horizon=3)
    late = (pl.col("symbol") == "S001") & (pl.col("date") == date(2020, 1, 24))
    labels = labels.with_columns(pl.when(late).then(date(2020, 1, 30)).otherwise("exit_date").alias("exit_date"))
    rows = rows_of(features, labels)
    assert rows.validation.filter(pl.col("date") == date(2020, 1, 24))["symbol"].to_list() == ["S000", "S002"]


def test_missing_values_are_kept_but_empty_rows_and_broken_labels_are_not():
    features, labels = panel(n_sessions=40, n_names=4, n_features=2)
    day = features["date"].unique().sort()[3]
    at = lambda symbol: (pl.col("symbol") == symbol) & (pl.col("date") == day)
    features = features.with_columns(
        pl.when(at("S000") | at("S001")).then(None).otherwise("f0").alias("f0"),
        pl.when(at("S001")).then(float("nan")).otherwise("f1").cast(pl.Float32).alias("f1"),
    )
    labels = labels.with_columns(
        pl.when(at("S002")).then(float("inf")).otherwise("forward_return").alias("forward_return")
    )
    rows = rows_of(features, labels)
    assert rows.fit.filter(pl.col("date") == day)["symbol"].to_list() == ["S000", "S003"]


def test_a_session_with_a_single_name_has_no_cross_section_to_learn_from():
    features, labels = panel(n_sessions=40, n_names=1)
    with pytest.raises(InsufficientHistoryError):
        rows_of(features, labels)


@pytest.mark.parametrize("n_names", [3, 5, 505])
def test_target_is_the_normal_score_of_the_rank_within_the_session(n_names):
    features, labels = panel(n_sessions=23, n_names=n_names, n_features=1, horizon=3)
    rows = rows_of(features, labels)
    one = rows.fit.filter(pl.col("date") == date(2020, 1, 2)).sort("forward_return")
    target = one["target"].to_numpy()
    assert np.all(np.diff(target) > 0)
    np.testing.assert_allclose(target, -target[::-1], atol=1e-6)
    if n_names == 3:
        # Standard normal quantiles of 1/6, 1/2 and 5/6.
        np.testing.assert_allclose(target, [-0.967422, 0.0, 0.967422], atol=1e-5)


def test_row_order_of_the_inputs_does_not_matter():
    features, labels = panel(n_sessions=60)
    straight = rows_of(features, labels)
    shuffled = rows_of(
        features.sample(fraction=1.0, shuffle=True, seed=3), labels.sample(fraction=1.0, shuffle=True, seed=4)
    )
    assert_frame_equal(straight.fit, shuffled.fit)
    assert_frame_equal(straight.validation, shuffled.validation)


def test_a_repeated_key_is_an_error_not_a_doubled_row():
    features, labels = panel(n_sessions=40)
    with pytest.raises(pl.exceptions.ComputeError, match="1:1"):
        rows_of(pl.concat([features, features.head(1)]), labels)


def test_the_tail_needs_at_least_one_session():
    with pytest.raises(ValueError, match="at least 1 session"):
        PurgedTail(0)


def test_a_window_that_the_tail_uses_up_is_insufficient():
    features, labels = panel(n_sessions=23, n_names=3, horizon=3)
    with pytest.raises(InsufficientHistoryError) as caught:
        rows_of(features, labels, tail=18)
    assert caught.value.unit == "sessions"
