"""Whether a desk can be loaded: everything that is wrong with its files, at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dagster import DagsterError

from trading_assets.desk.desk import Desk
from trading_assets.desk.own_work import own_work
from trading_assets.errors import TradingAssetsError
from trading_assets.features.matrix.matrix import whole_matrix
from trading_assets.features.sql.desk_models import record_faults
from trading_assets.models.specs import models
from trading_assets.orchestration import stages
from trading_assets.orchestration.jobs import build_jobs
from trading_assets.portfolio.books import books
from trading_assets.signals.registry import strategies


@dataclass(frozen=True)
class Inspection:
    """What was found.

    Attributes
    ----------
    problems
        What is wrong, each with file and line where they are known.
    counts
        Number of things of each kind that a desk has.
    """

    problems: tuple[str, ...]
    counts: Mapping[str, int]


def inspect(desk: Desk) -> Inspection:
    """Load everything a desk consists of, and collect the errors; no lake has to exist."""
    problems: dict[str, None] = {}
    counts: dict[str, int] = {}
    counted: Mapping[str, Callable[[], int]] = {
        "features": lambda: len(desk.part(whole_matrix).columns()),
        "models": lambda: len(desk.part(models)),
        "strategies": lambda: len(desk.part(strategies)),
        "books": lambda: len(desk.part(books)),
    }
    for kind, count in counted.items():
        try:
            counts[kind] = count()
        except (TradingAssetsError, ValueError) as error:
            problems[str(error)] = None
    for load in (record_faults, _load_definitions):
        try:
            load(desk)
        except (TradingAssetsError, ValueError, DagsterError) as error:
            problems[str(error)] = None
    faults = dict.fromkeys(map(str, desk.part(own_work).faults))
    return Inspection((*faults, *problems), counts)


def _load_definitions(desk: Desk) -> None:
    """Make what the web UI loads: models resolve their features, jobs their tables."""
    stages.checks(desk)
    build_jobs(desk)
