"""Training on 505 names and 40 features: one month beside bare LightGBM, and six months side by side or in turn."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks import panels
from benchmarks.measure import Comparison, Timing, repeat
from trading_assets.models.model_spec import ModelSpec
from trading_assets.models.training import feature_columns, train, training_rows

_N_SESSIONS, _N_FEATURES, _HORIZON = 640, 40, 5
_N_MONTHS, _SESSIONS_OF_A_MONTH = 6, 21
_SPEC = ModelSpec()


def _panel() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Features, and labels that depend on the first of them a little."""
    random = np.random.default_rng(7)
    days, keys = panels.sessions(_N_SESSIONS), panels.keys(panels.N_SYMBOLS, _N_SESSIONS)
    values = {f"f{number:02d}": random.normal(size=keys.height).astype(np.float32) for number in range(_N_FEATURES)}
    features = keys.with_columns(pl.Series(name, column) for name, column in values.items())
    calendar = pl.DataFrame(
        {"date": days[:-_HORIZON], "entry_date": days[1 : 1 - _HORIZON], "exit_date": days[_HORIZON:]}
    )
    noise = pl.Series(random.normal(0.0, 0.02, keys.height))
    labels = keys.with_columns(forward_return=0.001 * values["f00"] + noise).join(calendar, on="date", how="inner")
    return features, labels.select("symbol", "date", "entry_date", "exit_date", "forward_return")


def one_month(folder: Path) -> Timing:
    """Choose the rows of a month, fit, validate, hash."""
    del folder
    features, labels = _panel()
    cut = features["date"][-1]
    return repeat(
        lambda: train(_SPEC, features, labels, knowledge_cut=cut, threads=1),
        3,
        rows=_SPEC.max_sessions * panels.N_SYMBOLS,
    )


def bare_lightgbm(folder: Path) -> Timing:
    """Fit the same rows with LightGBM alone, with the same parameters."""
    del folder
    import lightgbm

    features, labels = _panel()
    names = feature_columns(_SPEC, features)
    rows = training_rows(_SPEC, features, labels, features["date"][-1])
    params: dict[str, Any] = {
        **_SPEC.make_learner().parameters(),
        "deterministic": True,
        "force_row_wise": True,
        "use_quantized_grad": True,
        "num_grad_quant_bins": 64,
        "verbosity": -1,
        "num_threads": 1,
    }
    rounds = params.pop("num_iterations")
    matrix, target = rows.fit.select(names).to_numpy(), rows.fit["target"].to_numpy()

    def fit() -> None:
        lightgbm.train(params, lightgbm.Dataset(matrix, label=target, params=params), num_boost_round=rounds)

    return repeat(fit, 3, rows=len(matrix))


def months(folder: Path, *, workers: int, threads: int) -> Timing:
    """Train six months with a number of workers and of threads in each."""
    del folder
    features, labels = _panel()
    days = panels.sessions(_N_SESSIONS)
    cuts = [days[-1 - number * _SESSIONS_OF_A_MONTH] for number in range(_N_MONTHS)]

    def run() -> None:
        with ThreadPoolExecutor(workers) as pool:
            fits = [pool.submit(train, _SPEC, features, labels, knowledge_cut=cut, threads=threads) for cut in cuts]
            for fit in fits:
                fit.result()

    return repeat(run, 1, rows=_N_MONTHS * _SPEC.max_sessions * panels.N_SYMBOLS)


COMPARISONS = (
    Comparison("training.one_month", one_month, "LightGBM alone on the same rows", bare_lightgbm),
    Comparison(
        "training.months",
        partial(months, workers=2, threads=1),
        "one month after the other, two threads each",
        partial(months, workers=1, threads=2),
    ),
)
