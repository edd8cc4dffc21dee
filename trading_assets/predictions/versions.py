"""Versions of models that score a span of sessions, loaded, and the sessions that they read."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, timedelta

from trading_assets.desk.calendar import sessions
from trading_assets.desk.desk import Desk
from trading_assets.models.promotion import versions_in_use
from trading_assets.models.registry import load
from trading_assets.models.specs import models
from trading_assets.predictions.predict import VersionInUse


def month_before(day: date) -> date:
    """First day of the month before a day's."""
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def load_versions(desk: Desk, model: str, first: date, last: date) -> tuple[list[VersionInUse], list[str]]:
    """Versions of a model in use for the sessions from ``first`` to ``last``.

    Returns
    -------
    versions : list of VersionInUse
        One per month that has a version in use.
    said : list of str
        Months in which the gate kept their own version out of use, and what scores the sessions after them.

    Raises
    ------
    UpstreamNotReadyError
        A month's version has not been judged by the model's gate yet.
    RegistryError
        A version cannot be loaded.
    """
    spec = desk.part(models).get(model)
    has_gate = spec is not None and spec.gate is not None
    found, said = [], []
    for row in versions_in_use(desk, model, month_before(first), last, has_gate=has_gate).iter_rows(named=True):
        since, trained_through = row["since"], row["trained_through"]
        if row["reasons"]:
            instead = f"the version of {trained_through:%Y-%m} scores" if trained_through else "nothing scores"
            said.append(f"{model} of {since:%Y-%m} is not in use ({row['reasons']}): {instead} the sessions after it")
        if trained_through:
            version = load(model, row["registry_version"], tracking_uri=desk.mlflow_uri)
            found.append(VersionInUse(since, trained_through, row["model_hash"], version))
    return found, said


def sessions_read(desk: Desk, first: date, last: date, versions: Sequence[VersionInUse]) -> list[date]:
    """Sessions from ``first`` to ``last``, and those before that some versions look back to."""
    lookback = max((version.model.lookback for version in versions), default=0)
    begin = max(desk.settings.start, first - timedelta(days=2 * lookback + 10)) if lookback else first
    days = sessions(desk.settings.exchange, begin, last)
    return days[max(0, bisect_left(days, first) - lookback) :]
