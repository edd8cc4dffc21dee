"""A desk of some models over one table of features that the test has written."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl

from trading_assets.desk.calendar import sessions
from trading_assets.desk.checks import asset_checks
from trading_assets.desk.desk import Desk
from trading_assets.features.contract import contract_of
from trading_assets.features.desk_matrix import desk_matrix
from trading_assets.features.drift import assets as drift_assets
from trading_assets.features.drift.contract import DRIFT
from trading_assets.features.feature_set import Feature, FeatureSet
from trading_assets.features.matrix.matrix import Matrix, whole_matrix
from trading_assets.labels.contract import FORWARD_RETURN
from trading_assets.lake import Contract, LakeFrame, Scope
from trading_assets.lake.bridge.io_manager import LakeIOManager
from trading_assets.lake.bridge.table_assets import IO_MANAGER_KEY
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import SYMBOLS
from trading_assets.models import assets as model_assets
from trading_assets.models.contract import contracts
from trading_assets.models.model_spec import ModelSpec
from trading_assets.models.specs import by_name, models
from trading_assets.predictions import assets as prediction_assets
from trading_assets.predictions.checks import CHECKS
from trading_assets.predictions.contract import DAILY
from trading_assets_tests.desks import Bench, multi_range, open_bench

START, END = date(2020, 1, 1), date(2021, 4, 1)
FEATURES = ("signal", "twin", "noise_1", "noise_2", "still")
MADE = contract_of(
    FeatureSet("made", "Made up.", {name: Feature(name, "made up", "ratio", 0) for name in FEATURES}, "none"), "daily"
)
MATRIX = Matrix((MADE,))


class SmallDesk:
    """A desk whose lake holds features and labels, and nothing else yet."""

    def __init__(self, bench: Bench, specs: Sequence[ModelSpec]) -> None:
        self.bench, self.lake = bench, bench.desk.lake
        self.desk = self.with_models(*specs)
        self.specs = self.desk.part(models)
        tables = (SYMBOLS, *contracts(self.desk), DAILY, DRIFT)
        by_table = {one.table: one for one in tables}
        scores = prediction_assets.build_assets(self.desk)
        self.assets = [
            dg.AssetSpec(SYMBOLS.asset_key).with_io_manager_key(IO_MANAGER_KEY),
            *model_assets.build_assets(self.desk),
            *scores,
            *drift_assets.build_assets(self.desk),
            *(asset_checks(one, by_table, CHECKS) for one in scores),
        ]
        manager = dg.IOManagerDefinition(lambda _: LakeIOManager(self.lake, by_table))
        self.resources = {"desk": self.desk, IO_MANAGER_KEY: manager}

    def with_models(self, *specs: ModelSpec) -> Desk:
        """The desk of the bench, with other models over another matrix."""
        desk = Desk(self.bench.settings, given={models: by_name(specs), desk_matrix: MATRIX, whole_matrix: MATRIX})
        desk.__dict__["lake"] = self.lake
        return desk

    def run(self, *tables: str, tags: Mapping[str, str]) -> dg.ExecuteInProcessResult:
        with self.bench.active():
            return dg.materialize(
                self.assets,
                selection=[dg.AssetKey(table.split(".")) for table in tables],
                resources=self.resources,
                instance=self.bench.instance,
                tags=dict(tags),
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )

    def train(self, first: str, last: str, *names: str) -> dg.ExecuteInProcessResult:
        """Train some models, all by default."""
        made = [table.table for table in contracts(self.desk) if table.table != "models.feature_selection"]
        return self.run(*made, tags=self.months(first, last, *names))

    def predict(self, first: str, last: str, *names: str) -> dg.ExecuteInProcessResult:
        """Score months with some models, all by default, and check them."""
        return self.run("predictions.daily", tags=self.months(first, last, *names))

    def months(self, first: str, last: str, *names: str) -> dict[str, str]:
        """Tags of months of neighbouring models, all by default."""
        ends = names or tuple(self.specs)
        return multi_range({"date": first, "model": ends[0]}, {"date": last, "model": ends[-1]})

    def read(self, contract: Contract, **where: str) -> pl.DataFrame:
        return LakeFrame(self.lake, contract).read(**where)

    def write(self, contract: Contract, frame: pl.DataFrame) -> None:
        names = frame["symbol"].unique().sort().to_list()
        keys = tuple(sorted(f"{year}|{name}" for year in (2020, 2021) for name in names))
        replace(self.lake, contract, frame, Scope({"symbol": tuple(names)}, "date", START, END, keys))


def panel(names: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Features and labels of every session; the return follows `signal`."""
    rng = np.random.default_rng(4)
    days = sessions("XNYS", START, END - timedelta(days=1))
    keys = pl.DataFrame({"symbol": sorted(names)}).join(pl.DataFrame({"date": days}), how="cross")
    noise = {name: rng.standard_normal(keys.height).astype(np.float32) for name in ("signal", "noise_1", "noise_2")}
    features = keys.with_columns(
        **noise, twin=pl.Series(100.0 * noise["signal"] ** 3, dtype=pl.Float32), still=pl.lit(1.0, dtype=pl.Float32)
    )
    calendar = pl.DataFrame({"date": days[:-6], "entry_date": days[1:-5], "exit_date": days[6:]})
    labels = keys.with_columns(
        forward_return=pl.Series(0.01 * noise["signal"] + 0.005 * rng.standard_normal(keys.height)).cast(pl.Float64)
    ).join(calendar, on="date", how="inner", maintain_order="left")
    return features.select(*MADE.schema), labels.select(*FORWARD_RETURN.schema)


@contextmanager
def open_small_desk(postgres: PostgresUrl, folder: Path, *specs: ModelSpec) -> Iterator[SmallDesk]:
    """Open a desk of six names with features and labels of 2020 and the first quarter of 2021."""
    with open_bench(postgres, folder, {"kind": "simulated", "n_symbols": 6, "seed": 2}, START, END) as bench:
        opened = SmallDesk(bench, specs)
        features, labels = panel(bench.list_symbols())
        opened.write(MADE, features)
        opened.write(FORWARD_RETURN, labels)
        yield opened


def logged(result: dg.ExecuteInProcessResult, bench: Bench) -> list[str]:
    """Messages that the steps of a run have logged."""
    return [entry.user_message for entry in bench.instance.all_logs(result.run_id) if not entry.is_dagster_event]
