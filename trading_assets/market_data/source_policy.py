"""Which source fills which table: a primary source, then fallbacks in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trading_assets.desk.configuration import UniverseSettings
from trading_assets.desk.desk import Desk
from trading_assets.desk.settings import Settings
from trading_assets.market_data.sources import Source, SourceConfigError, make_source
from trading_assets.market_data.universe import member_lists, names_of

PRIMARY = "primary"


@dataclass(frozen=True)
class SourcePolicy:
    """The sources of a desk and their order for each table.

    Attributes
    ----------
    sources : mapping of str to Source
        Name -> source; ``primary`` is the one of the setting `source`, the others are those of `other_sources`.
    order : mapping of str to sequence of str
        Table of market_data -> names in the order of the requests; a table that is absent is requested from every
        source that offers it, the primary first.
    comparison : str or None
        Name of the source that stored daily bars are compared with.

    Raises
    ------
    SourceConfigError
        A name is not one of the sources, or a source does not offer the table that it is listed for.
    """

    sources: Mapping[str, Source]
    order: Mapping[str, Sequence[str]] = field(default_factory=dict)
    comparison: str | None = None

    def __post_init__(self) -> None:
        """Check the names."""
        for table, names in self.order.items():
            for name in names:
                self._require(name, table, f"source_policy.{table}")
        if self.comparison is not None:
            self._require(self.comparison, "bars_daily", "compare_with")

    @property
    def tables(self) -> frozenset[str]:
        """Tables that some source fills."""
        return frozenset(table for source in self.sources.values() for table in source.offers)

    def of(self, table: str) -> tuple[Source, ...]:
        """Sources of a table in the order of the requests; empty if none offers it."""
        if table in self.order:
            return tuple(self.sources[name] for name in self.order[table])
        return tuple(source for source in self.sources.values() if table in source.offers)

    @property
    def comparison_source(self) -> Source | None:
        """The source that stored daily bars are compared with."""
        return None if self.comparison is None else self.sources[self.comparison]

    def _require(self, name: str, table: str, setting: str) -> None:
        if name not in self.sources:
            msg = f"setting {setting} names the source {name!r}; there are {', '.join(map(repr, self.sources))}"
            raise SourceConfigError(msg)
        if table not in self.sources[name].offers:
            offered = ", ".join(sorted(self.sources[name].offers))
            msg = f"setting {setting}: the source {name!r} has no {table}; it has {offered}"
            raise SourceConfigError(msg)


_NEEDS_SYMBOLS = ("yahoo", "alpaca")
_EXCHANGE_OF_ITS_OWN = {"sample": "XNYS"}
_HAS_SCREENS = ("yahoo",)


def primary_source(desk: Desk) -> Source:
    """Create the primary source of market data, that of the setting `source`."""
    return make_source(_of_the_desk(desk.settings.source, desk.settings, "source"))


def source_policy(desk: Desk) -> SourcePolicy:
    """Create the sources of a desk, in their order for each table."""
    settings = desk.settings
    others = {
        name: make_source(_of_the_desk(one, settings, f"other_sources.{name}"))
        for name, one in settings.other_sources.items()
    }
    return SourcePolicy({PRIMARY: desk.part(primary_source), **others}, settings.source_policy, settings.compare_with)


def _of_the_desk(source: Mapping[str, Any], settings: Settings, setting: str) -> Mapping[str, Any]:
    """Settings of a source with the universe and the exchange of the desk; a desk has one exchange."""
    found = _of_the_universe(source, settings.universe)
    own = _EXCHANGE_OF_ITS_OWN.get(str(source.get("kind")), source.get("exchange"))
    if own is None:
        return {**found, "exchange": settings.exchange}
    if own != settings.exchange:
        msg = (
            f"{setting} has the exchange {own!r} and the setting exchange is {settings.exchange!r}, but a desk has one "
            "exchange; give both the same"
        )
        raise SourceConfigError(msg)
    return found


def _of_the_universe(source: Mapping[str, Any], universe: UniverseSettings) -> Mapping[str, Any]:
    """Settings of a source, with the symbols of the universe if it needs symbols and has none of its own."""
    if source.get("kind") not in _NEEDS_SYMBOLS or source.get("symbols") or source.get("screen"):
        return source
    if universe.kind == "screen":
        if source.get("kind") not in _HAS_SCREENS:
            msg = f"the source {source.get('kind')!r} has no screens for the universe; set its own symbols"
            raise SourceConfigError(msg)
        return {**source, "screen": universe.screen}
    return {**source, "symbols": names_of(member_lists(universe))}
