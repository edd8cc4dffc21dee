"""What every strategy must hold, on made-up rows: nothing ahead, nothing beyond the look-back, months by themselves."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import date
from functools import cache, partial

import numpy as np
import polars as pl

from trading_assets.point_in_time.explain import in_words
from trading_assets.point_in_time.lookahead import lookahead_violations, pick_cuts
from trading_assets.point_in_time.price_steps import price_steps
from trading_assets.point_in_time.warm_up import warmup_violations
from trading_assets.signals.declaration import Strategy
from trading_assets.signals.inputs import AdjustedBars, FeatureColumns, ModelPredictions
from trading_assets.signals.scoring import first_day_read, monthly_scores, scores_at_once, with_membership
from trading_assets_tests.point_in_time.sample import actions, random_bars, weekdays

FIRST, SESSIONS = date(2014, 6, 2), 520
DAYS = weekdays(FIRST, SESSIONS)
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
    made = random_bars(SYMBOLS, SESSIONS, first=FIRST)
    rests = (pl.col("symbol") == "C") & pl.col("date").is_between(DAYS[420], DAYS[460])
    unlisted = (pl.col("symbol") == "D") & (pl.col("date") < DAYS[150])
    known = made.filter(~rests & ~unlisted)
    acted = actions(
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
    assert isinstance(part, FeatureColumns)
    return keys.with_columns(_random(name, name, keys.height).cast(pl.Float32) for name in part.names)


def _random(column: str, what: str, height: int) -> pl.Series:
    random = np.random.default_rng(zlib.crc32(what.encode()))
    return pl.Series(column, random.normal(size=height))


def look_ahead(one: Strategy) -> pl.DataFrame:
    """Scores that change when the future of one of twenty days is taken away or falsified."""
    rows = rows_of(one)
    compute = partial(scores_at_once, one)
    cuts = pick_cuts(compute(rows)["date"], CUTS)
    known_on = dict.fromkeys(rows, "date")
    return lookahead_violations(compute, rows, known_on=known_on, key=KEY, cuts=cuts, poison_seed=5)


def warm_up(one: Strategy) -> pl.DataFrame:
    """Scores that change when no more history is there than the look-back that is declared."""
    rows = rows_of(one)
    compute = partial(scores_at_once, one)
    probes = pick_cuts(compute(rows)["date"], CUTS)
    history = dict.fromkeys(rows, "date")
    return warmup_violations(compute, rows, history=history, lookback=one.lookback, probes=probes, key=KEY)


def assert_strategy_holds(one: Strategy) -> None:
    """Fail unless a strategy knows nothing of the future, reads what it declares, and has its months by themselves.

    The rows are made up: a name splits, one pays dividends, one rests for two months, one is listed late, and two are
    members of the universe for a while. History is cut at twenty days, and what follows is taken away or falsified.
    """
    for violations in (look_ahead(one), warm_up(one)):
        for violation in violations.head(1).iter_rows(named=True):
            raise AssertionError(f"strategy {one.name}: {in_words(violation)}")
    whole = scored(one, DAYS[0], DAYS[-1])
    assert whole.height, f"strategy {one.name} scores no name on the made-up rows"
    assert whole["score"].is_between(-1.0, 1.0).all(), f"strategy {one.name} gives scores outside of [-1, 1]"
    months = pl.Series(DAYS).dt.truncate("1mo").unique(maintain_order=True)
    ends = [*(day for day in months[1:].dt.offset_by("-1d")), DAYS[-1]]
    parts = [scored(one, first, last) for first, last in reversed(list(zip(months, ends, strict=True)))]
    assert whole.equals(pl.concat(reversed(parts))), f"strategy {one.name}: a range of months is not its months"


def scored(one: Strategy, first: date, last: date, rows: Mapping[str, pl.DataFrame] | None = None) -> pl.DataFrame:
    """Scores of a span, computed from no more rows than a run reads."""
    read = pl.col("date").is_between(first_day_read(one, first), last)
    given = {name: frame.filter(read) for name, frame in (rows or rows_of(one)).items()}
    return monthly_scores(one, given, first, last)
