"""One desk that has run from bars to reports, shared by the tests that look at it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets_tests.desks import Bench, open_bench
from trading_assets_tests.end_to_end._demo import demo_ui, refreshed_ui

__all__ = ["demo_ui", "finished", "refreshed_ui"]

# Names without anything to predict: whatever edge a report finds here is a false one.
NOISE = {"kind": "simulated", "seed": 5, "n_symbols": 4, "start": "2015-01-02", "end": "2016-06-30"}
SPAN = (date(2015, 1, 2), date(2016, 6, 30))
START, END = date(2015, 1, 1), date(2016, 7, 1)


@pytest.fixture(scope="session")
def finished(postgres: PostgresUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Four names of pure noise over eighteen months, through every stage. A test leaves the rows as it found them."""
    with open_bench(postgres, tmp_path_factory.mktemp("finished"), NOISE, START, END) as bench:
        bench.run_all(*SPAN)
        yield bench
