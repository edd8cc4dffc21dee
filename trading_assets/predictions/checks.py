"""Checks of predictions: each session scored from its own features by a model that was trained before it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import polars as pl

from trading_assets.desk.desk import Desk
from trading_assets.desk.recomputation import Recomputation, point_in_time_check, stored_span
from trading_assets.features.desk_matrix import desk_matrix
from trading_assets.lake import LakeFrame, Scope
from trading_assets.predictions.contract import DAILY

_CHECKED_DAYS = 75


def recompute(desk: Desk, scope: Scope, run_id: str) -> Iterator[Recomputation]:
    """Newest predictions of each model of the scope.

    They depend on the features of their own session, and of as many before as the model looks back to.
    """
    del run_id
    known = LakeFrame(desk.lake, DAILY).read(["model"])["model"].unique().sort().to_list()
    wanted = scope.values.get("model")
    for model in known:
        if wanted is None or model in wanted:
            yield from _recompute(desk, scope, model)


def _recompute(desk: Desk, scope: Scope, model: str) -> Iterator[Recomputation]:
    from trading_assets.predictions.predict import predict
    from trading_assets.predictions.versions import load_versions, sessions_read

    table = LakeFrame(desk.lake, DAILY)
    span = stored_span(table, scope, _CHECKED_DAYS)
    if span is None:
        return
    first, last = span[0].replace(day=1), span[1]
    stored = table.read(start=first, end=last, model=model)
    if stored.is_empty():
        return
    versions, _ = load_versions(desk, model, first, last)
    calendar = sessions_read(desk, first, last, versions)
    columns = dict.fromkeys(name for version in versions for name in version.model.features)
    names = [f"{version.trained_through} {version.model_hash}" for version in versions]
    by_name = dict(zip(names, versions, strict=True))

    def compute(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        known = [replace(by_name[name], since=since) for since, name in frames["versions"].iter_rows()]
        found = predict(frames["features"], known, model=model, start=first, calendar=calendar)
        return found.select(stored.columns)

    yield Recomputation(
        compute,
        inputs={
            "features": desk.part(desk_matrix).read(desk.lake, list(columns), calendar[0], last),
            "versions": pl.DataFrame(
                {"since": [version.since for version in versions], "name": names},
                schema={"since": pl.Date, "name": pl.String},
            ),
        },
        stored=stored,
        known_on={"features": "date", "versions": "since"},
        history={"features": "date"},
        lookback=max((version.model.lookback for version in versions), default=0),
    )


CHECKS = (point_in_time_check(DAILY, recompute),)
