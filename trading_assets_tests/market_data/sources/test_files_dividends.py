"""Dividends in your own files: several of one day, rows that are listed twice, amounts that cannot be."""

from datetime import UTC, date, datetime

import pytest

from trading_assets.lake.contracts.contract import DUPLICATE
from trading_assets.market_data.contract import CORPORATE_ACTIONS
from trading_assets.market_data.sources import FilesSource

EVER = (date(1990, 1, 1), date(2030, 1, 1))
ACTIONS = "symbol,ex_date,kind,value"
DAY = "2015-06-10"


@pytest.fixture
def actions(tmp_path):
    """Factory of a source with bars of A and B at 20 and the lines of a file of actions."""
    days = ("2015-06-08", "2015-06-09", "2015-06-10", "2015-06-11")
    bars = [f"{symbol},{day},20,21,19,20,100" for symbol in "AB" for day in days]
    # The bars of a Sunday and of a price that cannot be are no close before anything.
    bars += ["A,2015-06-07,0.01,0.01,0.01,0.01,5", "A,2015-06-05,20,21,19,-1,5"]
    (tmp_path / "bars.csv").write_text("\n".join(["symbol,date,open,high,low,close,volume", *bars]))

    def make(*lines, header=ACTIONS, more=None, **settings):
        folder = tmp_path / "actions"
        folder.mkdir(exist_ok=True)
        (folder / "one.csv").write_text("\n".join([header, *lines]))
        if more:
            (folder / "two.csv").write_text("\n".join(more))
        source = FilesSource(path=tmp_path / "bars.csv", actions_path=folder, **settings)
        return CORPORATE_ACTIONS.split(source.corporate_actions(["A", "B"], *EVER))

    return make


def test_a_regular_and_a_special_dividend_of_one_day_add_up(actions):
    split = actions(f"A,{DAY},dividend,0.25", f"A,{DAY},Dividend,1.00", f"B,{DAY},dividend,0.5")
    assert split.good.select("symbol", "value").rows() == [("A", 1.25), ("B", 0.5)]
    assert split.quarantined.is_empty()


def test_dividends_of_one_day_in_two_files_add_up(actions):
    split = actions(f"A,{DAY},dividend,0.25", more=[ACTIONS, f"A,{DAY},dividend,1.00"])
    assert split.good["value"].to_list() == [1.25]


def test_an_identical_row_counts_once_and_is_kept_as_a_duplicate(actions):
    lines = [f"A,{DAY},dividend,0.25"] * 2 + [f"A,{DAY},dividend,1.00"]
    for split in (actions(*lines), actions(*lines[1:], more=[ACTIONS, lines[0]])):
        assert split.good["value"].to_list() == [1.25]
        assert split.quarantined["rule"].to_list() == [DUPLICATE]


def test_equal_amounts_that_another_column_tells_apart_are_two_dividends(actions):
    lines = [f"A,{DAY},dividend,0.25,regular", f"A,{DAY},dividend,0.25,special"]
    assert actions(*lines, header=f"{ACTIONS},note").good["value"].to_list() == [0.5]


def test_the_sum_is_known_when_the_last_part_of_it_is(actions):
    lines = [f"A,{DAY},dividend,0.25,2015-05-01T12:00:00Z", f"A,{DAY},dividend,1,2015-06-01T12:00:00Z"]
    split = actions(*lines, header=f"{ACTIONS},known_at")
    assert split.good["known_at"].to_list() == [datetime(2015, 6, 1, 12, tzinfo=UTC)]


def test_an_amount_that_cannot_be_read_is_not_added_and_not_lost(actions):
    amounts = ("0.25", "-1", "one", "inf", "nan")
    split = actions(*(f"A,{DAY},dividend,{amount}" for amount in amounts))
    assert split.good["value"].to_list() == [0.25]
    assert sorted(split.quarantined["rule"]) == ["value: greater_than(0)", *["value: not_nullable"] * 3]


def test_a_split_that_is_listed_twice_counts_once_and_two_ratios_are_a_conflict(actions):
    assert actions(*[f"A,{DAY},split,2"] * 2).good["value"].to_list() == [2.0]
    split = actions(f"A,{DAY},split,2", f"A,{DAY},split,3")
    assert split.good.is_empty()
    assert split.quarantined["rule"].str.starts_with("conflict").all()


@pytest.mark.parametrize(
    "lines",
    [
        [f"A,{DAY},dividend,400"],
        [f"A,{DAY},dividend,20"],  # the close itself: nothing would be left
        [f"A,{DAY},split,2", f"A,{DAY},dividend,11"],  # 22 for each share of the day before
        [f"A,{DAY},dividend,9", f"A,{DAY},dividend,12"],  # together
        ["A,2015-06-13,dividend,400"],  # a Saturday: at the close of the last bar before
    ],
)
def test_a_dividend_that_is_not_below_the_close_is_quarantined_alone(actions, lines):
    split = actions(*lines, f"B,{DAY},dividend,0.5", "A,2015-06-09,dividend,0.5")
    assert split.good.filter(kind="dividend").select("symbol", "value").rows() == [("A", 0.5), ("B", 0.5)]
    rule = split.quarantined["rule"].item()
    assert rule.startswith("value: the dividend of ")
    assert "is not below 20.0, the close of 2015-06-" in rule


def test_bars_of_no_session_and_impossible_prices_are_not_compared_with(actions):
    split = actions("A,2015-06-08,dividend,0.5")
    assert split.good["value"].to_list() == [0.5]


def test_a_dividend_before_the_first_bar_has_no_close_to_be_compared_with(actions):
    assert actions("A,2015-01-02,dividend,400").quarantined.is_empty()


def test_of_prices_adjusted_for_splits_the_close_as_it_was_traded_counts(actions):
    lines = ["A,2015-06-11,split,4", f"A,{DAY},dividend,30"]
    assert actions(*lines).good["kind"].to_list() == ["split"]
    assert actions(*lines, adjustment="split").good["value"].to_list() == [30.0, 4.0]
