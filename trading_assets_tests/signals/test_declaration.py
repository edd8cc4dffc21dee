"""A function under `@strategy` is a strategy; what cannot be one is refused by name, and so is what it gives."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from trading_assets.signals import StrategyError, bars, features, predictions, strategy
from trading_assets.signals.strategies.ml_alpha import ml_alpha
from trading_assets.signals.strategies.moving_average_cross import moving_average_cross

DAY = date(2024, 1, 2)
PRICES = {"prices": bars("close")}


@strategy(inputs={"prices": bars("close", "open")}, lookback=lambda window, scale: window * scale, source="Nobody")
def mine(prices: pl.DataFrame, *, window: int = 5, scale: int = 2) -> pl.DataFrame:
    """What I think. And why
    I think so.
    """
    return prices.select("date", "symbol", score=pl.lit(0.01) * window * scale)


def frame(**columns):
    return pl.DataFrame({"date": [DAY, DAY], "symbol": ["A", "B"], **columns})


class TestWhatIsDeclared:
    def test_all_that_is_known_of_it_stands_above_the_function(self):
        assert (mine.name, mine.description, mine.source) == ("mine", "What I think", "Nobody")
        assert (mine.parameters, mine.lookback) == ({"window": 5, "scale": 2}, 10)
        assert mine.inputs == {"prices": bars("close", "open")}
        assert mine.module == __name__

    def test_inputs_describe_themselves(self):
        assert str(bars("close", "open")) == "daily bars, adjusted for splits and dividends: close, open"
        assert str(bars()) == "daily bars, adjusted for splits and dividends: open, high, low, close, volume"
        assert str(predictions("lgbm_daily")) == "predictions of the model lgbm_daily"
        assert str(features("rsi_14", "calendar")) == "features rsi_14, calendar"

    def test_without_a_look_back_a_score_depends_on_its_own_session(self):
        assert ml_alpha.lookback == 0


class TestVariants:
    def test_one_line_follows_another_model(self):
        momentum = ml_alpha.of("lgbm_momentum").named("momentum", "somewhere")
        assert (momentum.name, momentum.models, momentum.module) == ("momentum", ("lgbm_momentum",), "somewhere")
        assert (momentum.rule, momentum.description) == (ml_alpha.rule, ml_alpha.description)
        assert ml_alpha.models == ("lgbm_daily",)

    def test_other_parameters_have_another_look_back(self):
        quick = moving_average_cross.of(fast=5, slow=20)
        assert (quick.lookback, quick.parameters) == (19, {"fast": 5, "slow": 20})
        assert moving_average_cross.of(fast=100).parameters == {"fast": 100, "slow": 200}

    def test_a_variant_scores_with_its_parameters(self):
        rows = frame(close=[1.0, 2.0])
        assert mine.scores({"prices": rows})["score"].to_list() == [0.1, 0.1]
        assert mine.of(window=3).scores({"prices": rows})["score"].to_list() == [0.06, 0.06]

    def test_a_parameter_that_there_is_not_is_refused(self):
        with pytest.raises(
            StrategyError,
            match=r"'moving_average_cross' has no parameter 'slwo' \(did you mean 'slow'\?\); it has fast, slow",
        ):
            moving_average_cross.of(slwo=3)

    def test_a_strategy_without_a_model_cannot_follow_another(self):
        with pytest.raises(StrategyError, match="reads the predictions of no model; it must read those of one"):
            moving_average_cross.of("lgbm_daily")

    def test_a_strategy_of_two_models_cannot_follow_another(self):
        @strategy(inputs={"one": predictions("a"), "two": predictions("b")})
        def both(one: pl.DataFrame, two: pl.DataFrame) -> pl.DataFrame:
            """Two models."""

        with pytest.raises(StrategyError, match="reads the predictions of a and b; it must read those of one model"):
            both.of("c")

    def test_a_parameter_may_not_make_the_look_back_negative(self):
        with pytest.raises(StrategyError, match=r"'mine': the look-back counts sessions .* got -2"):
            mine.of(window=-1)


def declared(name="one", doc="What it is.", arguments="prices", **options):
    made = {}
    exec(f"def {name}({arguments}):\n    {doc!r}\n", {"__name__": "made_up"}, made)
    return strategy(**{"inputs": PRICES, **options})(made[name])


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"name": "MyAlpha"}, "'MyAlpha' of made_up cannot be the name of a strategy: use lower case"),
            ({"name": "my__alpha"}, "'my__alpha' of made_up cannot be the name"),
            ({"doc": ""}, "strategy 'one' of made_up needs a docstring: its first sentence says what it does"),
            ({"arguments": "price"}, "'one' of made_up takes price, but its inputs are prices"),
            ({"arguments": ""}, "'one' of made_up takes nothing, but its inputs are prices"),
            ({"arguments": "", "inputs": {}}, "'one' of made_up takes nothing, but its inputs are none"),
            ({"arguments": "prices, *, window"}, "'one' of made_up: the parameter 'window' needs a default"),
            ({"lookback": -1}, "'one' of made_up: the look-back counts sessions before a score's own, got -1"),
            ({"lookback": 2.5}, "'one' of made_up: the look-back counts sessions before a score's own, got 2.5"),
        ],
    )
    def test_what_cannot_be_a_strategy_is_refused_by_name(self, options, said):
        with pytest.raises(StrategyError, match=said):
            declared(**options)

    def test_a_column_that_bars_do_not_have_is_refused(self):
        with pytest.raises(
            StrategyError, match=r"daily bars have no column 'closs' \(did you mean 'close'\?\); there are open, high"
        ):
            bars("closs")

    def test_features_are_named(self):
        with pytest.raises(StrategyError, match="features\\(\\) needs the names of features"):
            features()


def giving(found):
    @strategy(inputs=PRICES)
    def given(prices: pl.DataFrame) -> pl.DataFrame:
        """What is given."""
        return found

    return given.scores({"prices": frame(close=[1.0, 2.0])})


class TestWhatItGives:
    def test_scores_are_sorted_and_of_one_type(self):
        found = giving(frame(score=[1, -1]).reverse())
        assert found.rows() == [(DAY, "A", 1.0), (DAY, "B", -1.0)]
        assert found.schema == {"date": pl.Date, "symbol": pl.String, "score": pl.Float64}

    def test_null_is_no_opinion(self):
        assert giving(frame(score=[None, 0.5])).rows() == [(DAY, "B", 0.5)]

    def test_nan_is_kept_for_the_contract_to_refuse(self):
        assert giving(frame(score=[float("nan"), 0.5])).height == 2

    @pytest.mark.parametrize(
        ("found", "said"),
        [
            (frame(score=[1.0, 2.0]).lazy(), "strategy 'given' gives LazyFrame, not a polars.DataFrame"),
            (None, "strategy 'given' gives NoneType, not a polars.DataFrame"),
            (frame(), "'given' gives date Date, symbol String; it must give date, symbol, score"),
            (frame(score=[1.0, 2.0], other=[1, 2]), "score Float64, other Int64; it must give date, symbol, score"),
            (frame(score=["a", "b"]), "'given' gives scores of the type String, not numbers"),
            (frame(score=[1.0, 2.0]).with_columns(pl.col("date").cast(pl.String)), "gives date String, symbol"),
            (frame(score=[1.0, 0.5]).with_columns(symbol=pl.lit("A")), "gives two scores for A on 2024-01-02"),
        ],
    )
    def test_what_is_no_score_is_refused_by_name(self, found, said):
        with pytest.raises(StrategyError, match=said):
            giving(found)
