"""What the report assets write, and that no order of rows shows in it."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from trading_assets.files import write_atomically
from trading_assets.reports.assets import read_tear_sheet
from trading_assets.reports.metrics import information_coefficient


def test_a_file_is_replaced_whole_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "main" / "tear_sheet.json"
    write_atomically(path, '{"book": "old"}')
    write_atomically(path, '{"book": "main"}')
    assert read_tear_sheet(path) == {"book": "main"}
    assert [file.name for file in path.parent.iterdir()] == ["tear_sheet.json"]


@pytest.mark.parametrize("seed", range(5))
def test_the_information_coefficient_does_not_depend_on_the_order_of_rows(seed: int) -> None:
    """To the last bit: its mean is part of the content hash of two tables."""
    rng = np.random.default_rng(seed)
    days = [date(2016, 1, 1) + timedelta(days=day) for day in range(30)]
    keys = [(day, f"S{number}") for day in days for number in range(40)]
    predictions = pl.DataFrame(keys, schema=["date", "symbol"], orient="row").with_columns(
        prediction=pl.Series(rng.normal(size=len(keys)))
    )
    labels = predictions.select("symbol", "date").with_columns(forward_return=pl.Series(rng.normal(size=len(keys))))
    shuffled = [frame.sample(fraction=1.0, shuffle=True, seed=seed) for frame in (predictions, labels)]
    assert information_coefficient(*shuffled).equals(information_coefficient(predictions, labels))
