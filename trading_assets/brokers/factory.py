"""Brokers by name: each package beside this module lists its kinds of broker in `KINDS`; a leading _ hides one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from trading_assets import brokers
from trading_assets.brokers.errors import BrokerSettingsError
from trading_assets.brokers.protocol import Broker, BrokerKind

SIMULATED = "sim"  # what a book names that has no broker


def broker_kinds() -> dict[str, BrokerKind]:
    """Every kind of broker by its name, in the order of names.

    Raises
    ------
    BrokerSettingsError
        Two packages have a kind of the same name.
    """
    return dict(_kinds_of(tuple(brokers.__path__)))


@cache
def _kinds_of(folders: tuple[str, ...]) -> dict[str, BrokerKind]:
    found: dict[str, BrokerKind] = {}
    for module in iter_modules(folders):
        if not module.ispkg or module.name.startswith("_"):
            continue
        for kind in import_module(f"{brokers.__name__}.{module.name}").KINDS:
            if kind.name in (*found, SIMULATED):
                raise BrokerSettingsError(
                    f"the package {module.name!r} has a broker {kind.name!r}, but that name is taken; give it another"
                )
            found[kind.name] = kind
    return dict(sorted(found.items()))


def broker_kind(name: str) -> BrokerKind:
    """The kind of broker of a name.

    Raises
    ------
    BrokerSettingsError
        There is no such kind.
    """
    kinds = broker_kinds()
    if name not in kinds:
        raise BrokerSettingsError(f"there is no broker {name!r}; there are {', '.join(kinds)}")
    return kinds[name]


def locate_account(kind: str, book: str, home: Path, environment: Mapping[str, str] = os.environ) -> Any:
    """The connection of a book's account.

    Parameters
    ----------
    kind : str
        Name of the kind of broker.
    book : str
        Name of the book.
    home : pathlib.Path
        The lake's folder.
    environment : mapping of str to str
        Environment variables.

    Raises
    ------
    BrokerSettingsError
        The book is simulated, there is no such kind, or the keys are missing or readable by others.
    """
    if kind == SIMULATED:
        raise BrokerSettingsError(f"book {book!r} is simulated; it has no account at a broker")
    return broker_kind(kind).locate(book, home, environment)


def make_broker(kind: str, connection: Any) -> Broker:
    """The account that a connection leads to, at a broker of a kind."""
    return broker_kind(kind).connect(connection)
