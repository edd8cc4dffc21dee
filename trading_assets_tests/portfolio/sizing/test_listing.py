"""Sizings are found by listing their package, and what a sizing may not give is refused by its name."""

from ast import literal_eval
from types import ModuleType
from typing import Literal

import polars as pl
import pytest

from trading_assets.portfolio.books import load_books
from trading_assets.portfolio.sizing import Sizing, equal_weight_long, inverse_volatility, shipped_sizings, sizings_in
from trading_assets.portfolio.weights import TargetWeightError, target_weights
from trading_assets_tests.portfolio.markets import CALENDAR

DAY = CALENDAR[12]
MAIN = load_books()["main"].with_values(gross_leverage=1.0, max_weight=0.6)


class Given(Sizing):
    """Weights of a test, as text."""

    kind: Literal["given"] = "given"
    rows: str = ""

    def weights(self, inputs):
        rows = [(inputs.scores["rebalance"][0], *row) for row in literal_eval(self.rows)]
        schema = {"rebalance": pl.Date, "symbol": pl.String, "weight": pl.Float64}
        return pl.DataFrame(rows, schema=schema, orient="row")


def test_the_package_has_a_sizing_in_each_file():
    assert list(shipped_sizings()) == ["equal_weight_long", "inverse_volatility", "rank_long_short", "score_weighted"]


class Nameless(Given):
    kind: str = "none"


def test_a_sizing_whose_kind_is_not_one_name_is_refused():
    module = ModuleType(Nameless.__module__)
    module.Nameless = Nameless
    with pytest.raises(TypeError, match="test_listing: the kind of Nameless is not one name"):
        sizings_in([module])


def test_a_module_without_a_sizing_and_two_of_one_kind_are_refused():
    with pytest.raises(TypeError, match="nothing defines no sizing"):
        sizings_in([ModuleType("nothing")])
    with pytest.raises(TypeError, match="define a sizing of the kind 'equal_weight_long' each"):
        sizings_in([equal_weight_long, inverse_volatility, equal_weight_long])


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ("[('A', None)]", "no finite weight for 'A' on 2024-01-19"),
        ("[('A', 1e999)]", "no finite weight for 'A'"),
        ("[('A', 0.1), ('A', 0.1)]", "more than one weight for 'A'"),
        ("[('Z', 0.1)]", "a weight without a score for 'Z'"),
        ("[('A', -0.7)]", "a weight above max_weight 0.6 for 'A' on 2024-01-19: -0.7"),
        ("[('A', 0.6), ('B', -0.5)]", "weights that sum to more than gross_leverage 1, the first for 'A'"),
    ],
)
def test_weights_that_cannot_be_used_are_refused_with_the_sizing_symbol_and_session(rows, fault):
    scores = pl.DataFrame({"date": DAY, "symbol": ["A", "B"], "score": [1.0, 2.0]})
    with pytest.raises(TargetWeightError, match=f"book 'main': the sizing 'given' gives {fault}"):
        target_weights(scores, [DAY], MAIN.with_values(sizing=Given(rows=rows)), CALENDAR)


def test_a_name_that_a_sizing_says_nothing_of_weighs_nothing():
    scores = pl.DataFrame({"date": DAY, "symbol": ["A", "B"], "score": [1.0, 2.0]})
    book = MAIN.with_values(sizing=Given(rows="[('A', 0.6)]"))
    assert target_weights(scores, [DAY], book, CALENDAR)["weight"].to_list() == [0.6, 0.0]
