"""Documentation of the strategies, made from the strategies themselves: a page for each, and an index."""

from __future__ import annotations

from collections.abc import Mapping

from trading_assets.features.pages import INDEX, MADE, plain, table_row
from trading_assets.signals.declaration import Strategy


def pages(strategies: Mapping[str, Strategy]) -> dict[str, str]:
    """Text of every page by the name of its file."""
    return {INDEX: _index(strategies)} | {f"{name}.md": _page(name, one) for name, one in strategies.items()}


def _index(strategies: Mapping[str, Strategy]) -> str:
    lines = [
        "# Strategies\n",
        "A strategy gives one score in [-1, 1] for each name and session on which it has an opinion: a row of",
        "`signals.scores`. A check that blocks the run proves that a score depends on nothing that became known after",
        "its session, and on no more sessions before it than the look-back.\n",
        table_row("strategy", "what it does", "look-back"),
        table_row("---", "---", "---:"),
        *(
            table_row(f"[{name}]({name}.md)", plain(one.description), f"{one.lookback}")
            for name, one in strategies.items()
        ),
    ]
    return MADE + "\n".join(lines) + "\n"


def _page(name: str, one: Strategy) -> str:
    facts = [("reads", f"{part}") for part in one.inputs.values()]
    facts += [("look-back", f"{one.lookback} sessions")]
    facts += [("parameter", f"{parameter} = {value}") for parameter, value in one.parameters.items()]
    facts += [("source", one.source)] if one.source else []
    lines = [
        f"# {name}\n",
        f"{one.doc.strip()}\n",
        *(f"- {label}: {plain(text)}" for label, text in facts),
    ]
    return MADE + "\n".join(lines) + "\n"
