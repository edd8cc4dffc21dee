import io
import subprocess
import sys
from datetime import date

import numpy as np
import polars as pl
import pytest
from matplotlib.image import imread

from trading_assets.reports import plots
from trading_assets_tests.reports.books import ic_record, noise, record

IMPORTANCE = pl.DataFrame({"feature": [f"f{i:02d}" for i in range(30)], "gain": [float(i) for i in range(30)]})
CHARTS = {
    "equity": lambda: plots.equity_and_drawdown(noise(300)),
    "importance": lambda: plots.feature_importance(IMPORTANCE),
    "ic": lambda: plots.information_coefficient_by_month(ic_record(noise(300))),
    "costs": lambda: plots.turnover_and_costs(noise(300)),
}


@pytest.mark.parametrize("chart", CHARTS)
def test_chart_is_a_png_with_the_same_bytes_every_time(chart):
    png = CHARTS[chart]()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert png == CHARTS[chart]()
    assert b"Software" not in png
    pixels = imread(io.BytesIO(png))
    assert pixels.shape[1] == 990
    assert np.ptp(pixels) > 0.5


def test_charts_differ_with_their_data():
    assert plots.equity_and_drawdown(noise(300)) != plots.equity_and_drawdown(noise(300, seed=8))


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.equity_and_drawdown(record([0.01])),
        lambda: plots.turnover_and_costs(record([0.01])),
        lambda: plots.information_coefficient_by_month(pl.DataFrame({"date": [date(2024, 1, 2)], "rank_ic": [0.1]})),
        lambda: plots.feature_importance(pl.DataFrame({"feature": ["a"], "gain": [0.0]})),
        lambda: plots.equity_and_drawdown(record([0.01, 0.02]), title="50 % $ <b> ünïcode_ ^"),
    ],
)
def test_the_smallest_input_is_drawn(draw):
    assert draw().startswith(b"\x89PNG")


def test_importing_reports_and_models_loads_no_heavy_library():
    code = (
        "import sys\n"
        "import trading_assets.models.registry, trading_assets.models.training, trading_assets.predictions.predict\n"
        "import trading_assets.signals.registry, trading_assets.reports.tear_sheet\n"
        "print([m for m in ('matplotlib', 'mlflow', 'lightgbm', 'scipy', 'pandas') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
