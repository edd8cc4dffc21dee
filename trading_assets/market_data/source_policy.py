"""Which source fills which table: a primary, then fallbacks in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from trading_assets.market_data.sources import Source, SourceConfigError

PRIMARY = "primary"


@dataclass(frozen=True)
class SourcePolicy:
    """The sources of a desk and their order for each table.

    Attributes
    ----------
    sources : mapping of str to Source
        Name -> source; ``primary`` is the one of the setting `source`, the others are those of `other_sources`.
    order : mapping of str to sequence of str
        Table of market_data -> names in the order they are asked; a table that is absent is asked of every source that
        offers it, the primary first.
    comparison : str or None
        Name of the source that stored daily bars are compared with.

    Raises
    ------
    SourceConfigError
        A name is not one of the sources, or a source does not offer the table that it is named for.
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
        """Sources of a table in the order they are asked; empty where none offers it."""
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
