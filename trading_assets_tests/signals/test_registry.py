"""Strategies are found by listing a package; what they read must exist before anything is computed."""

from __future__ import annotations

import importlib
import itertools
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from trading_assets.signals import StrategyError, features, predictions, strategy
from trading_assets.signals import strategies as shipped
from trading_assets.signals.registry import by_name, require_known, strategies_of, unknown_references
from trading_assets.signals.strategies.ml_alpha import ml_alpha
from trading_assets.testing.strategies import check_strategy

REVERSAL = '''
    import polars as pl

    from trading_assets.signals import bars, ranked, strategy


    @strategy(inputs={"prices": bars("close")}, lookback=5, source="Jegadeesh (1990)")
    def reversal(prices: pl.DataFrame) -> pl.DataFrame:
        """Losers of the last five sessions before winners."""
        loss = 1 - (pl.col("close") / pl.col("close").shift(5)).over("symbol")
        return ranked(prices.with_columns(loss=loss), by="loss")
'''
MOMENTUM = """
    from trading_assets.signals.strategies.ml_alpha import ml_alpha
    from trading_assets.signals.strategies.moving_average_cross import moving_average_cross

    momentum = ml_alpha.of("lgbm_momentum")
    quick_cross = moving_average_cross.of(fast=5, slow=20)
"""
_numbers = itertools.count()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Factory of packages whose modules are given by name and text."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(**modules):
        name = f"strategies_{next(_numbers)}"
        (tmp_path / name).mkdir()
        for module, text in {"__init__": "", **modules}.items():
            (tmp_path / name / f"{module}.py").write_text(dedent(text))
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield make
    for name in [name for name in sys.modules if name.startswith("strategies_")]:
        del sys.modules[name]


class TestTheListing:
    def test_each_file_of_the_package_is_a_strategy_of_its_name(self):
        assert [one.name for one in strategies_of(shipped)] == ["ml_alpha", "moving_average_cross"]

    def test_a_file_is_found_and_what_it_imports_is_not(self, package):
        found = strategies_of(package(b=REVERSAL, a=MOMENTUM))
        assert [one.name for one in found] == ["momentum", "quick_cross", "reversal"]
        assert [one.module.rpartition(".")[2] for one in found] == ["a", "a", "b"]

    def test_a_variant_has_the_name_of_its_variable(self, package):
        momentum, quick = strategies_of(package(a=MOMENTUM))
        assert (momentum.name, momentum.models) == ("momentum", ("lgbm_momentum",))
        assert (quick.name, quick.lookback) == ("quick_cross", 19)

    def test_a_module_that_begins_with_an_underscore_is_for_what_others_share(self, package):
        assert [one.name for one in strategies_of(package(_shared="WINDOW = 21", a=REVERSAL))] == ["reversal"]

    def test_your_own_come_after_those_that_are_shipped(self, package):
        found = by_name(strategies_of(shipped), strategies_of(package(a=REVERSAL)))
        assert list(found) == ["ml_alpha", "moving_average_cross", "reversal"]

    def test_two_strategies_of_one_name_are_refused_with_their_files(self, package):
        found = strategies_of(package(a=REVERSAL, b=REVERSAL))
        with pytest.raises(StrategyError, match=r"two strategies named 'reversal', in strategies_\d+\.a and .*\.b"):
            by_name(found)

    def test_a_file_that_cannot_be_imported_is_named(self, package):
        with pytest.raises(StrategyError, match=r"strategies_\d+\.broken cannot be imported: SyntaxError"):
            strategies_of(package(broken="def broken(:"))

    def test_a_file_without_a_strategy_is_named(self, package):
        with pytest.raises(StrategyError, match=r"strategies_\d+\.empty defines no strategy"):
            strategies_of(package(empty="WINDOW = 21"))

    def test_a_file_whose_strategy_is_refused_says_so(self, package):
        with pytest.raises(StrategyError, match=r"strategy 'reversal' of .* needs a docstring"):
            strategies_of(package(a=REVERSAL.replace("Losers of the last five sessions before winners.", "")))


class TestTheGuide:
    README = (Path(__file__).resolve().parents[2] / "README.md").read_text()

    def test_its_strategy_without_a_model_is_that_of_these_tests_and_holds(self, package):
        assert dedent(REVERSAL).strip() in self.README
        (reversal,) = strategies_of(package(a=REVERSAL))
        check_strategy(reversal)

    def test_its_strategy_of_another_model_is_a_line(self, package):
        line = 'momentum = ml_alpha.of("lgbm_momentum")'
        imported = "from trading_assets.signals.strategies.ml_alpha import ml_alpha"
        assert f"{imported}\n\n{line}\n" in self.README
        (momentum,) = strategies_of(package(momentum=f"{imported}\n\n{line}\n"))
        assert (momentum.name, momentum.models) == ("momentum", ("lgbm_momentum",))


@strategy(inputs={"known": features("rsi_41", "technical"), "predicted": predictions("lgbm_daily")})
def mistaken(known, predicted):
    """A feature that there is not."""


KNOWN = {"models": ["lgbm_daily", "ridge_daily"], "features": ["rsi_14", "technical"]}


class TestReferences:
    def test_what_exists_passes(self):
        require_known(by_name(strategies_of(shipped)), **KNOWN)

    def test_all_that_does_not_exist_is_said_at_once_with_what_was_meant(self):
        found = {"mistaken": mistaken, "momentum": ml_alpha.of("ridge_dayly").named("momentum", "mine")}
        with pytest.raises(StrategyError) as refused:
            require_known(found, **KNOWN)
        feature, model = str(refused.value).split("; strategy ")
        assert "'mistaken' of trading_assets_tests.signals.test_registry reads 'rsi_41'" in feature
        assert "there is no feature or table of features of this name (did you mean 'rsi_14'?)" in feature
        assert "'momentum' of mine reads 'ridge_dayly'" in model
        assert "there is no model of this name (did you mean 'ridge_daily'?)" in model

    def test_each_fault_is_told_of_its_strategy(self):
        found = {"ml_alpha": ml_alpha, "mistaken": mistaken}
        assert list(unknown_references(found, **KNOWN)) == ["mistaken"]

    def test_a_model_is_missed_where_there_is_none_at_all(self):
        with pytest.raises(StrategyError, match=r"reads 'lgbm_daily', but there is no model of this name$"):
            require_known({"ml_alpha": ml_alpha}, models=[], features=[])
