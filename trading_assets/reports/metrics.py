"""Statistics of a book from its daily P&L, and of a model from its predictions.

Here: pure figures, each with its unit. Not here: drawing (`plots`), pages (`tear_sheet`).
Conventions: returns are fractions per session after costs, a year has 252 sessions, the risk-free rate is 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.models._information_coefficient import session_correlations
from trading_assets.reports._evidence import (
    Verdict,
    newey_west_t,
    probabilistic_sharpe_ratio,
    standard_moment,
    varies,
    verdict,
)
from trading_assets.reports._growth import equity_before, growth, returns_of_spans, ruined_on, with_equity, yearly

__all__ = [
    "Drawdown",
    "Verdict",
    "drawdown_series",
    "growth",
    "information_coefficient",
    "max_drawdown",
    "monthly_information_coefficient",
    "monthly_returns",
    "newey_west_t",
    "pnl_of_one_book",
    "probabilistic_sharpe_ratio",
    "ruined_on",
    "statistics",
    "verdict",
    "with_equity",
    "yearly_returns",
]

SESSIONS_PER_YEAR = 252
_TAIL = 0.05
_BPS = 1e4

Figure = tuple[str, float, str]


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall from a peak, and the longest time below one.

    Attributes
    ----------
    depth
        Deepest equity / running peak - 1: a fraction, 0 or negative.
    duration
        Longest run of sessions below the running peak.

    """

    depth: float
    duration: int


def statistics(pnl: pl.DataFrame, ic: pl.DataFrame | None = None, *, horizon: int = 1) -> pl.DataFrame:
    """Compute every statistic of one book.

    Parameters
    ----------
    pnl
        P&L of one book: `date`, `daily_return` (fraction, after costs), `equity` (currency, at the close),
        `turnover` (traded notional / equity before the session), `costs` (currency), `gross_exposure` (fraction).
    ic
        `date, rank_ic` from `information_coefficient`, for a book that trades predictions.
    horizon
        Sessions a label spans: the lag of the Newey-West t-statistic of the mean IC.

    Returns
    -------
    pl.DataFrame
        `statistic Utf8, value Float64, unit Utf8` in a fixed order; `value` is null where a figure is undefined,
        such as a Sharpe ratio of constant returns.

    Raises
    ------
    ValueError
        If `pnl` is empty, mixes books, repeats a session, or has a missing or non-finite return.

    Notes
    -----
    Total return and drawdown are those of the equity, which a loss beyond all of it takes below -1: a start at 1,000
    and an end at -1,500 are -2.5. A session that begins without equity has no return, so figures of returns leave it
    out; there is no yearly growth to an equity below zero, and so no Calmar ratio.

    Sharpe (1994) for the Sharpe ratio; Sortino and Price (1994) with target 0 for the Sortino ratio; Young (1991) for
    the Calmar ratio over the whole record; historical value at risk and expected shortfall after Acerbi and Tasche
    (2002), as positive losses; Bailey and Lopez de Prado (2012) for the probabilistic Sharpe ratio.

    """
    rows = pnl_of_one_book(pnl)
    returns = with_equity(rows)["daily_return"].to_numpy()
    grown = growth(rows)
    figures = [*_growth(returns, grown), *_risk(returns, grown), *_shape(returns), *_trading(rows)]
    if ic is not None:
        figures += _information(ic.sort("date")["rank_ic"].to_numpy(), horizon=horizon)
    return pl.DataFrame(
        figures,
        schema={"statistic": pl.Utf8, "value": pl.Float64, "unit": pl.Utf8},
        orient="row",
    ).with_columns(pl.when(pl.col("value").is_finite()).then("value"))


def pnl_of_one_book(pnl: pl.DataFrame) -> pl.DataFrame:
    """Check that the P&L is one gapless record of one book, and sort it by date."""
    if pnl.is_empty():
        raise ValueError("the P&L has no sessions; materialise the book's P&L first")
    if "book" in pnl.columns and pnl["book"].n_unique() > 1:
        raise ValueError(f"statistics describe one book, got {pnl['book'].unique().sort().to_list()}; filter by book")
    rows = pnl.sort("date")
    repeated = rows.filter(pl.col("date").is_duplicated())
    if repeated.height:
        raise ValueError(f"the P&L has session {repeated['date'][0]} more than once")
    broken = rows.filter(~pl.col("daily_return").is_finite().fill_null(value=False))
    if broken.height:
        raise ValueError(f"daily_return of {broken['date'][0]} is missing or not finite; recompute the book's P&L")
    return rows


def drawdown_series(grown: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute equity / running peak - 1 per session from the `growth` of a book; the start counts as the first peak."""
    return np.asarray(grown / np.maximum.accumulate(np.maximum(grown, 1.0)) - 1.0, dtype=np.float64)


def max_drawdown(grown: NDArray[np.float64]) -> Drawdown:
    """Find the deepest drawdown and the longest time below a peak from the `growth` of a book."""
    falls = drawdown_series(grown)
    position = np.arange(falls.size)
    last_peak = np.maximum.accumulate(np.where(falls >= 0, position, -1))
    return Drawdown(depth=float(falls.min()), duration=int((position - last_peak).max()))


def monthly_returns(pnl: pl.DataFrame) -> pl.DataFrame:
    """Compound the returns of each calendar month: `year, month` (1-12), `monthly_return` (fraction).

    The return of a month that begins without equity is null.
    """
    year, month = pl.col("date").dt.year().alias("year"), pl.col("date").dt.month().alias("month")
    return returns_of_spans(pnl_of_one_book(pnl), year, month, name="monthly_return")


def yearly_returns(pnl: pl.DataFrame) -> pl.DataFrame:
    """Compound the returns of each calendar year: `year`, `yearly_return` (fraction), null as for a month."""
    return returns_of_spans(pnl_of_one_book(pnl), pl.col("date").dt.year().alias("year"), name="yearly_return")


def information_coefficient(predictions: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """Correlate the predictions of each session with the returns that followed.

    Parameters
    ----------
    predictions
        `date, symbol, prediction` of one model.
    labels
        `symbol, date, forward_return`; predictions whose label has not ended yet have no row here.

    Returns
    -------
    pl.DataFrame
        `date, ic` (Pearson), `rank_ic` (Spearman), `n_names`, by date.

    References
    ----------
    Grinold, R. and Kahn, R. (2000), *Active Portfolio Management*, ch. 6.

    """
    if "model" in predictions.columns and predictions["model"].n_unique() > 1:
        models = predictions["model"].unique().sort().to_list()
        raise ValueError(f"an information coefficient describes one model, got {models}; filter by model")
    rows = predictions.select("date", "symbol", "prediction").join(
        labels.select("date", "symbol", "forward_return"), on=["date", "symbol"]
    )
    # A join promises no order, and the last bits of a correlation depend on it.
    return session_correlations(rows.sort("date", "symbol"), prediction="prediction", outcome="forward_return")


def monthly_information_coefficient(ic: pl.DataFrame) -> pl.DataFrame:
    """Average the rank IC by calendar month: `month` (its first day), `rank_ic`, `n_sessions`."""
    return (
        ic.group_by(pl.col("date").dt.truncate("1mo").alias("month"))
        .agg(pl.col("rank_ic").mean(), pl.len().cast(pl.Int64).alias("n_sessions"))
        .sort("month")
    )


def _growth(returns: NDArray[np.float64], grown: NDArray[np.float64]) -> list[Figure]:
    is_compounded = returns.size == grown.size and bool((grown > 0).all())
    total = (float(np.prod(1.0 + returns)) if is_compounded else float(grown[-1])) - 1.0
    per_year = yearly(total, grown.size, SESSIONS_PER_YEAR)
    deviation = _deviation(returns)
    downside = float(np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2)))
    mean, year = float(returns.mean()), math.sqrt(SESSIONS_PER_YEAR)
    depth = max_drawdown(grown).depth
    return [
        ("sessions", float(grown.size), "sessions"),
        ("total_return", total, "fraction"),
        ("cagr", per_year, "fraction per year"),
        ("annualised_volatility", deviation * year, "fraction per year"),
        ("sharpe_ratio", _ratio(mean, deviation) * year, "ratio, annualised"),
        ("sharpe_t_statistic", newey_west_t(returns, lag=0), "t"),
        ("probabilistic_sharpe_ratio", probabilistic_sharpe_ratio(returns), "probability"),
        ("sortino_ratio", _ratio(mean, downside) * year, "ratio, annualised"),
        ("calmar_ratio", _ratio(per_year, -depth), "ratio"),
    ]


def _risk(returns: NDArray[np.float64], grown: NDArray[np.float64]) -> list[Figure]:
    drawdown = max_drawdown(grown)
    quantile = float(np.quantile(returns, _TAIL))
    return [
        ("max_drawdown", drawdown.depth, "fraction"),
        ("max_drawdown_duration", float(drawdown.duration), "sessions"),
        ("value_at_risk_95", -quantile, "fraction per session"),
        ("expected_shortfall_95", -float(returns[returns <= quantile].mean()), "fraction per session"),
    ]


def _shape(returns: NDArray[np.float64]) -> list[Figure]:
    moved = returns[returns != 0]
    return [
        ("hit_rate", float((moved > 0).mean()) if moved.size else math.nan, "fraction of sessions with a return"),
        ("best_session", float(returns.max()), "fraction"),
        ("worst_session", float(returns.min()), "fraction"),
        ("skewness", standard_moment(returns, 3), "ratio"),
        ("kurtosis", standard_moment(returns, 4), "ratio, normal = 3"),
    ]


def _trading(rows: pl.DataFrame) -> list[Figure]:
    before = pl.col("_before").filter(pl.col("_before") > 0)
    sums: dict[str, Any] = (
        rows.with_columns(_before=pl.Series(equity_before(rows)).fill_nan(None))
        .select(
            pl.col("turnover").mean(),
            pl.col("costs").sum(),
            (pl.col("turnover") * pl.col("_before")).filter(pl.col("_before") > 0).sum().alias("traded"),
            before.mean().alias("equity"),
            pl.col("gross_exposure").mean(),
        )
        .row(0, named=True)
    )
    per_year = SESSIONS_PER_YEAR / rows.height
    return [
        ("mean_turnover", sums["turnover"], "fraction of equity per session"),
        ("annualised_turnover", sums["turnover"] * SESSIONS_PER_YEAR, "fraction of equity per year"),
        ("total_costs", sums["costs"], "currency"),
        ("costs_of_traded", _ratio(sums["costs"], sums["traded"]) * _BPS, "bps of traded notional"),
        ("costs_of_equity", _ratio(sums["costs"], sums["equity"]) * per_year * _BPS, "bps of mean equity per year"),
        ("mean_gross_exposure", sums["gross_exposure"], "fraction of equity"),
    ]


def _information(ic: NDArray[np.float64], *, horizon: int) -> list[Figure]:
    mean = float(ic.mean()) if ic.size else math.nan
    return [
        ("rank_ic_sessions", float(ic.size), "sessions"),
        ("rank_ic_mean", mean, "correlation"),
        ("rank_ic_deviation", _deviation(ic), "correlation"),
        ("rank_ic_t_statistic", newey_west_t(ic, lag=horizon), f"t, Newey-West lag {horizon}"),
        ("rank_ic_positive", float((ic > 0).mean()) if ic.size else math.nan, "fraction of sessions"),
    ]


def _deviation(values: NDArray[np.float64]) -> float:
    if values.size < 2:  # noqa: PLR2004 - a sample deviation needs two observations
        return math.nan
    return float(values.std(ddof=1)) if varies(values) else 0.0


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else math.nan
