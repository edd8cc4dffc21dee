"""Target weights: the scores of the last rebalance session, sized by the rules of a book."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from trading_assets.portfolio.books import Book

SCHEMA = pl.Schema(
    {"book": pl.String, "date": pl.Date, "symbol": pl.String, "weight": pl.Float64, "is_rebalance": pl.Boolean}
)
_PERIODS = {"daily": "1d", "weekly": "1w", "monthly": "1mo"}


class TargetWeightError(ValueError):
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
        Ascending. A week or month that the calendar does not lead out of has no known last session and is left out.
    """
    calendar = pl.DataFrame({"date": list(calendar_sessions)}, schema={"date": pl.Date}).unique().sort("date")
    if rebalance == "daily":
        return calendar["date"].to_list()
    period = pl.col("date").dt.truncate(_PERIODS[rebalance])
    return calendar.filter(period != period.shift(-1))["date"].to_list()


def target_weights(
    signals: pl.DataFrame, sessions: Sequence[date], book: Book, calendar_sessions: Sequence[date]
) -> pl.DataFrame:
    """Weights a book wants to hold after the close of each session.

    The weights of a session d are a function of the scores at r(d), the latest rebalance session up to d, and of
    nothing else: r(d) follows from the exchange's calendar, so neither the range asked for nor the data around it
    changes them. A null or NaN score is no opinion and weighs 0. Ties are broken by symbol.

    - `equal_weight_long`: the highest `top_fraction` of the n scored names (rounded up, at least one), equal weights.
    - `rank_long_short`: the highest `top_fraction` long and the lowest short (at most half of the names each), weights
      proportional to the distance of the rank from the middle, half of `gross_leverage` on each side: dollar neutral.
    - `score_weighted`: the `top_fraction` with the largest absolute score, weights proportional to the score; a
      negative score is a short position.

    What a name would get above `max_weight` goes to the others in proportion to their weights, until all are at the
    cap; the sum of absolute weights is `gross_leverage` or what the caps leave of it.

    Parameters
    ----------
    signals : polars.DataFrame
        `date, symbol, score` of the book's strategy, from the latest rebalance session at or before the first of
        `sessions`.
    sessions : sequence of datetime.date
        Sessions to give weights for.
    book : Book
        Rebalance rule, sizing and caps.
    calendar_sessions : sequence of datetime.date
        The exchange's sessions from a rebalance session at or before the first of `sessions` into the period after
        the last: 45 days more on either side suffice.

    Returns
    -------
    polars.DataFrame
        `book, date, symbol, weight, is_rebalance` by date and symbol: for each session one row per symbol with a row
        of `signals` at r(d). No row where there are none.

    Raises
    ------
    TargetWeightError
        The calendar does not determine r(d), or a score is repeated or infinite.
    """
    days = pl.DataFrame({"date": sorted(set(sessions))}, schema={"date": pl.Date})
    if days.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    rebalances = _calendar(days, calendar_sessions, book)
    held = days.join_asof(rebalances, left_on="date", right_on="rebalance", strategy="backward", coalesce=False)
    scores = signals.select("symbol", "score", rebalance="date").filter(
        pl.col("rebalance").is_in(held["rebalance"].unique().to_list())
    )
    _check_scores(scores, book)
    return (
        held.join(_sized(scores, book), on="rebalance", how="inner")
        .select(
            pl.lit(book.name).alias("book"),
            "date",
            "symbol",
            "weight",
            (pl.col("date") == pl.col("rebalance")).alias("is_rebalance"),
        )
        .cast(SCHEMA)
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


def _sized(scores: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Weights by rebalance session and symbol; every symbol of `scores` has a row."""
    known = scores.with_columns(pl.col("score").cast(pl.Float64).fill_nan(None)).drop_nulls("score")
    claims = {"equal_weight_long": _top, "rank_long_short": _ranked, "score_weighted": _proportional}[book.sizing]
    budget = book.gross_leverage / 2 if book.sizing == "rank_long_short" else book.gross_leverage
    weights = _capped(claims(known, book), budget, book.max_weight)
    return scores.join(weights, on=["rebalance", "symbol"], how="left").select(
        "rebalance", "symbol", pl.col("weight").fill_null(0.0)
    )


def _placed(known: pl.DataFrame, by: pl.Expr) -> pl.DataFrame:
    """Return the names of each session numbered from 0 for the largest `by`, ties in the order of symbols."""
    ordered = known.with_columns(by=by).sort("rebalance", "by", "symbol", descending=[False, True, False])
    return ordered.with_columns(place=pl.int_range(pl.len()).over("rebalance"))


def _chosen(book: Book) -> pl.Expr:
    """Return how many names `top_fraction` of a session is, rounded up; 1e-9 absorbs the error of the product."""
    return (pl.len().over("rebalance") * book.top_fraction - 1e-9).ceil().cast(pl.Int64).clip(lower_bound=1)


def _top(known: pl.DataFrame, book: Book) -> pl.DataFrame:
    placed = _placed(known, pl.col("score")).filter(pl.col("place") < _chosen(book))
    return placed.with_columns(leg=1.0, sign=1.0, claim=1.0)


def _ranked(known: pl.DataFrame, book: Book) -> pl.DataFrame:
    names = pl.len().over("rebalance").cast(pl.Int64)
    chosen = pl.min_horizontal(_chosen(book), names // 2)
    from_middle = (names - 1) / 2 - pl.col("place")
    return (
        _placed(known, pl.col("score"))
        .with_columns(leg=from_middle.sign(), sign=from_middle.sign(), claim=from_middle.abs(), chosen=chosen)
        .filter((pl.col("place") < pl.col("chosen")) | (pl.col("place") >= names - pl.col("chosen")))
    )


def _proportional(known: pl.DataFrame, book: Book) -> pl.DataFrame:
    size = pl.col("score").abs()
    placed = _placed(known, size).filter((pl.col("place") < _chosen(book)) & (size > 0))
    return placed.with_columns(leg=1.0, sign=pl.col("score").sign(), claim=size / size.max().over("rebalance"))


def _capped(claims: pl.DataFrame, budget: float, cap: float) -> pl.DataFrame:
    """Share the budget of each leg in proportion to `claim`, no share above `cap`, the excess to the others.

    With the claims in descending order, giving the first i the cap leaves (budget - i cap) for the rest, a rate of
    that over the sum of their claims. The rates at which the next share is within the cap are largest for the fewest
    capped names, which is the solution (water filling). Running sums and maxima follow the order of the rows, so a
    session has the same bits alone as among others.
    """
    leg = ["rebalance", "leg"]
    place = pl.int_range(pl.len()).over(leg)
    rate = (budget - place * cap) / pl.col("claim").cum_sum(reverse=True).over(leg)
    fitting = pl.when(pl.col("rate") * pl.col("claim") <= cap).then("rate").max().over(leg)
    share = pl.min_horizontal(fitting * pl.col("claim"), pl.lit(cap))
    return (
        claims.sort("rebalance", "leg", "claim", "symbol", descending=[False, False, True, False])
        .with_columns(rate=rate)
        .select("rebalance", "symbol", weight=pl.col("sign") * share.fill_null(cap))
    )
