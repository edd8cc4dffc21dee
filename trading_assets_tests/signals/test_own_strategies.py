"""Strategies of the user's own come after the shipped ones; a file that reads what does not exist is left out."""

from textwrap import dedent

import pytest

from trading_assets.desk.desk import Desk
from trading_assets.desk.own_work import own_work
from trading_assets.desk.settings import Settings
from trading_assets.signals.registry import strategies
from trading_assets.signals.templates import new_strategy

SHIPPED = ["ml_alpha", "moving_average_cross"]
READS = """
    import polars as pl
    from trading_assets.signals import features, predictions, ranked, strategy


    @strategy(inputs={{"read": {read}}})
    def {name}(read: pl.DataFrame) -> pl.DataFrame:
        '''What it does.'''
        return read
"""
FOLLOW = "from trading_assets.signals.strategies.ml_alpha import ml_alpha\nfollow = ml_alpha.of('m')"
MODEL = "from trading_assets.models.model_spec import ModelSpec\nM = ModelSpec(name='m', features=('rsi_14',))\n"


@pytest.fixture
def desk(tmp_path):
    """Factory of desks whose user has files, given by kind, name and text."""

    def make(**files):
        for name, text in files.items():
            path = tmp_path / "own" / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text))
        return Desk(Settings(home=tmp_path))

    return make


def test_a_file_is_a_strategy_after_the_shipped_ones(desk):
    made = desk(
        strategies__mine=new_strategy("mine")[0],
        strategies__variants=FOLLOW,
        models__m=MODEL,
    )
    found = made.part(strategies)
    assert list(found) == [*SHIPPED, "mine", "follow"]
    assert found["follow"].models == ("m",)
    assert made.part(own_work).faults == ()


DECORATOR, DEFINITION = 6, 7
REFUSED = {
    "an unknown model": (
        READS.format(name="broken", read="predictions('lgbm_dayly')"),
        DEFINITION,
        "strategy 'broken' of trading_assets_own.strategies.broken reads 'lgbm_dayly', but there is no model",
    ),
    "an unknown feature": (
        READS.format(name="broken", read="features('rsi_41')"),
        DEFINITION,
        "strategy 'broken' of trading_assets_own.strategies.broken reads 'rsi_41', but there is no feature",
    ),
    "a shipped name": (
        READS.format(name="ml_alpha", read="features('rsi_14')"),
        DEFINITION,
        "there is a strategy 'ml_alpha' already; choose another name",
    ),
    "no docstring": (
        READS.format(name="broken", read="features('rsi_14')").replace("'''What it does.'''", "pass"),
        DECORATOR,
        "strategy 'broken' of trading_assets_own.strategies.broken needs a docstring",
    ),
    "no strategy": ("X = 1", None, "trading_assets_own.strategies.broken defines no strategy"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_strategy_that_cannot_be_used_costs_only_its_file(desk, case):
    text, line, said = REFUSED[case]
    made = desk(strategies__broken=text, strategies__mine=new_strategy("mine")[0])
    assert list(made.part(strategies)) == [*SHIPPED, "mine"]
    (fault,) = made.part(own_work).faults
    assert (fault.file.name, fault.line) == ("broken.py", line)
    assert fault.message.startswith(said)


def test_a_strategy_of_a_model_that_is_left_out_is_left_out_too(desk):
    made = desk(models__m=MODEL.replace("rsi_14", "rsi_41"), strategies__follow=FOLLOW)
    assert list(made.part(strategies)) == SHIPPED
    assert [fault.file.name for fault in made.part(own_work).faults] == ["m.py", "follow.py"]
