"""A table of features in SQL: its columns, the model that makes it, and the tables that the model reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from trading_assets.features.feature_set import Feature

PROJECT = Path(__file__).resolve().parents[3] / "dbt_features"
"""Folder of the shipped dbt project."""

Range = tuple[float | None, float | None]

_SOURCE = re.compile(r"""source\(\s*["'](\w+)["']\s*,\s*["'](\w+)["']\s*\)""")
_REF = re.compile(r"""\bref\(\s*["'](\w+)["']\s*\)""")
_COMMENT = re.compile(r"\{#.*?#\}|--[^\n]*", re.DOTALL)


@dataclass(frozen=True, eq=False)
class SqlSet:
    """Features that one dbt model makes.

    Attributes
    ----------
    name
        Name of the model; its table is ``features.<name>``.
    doc
        What the table holds, one sentence.
    features
        Its columns by name, beside the key. A `lookback` counts sessions.
    model
        File of the model.
    key
        Columns that identify a row: symbol and date, or the date alone.
    ranges
        Smallest and largest value of the columns that have bounds; None is no bound.
    """

    name: str
    doc: str
    features: Mapping[str, Feature]
    model: Path
    key: tuple[str, ...] = ("symbol", "date")
    ranges: Mapping[str, Range] = field(default_factory=dict)

    @property
    def table(self) -> str:
        """Table of the set."""
        return f"features.{self.name}"

    @property
    def is_shipped(self) -> bool:
        """Whether its model ships with the project, rather than being a user's file."""
        return self.model.is_relative_to(PROJECT)

    @property
    def lookback(self) -> int:
        """Sessions before its own that any value depends on."""
        return max((feature.lookback for feature in self.features.values()), default=0)

    @property
    def days_before(self) -> int:
        """Calendar days that the model reads before its first one, enough to hold the sessions of its look-back."""
        return -(-self.lookback * 3 // 2) + 10 if self.lookback else 0

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """Tables that the model names as ``source()`` or ``ref()``, in the order of the file."""
        text = _COMMENT.sub("", self.model.read_text())
        sources = [(found.start(), f"{found[1]}.{found[2]}") for found in _SOURCE.finditer(text)]
        models = [(found.start(), f"features.{found[1]}") for found in _REF.finditer(text)]
        return tuple(dict.fromkeys(table for _, table in sorted([*sources, *models])))
