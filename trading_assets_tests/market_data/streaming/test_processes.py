"""The stream in a process of its own: killed at any moment it loses nothing; the command tells what it does."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from trading_assets import cli
from trading_assets.brokers.alpaca.connection import KEY_VARIABLES
from trading_assets.cli import streaming
from trading_assets.desk.settings import Settings
from trading_assets.market_data.contract import BARS_MINUTE
from trading_assets.market_data.streaming.assets import Observations
from trading_assets.market_data.streaming.bar_stream import StoredBatch
from trading_assets_tests.brokers.embedded.markets import DAYS
from trading_assets_tests.market_data.streaming._life import stream_bars
from trading_assets_tests.market_data.streaming.conftest import minute, wait_for
from trading_assets_tests.processes import context

DAY = DAYS[1]


@pytest.mark.slow
def test_killed_stream_loses_nothing_and_doubles_nothing(market):
    chance, day = random.Random(7), DAY
    for life in range(3):
        has_begun = context.Event()
        process = context.Process(
            target=stream_bars,
            args=(market.lake, market.broker.url, (market.keys.key_id, market.keys.secret), has_begun),
        )
        process.start()
        market.pass_minutes(2)
        assert has_begun.wait(60)
        for _ in range(chance.randint(2, 5)):
            market.pass_minutes(1)
            time.sleep(chance.uniform(0.0, 0.15))
        if life < 2:
            process.kill()
            process.join()
        market.pass_minutes(2)  # nobody listens
    wait_for(lambda: market.is_complete(day))
    process.kill()
    process.join()
    stored = market.stored(day)
    assert stored.equals(market.history(day))
    assert not stored.select(BARS_MINUTE.key).is_duplicated().any()


@pytest.mark.slow
def test_command_prints_a_line_per_batch_and_ends_with_ctrl_c(market, tmp_path: Path):
    url = market.lake.postgres
    home = Settings(home=tmp_path / "home", source={"kind": "sample"}).save().parent
    environment = os.environ | {
        "DATABASE_URL": f"postgresql://{url.user}@/{url.database}?host={url.host}",
        **dict(zip(KEY_VARIABLES, (market.keys.key_id, market.keys.secret), strict=True)),
        "COLUMNS": "200",
        "PYTHONUNBUFFERED": "1",
    }
    words = [
        "stream",
        "--symbols",
        "AAA,BBB",
        "--url",
        market.broker.url,
        "--batch-seconds",
        "0.1",
        "--home",
        str(home),
    ]
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "trading_assets.cli", *words],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert "minute bars of 2 names, feed iex" in process.stdout.readline()
    market.pass_minutes(3)
    line = process.stdout.readline()
    assert "added" in line
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    printed = line + rest
    assert sum(int(part.split(" added")[0].split()[-1]) for part in printed.splitlines()) == 6
    assert f"{minute(DAY, 2):%Y-%m-%d %H:%M} UTC" in printed
    assert market.keys.secret not in printed + errors


def test_command_without_names_or_keys_says_what_to_do(tmp_path: Path, monkeypatch, capsys):
    home = Settings(home=tmp_path / "home", source={"kind": "sample"}).save().parent
    for variable in KEY_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    for words, said in ((["--symbols", "AAA"], "ALPACA_KEY_ID"), ([], "--symbols AAPL,MSFT")):
        monkeypatch.setattr(sys, "argv", ["trading-assets", "stream", *words, "--home", str(home)])
        with pytest.raises(SystemExit, match="1"):
            cli.main()
        assert said in capsys.readouterr().err


def test_command_takes_alpaca_and_the_names_as_the_settings_have_them(tmp_path: Path):
    universe = {"kind": "symbols", "symbols": ["BBB", "AAA"]}
    other = {"vendor": {"kind": "alpaca", "feed": "sip"}}
    settings = Settings(home=tmp_path, source={"kind": "sample"}, other_sources=other, universe=universe)
    made = streaming._source(settings, None, None, None).parameters
    assert (made.feed, made.symbols, made.exchange) == ("sip", ["AAA", "BBB"], "XNYS")
    made = streaming._source(settings, "CCC, DDD", "iex", "http://127.0.0.1:1").parameters
    assert (made.feed, made.symbols, made.url) == ("iex", ["CCC", "DDD"], "http://127.0.0.1:1")


def test_dagster_sees_the_batches_of_a_minute_as_one_observation():
    batch = StoredBatch(streamed=2, backfilled=1, added=2, changed=1, quarantined=0, last=minute(DAY, 3), snapshot=7)
    with dg.DagsterInstance.ephemeral() as instance:
        observations = Observations(instance)
        for n in range(3):
            observations.add(batch if n else StoredBatch(1, 0, 1, 0, 0, minute(DAY, 3) - timedelta(minutes=1), 6))
        observations.record()
        observations.record()
        records = instance.fetch_observations(dg.AssetKey(BARS_MINUTE.asset_key), limit=10).records
        seen = [record.asset_observation.metadata for record in records]
    assert [(one["batches"].value, one["bars_streamed"].value, one["snapshot"].value) for one in seen] == [
        (2, 4, 7),
        (1, 1, 6),
    ]
    assert seen[0]["last_minute"].value == minute(DAY, 3).timestamp()
