"""What every sizing must satisfy, on a made-up market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from trading_assets.desk.calendar import sessions
from trading_assets.desk.own_work import OwnWork
from trading_assets.point_in_time.explain import in_words
from trading_assets.point_in_time.lookahead import lookahead_violations, pick_cuts
from trading_assets.point_in_time.warm_up import warmup_violations
from trading_assets.portfolio.book import Book
from trading_assets.portfolio.returns import session_returns
from trading_assets.portfolio.sizing import Sizing, SizingInputs, SizingLimits, kind_of, sizings_by_class
from trading_assets.portfolio.weights import TargetWeightError, target_weights
from trading_assets.testing.bars import EXCHANGE, corporate_actions
from trading_assets.testing.tables import made_up_bars

_NAMES = tuple(f"N{number:04d}" for number in range(9))
_FIRST, _LAST = date(2015, 1, 2), date(2016, 6, 30)
_DECIDED = 60
_AROUND = 40
_CUTS = 20
_PROBES, _ALONE = 8, 3
_KEY = ("book", "date", "symbol")
# Most sessions from a rebalance session to the one before the next, in a weekly book.
_CARRIED = 6
_OPINIONATED = 0.9


def check_sizing(kind: str, own: Path, **numbers: Any) -> None:
    """Fail unless a sizing satisfies the rules of sizings, in books that rebalance daily, weekly and monthly.

    Its weights must depend on what was known at their rebalance session alone, on no more returns than it needs, be the
    same for one session as for many, and keep the limits of the book.

    Parameters
    ----------
    kind
        Kind of the sizing.
    own
        Folder of the user's own work.
    **numbers
        Keys of the sizing.

    Raises
    ------
    AssertionError
        A rule is broken, there is no such sizing, or its file cannot be used; the message says which and where.
    """
    sizing = _own(kind, own)(**numbers)
    calendar = sessions(EXCHANGE, _FIRST, _LAST)
    inputs = _market(calendar, sizing)
    days = calendar[-_DECIDED - _AROUND : -_AROUND]
    for rebalance in ("daily", "weekly", "monthly"):
        given = {"name": "made", "strategy": "made", "capital": 1e6, "top_fraction": 0.5, "max_weight": 0.3}
        book = Book.model_validate(given | {"sizing": sizing, "rebalance": rebalance})
        try:
            _check_book(book, inputs, calendar, days)
        except TargetWeightError as error:
            raise AssertionError(f"{error} (names may lack scores and returns)") from error


def _check_book(book: Book, inputs: Mapping[str, pl.DataFrame], calendar: Sequence[date], days: Sequence[date]) -> None:
    what, compute = f"the sizing {book.sizing.kind!r}", partial(_weights, book, calendar, days)
    found = compute(inputs)
    if found.filter(pl.col("weight") != 0).is_empty():
        raise AssertionError(f"{what} gives no weight in a {book.rebalance} book")
    known_on = {"scores": "date", "bars": "date", "actions": "ex_date"}
    cuts = pick_cuts(days, _CUTS)
    _refuse(what, lookahead_violations(compute, inputs, known_on=known_on, key=_KEY, cuts=cuts, poison_seed=3))
    if book.rebalance == "weekly":
        history, lookback = {"scores": "date", "bars": "date"}, _CARRIED + book.sizing.needs.return_sessions
        probes = days[-_PROBES:]
        _refuse(what, warmup_violations(compute, inputs, history=history, lookback=lookback, probes=probes, key=_KEY))
    for day in cuts[:_ALONE]:
        if not _weights(book, calendar, [day], inputs).equals(found.filter(pl.col("date") == day)):
            raise AssertionError(f"{what} gives {day} other weights by itself than among other sessions")


def sizing_weights(
    kind: str, scores: Mapping[str, float], own: Path, *, limits: SizingLimits, **numbers: Any
) -> dict[str, float]:
    """Weights that a sizing without need of returns gives in one session.

    Parameters
    ----------
    kind
        Kind of the sizing.
    scores
        Score of each name.
    own
        Folder of the user's own work.
    limits
        Limits of the book on all weights.
    **numbers
        Keys of the sizing.

    Returns
    -------
    dict
        Weight of each name that has one.
    """
    rows = pl.DataFrame({"rebalance": [_FIRST] * len(scores), "symbol": list(scores), "score": list(scores.values())})
    schema = {"rebalance": pl.Date, "symbol": pl.String, "date": pl.Date, "return": pl.Float64}
    returns = pl.DataFrame(schema=schema)
    found = _own(kind, own)(**numbers).weights(SizingInputs(rows.sort("symbol"), returns, limits))
    return dict(found.select("symbol", "weight").iter_rows())


def _own(kind: str, folder: Path) -> type[Sizing]:
    work = OwnWork(folder)
    found = work.add_to({}, "sizings", sizings_by_class, "sizing", name_of=kind_of)
    if kind not in found:
        there = f"there are {', '.join(found)}" if found else "there is none"
        raise AssertionError("; ".join([f"there is no sizing {kind!r} of your own; {there}", *map(str, work.faults)]))
    return found[kind]


def _refuse(what: str, violations: pl.DataFrame) -> None:
    for violation in violations.head(1).iter_rows(named=True):
        raise AssertionError(f"{what}: {in_words(violation)}")


def _weights(
    book: Book, calendar: Sequence[date], days: Sequence[date], frames: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    returns = (
        session_returns(frames["bars"], frames["actions"], calendar) if book.sizing.needs.return_sessions else None
    )
    return target_weights(frames["scores"], days, book, calendar, returns)


def _market(calendar: Sequence[date], sizing: Sizing) -> dict[str, pl.DataFrame]:
    """Scores, some of which are missing, bars and corporate actions of names that walk at random."""
    if sizing.needs.return_sessions > len(calendar) - 2 * _DECIDED - _AROUND:
        raise AssertionError(f"check_sizing has returns of {len(calendar) - 2 * _DECIDED - _AROUND} sessions only")
    random = np.random.default_rng(2)
    bars = made_up_bars(_NAMES, calendar, seed=1)
    scores = bars.select("date", "symbol").with_columns(
        score=pl.Series(random.normal(size=bars.height)), has=pl.Series(random.random(bars.height) < _OPINIONATED)
    )
    places = range(60, len(calendar), 70)
    acted = corporate_actions(
        *((name, calendar[place], "split", 2.0) for name, place in zip(_NAMES, places, strict=False)),
        *((name, calendar[place + 9], "dividend", 0.7) for name, place in zip(_NAMES[3:], places, strict=False)),
    )
    return {
        "scores": scores.filter("has").drop("has").sort("date", "symbol"),
        "bars": bars.select("symbol", "date", "close"),
        "actions": acted,
    }
