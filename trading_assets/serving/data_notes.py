"""What a person should know about the data of a lake before reading its results: one line each."""

from __future__ import annotations

import math
from collections.abc import Iterator

import polars as pl

from trading_assets.desk.desk import Desk
from trading_assets.lake import Contract, LakeFrame
from trading_assets.lake.bridge.contract_check import is_tolerated
from trading_assets.market_data.contract import ANOMALIES, BARS, CONTRACTS, CORPORATE_ACTIONS, SYMBOLS
from trading_assets.market_data.source_policy import source_policy
from trading_assets.market_data.sources import FilesSource
from trading_assets.market_data.sources._spelling import key_of

_SHOWN = 5
# Prices hardly ever double or halve between two sessions; `split_without_action` knows only the usual ratios of splits.
_HUGE = 1.9


def data_notes(desk: Desk) -> list[str]:
    """Say what is in quarantine by which rule, which names may be one, and which splits and dividends are not known."""
    return [*_quarantined(desk), *_spelled_alike(desk), *_without_actions(desk), *_split_like(desk)]


def _quarantined(desk: Desk) -> Iterator[str]:
    """Rules of the rows in quarantine, first those that no limit counts."""
    for contract in CONTRACTS:
        if not desk.lake.has_files(contract.quarantine_table):
            continue
        rules = desk.lake.query(f"SELECT rule, count(*) AS rows FROM lake.{contract.quarantine_table} GROUP BY rule")
        rules = rules.sort(is_tolerated(contract), "rows", "rule", descending=[True, True, False])
        for rule, rows in rules.head(_SHOWN).iter_rows():
            yield f"{contract.table}: {_count(rows, 'row')} in quarantine, {rule}"
        if rules.height > _SHOWN:
            rest = rules.slice(_SHOWN)
            yield (
                f"{contract.table}: {_count(int(rest['rows'].sum()), 'row')} more in quarantine by "
                f"{_count(rest.height, 'rule')}, see {contract.quarantine_table}"
            )


def _spelled_alike(desk: Desk) -> Iterator[str]:
    symbols = LakeFrame(desk.lake, SYMBOLS).read(["symbol"]).sort("symbol")
    alike = symbols.group_by(key_of(pl.col("symbol")).alias("key"), maintain_order=True).agg("symbol")
    for names in alike.filter(pl.col("symbol").list.len() > 1)["symbol"]:
        yield (
            f"{' and '.join(names)} differ only in spelling, but have bars of the same day, and count as different "
            "names; write them alike in the files if they are one"
        )


def _without_actions(desk: Desk) -> Iterator[str]:
    has_bars = any(_has_rows(desk, contract) for contract in BARS.values())
    if not has_bars or _has_rows(desk, CORPORATE_ACTIONS):
        return
    sources = desk.part(source_policy).of("corporate_actions")
    is_unset = any(isinstance(source, FilesSource) and source.actions_path is None for source in sources)
    remedy = "name their file in the setting source.actions_path" if is_unset else "see that their source has them"
    yield (
        "no split and no dividend is known: prices count as they are, and what a holder lost by a split or got as a "
        f"dividend is taken for a return; {remedy}"
    )


def _split_like(desk: Desk) -> Iterator[str]:
    """Jumps near a usual ratio, and overnight moves that no other event is likely to make."""
    found = LakeFrame(desk.lake, ANOMALIES).read(["symbol", "date", "kind", "value"])
    ratio = pl.when(pl.col("kind") == "outlier").then(1 / (1 + pl.col("value"))).otherwise(pl.col("value"))
    is_split_like = pl.col("kind") == "split_without_action"
    is_huge = (pl.col("kind") == "outlier") & (ratio.log().abs() >= math.log(_HUGE))
    jumps = found.filter(is_split_like | is_huge).with_columns(ratio=ratio.round(3)).sort("date", "symbol")
    if jumps.is_empty():
        return
    listed = ", ".join(
        jumps.head(_SHOWN).select(pl.format("{} on {} (ratio {})", "symbol", "date", "ratio")).to_series()
    )
    more = f" and {jumps.height - _SHOWN} more" if jumps.height > _SHOWN else ""
    yield (
        f"{_count(jumps.height, 'price jump')} like a split that no corporate action explains: {listed}{more}; what to "
        f"do is in {ANOMALIES.table}"
    )


def _has_rows(desk: Desk, contract: Contract) -> bool:
    return desk.lake.has_files(contract.table) and not LakeFrame(desk.lake, contract).read(["symbol"]).is_empty()


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
