"""What the test of a user's strategy calls: an honest strategy passes, and each broken rule is named."""

from datetime import date

import pytest

from trading_assets.signals.templates import new_strategy
from trading_assets.testing import check_strategy, strategy_scores

MONDAY, TUESDAY = date(2016, 1, 4), date(2016, 1, 5)


@pytest.fixture
def folder(tmp_path):
    """Factory of folders with the template's strategy, parts of its text replaced."""

    def make(*replaced):
        text = new_strategy("mine")[0]
        for old, new in replaced:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "strategies").mkdir(exist_ok=True)
        (tmp_path / "strategies" / "mine.py").write_text(text)
        return tmp_path

    return make


def test_an_honest_strategy_passes(folder):
    check_strategy("mine", folder())


BROKEN = {
    "a look ahead": ((".shift(5)", ".shift(-5)"), "strategy mine: .* looks ahead: values up to"),
    "a look-back declared too short": (("lookback=5", "lookback=3"), "strategy mine: .* reads more than the 3 rows"),
    "scores beyond 1": (
        (
            'return ranked(prices.with_columns(loss=loss), by="loss")',
            'return prices.select("date", "symbol", score=9.0)',
        ),
        r"mine gives scores outside of \[-1, 1\]",
    ),
    "no score": (
        (
            'return ranked(prices.with_columns(loss=loss), by="loss")',
            'return prices.head(0).select("date", "symbol", score=0.0)',
        ),
        "mine scores no name",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_rule_is_named(folder, case):
    replaced, said = BROKEN[case]
    with pytest.raises(AssertionError, match=said):
        check_strategy("mine", folder(replaced))


def test_a_strategy_that_does_not_exist_is_named_with_those_that_do_and_the_faults(folder):
    folder()
    (folder() / "strategies" / "broken.py").write_text("X = 1 / 0")
    with pytest.raises(AssertionError, match=r"no strategy 'broken' of your own; there are mine; .*broken\.py:1: Zero"):
        check_strategy("broken", folder())


def test_scores_are_those_of_rows_written_down(folder):
    made = folder(("shift(5)", "shift(1)"), ("lookback=5", "lookback=1"))
    closes = {"A": (10.0, 9.0), "B": (10.0, 11.0)}
    rows = [
        {"date": day, "symbol": name, "close": close}
        for name, both in closes.items()
        for day, close in zip((MONDAY, TUESDAY), both, strict=True)
    ]
    assert strategy_scores("mine", {"prices": rows}, made) == {(TUESDAY, "A"): 1.0, (TUESDAY, "B"): -1.0}
