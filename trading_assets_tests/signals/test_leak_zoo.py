"""Strategies that know the future, or more of the past than they say, are caught; honest ones are not."""

from __future__ import annotations

import polars as pl
import pytest

from trading_assets.signals import Strategy, bars, features, predictions, ranked, strategy
from trading_assets.signals import strategies as shipped
from trading_assets.signals.registry import strategies_of
from trading_assets.testing.strategies import check_strategy, look_ahead, warm_up

PRICES = {"prices": bars("close")}
PREDICTED = {"predicted": predictions("some_model")}
CLOSE = pl.col("close")


def scores(rows: pl.DataFrame, score: pl.Expr) -> pl.DataFrame:
    """Any value as a score."""
    return rows.select("date", "symbol", score=(score / (1.0 + score.abs())).fill_nan(None))


# --- the future


@strategy(inputs=PRICES)
def tomorrow(prices: pl.DataFrame) -> pl.DataFrame:
    """The next session's return."""
    return scores(prices, (CLOSE.shift(-1) / CLOSE - 1).over("symbol"))


@strategy(inputs=PRICES, lookback=4)
def centred_window(prices: pl.DataFrame) -> pl.DataFrame:
    """Distance from a mean with the session in its middle."""
    return scores(prices, (CLOSE / CLOSE.rolling_mean(5, center=True) - 1).over("symbol"))


@strategy(inputs=PREDICTED)
def whole_sample_rank(predicted: pl.DataFrame) -> pl.DataFrame:
    """Rank among the predictions of all sessions."""
    rank = pl.col("prediction").rank()
    return predicted.select("date", "symbol", score=2 * (rank - 1) / (pl.len() - 1) - 1)


@strategy(inputs=PREDICTED)
def whole_sample_z_score(predicted: pl.DataFrame) -> pl.DataFrame:
    """Distance from the mean of all sessions in their standard deviations."""
    value = pl.col("prediction")
    return scores(predicted, (value - value.mean()) / value.std())


@strategy(inputs=PREDICTED)
def future_join(predicted: pl.DataFrame) -> pl.DataFrame:
    """What will be predicted a day later."""
    later = predicted.select("symbol", pl.col("date").dt.offset_by("-1d"), later="prediction")
    return ranked(predicted.join(later, on=["symbol", "date"]), by="later")


@strategy(inputs=PREDICTED)
def forward_as_of_join(predicted: pl.DataFrame) -> pl.DataFrame:
    """The first prediction of a later session."""
    later = predicted.sort("date").select("symbol", pl.col("date").dt.offset_by("-1d"), later="prediction")
    joined = predicted.sort("date").join_asof(later, on="date", by="symbol", strategy="forward", check_sortedness=False)
    return ranked(joined, by="later")


@strategy(inputs=PREDICTED)
def filled_backward(predicted: pl.DataFrame) -> pl.DataFrame:
    """The prediction where it is high, the next high one elsewhere."""
    high = pl.when(pl.col("prediction") > 1).then("prediction").fill_null(strategy="backward").over("symbol")
    return scores(predicted, high)


@strategy(inputs=PRICES)
def interpolated(prices: pl.DataFrame) -> pl.DataFrame:
    """A line between the Fridays' closes."""
    fridays = pl.when(pl.col("date").dt.weekday() == 5).then(CLOSE).interpolate().over("symbol")
    return scores(prices, fridays / CLOSE - 1)


@strategy(inputs=PRICES)
def highest_of_all(prices: pl.DataFrame) -> pl.DataFrame:
    """Distance from the highest close there will ever be."""
    return scores(prices, CLOSE / CLOSE.max().over("symbol") - 1)


@strategy(inputs=PRICES)
def end_of_the_month(prices: pl.DataFrame) -> pl.DataFrame:
    """Distance from the close at the month's end."""
    return scores(prices, CLOSE / CLOSE.last().over("symbol", pl.col("date").dt.truncate("1mo")) - 1)


@strategy(inputs=PRICES)
def survivors(prices: pl.DataFrame) -> pl.DataFrame:
    """Names that still trade at the end of the rows."""
    lasts = prices.group_by("symbol").agg(pl.col("date").max().alias("last"))
    joined = prices.join(lasts, on="symbol")
    return scores(joined, (pl.col("last") - pl.col("date")).dt.total_days().cast(pl.Float64))


@strategy(inputs=PRICES)
def from_the_end(prices: pl.DataFrame) -> pl.DataFrame:
    """Mean of this and all later closes."""
    later = CLOSE.cum_sum(reverse=True) / pl.int_range(pl.len(), 0, -1)
    return scores(prices, later.over("symbol") / CLOSE - 1)


@strategy(inputs={"known": features("some_feature")})
def scaled_by_the_sample(known: pl.DataFrame) -> pl.DataFrame:
    """A feature between its least and greatest values of all sessions."""
    value = pl.col("some_feature").cast(pl.Float64)
    return known.select("date", "symbol", score=2 * (value - value.min()) / (value.max() - value.min()) - 1)


@strategy(inputs={"predicted": predictions("some_model"), "prices": bars("close")})
def trained_on_what_came(predicted: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    """Predictions times the correlation that they had with the next returns."""
    returns = prices.select("date", "symbol", outcome=(CLOSE.shift(-1) / CLOSE - 1).over("symbol"))
    both = predicted.join(returns, on=["date", "symbol"])
    return scores(both, pl.col("prediction") * pl.corr("prediction", "outcome"))


AHEAD = (
    tomorrow, centred_window, whole_sample_rank, whole_sample_z_score, future_join, forward_as_of_join, filled_backward,
    interpolated, highest_of_all, end_of_the_month, survivors, from_the_end, scaled_by_the_sample, trained_on_what_came,
)  # fmt: skip


# --- more of the past than is declared


@strategy(inputs=PRICES, lookback=18)
def a_session_too_short(prices: pl.DataFrame) -> pl.DataFrame:
    """Distance from the mean of twenty closes."""
    return scores(prices, CLOSE / CLOSE.rolling_mean(20).over("symbol") - 1)


@strategy(inputs=PRICES, lookback=50)
def far_too_short(prices: pl.DataFrame) -> pl.DataFrame:
    """Distance from the mean of two hundred closes."""
    return scores(prices, CLOSE / CLOSE.rolling_mean(200).over("symbol") - 1)


@strategy(inputs=PRICES, lookback=20)
def never_forgets(prices: pl.DataFrame) -> pl.DataFrame:
    """Distance from an exponential mean."""
    return scores(prices, CLOSE / CLOSE.ewm_mean(span=20).over("symbol") - 1)


@strategy(inputs=PRICES, lookback=20)
def highest_so_far(prices: pl.DataFrame) -> pl.DataFrame:
    """Distance from the highest close so far."""
    return scores(prices, CLOSE / CLOSE.cum_max().over("symbol") - 1)


@strategy(inputs=PREDICTED)
def yesterday(predicted: pl.DataFrame) -> pl.DataFrame:
    """The prediction of the session before."""
    return scores(predicted, pl.col("prediction").shift(1).over("symbol"))


FORGETFUL = (a_session_too_short, far_too_short, never_forgets, highest_so_far, yesterday)


# --- honest


@strategy(inputs=PRICES, lookback=252)
def momentum(prices: pl.DataFrame) -> pl.DataFrame:
    """Return of a year less its last month, ranked."""
    value = (CLOSE.shift(21) / CLOSE.shift(252) - 1).over("symbol")
    return ranked(prices.with_columns(value=value), by="value")


@strategy(inputs={"known": features("some_feature", "another")})
def of_the_session(known: pl.DataFrame) -> pl.DataFrame:
    """A feature less its mean over the members of the session, times another."""
    members = known.filter("is_member").with_columns(pl.col("some_feature", "another").cast(pl.Float64))
    value = pl.col("some_feature")
    return scores(members, (value - value.mean().over("date")) * pl.col("another"))


@strategy(inputs={"predicted": predictions("some_model"), "prices": bars("close", "volume")}, lookback=20)
def where_it_trades(predicted: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    """Predictions of names that trade more than in the month before."""
    busy = prices.filter((pl.col("volume") > pl.col("volume").rolling_mean(21)).over("symbol"))
    return ranked(predicted.join(busy.select("date", "symbol"), on=["date", "symbol"]), by="prediction")


HONEST = (momentum, of_the_session, where_it_trades)


def named(one: Strategy) -> str:
    return one.name


@pytest.mark.parametrize("one", AHEAD, ids=named)
def test_a_strategy_that_knows_the_future_is_caught(one: Strategy) -> None:
    assert look_ahead(one).height > 0


@pytest.mark.parametrize("one", FORGETFUL, ids=named)
def test_a_strategy_that_reads_more_of_the_past_than_it_declares_is_caught(one: Strategy) -> None:
    assert warm_up(one).height > 0
    assert look_ahead(one).height == 0


@pytest.mark.parametrize("one", [*HONEST, *strategies_of(shipped)], ids=named)
def test_an_honest_strategy_holds(one: Strategy) -> None:
    check_strategy(one)
