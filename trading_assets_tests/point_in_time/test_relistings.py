"""A symbol that returns after a long silence is two names while anything looks back over it."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from trading_assets.point_in_time.relistings import RELISTED_AFTER, all_apart, apart, together
from trading_assets.testing.bars import corporate_actions

FIRST = date(2015, 1, 1)


def bars(**days: list[int]) -> pl.DataFrame:
    """A bar of each symbol on so many days after the first."""
    rows = [(name, FIRST + timedelta(days=day)) for name, numbers in sorted(days.items()) for day in numbers]
    return pl.DataFrame(rows, schema={"symbol": pl.String, "date": pl.Date}, orient="row")


def after(days: int) -> date:
    return FIRST + timedelta(days=days)


def test_a_silence_within_the_limit_is_none_and_the_frames_are_not_touched() -> None:
    rows, actions = bars(AAA=[0, RELISTED_AFTER], BBB=[500]), corporate_actions(("AAA", FIRST, "split", 2.0))
    assert apart(rows, actions, RELISTED_AFTER) == (rows, actions)
    assert together(rows) is rows


def test_each_silence_beyond_the_limit_begins_another_name() -> None:
    rows, _ = apart(bars(AAA=[0, 1, 200, 201, 400], AB=[0, 400], B=[0, 100]), corporate_actions(), 180)
    assert rows["symbol"].rle().struct.field("len").to_list() == [2, 2, 1, 1, 1, 2]
    assert rows["symbol"].n_unique() == 6
    assert rows.equals(rows.sort("symbol", "date"))
    assert together(rows).equals(bars(AAA=[0, 1, 200, 201, 400], AB=[0, 400], B=[0, 100]))


def test_where_a_reading_begins_only_names_the_listing_differently() -> None:
    """A reading of the second listing alone has its symbol; what is computed of it does not depend on that."""
    whole, part = bars(AAA=[0, 1, 300, 301]), bars(AAA=[300, 301])
    assert apart(part, corporate_actions(), 180)[0].equals(part)
    assert together(apart(whole, corporate_actions(), 180)[0].tail(2)).equals(part)


@pytest.mark.parametrize(
    ("day", "listing"),
    [(-5, 0), (1, 0), (2, 1), (150, 1), (300, 1), (310, 1)],  # the first listing ends on the second day
)
def test_an_action_belongs_to_the_listing_whose_bars_come_next(day: int, listing: int) -> None:
    rows, actions = apart(
        bars(AAA=[0, 1, 300, 301]),
        corporate_actions(("AAA", after(day), "split", 2.0), ("BBB", FIRST, "split", 2.0)),
        180,
    )
    names = rows["symbol"].unique(maintain_order=True).to_list()
    assert actions["symbol"].to_list() == [names[listing], "BBB"]
    assert together(actions)["symbol"].to_list() == ["AAA", "BBB"]


def test_a_name_with_the_mark_of_a_trial_keeps_it() -> None:
    trial = "AAA\x1f3"
    rows, _ = apart(bars(**{trial: [0, 400]}), corporate_actions(), 180)
    assert rows["symbol"].n_unique() == 2
    assert together(rows)["symbol"].to_list() == [trial, trial]


def test_frames_agree_on_which_listing_a_row_is_of() -> None:
    frames = {"prices": bars(AAA=[0, 1, 300, 301]), "scores": bars(AAA=[1, 305]), "late": bars(AAA=[310])}
    found = all_apart(frames, 180)
    names = [found[name]["symbol"].to_list() for name in frames]
    assert names[0][:2] == [names[1][0]] * 2 == ["AAA", "AAA"]
    assert {*names[0][2:], names[1][1], *names[2]} == {names[0][2]} != {"AAA"}
    bridged = {"prices": bars(AAA=[0, 150, 300]), "scores": bars(AAA=[0, 300])}
    assert all_apart(bridged, 180)["scores"]["symbol"].to_list() == ["AAA", "AAA"]
    assert all_apart({"late": frames["late"]}, 180) == {"late": frames["late"]}
