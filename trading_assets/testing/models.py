"""What every model must satisfy, on made-up features and labels."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from trading_assets.desk.calendar import sessions
from trading_assets.desk.own_objects import objects_of
from trading_assets.desk.own_work import OwnWork
from trading_assets.features.matrix.matrix import matrix_of
from trading_assets.features.sets import sets_with
from trading_assets.features.sql.sets import sets_with as sql_sets_with
from trading_assets.models.model_spec import ModelSpec
from trading_assets.models.specs import resolved
from trading_assets.models.training import train
from trading_assets.testing.bars import EXCHANGE

_LAST = date(2016, 6, 30)
_HORIZON = 5
_NAMES = 12
_FORWARD = 20


def check_model(name: str, own: Path) -> None:
    """Fail unless a model can be trained and used, on made-up features and labels.

    Its features and learner must exist, it must fit to a window of its longest length, have the same bytes for any
    number of threads and order of rows, whatever is known after the month, and give finite scores that differ.

    Parameters
    ----------
    name
        Name of the model.
    own
        Folder of the user's own work.

    Raises
    ------
    AssertionError
        A rule is broken, there is no such model, or its file cannot be used; the message says which and where.
    """
    spec = _resolved(name, own)
    features, labels, cut = _panel(spec)
    first = train(spec, features, labels, knowledge_cut=cut)
    shuffled = (frame.sample(fraction=1.0, shuffle=True, seed=5) for frame in (features, labels))
    if train(spec, *shuffled, knowledge_cut=cut, threads=2).model_hash != first.model_hash:
        raise AssertionError(f"model {name} has other bytes for another number of threads or order of rows")
    known = [features.filter(pl.col("date") <= cut), labels.filter(pl.col("exit_date") <= cut)]
    if train(spec, *known, knowledge_cut=cut).model_hash != first.model_hash:
        raise AssertionError(f"model {name} learns from what became known after its month")
    rows = features.filter(pl.col("date") > cut - timedelta(days=7)).sort("date", "symbol")
    scores = first.fitted.predict(rows, panel=features.sort("date", "symbol"))
    if not np.isfinite(scores).all():
        raise AssertionError(f"model {name} gives scores that are not finite")
    if len(set(scores)) == 1:
        raise AssertionError(f"model {name} gives every row the same score")


def _resolved(name: str, folder: Path) -> ModelSpec:
    work = OwnWork(folder)
    found = work.add_to({}, "models", objects_of(ModelSpec), "model")
    if name not in found:
        there = f"there are {', '.join(found)}" if found else "there is none"
        raise AssertionError("; ".join([f"there is no model {name!r} of your own; {there}", *map(str, work.faults)]))
    in_sql = sql_sets_with(work).values()
    matrix = matrix_of(sets_with(work, in_sql).values(), in_sql)
    try:
        return replace(resolved(found[name], matrix), name=name)
    except ValueError as error:
        raise AssertionError("; ".join([str(error), *map(str, work.faults)])) from error


def _panel(spec: ModelSpec) -> tuple[pl.DataFrame, pl.DataFrame, date]:
    """Random features, labels that follow the first of them, and the knowledge cut of the last month but one."""
    wanted = spec.max_sessions + 2 * spec.embargo_sessions + _HORIZON + 2 * _FORWARD
    names = max(_NAMES, -(-2 * spec.min_rows // spec.min_sessions))
    days = sessions(EXCHANGE, _LAST - timedelta(days=2 * wanted), _LAST)[-wanted:]
    random = np.random.default_rng(11)
    calendar = pl.DataFrame({"date": days}).with_columns(
        entry_date=pl.col("date").shift(-1), exit_date=pl.col("date").shift(-_HORIZON)
    )
    symbols = pl.DataFrame({"symbol": [f"N{number:04d}" for number in range(names)]})
    keys = calendar.join(symbols, how="cross")
    values = random.standard_normal((keys.height, len(spec.features))).astype(np.float32)
    columns = [pl.Series(name, values[:, number]) for number, name in enumerate(spec.features)]
    returns = 0.02 * (0.5 * values[:, 0] + random.standard_normal(keys.height))
    labels = keys.with_columns(forward_return=pl.Series(returns)).drop_nulls("exit_date")
    return keys.select("symbol", "date").with_columns(columns), labels, days[-_FORWARD]
