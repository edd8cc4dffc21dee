"""Target weights: the scores of the last rebalance session, sized by the rules of a book."""

from collections.abc import Iterator, Sequence
from datetime import date

import polars as pl

from trading_assets.errors import TradingAssetsError
from trading_assets.portfolio.books import Book
from trading_assets.portfolio.contract import TARGET_WEIGHTS
from trading_assets.portfolio.returns import RETURNS_SCHEMA, returns_known
from trading_assets.portfolio.sizing import SizingInputs

DECIDED_SCHEMA = pl.Schema({"rebalance": pl.Date, "symbol": pl.String, "weight": pl.Float64, "left_out": pl.String})
_PERIODS = {"daily": "1d", "weekly": "1w", "monthly": "1mo"}
# Rows of returns that a sizing gets at once: those of all sessions of ten years would be gigabytes.
_ROWS_AT_ONCE = 2_000_000
_TOLERANCE = 1e-9


class TargetWeightError(TradingAssetsError, ValueError):
    """Scores, sessions and calendar do not determine the weights; the message says which and what to pass."""


def rebalance_sessions(calendar_sessions: Sequence[date], rebalance: str) -> list[date]:
    """Sessions that end a day, an ISO week or a month, from the calendar alone.

    Parameters
    ----------
    calendar_sessions : sequence of datetime.date
        Every session of the exchange over some time.
    rebalance : {"daily", "weekly", "monthly"}
        Length of the period.

    Returns
    -------
    list[datetime.date]
        Ascending. A week or month after which the calendar has no session has no known last session and is left out.
    """
    calendar = pl.DataFrame({"date": list(calendar_sessions)}, schema={"date": pl.Date}).unique().sort("date")
    if rebalance == "daily":
        return calendar["date"].to_list()
    period = pl.col("date").dt.truncate(_PERIODS[rebalance])
    return calendar.filter(period != period.shift(-1))["date"].to_list()


def target_weights(
    signals: pl.DataFrame,
    sessions: Sequence[date],
    book: Book,
    calendar_sessions: Sequence[date],
    returns: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Weights a book wants to hold after the close of each session.

    The weights of a session d are a function of what is known at r(d), the latest rebalance session up to d, and of
    nothing else: r(d) follows from the exchange's calendar, so neither the requested range nor the data around it
    changes them.

    Parameters
    ----------
    signals, book, returns
        As in `decided_weights`, from the latest rebalance session at or before the first of `sessions`.
    sessions : sequence of datetime.date
        Sessions to give weights for.
    calendar_sessions : sequence of datetime.date
        The exchange's sessions from a rebalance session at or before the first of `sessions` into the period after
        the last: 45 days more on either side suffice. A sizing that needs returns needs its sessions before as well.

    Returns
    -------
    polars.DataFrame
        `book, date, symbol, weight, is_rebalance` by date and symbol: for each session one row per symbol with a row
        of `signals` at r(d). No row where there are none.

    Raises
    ------
    TargetWeightError
        The calendar does not determine r(d), a score is repeated or infinite, or the sizing gives weights that cannot
        be used.
    """
    decisions = decision_sessions(sessions, book, calendar_sessions)
    decided = decided_weights(signals, decisions["rebalance"].to_list(), book, calendar_sessions, returns)
    return carried_weights(decided, decisions, book)


def decision_sessions(sessions: Sequence[date], book: Book, calendar_sessions: Sequence[date]) -> pl.DataFrame:
    """For each session the rebalance session that decides its weights: the latest one up to it.

    Parameters
    ----------
    sessions : sequence of datetime.date
        Sessions.
    book : Book
        The book, for its rule of rebalancing.
    calendar_sessions : sequence of datetime.date
        As in `target_weights`.

    Returns
    -------
    polars.DataFrame
        `date, rebalance`, ascending.

    Raises
    ------
    TargetWeightError
        The calendar does not determine it.
    """
    days = pl.DataFrame({"date": sorted(set(sessions))}, schema={"date": pl.Date})
    if days.is_empty():
        return days.with_columns(rebalance="date")
    rebalances = _calendar(days, calendar_sessions, book)
    return days.join_asof(rebalances, left_on="date", right_on="rebalance", strategy="backward", coalesce=False)


def decided_weights(
    signals: pl.DataFrame,
    rebalances: Sequence[date],
    book: Book,
    calendar_sessions: Sequence[date],
    returns: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Weights that a book decides on at the close of rebalance sessions.

    A null or NaN score is no opinion and weighs 0.

    Parameters
    ----------
    signals : polars.DataFrame
        `date, symbol, score` of the book's strategy.
    rebalances : sequence of datetime.date
        Rebalance sessions.
    book : Book
        Sizing and limits.
    calendar_sessions : sequence of datetime.date
        The exchange's sessions, including those whose returns the sizing needs.
    returns : polars.DataFrame, optional
        `symbol, date, return` as `trading_assets.portfolio.returns.session_returns` gives them, where the sizing needs
        any.

    Returns
    -------
    polars.DataFrame
        `rebalance, symbol, weight, left_out`: a row for every symbol with a row of `signals` in the session; left_out
        says why the sizing cannot size a name.

    Raises
    ------
    TargetWeightError
        A score is repeated or infinite, returns are missing, or the sizing gives weights that cannot be used.
    """
    scores = signals.select("symbol", "score", rebalance="date").filter(pl.col("rebalance").is_in(list(rebalances)))
    _check_scores(scores, book)
    known = scores.with_columns(pl.col("score").cast(pl.Float64).fill_nan(None)).drop_nulls("score")
    sized = pl.concat([_sized(inputs, book) for inputs in _inputs(known, book, calendar_sessions, returns)])
    return (
        scores.join(sized, on=["rebalance", "symbol"], how="left")
        .with_columns(pl.col("weight").fill_null(0.0))
        .select(DECIDED_SCHEMA.names())
        .cast(DECIDED_SCHEMA)
        .sort("rebalance", "symbol")
    )


def carried_weights(decided: pl.DataFrame, decisions: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Decided weights in each session until the next decision.

    Parameters
    ----------
    decided : polars.DataFrame
        As `decided_weights` gives them.
    decisions : polars.DataFrame
        As `decision_sessions` gives them.
    book : Book
        The book.

    Returns
    -------
    polars.DataFrame
        The rows of `portfolio.target_weights`, by date and symbol.
    """
    return (
        decisions.join(decided, on="rebalance", how="inner")
        .with_columns(book=pl.lit(book.name), is_rebalance=pl.col("date") == pl.col("rebalance"))
        .select(*TARGET_WEIGHTS.schema)
        .cast(dict(TARGET_WEIGHTS.schema))  # type: ignore[arg-type]
        .sort("date", "symbol")
    )


def _calendar(days: pl.DataFrame, calendar_sessions: Sequence[date], book: Book) -> pl.DataFrame:
    """Return the rebalance sessions; refuse a calendar too short to know those of `days`."""
    calendar = pl.DataFrame({"date": sorted(set(calendar_sessions))}, schema={"date": pl.Date})
    strays = days.join(calendar, on="date", how="anti")
    if not strays.is_empty():
        raise TargetWeightError(
            f"book {book.name!r}: {strays['date'][0]} is not a session of the calendar passed "
            f"({calendar.height} sessions); pass the exchange's sessions around the range"
        )
    first, last = days["date"][0], days["date"][-1]
    rebalances = rebalance_sessions(calendar["date"].to_list(), book.rebalance)
    period = pl.col("date").dt.truncate(_PERIODS[book.rebalance])
    ends_open = calendar.filter(period > pl.lit(last).dt.truncate(_PERIODS[book.rebalance])).is_empty()
    if book.rebalance != "daily" and ends_open:
        raise TargetWeightError(
            f"book {book.name!r}: the calendar ends on {calendar['date'][-1]}, inside the {book.rebalance} period of "
            f"{last}, whose last session is then unknown; pass sessions into the following period"
        )
    if not rebalances or rebalances[0] > first:
        raise TargetWeightError(
            f"book {book.name!r}: the calendar begins on {calendar['date'][0]} without a {book.rebalance} rebalance "
            f"session up to {first}; pass sessions from the period before"
        )
    return pl.DataFrame({"rebalance": rebalances}, schema={"rebalance": pl.Date})


def _check_scores(scores: pl.DataFrame, book: Book) -> None:
    keys = ["rebalance", "symbol"]
    faults = {
        "more than one score": scores.filter(pl.struct(keys).is_duplicated()),
        "an infinite score": scores.filter(pl.col("score").is_infinite()),
        "a score without a symbol": scores.filter(pl.col("symbol").is_null()),
    }
    for fault, rows in faults.items():
        if not rows.is_empty():
            day, symbol = rows.sort(keys).select(keys).row(0)
            raise TargetWeightError(
                f"book {book.name!r}: strategy {book.strategy!r} has {fault} for {symbol!r} on {day}; "
                "correct or rematerialise its signals of that session"
            )


def _inputs(
    known: pl.DataFrame, book: Book, calendar_sessions: Sequence[date], returns: pl.DataFrame | None
) -> Iterator[SizingInputs]:
    """What the sizing gets, some rebalance sessions at a time where it needs returns."""
    known = known.sort("rebalance", "symbol")
    sessions = book.sizing.needs.return_sessions
    if not sessions:
        yield SizingInputs(known, pl.DataFrame(schema=RETURNS_SCHEMA), book.sizing_limits)
        return
    if returns is None:
        raise TargetWeightError(
            f"book {book.name!r}: the sizing {book.sizing.kind!r} needs the returns of {sessions} sessions; pass them"
        )
    days = known["rebalance"].unique().sort()
    at_once = max(_ROWS_AT_ONCE * max(days.len(), 1) // max(known.height * sessions, 1), 1)
    for first in range(0, max(days.len(), 1), at_once):
        scores = known.filter(pl.col("rebalance").is_in(days.slice(first, at_once).implode()))
        yield SizingInputs(scores, returns_known(returns, scores, calendar_sessions, sessions), book.sizing_limits)


def _sized(inputs: SizingInputs, book: Book) -> pl.DataFrame:
    """Weights of a sizing, refused where they break its contract."""
    sized = book.sizing.weights(inputs)
    missing = [name for name in ("rebalance", "symbol", "weight") if name not in sized.columns]
    if missing:
        raise TargetWeightError(f"{_named(book)} gives no {', '.join(missing)}; it must give rebalance, symbol, weight")
    if "left_out" not in sized.columns:
        sized = sized.with_columns(left_out=pl.lit(None, dtype=pl.String))
    sized = sized.select(DECIDED_SCHEMA.names()).cast(DECIDED_SCHEMA)
    keys, weight = ["rebalance", "symbol"], pl.col("weight")
    gross = weight.abs().sum().over("rebalance")
    limits = book.sizing_limits
    faults = {
        "no finite weight": sized.filter(weight.is_null() | ~weight.is_finite()),
        "more than one weight": sized.filter(pl.struct(keys).is_duplicated()),
        "a weight without a score": sized.join(inputs.scores, on=keys, how="anti"),
        f"a weight above max_weight {limits.max_weight:g}": sized.filter(weight.abs() > limits.max_weight + _TOLERANCE),
        f"weights that sum to more than gross_leverage {limits.gross_leverage:g}, the first": sized.filter(
            gross > limits.gross_leverage + _TOLERANCE
        ),
    }
    for fault, rows in faults.items():
        if not rows.is_empty():
            day, symbol, value = rows.sort(keys).row(0)[:3]
            raise TargetWeightError(f"{_named(book)} gives {fault} for {symbol!r} on {day}: {value}; correct it")
    return sized


def _named(book: Book) -> str:
    return f"book {book.name!r}: the sizing {book.sizing.kind!r}"
