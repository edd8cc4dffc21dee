"""The keys of an account are in its key file and nowhere else, whatever went wrong meanwhile."""

from __future__ import annotations

import base64
import stat
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from trading_assets.brokers.accounts import broker_of
from trading_assets.brokers.embedded.keys import KEYS_FILE
from trading_assets.brokers.errors import BrokerError
from trading_assets.library_internals.dagster import DagsterAssetCheckFailedError
from trading_assets.live.errors import LiveError
from trading_assets.live.stage import CLOSE_JOB, TRADE_JOB, live_tags
from trading_assets.orchestration.replay import open_account
from trading_assets_tests.desks import Bench
from trading_assets_tests.live._live_bench import DAYS, Trader, open_market, small_source, traders

pytestmark = pytest.mark.slow

NAMES = [f"SIM000{number}" for number in range(1, 5)]
BROKER_SCHEMA = "broker"


class Scene(NamedTuple):
    """A book that has met errors, all keys that its account ever had, and what was printed meanwhile."""

    trader: Trader
    key_ids: list[str]
    secrets: list[str]
    printed: str
    folders: list[Path]

    @property
    def forbidden(self) -> list[str]:
        """Every form in which a key or a secret could be found."""
        pairs = zip(self.key_ids, self.secrets, strict=True)
        basic = [base64.b64encode(f"{key}:{secret}".encode()).decode() for key, secret in pairs]
        return [*self.key_ids, *self.secrets, *basic]


@pytest.fixture(scope="module")
def scene(postgres, tmp_path_factory) -> Iterator[Scene]:
    """Two sessions with everything that a broker can say no with: 401, 500, a web page, a dropped connection."""
    import logging
    import sys
    from io import StringIO

    folders = [tmp_path_factory.mktemp("desk"), tmp_path_factory.mktemp("books")]
    printed, before = StringIO(), (sys.stdout, sys.stderr)
    handler = logging.StreamHandler(printed)
    logging.getLogger().addHandler(handler)
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.DEBUG)
    sys.stdout = sys.stderr = printed
    try:
        with open_market(postgres, folders[0], small_source()) as bench, traders(bench, folders[1]) as make:
            trader = make()
            keys = [trader.keys]
            trader.step(DAYS[0], dict.fromkeys(NAMES, 0.2))
            trader.want(DAYS[1], dict.fromkeys(NAMES, 0.1))
            trader.close(DAYS[1])
            for fault in ({"status": 500}, {"non_json": True}, {"drop": True}, {"status": 401}):
                for _ in range(20):
                    trader.broker.inject(path="/v2/(account|positions)", **fault)
                fails(trader, TRADE_JOB)
                trader.broker.clear_faults()
            trader.broker.revoke(trader.name)
            fails(trader, TRADE_JOB)
            fails(trader, CLOSE_JOB)
            keys.append(open_account(trader.broker, trader.book))
            trader.broker.inject(
                method="POST", path="/v2/orders$", status=422, body={"code": 42210000, "message": "no"}
            )
            use(trader, keys[-1])
            fails(trader, TRADE_JOB)
            trader.trade(DAYS[1])
            yield Scene(trader, [key.key_id for key in keys], [key.secret for key in keys], printed.getvalue(), folders)
    finally:
        sys.stdout, sys.stderr = before
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(level)


def fails(trader: Trader, job: str) -> None:
    """Run a job that has to fail, with the console that a user has."""
    with pytest.raises((LiveError, BrokerError, DagsterAssetCheckFailedError)):
        trader.run(job, live_tags(trader.name, DAYS[1]), console="DEBUG")


def use(trader: Trader, keys) -> None:
    trader.keys = keys
    trader.use()


def tables_of(bench: Bench) -> Mapping[str, str]:
    """Every table of Postgres, as text: events and runs of Dagster, the lake's catalog, the broker's store."""
    found = {}
    with closing(bench.desk.lake.postgres.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        for schema, table in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{schema}"."{table}" t')
            found[f"{schema}.{table}"] = "\n".join(row[0] for row in cursor.fetchall())
    return found


def test_the_errors_were_met_and_recorded(scene):
    failed = [run for run in scene.trader.bench.instance.get_runs() if run.is_failure]
    assert len(failed) >= 7
    logged = "\n".join(text for name, text in tables_of(scene.trader.bench).items() if name.endswith("event_logs"))
    for words in (
        "the keys are wrong, revoked or not allowed",
        "brokers/alpaca/adapter.py",
        "HTTP 500",
        "cannot be reached",
    ):
        assert words in logged or words in scene.printed


def test_no_key_is_in_any_event_log_or_catalog(scene):
    tables = tables_of(scene.trader.bench)
    assert any(name.endswith("event_logs") and text for name, text in tables.items())
    leaked = [
        (name, form) for name, text in tables.items() for form in scene.forbidden if form in text
        and not (form in scene.key_ids and name.startswith(f"{BROKER_SCHEMA}."))
    ]  # fmt: skip
    assert leaked == []


def test_the_store_of_the_broker_knows_the_key_but_only_a_hash_of_its_secret(scene):
    stored = "\n".join(
        text for name, text in tables_of(scene.trader.bench).items() if name.startswith(f"{BROKER_SCHEMA}.")
    )
    assert scene.key_ids[-1] in stored
    assert not [secret for secret in scene.secrets if secret in stored]


def test_no_key_is_in_any_table_of_the_lake(scene):
    lake = scene.trader.bench.desk.lake
    names = lake.query("SELECT table_name AS name, table_schema AS stage FROM information_schema.tables "
                       "WHERE table_catalog = 'lake'")  # fmt: skip
    searched = 0
    for name, stage in names.select("name", "stage").iter_rows():
        text = lake.query(f'SELECT CAST(t AS VARCHAR) AS line FROM lake."{stage}"."{name}" t')["line"].str.join("\n")[0]
        searched += 1
        assert not [form for form in scene.forbidden if form in (text or "")], f"{stage}.{name}"
    assert searched >= 8


def test_no_key_is_in_any_file_but_the_key_file(scene):
    files = [path for folder in scene.folders for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 20
    holding = {
        path for path in files for form in scene.forbidden if form.encode() in path.read_bytes()
    }  # fmt: skip
    assert {path.name for path in holding} == {KEYS_FILE}
    for path in holding:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_key_is_printed_or_logged(scene):
    assert "DEBUG" in scene.printed or "dagster" in scene.printed
    assert not [form for form in scene.forbidden if form in scene.printed]


def test_no_key_is_in_any_metadata_of_an_asset(scene):
    instance = scene.trader.bench.instance
    text = "".join(repr(entry) for run in instance.get_runs() for entry in instance.all_logs(run.run_id))
    assert "MaterializationData" in text or "ASSET_MATERIALIZATION" in text
    assert not [form for form in scene.forbidden if form in text]


def test_no_text_form_of_a_connection_or_an_error_shows_a_key(scene):
    connection = scene.trader.connection()
    broker = broker_of(scene.trader.desk, scene.trader.book)
    for text in (repr(connection), str(connection), repr(broker), repr(scene.trader.desk)):
        assert not [form for form in scene.forbidden if form in text]
