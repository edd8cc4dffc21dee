"""From listed names to partitions, in the order in which ranges go."""

from collections.abc import Iterator

import dagster as dg
import pytest

from trading_assets.desk.symbols import register_symbols, registered_symbols, unregistered_symbols


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def test_listed_names_are_registered_sorted(instance: dg.DagsterInstance) -> None:
    assert register_symbols(instance, ["MSFT", "AAPL", "IBM"]) == ["AAPL", "IBM", "MSFT"]
    assert registered_symbols(instance) == ["AAPL", "IBM", "MSFT"]


def test_a_new_name_goes_to_the_end_so_that_no_earlier_range_moves(instance: dg.DagsterInstance) -> None:
    register_symbols(instance, ["MSFT", "AAPL"])
    assert register_symbols(instance, ["AAPL", "ABNB", "MSFT"]) == ["ABNB"]
    assert registered_symbols(instance) == ["AAPL", "MSFT", "ABNB"]


def test_registering_again_adds_nothing(instance: dg.DagsterInstance) -> None:
    register_symbols(instance, ["MSFT", "AAPL"])
    assert unregistered_symbols(instance, ["AAPL", "MSFT", "AAPL"]) == []
    assert register_symbols(instance, ["AAPL"]) == []


def test_a_name_that_is_no_longer_listed_keeps_its_partitions(instance: dg.DagsterInstance) -> None:
    register_symbols(instance, ["MSFT", "AAPL"])
    register_symbols(instance, ["MSFT"])
    assert registered_symbols(instance) == ["AAPL", "MSFT"]
