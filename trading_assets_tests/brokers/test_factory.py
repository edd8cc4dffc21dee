"""Kinds of broker are found by listing packages, and an account by the name of its kind."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from trading_assets import brokers
from trading_assets.brokers.errors import BrokerSettingsError
from trading_assets.brokers.factory import broker_kind, broker_kinds, locate_account, make_broker


@pytest.fixture
def add_package(tmp_path, monkeypatch):
    """Factory of packages beside those of the desk, each with kinds of some names."""
    monkeypatch.setattr(brokers, "__path__", [*brokers.__path__, str(tmp_path)])
    before = set(sys.modules)

    def add(name: str, *kinds: str) -> Path:
        (tmp_path / name).mkdir()
        source = f"""
            from trading_assets.brokers.protocol import BrokerKind

            KINDS = tuple(
                BrokerKind(name, False, False, ("day",), (), {{}}, lambda book, home, env: book, lambda book: book)
                for name in {kinds!r}
            )
        """
        (tmp_path / name / "__init__.py").write_text(dedent(source))
        return tmp_path / name

    yield add
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_the_kinds_of_all_packages_are_there_and_the_template_is_not():
    assert list(broker_kinds()) == ["embedded", "live", "paper"]


def test_facts_tell_the_kinds_apart():
    facts = {name: (kind.is_real_money, kind.is_simulated_time) for name, kind in broker_kinds().items()}
    assert facts == {"embedded": (False, True), "live": (True, False), "paper": (False, False)}
    for kind in broker_kinds().values():
        assert kind.times_in_force == ("opg", "day")
        assert kind.fractional_times_in_force == ("day",)


def test_a_package_that_is_there_is_a_broker_that_books_can_name(add_package, tmp_path):
    add_package("acme", "acme", "acme_cash")
    assert {"acme", "acme_cash"} <= set(broker_kinds())
    assert locate_account("acme", "main", tmp_path) == "main"
    assert make_broker("acme_cash", "main") == "main"


def test_a_package_with_a_leading_underscore_is_hidden(add_package):
    add_package("_draft", "draft")
    assert "draft" not in broker_kinds()


@pytest.mark.parametrize("name", ["paper", "sim"])
def test_a_name_that_is_taken_is_refused(add_package, name):
    add_package("zeta", name)
    with pytest.raises(BrokerSettingsError, match=f"package 'zeta' has a broker '{name}', but that name is taken"):
        broker_kinds()


def test_a_broker_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(BrokerSettingsError, match="no broker 'acme'; there are embedded, live, paper"):
        broker_kind("acme")
