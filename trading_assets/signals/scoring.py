"""Scores of a strategy from the rows that it reads, month by month.

The last bits of a rolling sum depend on the row it started from. So each month is computed from its own rows and those
of the look-back before it, nothing else: a range of months, a single one, and a month that is not over yet give the
same bits for the same session.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import polars as pl

from trading_assets.market_data.universe import members_only
from trading_assets.point_in_time.blocks import lookback_blocks
from trading_assets.point_in_time.relistings import RELISTED_AFTER, all_apart, together
from trading_assets.signals.contract import SCORES
from trading_assets.signals.declaration import COLUMNS, Strategy
from trading_assets.signals.errors import StrategyError
from trading_assets.signals.inputs import IS_MEMBER

Frames = Mapping[str, pl.DataFrame]
_KEY = ("date", "symbol")
# Sessions of the shortest month: September 2001.
_SESSIONS_OF_A_MONTH = 15


def months_before(strategy: Strategy) -> int:
    """Months before its own that the look-back of a month may reach into; a name without bars for longer gets less."""
    return -(-strategy.lookback // _SESSIONS_OF_A_MONTH)


def first_day_read(strategy: Strategy, first: date) -> date:
    """First day of the rows that the scores of a day on are computed from."""
    return _month(first, -months_before(strategy))


def with_membership(rows: pl.DataFrame, membership: pl.DataFrame) -> pl.DataFrame:
    """Rows (symbol, date, ...) with ``is_member``: whether the name belongs to the universe on that day."""
    keys = rows.select("symbol", "date")
    members = members_only(keys, membership).select("symbol", "date", pl.lit(value=True).alias(IS_MEMBER))
    flagged = rows.join(members, on=["symbol", "date"], how="left", maintain_order="left")
    return flagged.with_columns(pl.col(IS_MEMBER).fill_null(value=False))


def monthly_scores(
    strategy: Strategy, rows: Frames, first: date, last: date, relisted_after: int = RELISTED_AFTER
) -> pl.DataFrame:
    """Scores of the sessions of a span.

    Parameters
    ----------
    strategy
        What to compute.
    rows
        Rows of each input as they are stored, from `first_day_read` on, sorted by symbol and date, `with_membership`.
    first, last
        First and last day wanted.
    relisted_after
        Days without a row after which a name begins anew; see `scores_at_once`.

    Returns
    -------
    polars.DataFrame
        Rows of signals.scores: strategy, date, symbol, score; by date and symbol, of names while they are members.

    Raises
    ------
    StrategyError
        The rule fails; the message names the strategy and the sessions.
    """
    found = [SCORES.empty()]
    for month in _months(first, last):
        start, end = max(first, month), min(last, _month(month, 1) - timedelta(days=1))
        blocks = {name: _block(strategy, frame, month, end) for name, frame in rows.items()}
        try:
            found.append(scores_at_once(strategy, blocks, start, relisted_after))
        except Exception as error:
            said = str(error) if isinstance(error, StrategyError) else f"{type(error).__name__}: {error}"
            raise StrategyError(f"strategy {strategy.name!r} fails on {start} to {end}: {said}") from error
    return pl.concat(found)


def scores_at_once(
    strategy: Strategy, rows: Frames, first: date = date.min, relisted_after: int = RELISTED_AFTER
) -> pl.DataFrame:
    """Scores of a day on and all later ones, computed from all rows together; see `monthly_scores`.

    A name that was silent for more than `relisted_after` days is another one for the rule from then on: nothing that it
    looks back at reaches over the silence.

    Raises
    ------
    StrategyError
        The rule gives no scores, or one of a name and session that it has no row of.
    """
    listings = all_apart(rows, relisted_after)
    frames = {name: strategy.inputs[name].frame(frame) for name, frame in listings.items()}
    scores = together(strategy.scores(frames).filter(pl.col("date") >= first))
    read = [together(frame.filter(pl.col("date") >= first).select(*_KEY, IS_MEMBER)) for frame in frames.values()]
    keys = pl.concat(read).unique() if len(read) > 1 else read[0]
    found = scores.join(keys, on=_KEY, how="left", maintain_order="left")
    unread = found.filter(pl.col(IS_MEMBER).is_null())
    if unread.height:
        day, symbol = unread.select(_KEY).row(0)
        raise StrategyError(f"strategy {strategy.name!r} scores {symbol} on {day}, a session that it has no row of")
    return found.filter(IS_MEMBER).select(pl.lit(strategy.name).alias("strategy"), *COLUMNS)


def _block(strategy: Strategy, rows: pl.DataFrame, month: date, end: date) -> pl.DataFrame:
    """Rows of a month up to a day, and of each name those of the look-back before it."""
    reach = months_before(strategy)
    near = rows.filter(pl.col("date").is_between(_month(month, -reach), end))
    if not strategy.lookback:
        return near
    blocks = lookback_blocks(near, lookback=strategy.lookback, period="month", start=month, end=end, reach=reach)
    return blocks.select(rows.columns)


def _months(first: date, last: date) -> Iterator[date]:
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = _month(month, 1)


def _month(day: date, offset: int) -> date:
    """First day of the month so many months after a day's."""
    number = day.year * 12 + day.month - 1 + offset
    return date(number // 12, number % 12 + 1, 1)
