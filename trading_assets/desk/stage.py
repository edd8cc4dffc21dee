"""What a stage of the desk is: its tables, assets, checks, jobs and sensors, each made for a desk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import dagster as dg

from trading_assets.desk.checks import ScopeCheck
from trading_assets.desk.desk import Desk
from trading_assets.lake.contracts import Contract

Asset = dg.AssetsDefinition | dg.AssetSpec


def keys_of(asset: Asset) -> Iterable[dg.AssetKey]:
    """Keys of the tables that an asset makes, or of the one that it stands for."""
    return asset.keys if isinstance(asset, dg.AssetsDefinition) else [asset.key]


@dataclass(frozen=True, slots=True)
class Span:
    """Sessions that a refresh covers, and the registered symbols in the order of their registration."""

    first: date
    last: date
    symbols: Sequence[str]


@dataclass(frozen=True, slots=True)
class StageJob:
    """Tables that one run materialises together.

    Attributes
    ----------
    name : str
        Name of the job. Several stages may add tables to a job of one name; the first one says which partitions it
        takes.
    tables : callable
        From the desk to tables, ``stage.name``; those that the desk does not have are left out.
    tags : callable, optional
        From desk and span to the tags that name the partitions of a run; None where the span has none of them.
        Without it the job takes no part in a refresh.
    """

    name: str
    tables: Callable[[Desk], Sequence[str]]
    tags: Callable[[Desk, Span], Mapping[str, str] | None] | None = None


def _nothing(_: Desk) -> Sequence[ScopeCheck]:
    return ()


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the desk, in the order data flows.

    Attributes
    ----------
    name : str
        Its package.
    contracts : callable
        From the desk to the contracts of its tables.
    assets : callable
        From the desk to its assets; called once for each desk (`Desk.part`).
    checks : callable
        From the desk to its checks, besides those of the contracts.
    jobs : sequence of StageJob
        Its jobs, in the order of a refresh.
    """

    name: str
    contracts: Callable[[Desk], Sequence[Contract]]
    assets: Callable[[Desk], Sequence[Asset]]
    checks: Callable[[Desk], Sequence[ScopeCheck]] = _nothing
    jobs: Sequence[StageJob] = ()
