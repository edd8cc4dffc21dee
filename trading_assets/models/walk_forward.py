"""Which rows a model may learn from: rolling windows, purge and embargo.

Here: the training window of a month, its rows with finished labels, their split, and the learning target.
Not here: ways to split (`validation`), fitting (`training`), versions (`registry`), anything that reads the lake.

Time convention: a label of decision session d is entered at the next open and ends on `exit_date`. A model of knowledge
cut T learns from a row only if `exit_date` lies at least `embargo_sessions` sessions before T.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from trading_assets.models.labelled_rows import InsufficientHistoryError, LabelledRows
from trading_assets.models.lookback import KEYS
from trading_assets.models.validation.splitter import Splitter


@dataclass(frozen=True, slots=True)
class TrainingWindow:
    """Sessions a model of one month may learn from.

    Attributes
    ----------
    knowledge_cut
        Last session of the month: nothing later was known.
    first_decision
        First decision session of the window.
    last_exit
        Last admissible `exit_date` of a label, the embargo before the cut.
    n_sessions
        Number of sessions from `first_decision` to `last_exit`, both included.

    """

    knowledge_cut: date
    first_decision: date
    last_exit: date
    n_sessions: int


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """Rows of one model: the fit part, and the held-out part it never saw.

    Attributes
    ----------
    fit, validation
        Frames `symbol, date, <features Float32>, exit_date, forward_return Float64, target Float32`, sorted by date and
        symbol.
    within
        The fit part as a tuner may split it again.
    window
        The window both parts lie in.

    """

    fit: pl.DataFrame
    validation: pl.DataFrame
    within: LabelledRows
    window: TrainingWindow


def training_window(
    month_last_session: date,
    *,
    calendar_sessions: Sequence[date],
    min_sessions: int,
    max_sessions: int,
    embargo_sessions: int,
    model: str = "model",
) -> TrainingWindow:
    """Return the last `max_sessions` sessions whose labels had ended when the month closed.

    Parameters
    ----------
    month_last_session
        Knowledge cut of the model.
    calendar_sessions
        Sessions with data, ascending; sessions after the cut are ignored.
    min_sessions, max_sessions
        Least and greatest length of the window, in sessions.
    embargo_sessions
        Sessions between the last admissible label end and the cut.
    model
        Name used in the error.

    Raises
    ------
    InsufficientHistoryError
        If the window has fewer than `min_sessions` sessions.

    References
    ----------
    Lopez de Prado, M. (2018), *Advances in Financial Machine Learning*, ch. 7.4 (purging and embargo).

    """
    if not 0 < min_sessions <= max_sessions:
        raise ValueError(
            f"model {model!r}: 0 < min_sessions <= max_sessions must hold, got {min_sessions} and {max_sessions}"
        )
    if embargo_sessions < 0:
        raise ValueError(f"model {model!r}: embargo_sessions must not be negative, got {embargo_sessions}")
    end = bisect_right(calendar_sessions, month_last_session) - embargo_sessions
    start = max(0, end - max_sessions)
    found = max(0, end - start)
    if found < min_sessions:
        raise InsufficientHistoryError(model, month_last_session, found=found, needed=min_sessions, unit="sessions")
    return TrainingWindow(
        knowledge_cut=month_last_session,
        first_decision=calendar_sessions[start],
        last_exit=calendar_sessions[end - 1],
        n_sessions=found,
    )


def training_rows_of(
    features: pl.DataFrame,
    labels: pl.DataFrame,
    *,
    knowledge_cut: date,
    embargo_sessions: int,
    min_sessions: int,
    max_sessions: int,
    splitter: Splitter,
    feature_names: Sequence[str],
    model: str = "model",
) -> TrainingRows:
    """Join features with finished labels and split them into a fit part and a held-out part.

    The sessions are the dates of `features` up to the cut.

    Parameters
    ----------
    features
        `symbol, date, <feature_names>`; one row per symbol and session.
    labels
        `symbol, date, exit_date, forward_return`.
    knowledge_cut
        Last session of the training month; later rows have no influence.
    embargo_sessions, min_sessions, max_sessions
        As in `training_window`.
    splitter
        What is held out; its last pair counts.
    feature_names
        Columns to learn from; rows on which all of them are missing are left out.
    model
        Name used in errors.

    Raises
    ------
    InsufficientHistoryError
        If the window is shorter than `min_sessions`, or the splitter has nothing left to hold out.

    """
    sessions = features["date"].unique().sort().to_list()
    window = training_window(
        knowledge_cut,
        calendar_sessions=sessions,
        min_sessions=min_sessions,
        max_sessions=max_sessions,
        embargo_sessions=embargo_sessions,
        model=model,
    )
    frame = _finished_rows(features, labels, window=window, feature_names=feature_names)
    rows = LabelledRows(frame, sessions, embargo_sessions, model, knowledge_cut)
    last = splitter.split(rows)[-1]
    return TrainingRows(
        fit=with_target(last.fit),
        validation=with_target(last.test),
        within=replace(rows, frame=last.fit),
        window=window,
    )


def _finished_rows(
    features: pl.DataFrame, labels: pl.DataFrame, *, window: TrainingWindow, feature_names: Sequence[str]
) -> pl.DataFrame:
    in_window = pl.col("date").is_between(window.first_decision, window.last_exit)
    known = labels.lazy().filter(
        in_window, pl.col("exit_date") <= window.last_exit, pl.col("forward_return").is_finite()
    )
    any_value = pl.any_horizontal(pl.col(name).is_not_nan().fill_null(value=False) for name in feature_names)
    return (
        features.lazy()
        .filter(in_window)
        .select(*KEYS, pl.col(feature_names).cast(pl.Float32))
        .filter(any_value)
        .join(known.select(*KEYS, "exit_date", "forward_return"), on=KEYS, how="inner", validate="1:1")
        .filter(pl.len().over("date") > 1)
        .sort("date", "symbol")
        .collect()
    )


def with_target(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the rank-gaussian target: the normal score of a return's rank among the names of its session.

    Blom-type scores at (rank - 0.5) / n keep one outlier from dominating a session, have the same scale for 3 and for
    500 names up to the discreteness of ranks, and remove the market's common move (Blom 1958; Conover 1999, ch. 5).
    A session with a single name carries no cross-section and was left out before.
    """
    from scipy.special import ndtri  # module import must stay cheap

    rank = pl.col("forward_return").rank().over("date")
    quantile = rows.select((rank - 0.5) / pl.len().over("date")).to_series()
    target = pl.Series("target", ndtri(quantile.to_numpy())).cast(pl.Float32)
    return rows.with_columns(target)
