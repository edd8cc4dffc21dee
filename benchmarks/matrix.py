"""The matrix of 505 names over five years: read for a model and as a whole, queried in SQL, its drift, a selection."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks import panels
from benchmarks.measure import Comparison, Timing, repeat, scratch_lake
from trading_assets.features.drift.build import drift_of_lake
from trading_assets.features.matrix.matrix import features_in, matrix_of
from trading_assets.features.matrix.view import NAME, ensure_matrix
from trading_assets.features.technical.catalogue import SET as TECHNICAL
from trading_assets.lake import Lake, LakeFrame, Scope
from trading_assets.lake.store.writes import replace
from trading_assets.models.model_spec import ModelSpec, SelectionRules
from trading_assets.models.selection import select_features
from trading_assets.models.specs import SHIPPED

_MATRIX = matrix_of(in_sql=())
_FIRST, _LAST = panels.FIRST, panels.sessions()[-1]
_DRIFT_OF = matrix_of([TECHNICAL], ())
_N_MONTHS = 12
_HORIZON = 6


@contextmanager
def _filled(folder: Path) -> Iterator[Lake]:
    """A lake whose tables of daily features hold made-up values, so that reading is all there is to measure."""
    random, keys = np.random.default_rng(7), panels.keys()
    with scratch_lake(folder) as lake:
        for table in _MATRIX.tables:
            values = (pl.Series(name, random.random(keys.height, dtype=np.float32)) for name in features_in(table))
            replace(lake, table, keys.with_columns(values), Scope())
        yield lake


def _read(folder: Path, columns: int | None) -> Timing:
    """Some features, or all there are; the number of them is among the parts."""
    names = _MATRIX.columns()[:: len(_MATRIX.columns()) // columns][:columns] if columns else _MATRIX.columns()
    rows = panels.N_SYMBOLS * panels.N_SESSIONS
    with _filled(folder) as lake:
        found = repeat(lambda: _MATRIX.read(lake, names, _FIRST, _LAST), 3, rows=rows)
    return Timing(found.seconds, rows, {"columns": len(names)})


def _joined(folder: Path) -> Timing:
    """The same features, table by table, and joined by Polars."""
    names = set(_MATRIX.columns()[:: len(_MATRIX.columns()) // len(SHIPPED[0].features)])

    def work(lake: Lake) -> pl.DataFrame:
        found: pl.DataFrame | None = None
        for table in _MATRIX.tables_with(sorted(names)):
            wanted = ["symbol", "date", *(name for name in features_in(table) if name in names)]
            frame = LakeFrame(lake, table).read(wanted)
            found = frame if found is None else found.join(frame, on=["symbol", "date"], how="left")
        assert found is not None
        return found

    with _filled(folder) as lake:
        return repeat(lambda: work(lake), 3, rows=panels.N_SYMBOLS * panels.N_SESSIONS)


def view(folder: Path) -> Timing:
    """All features of one session, and of one name, from the view."""
    with _filled(folder) as lake:
        ensure_matrix(lake, _MATRIX)
        asked = {
            "session": f"FROM {NAME} WHERE date = DATE '{_LAST}'",
            "name": f"FROM {NAME} WHERE symbol = 'S0100'",
            "one_feature": f"SELECT symbol, rsi_14 FROM {NAME} WHERE date = DATE '{_LAST}'",
        }
        timed = {name: repeat(partial(lake.query, query), 5, warm=True).median for name, query in asked.items()}
    return Timing([sum(timed.values())], panels.N_SYMBOLS, timed)


def drift(folder: Path) -> Timing:
    """Drift of the set `technical` in the last year; a feature's month is the unit."""
    with _filled(folder) as lake:
        first = date(_LAST.year, 1, 1)
        months = len(_DRIFT_OF.columns()) * _N_MONTHS
        return repeat(lambda: drift_of_lake(lake, _DRIFT_OF, first, _LAST), 1, rows=months)


def selection(folder: Path) -> Timing:
    """Selection among all features for one month: two years of 505 names."""
    with _filled(folder) as lake:
        features = _MATRIX.read(lake, (), date(2015, 1, 1), _LAST)
    days = features["date"].unique().sort().to_list()
    exits = pl.DataFrame({"date": days[:-_HORIZON], "exit_date": days[_HORIZON:]})
    value = pl.col(_MATRIX.columns()[0]).cast(pl.Float64)
    labels = features.select("symbol", "date", forward_return=value).join(exits, on="date")
    spec = ModelSpec(name="choosy", selection=SelectionRules())
    return repeat(lambda: select_features(spec, features, labels, knowledge_cut=days[-1]), 1, rows=features.height)


COMPARISONS = (
    Comparison(
        "matrix.model",
        partial(_read, columns=len(SHIPPED[0].features)),
        "tables read and joined by Polars",
        _joined,
    ),
    Comparison("matrix.all", partial(_read, columns=None)),
    Comparison("matrix.view", view),
    Comparison("matrix.drift", drift),
    Comparison("matrix.selection", selection),
)
