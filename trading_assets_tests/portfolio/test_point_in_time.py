"""Weights of every sizing depend on what was known at their rebalance session alone, to the last bit."""

from typing import Literal

import polars as pl
import pytest

from trading_assets.point_in_time.lookahead import lookahead_violations, pick_cuts
from trading_assets.point_in_time.warm_up import warmup_violations
from trading_assets.portfolio.books import load_books
from trading_assets.portfolio.returns import session_returns
from trading_assets.portfolio.sizing import Sizing, shipped_sizings
from trading_assets.portfolio.sizing.inverse_volatility import InverseVolatility
from trading_assets.portfolio.weights import target_weights
from trading_assets_tests.portfolio.markets import CALENDAR, actions, scores, walks

NAMES = [f"S{number}" for number in range(9)]
DAYS = CALENDAR[40:100]
MAIN = load_books()["main"].with_values(top_fraction=0.5)
INPUTS = {
    "scores": scores(NAMES),
    "bars": walks(NAMES),
    "actions": actions(*((name, CALENDAR[9 * k + 30], kind, value) for k, name in enumerate(NAMES)
                         for kind, value in (("split", 2.0), ("dividend", 0.7)))),
}  # fmt: skip
KNOWN_ON = {"scores": "date", "bars": "date", "actions": "ex_date"}
KEY = ("book", "date", "symbol")


class OfAllSessions(Sizing):
    """Scales by the largest score of all sessions, later ones among them."""

    kind: Literal["of_all_sessions"] = "of_all_sessions"

    def weights(self, inputs):
        weight = pl.col("score").abs() / pl.col("score").abs().max() / 100
        return inputs.scores.select("rebalance", "symbol", weight=weight)


def compute(book):
    def weights(frames):
        returns = session_returns(frames["bars"], frames["actions"], CALENDAR)
        return target_weights(frames["scores"], DAYS, book, CALENDAR, returns)

    return weights


def violations(book):
    cuts = pick_cuts(DAYS, 20)
    return lookahead_violations(compute(book), INPUTS, known_on=KNOWN_ON, key=KEY, cuts=cuts, poison_seed=3)


@pytest.mark.parametrize("rebalance", ["daily", "weekly", "monthly"])
@pytest.mark.parametrize("kind", [*shipped_sizings()])
def test_no_sizing_looks_ahead(kind, rebalance):
    book = MAIN.with_values(sizing=kind, rebalance=rebalance)
    assert compute(book)(INPUTS).filter(pl.col("weight") != 0).height > 100
    assert violations(book).is_empty()


def test_a_sizing_that_looks_at_later_sessions_is_caught():
    assert set(violations(MAIN.with_values(sizing=OfAllSessions()))["column"]) == {"weight"}


@pytest.mark.parametrize("lookback", [5, 20])
def test_inverse_volatility_reads_no_more_than_its_look_back(lookback):
    book = MAIN.with_values(sizing=InverseVolatility(lookback=lookback), rebalance="weekly")

    def found(declared):
        history = {"scores": "date", "bars": "date"}
        return warmup_violations(compute(book), INPUTS, history=history, lookback=declared, probes=DAYS[-8:], key=KEY)

    assert found(lookback + 4).is_empty()
    assert not found(lookback - 3).is_empty()
