"""Which source fills which table: what the settings say, else every source that has it."""

from dataclasses import dataclass

import pytest

from trading_assets.desk.desk import Desk
from trading_assets.desk.settings import Settings
from trading_assets.market_data.source_policy import SourcePolicy, primary_source, source_policy
from trading_assets.market_data.sources import SourceConfigError


@dataclass(frozen=True)
class Named:
    """A source by name and tables alone."""

    name: str
    offers: frozenset[str]


YAHOO = Named("yahoo", frozenset({"bars_daily", "companies"}))
ALPACA = Named("alpaca", frozenset({"bars_daily", "news"}))


def policy(**options):
    return SourcePolicy({"primary": YAHOO, "alpaca": ALPACA}, **options)


def test_without_an_order_the_primary_comes_first_and_others_fill_what_it_lacks():
    found = policy()
    assert found.of("bars_daily") == (YAHOO, ALPACA)
    assert found.of("news") == (ALPACA,)
    assert found.of("quotes") == ()
    assert found.tables == {"bars_daily", "companies", "news"}


def test_an_order_is_followed():
    found = policy(order={"bars_daily": ["alpaca", "primary"]}, comparison="alpaca")
    assert found.of("bars_daily") == (ALPACA, YAHOO)
    assert policy(order={"bars_daily": ["primary"]}).of("bars_daily") == (YAHOO,)
    assert found.comparison_source is ALPACA


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"order": {"bars_daily": ["polygon"]}},
            "source_policy.bars_daily names the source 'polygon'; there are 'primary', 'alpaca'",
        ),
        ({"order": {"news": ["primary"]}}, "source_policy.news: the source 'primary' has no news; it has bars_daily"),
        ({"comparison": "polygon"}, "compare_with names the source 'polygon'"),
    ],
)
def test_a_name_that_is_not_there_is_an_error_of_the_setting(options, message):
    with pytest.raises(SourceConfigError, match=message):
        policy(**options)


def test_a_desk_makes_the_sources_of_its_settings(tmp_path):
    settings = Settings(
        home=tmp_path,
        other_sources={"made": {"kind": "simulated", "n_symbols": 3}},
        source_policy={"corporate_actions": ["made", "primary"]},
        compare_with="made",
    )
    desk = Desk(settings)
    assert [source.name for source in desk.part(source_policy).of("bars_daily")] == ["sample", "simulated"]
    assert [source.name for source in desk.part(source_policy).of("corporate_actions")] == ["simulated", "sample"]
    assert desk.part(source_policy).comparison_source is desk.part(source_policy).sources["made"]


def test_a_source_that_has_to_be_told_its_names_gets_those_of_the_universe(tmp_path):
    listed = Settings(
        home=tmp_path, source={"kind": "yahoo"}, universe={"kind": "symbols", "symbols": ["MSFT", "AAPL"]}
    )
    assert list(Desk(listed).part(primary_source).settings.symbols) == ["AAPL", "MSFT"]
    own = listed.with_values(source={"kind": "yahoo", "symbols": ["IBM"]})
    assert list(Desk(own).part(primary_source).settings.symbols) == ["IBM"]
    screened = listed.with_values(universe={"kind": "screen", "screen": "day_gainers"})
    assert Desk(screened).part(primary_source).settings.screen == "day_gainers"
    second = listed.with_values(source={"kind": "sample"}, other_sources={"y": {"kind": "yahoo"}})
    assert list(Desk(second).part(source_policy).sources["y"].settings.symbols) == ["AAPL", "MSFT"]
