"""Documentation of the features, generated from the sets themselves: one page per set, and an index."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from trading_assets.features.feature_set import INTERVALS, Feature, FeatureSet, Interval

INDEX = "README.md"
GUIDE = "../own_work.md"
"""Where the index of the shipped sets links to for adding a feature."""
MADE = "<!-- Made from the code by: trading-assets docs -->\n\n"
_BARS: Mapping[Interval, str] = {"daily": "daily bars", "hourly": "hourly bars", "minute": "minute bars"}
_SPECIAL = re.compile(r"[\\*$<|]")
_COLUMNS = ("name", "formula", "unit", "look-back", "source", "group", "bars")


class Described(Protocol):
    """A set of features, in Python or in SQL."""

    @property
    def name(self) -> str:
        """Name of the set."""
        ...

    @property
    def doc(self) -> str:
        """What it holds."""
        ...

    @property
    def features(self) -> Mapping[str, Feature]:
        """Its features by name."""
        ...


def pages(python: Iterable[FeatureSet], sql: Iterable[Described], guide: str | None = None) -> dict[str, str]:
    """Text of every page by the name of its file.

    Parameters
    ----------
    python
        Sets that Python computes.
    sql
        Sets that a dbt model computes.
    guide
        Where the index links to for adding a feature.
    """
    in_python, in_sql = list(python), list(sql)
    found = {f"{one.name}.md": _page(one, _tables(one)) for one in in_python}
    found |= {f"{one.name}.md": _page(one, f"Table: `features.{one.name}`, in SQL.") for one in in_sql}
    return {INDEX: _index(in_python, in_sql, guide)} | found


def write_pages(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write the pages and remove those of sets that no longer exist; pages that were not generated stay.

    Returns
    -------
    list of pathlib.Path
        Files that were written or removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    gone = [path for path in folder.glob("*.md") if path.name not in texts and path.read_text().startswith(MADE)]
    changed = [
        (folder / name, text)
        for name, text in texts.items()
        if not (folder / name).exists() or (folder / name).read_text() != text
    ]
    for path in gone:
        path.unlink()
    for path, text in changed:
        path.write_text(text)
    return [*gone, *(path for path, _ in changed)]


def _index(python: list[FeatureSet], sql: list[Described], guide: str | None) -> str:
    rows: list[tuple[Described, str]] = [(one, _counts(one)) for one in python]
    rows += [(one, f"{len(one.features)} daily") for one in sql]
    total = sum(len(one.features) for one, _ in rows)
    lines = [
        "# Features\n",
        f"{total} features in {len(rows)} sets. A number in a name is a window in bars. A value depends on nothing",
        "that became known after its own bar: a blocking check tests this on every run.\n",
        *([f"How to add one: [your own work]({guide}).\n"] if guide else []),
        table_row("set", "features", "what it holds"),
        table_row("---", "---:", "---"),
        *(table_row(f"[{one.name}]({one.name}.md)", counts, one.doc) for one, counts in rows),
    ]
    return MADE + "\n".join(lines) + "\n"


def _counts(one: FeatureSet) -> str:
    """How many features exist for bars of each length."""
    return ", ".join(f"{len(one.of(bar))} {bar}" for bar in INTERVALS if bar in one.intervals)


def _tables(one: FeatureSet) -> str:
    of = [f"`{one.table(interval)}` of {_BARS[interval]}" for interval in INTERVALS if interval in one.intervals]
    return f"Tables: {', '.join(of)}."


def _page(one: Described, tables: str) -> str:
    lines = [
        f"# {one.name}\n",
        f"{one.doc}\n",
        f"{len(one.features)} features. {tables} Look-back counts the rows before a value's own that it depends on.\n",
        table_row(*_COLUMNS),
        table_row(*("---:" if name == "look-back" else "---" for name in _COLUMNS)),
        *(_entry(one, feature) for feature in one.features.values()),
    ]
    return MADE + "\n".join(lines) + "\n"


def _entry(one: Described, feature: Feature) -> str:
    exists = feature.intervals & one.intervals if isinstance(one, FeatureSet) else feature.intervals
    bars = ", ".join(interval for interval in INTERVALS if interval in exists)
    lookback = f"{feature.lookback}"
    words = (plain(text) for text in (feature.formula, feature.unit, lookback, feature.source, feature.group))
    return table_row(f"`{feature.name}`", *words, bars)


def table_row(*cells: str) -> str:
    """Row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def plain(text: str) -> str:
    """Text escaped so that Markdown shows it literally: no emphasis, mathematics, HTML or end of a cell."""
    return _SPECIAL.sub(r"\\\g<0>", text)
