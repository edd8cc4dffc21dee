"""What every strategy must satisfy, on made-up rows: nothing ahead, nothing beyond the look-back, months alone."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache, partial
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl

from trading_assets.desk.own_work import OwnWork
from trading_assets.point_in_time.explain import in_words
from trading_assets.point_in_time.lookahead import lookahead_violations, pick_cuts
from trading_assets.point_in_time.price_steps import price_steps
from trading_assets.point_in_time.warm_up import warmup_violations
from trading_assets.signals.declaration import Strategy
from trading_assets.signals.inputs import AdjustedBars, FeatureColumns, ModelPredictions
from trading_assets.signals.registry import strategies_by_variable
from trading_assets.signals.scoring import first_day_read, monthly_scores, scores_at_once, with_membership
from trading_assets.testing.bars import corporate_actions
from trading_assets.testing.tables import made_up_bars

FIRST, SESSIONS = date(2014, 6, 2), 520
_WEEKDAYS = (day for day in (FIRST + timedelta(days=number) for number in range(2 * SESSIONS)) if day.weekday() < 5)  # noqa: PLR2004
DAYS = list(islice(_WEEKDAYS, SESSIONS))
SYMBOLS = ("A", "B", "C", "D", "E", "F")
KEY = ["symbol", "date"]
CUTS = 20


def membership(*spans: tuple[str, date, date | None]) -> pl.DataFrame:
    """Rows of market_data.membership: symbol, first and last day."""
    rows = [("u", symbol, first, last, "dated", None, "test") for symbol, first, last in spans]
    names = ["universe", "symbol", "first_date", "last_date", "basis", "listed_on", "source"]
    dates = dict.fromkeys(("first_date", "last_date", "listed_on"), pl.Date)
    return pl.DataFrame(rows, schema=names, orient="row", schema_overrides=dates)


# E joins the universe late, F leaves it for a while
MEMBERS = membership(
    *((symbol, FIRST, None) for symbol in "ABCD"),
    ("E", DAYS[400], None),
    ("F", FIRST, DAYS[300]),
    ("F", DAYS[360], None),
)


@cache
def bars() -> pl.DataFrame:
    """Six names: A splits, B pays dividends, C does not trade for two months, D is listed late."""
    made = made_up_bars(SYMBOLS, DAYS, seed=0)
    rests = (pl.col("symbol") == "C") & pl.col("date").is_between(DAYS[420], DAYS[460])
    unlisted = (pl.col("symbol") == "D") & (pl.col("date") < DAYS[150])
    known = made.filter(~rests & ~unlisted)
    acted = corporate_actions(
        ("A", DAYS[200], "split", 2.0),
        ("A", DAYS[380], "split", 0.5),
        *(("B", DAYS[place], "dividend", 2.0) for place in range(60, SESSIONS, 63)),
    )
    return price_steps(known, acted)


def rows_of(one: Strategy) -> dict[str, pl.DataFrame]:
    """Rows of each input of a strategy, as they are read from a lake."""
    return {name: with_membership(_rows(part), MEMBERS) for name, part in one.inputs.items()}


def _rows(part: object) -> pl.DataFrame:
    if isinstance(part, AdjustedBars):
        return bars().select(*KEY, *dict.fromkeys([*part.columns, "close"]), "price_step", "share_step")
    keys = bars().select(KEY)
    if isinstance(part, ModelPredictions):
        return keys.with_columns(_random("prediction", part.model, keys.height))
    if not isinstance(part, FeatureColumns):
        raise AssertionError(f"there are no made-up rows of {part}")  # noqa: TRY004 - what a test expects
    return keys.with_columns(_random(name, name, keys.height).cast(pl.Float32) for name in part.names)


def _random(column: str, what: str, height: int) -> pl.Series:
    random = np.random.default_rng(zlib.crc32(what.encode()))
    return pl.Series(column, random.normal(size=height))


def look_ahead(one: Strategy) -> pl.DataFrame:
    """Scores that change when the future of one of twenty days is removed or falsified."""
    rows = rows_of(one)
    compute = partial(scores_at_once, one)
    cuts = pick_cuts(compute(rows)["date"], CUTS)
    known_on = dict.fromkeys(rows, "date")
    return lookahead_violations(compute, rows, known_on=known_on, key=KEY, cuts=cuts, poison_seed=5)


def warm_up(one: Strategy) -> pl.DataFrame:
    """Scores that change when there is no more history than the declared look-back."""
    rows = rows_of(one)
    compute = partial(scores_at_once, one)
    probes = pick_cuts(compute(rows)["date"], CUTS)
    history = dict.fromkeys(rows, "date")
    return warmup_violations(compute, rows, history=history, lookback=one.lookback, probes=probes, key=KEY)


def check_strategy(strategy: str | Strategy, own: Path | None = None) -> None:
    """Fail unless a strategy satisfies the rules of strategies, on made-up rows of what it reads.

    It must know nothing of the future, read no more than its look-back, give scores in [-1, 1], and give a range of
    months what each of them gives by itself. Of the names one splits, one pays dividends, one does not trade for two
    months, one is listed late, and two are members of the universe for a while. History is cut at 20 days, and what
    follows is removed or falsified.

    Parameters
    ----------
    strategy
        The strategy, or its name among the user's own.
    own
        Folder of the user's own work, for a name.

    Raises
    ------
    AssertionError
        A rule is broken, there is no such strategy, or its file cannot be used; the message says which and where.
    """
    one = strategy if isinstance(strategy, Strategy) else _own(strategy, own)
    whole = scored(one, DAYS[0], DAYS[-1])
    if whole.is_empty():
        raise AssertionError(f"strategy {one.name} scores no name on the made-up rows")
    if not whole["score"].is_between(-1.0, 1.0).all():
        raise AssertionError(f"strategy {one.name} gives scores outside of [-1, 1]")
    for violations in (look_ahead(one), warm_up(one)):
        for violation in violations.head(1).iter_rows(named=True):
            raise AssertionError(f"strategy {one.name}: {in_words(violation)}")
    months = pl.Series(DAYS).dt.truncate("1mo").unique(maintain_order=True)
    ends = [*(day for day in months[1:].dt.offset_by("-1d")), DAYS[-1]]
    parts = [scored(one, first, last) for first, last in reversed(list(zip(months, ends, strict=True)))]
    if not whole.equals(pl.concat(reversed(parts))):
        raise AssertionError(f"strategy {one.name}: a range of months is not its months")


def strategy_scores(
    name: str, rows: Mapping[str, Sequence[Mapping[str, object]]], own: Path
) -> dict[tuple[date, str], float]:
    """Scores that a strategy gives on rows that a test writes down.

    Parameters
    ----------
    name
        Name of the strategy.
    rows
        For each of its inputs rows of date, symbol and the columns that it reads; a name is a member of the universe
        unless a row says ``is_member: False``.
    own
        Folder of the user's own work.

    Returns
    -------
    dict
        (date, symbol) -> score.
    """
    frames = {argument: pl.DataFrame(list(given)) for argument, given in rows.items()}
    for argument, frame in frames.items():
        member = pl.col("is_member").fill_null(value=True) if "is_member" in frame.columns else pl.lit(value=True)
        frames[argument] = frame.with_columns(is_member=member).sort("symbol", "date")
    found = _own(name, own).scores(frames)
    return {(day, symbol): score for day, symbol, score in found.select("date", "symbol", "score").iter_rows()}


def _own(name: str, folder: Path | None) -> Strategy:
    work = OwnWork(folder or Path())
    found = work.add_to({}, "strategies", strategies_by_variable, "strategy")
    if name not in found:
        there = f"there are {', '.join(found)}" if found else "there is none"
        raise AssertionError("; ".join([f"there is no strategy {name!r} of your own; {there}", *map(str, work.faults)]))
    return found[name]


def scored(one: Strategy, first: date, last: date, rows: Mapping[str, pl.DataFrame] | None = None) -> pl.DataFrame:
    """Scores of a span, computed from no more rows than a run reads."""
    read = pl.col("date").is_between(first_day_read(one, first), last)
    given = {name: frame.filter(read) for name, frame in (rows or rows_of(one)).items()}
    return monthly_scores(one, given, first, last)
