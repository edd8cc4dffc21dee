"""Scores of a strategy from the rows that it reads, month by month.

A rolling sum carries bits of where its rows began. So each month is computed from its own rows and those of the
look-back before it, nothing else: a range of months, a single one, and a month that is not over yet give the same bits
for the same session.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import polars as pl

from trading_assets.market_data.universe import members_only
from trading_assets.point_in_time.blocks import lookback_blocks
from trading_assets.signals.contract import SCORES
from trading_assets.signals.declaration import COLUMNS, Strategy
from trading_assets.signals.errors import StrategyError
from trading_assets.signals.inputs import IS_MEMBER

Frames = Mapping[str, pl.DataFrame]
# Sessions of the shortest month: September 2001.
_SESSIONS_OF_A_MONTH = 15


def months_before(strategy: Strategy) -> int:
    """Months before its own that the look-back of a month may reach into; a name without bars for longer has less."""
    return -(-strategy.lookback // _SESSIONS_OF_A_MONTH)


def first_day_read(strategy: Strategy, first: date) -> date:
    """First day of the rows that the scores of a day on are computed from."""
    return _month(first, -months_before(strategy))


def monthly_scores(strategy: Strategy, rows: Frames, membership: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """Scores of the sessions of a span.

    Parameters
    ----------
    strategy
        What to compute.
    rows
        Rows of each input as they are stored, from `first_day_read` on.
    membership
        market_data.membership: names are scored while they are members.
    first, last
        First and last day wanted.

    Returns
    -------
    polars.DataFrame
        Rows of signals.scores: strategy, date, symbol, score; by date and symbol.

    Raises
    ------
    StrategyError
        The rule fails; the message names the strategy and the month.
    """
    found = [SCORES.empty()]
    for start in _months(first, last):
        end = _month(start, 1) - timedelta(days=1)
        blocks = {name: _block(strategy, frame, start, end) for name, frame in rows.items()}
        try:
            scored = scores_at_once(strategy, blocks, membership)
        except Exception as error:
            span = f"the sessions from {max(first, start)} to {min(last, end)}"
            raise StrategyError(f"strategy {strategy.name!r} fails on {span}: {_in_words(error)}") from error
        found.append(scored.filter(pl.col("date").is_between(max(first, start), min(last, end))))
    return pl.concat(found)


def scores_at_once(strategy: Strategy, rows: Frames, membership: pl.DataFrame) -> pl.DataFrame:
    """Scores of all sessions of some rows, computed from all of them together; see `monthly_scores`."""
    frames = {name: _with_membership(strategy.inputs[name].frame(frame), membership) for name, frame in rows.items()}
    found = members_only(strategy.scores(frames), membership)
    return found.select(pl.lit(strategy.name).alias("strategy"), *COLUMNS)


def _block(strategy: Strategy, rows: pl.DataFrame, start: date, end: date) -> pl.DataFrame:
    """Rows of a month, and of each name those of the look-back before it."""
    reach = months_before(strategy)
    near = rows.filter(pl.col("date").is_between(_month(start, -reach), end))
    blocks = lookback_blocks(near, lookback=strategy.lookback, period="month", start=start, end=end, reach=reach)
    return blocks.select(rows.columns)


def _with_membership(rows: pl.DataFrame, membership: pl.DataFrame) -> pl.DataFrame:
    members = members_only(rows.select("symbol", "date"), membership).select("symbol", "date")
    flagged = members.with_columns(pl.lit(value=True).alias(IS_MEMBER))
    return rows.join(flagged, on=["symbol", "date"], how="left", maintain_order="left").with_columns(
        pl.col(IS_MEMBER).fill_null(value=False)
    )


def _months(first: date, last: date) -> Iterator[date]:
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = _month(month, 1)


def _month(day: date, offset: int) -> date:
    """First day of the month so many months after a day's."""
    number = day.year * 12 + day.month - 1 + offset
    return date(number // 12, number % 12 + 1, 1)


def _in_words(error: Exception) -> str:
    return str(error) if isinstance(error, StrategyError) else f"{type(error).__name__}: {error}"
