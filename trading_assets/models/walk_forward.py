"""Which rows a model may learn from: rolling windows, purge and embargo.

Here: the training window of a month, the purged split into a fit part and a validation tail, and the learning target.
Not here: fitting (`training`), versions (`registry`), anything that reads the lake.

Time convention: a label of decision session d is entered at the next open and ends on `exit_date`. A model of knowledge
cut T learns from a row only if `exit_date` lies at least `embargo_sessions` sessions before T.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

KEYS = ("symbol", "date")


class InsufficientHistoryError(ValueError):
    """A model has fewer sessions or rows than it needs at its knowledge cut.

    Parameters
    ----------
    model
        Name of the model that was to be trained.
    knowledge_cut
        Last session of the training month.
    found, needed
        Counted amount and the least amount.
    unit
        What was counted: `"sessions"` or `"rows"`.

    """

    def __init__(self, model: str, knowledge_cut: date, *, found: int, needed: int, unit: str) -> None:
        self.model = model
        self.knowledge_cut = knowledge_cut
        self.found = found
        self.needed = needed
        self.unit = unit
        super().__init__(
            f"model {model!r} of {knowledge_cut:%Y-%m} (knowledge cut {knowledge_cut}): {found} {unit} with finished "
            f"labels found, {needed} needed; train a later month, load earlier history, or lower the model's min_{unit}"
        )


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
class PurgedRows:
    """Rows of one model: the fit part, and the later validation tail it never saw.

    Attributes
    ----------
    fit, validation
        Frames `symbol, date, <features Float32>, exit_date, forward_return Float64, target Float32`, sorted by date and
        symbol.
    window
        The window both parts lie in.

    """

    fit: pl.DataFrame
    validation: pl.DataFrame
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


def purged_training_rows(
    features: pl.DataFrame,
    labels: pl.DataFrame,
    *,
    knowledge_cut: date,
    embargo_sessions: int,
    min_sessions: int,
    max_sessions: int,
    validation_sessions: int,
    feature_names: Sequence[str],
    model: str = "model",
) -> PurgedRows:
    """Join features with finished labels and split them into a fit part and a purged validation tail.

    The tail is the last `validation_sessions` decision sessions that have a finished label. The fit part is held to the
    rule the model lives by later: its knowledge cut is the session before the tail, so no label of it overlaps a label
    of the tail, and the embargo lies between them. The sessions are the dates of `features` up to the cut.

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
    validation_sessions
        Length of the tail in decision sessions, at least 1.
    feature_names
        Columns to learn from; rows on which all of them are missing are left out.
    model
        Name used in errors.

    Raises
    ------
    InsufficientHistoryError
        If the window is shorter than `min_sessions`, or nothing is left before the tail.

    References
    ----------
    Lopez de Prado, M. (2018), *Advances in Financial Machine Learning*, ch. 7.4 (purging and embargo).

    """
    if validation_sessions < 1:
        raise ValueError(f"model {model!r}: validation_sessions must be at least 1, got {validation_sessions}")
    sessions = features["date"].unique().sort().to_list()
    window = training_window(
        knowledge_cut,
        calendar_sessions=sessions,
        min_sessions=min_sessions,
        max_sessions=max_sessions,
        embargo_sessions=embargo_sessions,
        model=model,
    )
    rows = _finished_rows(features, labels, window=window, feature_names=feature_names)
    decisions = rows["date"].unique().sort()
    if decisions.len() <= validation_sessions:
        raise InsufficientHistoryError(
            model, knowledge_cut, found=decisions.len(), needed=validation_sessions + 1, unit="sessions"
        )
    first_validation = decisions[-validation_sessions]
    last_fit_exit = bisect_left(sessions, first_validation) - 1 - embargo_sessions
    fit = rows.filter(pl.col("exit_date") <= sessions[last_fit_exit]) if last_fit_exit >= 0 else rows.clear()
    tail = rows.filter(pl.col("date") >= first_validation)
    return PurgedRows(fit=_with_target(fit), validation=_with_target(tail), window=window)


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


def _with_target(rows: pl.DataFrame) -> pl.DataFrame:
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
