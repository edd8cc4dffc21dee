"""What the test of a user's feature calls: an honest feature passes, and each broken rule is named."""

from textwrap import dedent

import pytest

from trading_assets.testing import check_feature, feature_values

FEATURE = """
    import polars as pl

    from trading_assets.features import feature


    @feature({options})
    def {name}():
        '''What it is.'''
        return {expression}
"""
RANGE_21 = "pl.col('high').rolling_max(21) / pl.col('low').rolling_min(21) - 1"


@pytest.fixture
def folder(tmp_path):
    """Factory of folders with a feature, given by its expression."""

    def make(expression, *, name="mine", options="lookback=5, unit='ratio', intervals=('daily',)"):
        file = tmp_path / "features" / f"{name}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(dedent(FEATURE).format(expression=expression, name=name, options=options))
        return tmp_path

    return make


LEAKS = {
    "tomorrow": "pl.col('close').shift(-1) / pl.col('close')",
    "reversed": "pl.col('close').reverse() / pl.col('close')",
    "mean of the whole column": "pl.col('close') / pl.col('close').mean()",
    "z-score of the whole column": "(pl.col('log_return') - pl.col('log_return').mean()) / pl.col('log_return').std()",
    "filled backward": "pl.when(pl.col('date').dt.weekday() == 5).then('log_return').fill_null(strategy='backward')",
    "centred window": "pl.col('close').rolling_mean(5, center=True) / pl.col('close')",
    "rank within all of history": "pl.col('log_return').rank() / 2",
}


def test_an_honest_feature_passes_on_bars_of_every_interval(folder):
    check_feature("mine", folder(RANGE_21, options="lookback=20, unit='ratio'"))


@pytest.mark.parametrize("leak", LEAKS)
def test_a_feature_that_knows_the_future_is_named(folder, leak):
    with pytest.raises(AssertionError, match=r"daily bars: mine looks ahead: values up to .* becomes"):
        check_feature("mine", folder(LEAKS[leak]))


def test_a_look_back_declared_too_short_is_named_with_its_length(folder):
    short = folder("pl.col('close') / pl.col('close').rolling_mean(21)", options="lookback=19, unit='ratio'")
    with pytest.raises(AssertionError, match="mine reads more than the 19 rows before its own that it declares"):
        check_feature("mine", short)


def test_a_short_look_back_that_shows_now_and_then_is_found(folder):
    highest = "pl.col('close') / pl.col('close').rolling_max(21, min_samples=1)"
    short = folder(highest, options="lookback=12, unit='ratio', intervals=('daily',)")
    with pytest.raises(AssertionError, match="mine reads more than the 12 rows"):
        check_feature("mine", short)


def test_a_price_is_no_feature(folder):
    with pytest.raises(AssertionError, match="mine changes with the scale of prices"):
        check_feature("mine", folder("pl.col('close') - pl.col('open')"))


def test_a_random_number_is_no_feature(folder):
    drawn = "pl.col('close') / pl.col('close') * __import__('random').random()"
    with pytest.raises(AssertionError, match="mine has other values when it is computed again"):
        check_feature("mine", folder(drawn))


def test_a_feature_without_any_value_is_named(folder):
    with pytest.raises(AssertionError, match="mine has no value on any"):
        check_feature("mine", folder("pl.col('close') / 0.0"))


def test_a_feature_that_does_not_exist_is_named_with_those_that_do(folder):
    with pytest.raises(AssertionError, match="no feature 'yours' of your own; there are mine"):
        check_feature("yours", folder(RANGE_21))


def test_a_feature_whose_file_is_left_out_is_named_with_its_fault(folder):
    folder("pl.col('vwap')", name="broken")
    with pytest.raises(AssertionError, match=r"no feature 'broken'.*there are mine; .*broken\.py:8: .* reads vwap"):
        check_feature("broken", folder(RANGE_21))


def test_values_are_those_of_bars_written_down(folder):
    bars = [(10.0, 11.0, 9.0, 10.0, 100.0), (10.0, 12.0, 10.0, 12.0, 100.0)]
    change = folder("pl.col('close') / pl.col('close').shift(1) - 1", options="lookback=1, unit='ratio'")
    assert feature_values("mine", bars, change) == [None, pytest.approx(0.2)]
