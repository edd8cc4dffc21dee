"""Jobs of the stages, and the runs that refresh a span of sessions with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import dagster as dg

from trading_assets.desk.desk import Desk
from trading_assets.desk.stage import Span, StageJob, keys_of
from trading_assets.library_internals.dagster import UnresolvedAssetJobDefinition
from trading_assets.orchestration import stages

AssetJob = UnresolvedAssetJobDefinition


@dataclass(frozen=True, slots=True)
class StageRun:
    """One run: a job and the tags that name its partitions."""

    job: str
    tags: dict[str, str]


def build_jobs(desk: Desk) -> dict[str, AssetJob]:
    """Jobs of the stages over the tables that a desk has; a job without any table is left out."""
    tables = desk_tables(desk)
    found = {name: [table for table in job.tables(desk) if table in tables] for name, job in _jobs(desk).items()}
    return {
        name: dg.define_asset_job(name, selection=dg.AssetSelection.assets(*(table.split(".") for table in wanted)))
        for name, wanted in found.items()
        if wanted
    }


def desk_tables(desk: Desk) -> set[str]:
    """Tables that a desk has an asset of."""
    return {".".join(key.path) for asset in desk.part(stages.assets) for key in keys_of(asset)}


def refresh_jobs(desk: Desk) -> tuple[str, ...]:
    """Jobs that refresh a lake, in order."""
    tables = desk.part(desk_tables)
    return tuple(
        name
        for name, job in _jobs(desk).items()
        if job.tags is not None and any(table in tables for table in job.tables(desk))
    )


def plan_stage(job: str, desk: Desk, symbols: Sequence[str], first: date, last: date) -> StageRun | None:
    """The run of a job that refreshes a span of sessions; None where the span has none of its partitions.

    Parameters
    ----------
    job : str
        One of `refresh_jobs`.
    desk : Desk
        The desk.
    symbols : sequence of str
        Registered symbols in the order of registration.
    first, last : date
        First and last session.
    """
    tags = _jobs(desk)[job].tags
    found = None if tags is None else tags(desk, Span(first, last, symbols))
    return None if found is None else StageRun(job, dict(found))


def _jobs(desk: Desk) -> dict[str, StageJob]:
    return dict(desk.part(stages.jobs))
