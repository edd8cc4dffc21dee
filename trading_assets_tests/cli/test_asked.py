"""A lake whose settings were edited runs by its settings under the command that made it; another command is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from trading_assets.cli.asked import ASKED, differences, goes_with, remember
from trading_assets.cli.full_run import configure
from trading_assets.desk.settings import Settings, SettingsError, load_settings

FILES = {"source": {"kind": "files", "path": "/data/bars.csv"}}
SYMBOLS = {"kind": "symbols", "symbols": ["AAPL", "MSFT"]}
YAHOO = {"source": {"kind": "yahoo"}, "universe": SYMBOLS}


@pytest.mark.parametrize(
    ("asked", "edited", "shown"),
    [
        (FILES, {}, []),
        (
            FILES,
            {"source": FILES["source"] | {"actions_path": "/data/actions.csv"}},
            ["source.actions_path: settings.yaml /data/actions.csv, command not given"],
        ),
        (
            FILES,
            {"source": FILES["source"] | {"path": "/new/bars.csv"}},
            ["source.path: settings.yaml /new/bars.csv, command /data/bars.csv"],
        ),
        (
            FILES,
            {"universe": {"kind": "symbols", "symbols": ["A"]}},
            ["universe: settings.yaml {'kind': 'symbols', 'symbols': ['A']}, command not given"],
        ),
        (
            YAHOO,
            {"universe": {"kind": "symbols", "symbols": ["AAPL"]}},
            [f"universe: settings.yaml {SYMBOLS | {'symbols': ['AAPL']}}, command {SYMBOLS}"],
        ),
    ],
)
def test_the_command_that_made_a_lake_runs_after_an_edit_and_the_difference_is_shown(
    tmp_path: Path, asked: Mapping[str, Any], edited: Mapping[str, Any], shown: list[str]
) -> None:
    Settings(home=tmp_path, **asked).save()
    remember(load_settings(tmp_path, {}), asked)
    load_settings(tmp_path, {}).with_values(**edited).save()
    settings = load_settings(tmp_path, {})
    assert goes_with(settings, asked)
    assert list(differences(settings, asked)) == shown
    assert configure(settings, asked["source"], universe=asked.get("universe")) == settings


def test_an_added_option_runs_in_a_lake_that_does_not_know_what_made_it(tmp_path: Path) -> None:
    Settings(home=tmp_path, source=FILES["source"] | {"actions_path": "/data/actions.csv"}).save()
    settings = load_settings(tmp_path, {})
    assert goes_with(settings, FILES)
    assert not (tmp_path / ASKED).exists()


@pytest.mark.parametrize("other", [{"kind": "files", "path": "/data/other.csv"}, {"kind": "sample"}])
def test_another_source_is_refused_with_the_difference(tmp_path: Path, other: Mapping[str, Any]) -> None:
    Settings(home=tmp_path, **FILES).save()
    settings = load_settings(tmp_path, {})
    remember(settings, FILES)
    with pytest.raises(SettingsError, match=r"holds the source .*source\.\w+: settings.yaml .*--home DIR"):
        configure(settings, other)
