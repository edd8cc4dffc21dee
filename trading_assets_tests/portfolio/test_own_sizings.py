"""Sizings of the user's own; books whose sizing or strategy is in a file that is left out are left out with it."""

from textwrap import dedent

import pytest

from trading_assets.desk.desk import Desk
from trading_assets.desk.own_work import own_work
from trading_assets.desk.settings import Settings
from trading_assets.portfolio.books import BookError, books, written_books
from trading_assets.portfolio.sizing import shipped_sizings, sizings
from trading_assets.portfolio.templates import new_sizing
from trading_assets.signals.templates import new_strategy

BOOKS = """
main: {strategy: ml_alpha, capital: 100_000, broker: embedded}
mine: {like: main, strategy: reversal, broker: embedded}
sized: {like: main, sizing: {kind: by_rank, power: 2.0}}
"""
POWER = ('kind: Literal["by_rank"] = "by_rank"', 'kind: Literal["by_rank"] = "by_rank"\n    power: float = 1.0')


@pytest.fixture
def desk(tmp_path):
    """Factory of desks whose user has files, given by kind, name and text."""

    def make(text=BOOKS, **files):
        (tmp_path / "books.yaml").write_text(dedent(text))
        for name, code in files.items():
            path = tmp_path / "own" / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(code)
        return Desk(Settings(home=tmp_path, books=tmp_path / "books.yaml"))

    return make


REVERSAL, BY_RANK = new_strategy("reversal")[0], new_sizing("by_rank")[0].replace(*POWER)


def test_a_book_follows_a_strategy_and_a_sizing_of_the_users_own(desk):
    made = desk(strategies__reversal=REVERSAL, sizings__by_rank=BY_RANK)
    assert list(made.part(sizings)) == [*shipped_sizings(), "by_rank"]
    found = made.part(books)
    assert {name: (one.strategy, one.sizing.kind) for name, one in found.items()} == {
        "main": ("ml_alpha", "equal_weight_long"),
        "mine": ("reversal", "equal_weight_long"),
        "sized": ("ml_alpha", "by_rank"),
    }
    assert found["sized"].sizing.power == 2.0
    assert made.part(own_work).faults == ()


REFUSED = {
    "no sizing": ("X = 1", None, "trading_assets_own.sizings.broken defines no sizing: a class derived from Sizing"),
    "a kind that is not one name": (
        BY_RANK.replace('Literal["by_rank"]', "str"),
        12,
        "trading_assets_own.sizings.broken: the kind of ByRank is not one name; annotate it as a Literal",
    ),
    "a kind that there is": (
        new_sizing("score_weighted")[0],
        10,
        "there is a sizing 'score_weighted' already; choose another name",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_sizing_that_cannot_be_used_costs_only_its_file(desk, case):
    text, _, said = REFUSED[case]
    made = desk("main: {strategy: ml_alpha, capital: 1}", sizings__broken=text, sizings__by_rank=BY_RANK)
    assert list(made.part(sizings)) == [*shipped_sizings(), "by_rank"]
    (fault,) = made.part(own_work).faults
    assert fault.message.startswith(said)


def test_a_book_whose_strategy_or_sizing_is_left_out_is_left_out_and_the_others_are_not(desk, tmp_path):
    made = desk(strategies__reversal="X = 1 / 0", sizings__by_rank="class ByRank(:")
    assert list(made.part(books)) == ["main"]
    lost = "is left out: the file of its {} is left out, " + str(tmp_path / "own") + "/{}"
    strategy, sizing = ("strategy 'reversal'", "strategies/reversal.py"), ("sizing 'by_rank'", "sizings/by_rank.py")
    assert [f"{fault.place.name}: {fault.message}" for fault in made.part(own_work).faults] == [
        f"books.yaml: book 'mine' {lost.format(*strategy)}",
        f"books.yaml: book 'sized' {lost.format(*sizing)}",
        "by_rank.py: SyntaxError: invalid syntax",
        "reversal.py: ZeroDivisionError: division by zero",
    ]


def test_a_trader_can_stop_a_book_that_is_left_out(desk):
    made = desk(strategies__reversal="X = 1 / 0", sizings__by_rank="class ByRank(:")
    found = made.part(written_books)
    assert {name: (one.strategy, one.sizing.kind, one.broker) for name, one in found.items()} == {
        "main": ("ml_alpha", "equal_weight_long", "embedded"),
        "mine": ("reversal", "equal_weight_long", "embedded"),
        "sized": ("ml_alpha", "by_rank", "sim"),
    }


def test_a_sizing_that_does_not_exist_is_refused_with_the_closest_name(desk):
    made = desk("main: {strategy: ml_alpha, capital: 1, sizing: by_rnk}", sizings__by_rank=BY_RANK)
    with pytest.raises(BookError, match=r"'by_rnk' \(did you mean 'by_rank'\?\)"):
        made.part(books)


def test_a_desk_of_which_no_book_is_left_is_refused(desk):
    made = desk("mine: {strategy: reversal, capital: 1}", strategies__reversal="X = 1 / 0")
    with pytest.raises(BookError, match="no book is left"):
        made.part(books)
