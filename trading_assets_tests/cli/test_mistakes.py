"""What newcomers type by mistake: one readable message with the remedy, an exit code, and nothing is made."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from trading_assets import cli
from trading_assets.desk.settings import command_for, default_home
from trading_assets_tests.desks import own_environment

SCREEN = 24
DAYS = ("--from", "2024-01-02", "--to", "2024-01-03")


@dataclass(frozen=True)
class Mistake:
    """A command, the folder it names, and words of its one message."""

    typed: tuple[str, ...]
    words: tuple[str, ...]
    home: str = "my_lkae"
    code: int = 1
    folders: tuple[str, ...] = ("my_lake",)
    environment: dict[str, str] = field(default_factory=dict)


NO_LAKE = ("my_lkae (--home) has no lake", "did you mean 'my_lake'?", "trading-assets demo --home")
NEEDS_A_LAKE = (
    ("sql", "SELECT 1"),
    ("stop",),
    ("ui",),
    ("broker",),
    ("kill",),
    ("resume", "--reason", "seen"),
    ("adopt", "main", "--reason", "seen"),
    ("confirm", "main"),
    ("replay", "--book", "main", *DAYS),
    ("stream", "--symbols", "AAPL"),
    ("dbt-build",),
    ("lake", "snapshots"),
    ("lake", "diff", "1", "2"),
    ("lake", "rollback", "1"),
    ("lake", "maintain"),
    ("lake", "migrate"),
    ("lake", "orphans"),
    ("lake", "serve"),
)
BESIDE_A_LAKE = (("check",), ("schema",), ("docs",), ("new", "feature", "range_21"))
MISTAKES = (
    *(Mistake(typed, NO_LAKE) for typed in (*NEEDS_A_LAKE, *BESIDE_A_LAKE)),
    Mistake(
        ("sql", "SELECT 1"), ("has no lake; lakes nearby: my_lake, other",), home="x", folders=("my_lake", "other")
    ),
    Mistake(("sql", "SELECT 1"), ("has no lake; a lake is made there by: trading-assets demo",), folders=()),
    Mistake(("sql", "SELECT 1"), ("settings.yaml (--home) is a file",), home="my_lake/settings.yaml"),
    Mistake(("sql", "SELECT 1"), NO_LAKE, environment={"DATABASE_URL": "postgresql://nowhere/desk"}),
    Mistake(("demo",), ("has '$'", "--home DIR", "DATABASE_URL"), home="a$b"),
    Mistake(("demo",), ("""has '"'""", "--home DIR"), home='a"b'),
    Mistake(("demo", "--sorce", "files"), ("No such option",), code=2),
    Mistake(("demmo",), ("No such command",), code=2),
    Mistake(("replay", "--book", "main", "--from", "02.01.2024", "--to", "2024-01-03"), ("--from",), code=2),
)


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run ``trading-assets`` with arguments: exit code and everything printed."""

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["trading-assets", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out + printed.err

    return run


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda one: f"{' '.join(one.typed)} in {one.home}")
def test_a_mistake_is_one_message_with_its_remedy_and_makes_nothing(
    mistake: Mistake, tell: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    for folder in mistake.folders:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "settings.yaml").touch()
    before = sorted(tmp_path.rglob("*"))
    with own_environment({"DATABASE_URL": "", **mistake.environment}):
        command = mistake.typed if mistake.code == 2 else (*mistake.typed, "--home", str(tmp_path / mistake.home))
        code, printed = tell(*command)
    assert code == mistake.code
    assert [words for words in mistake.words if words not in printed] == []
    assert "Traceback" not in printed
    assert len(printed.splitlines()) <= SCREEN
    assert sorted(tmp_path.rglob("*")) == before


def test_a_lake_that_the_environment_misspells_is_told_by_the_variable(
    tell: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    (tmp_path / "my_lake").mkdir()
    (tmp_path / "my_lake" / "settings.yaml").touch()
    with own_environment({"TRADING_ASSETS_HOME": str(tmp_path / "mylake"), "DATABASE_URL": ""}):
        code, printed = tell("sql", "SELECT 1")
    assert (code, "mylake (TRADING_ASSETS_HOME) has no lake (did you mean 'my_lake'?)" in printed) == (1, True)


def test_an_error_that_nobody_expected_is_one_message_and_a_file(
    tell: Callable[..., tuple[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(cli, "app", lambda: {}["nothing"])
    code, printed = tell("sql", "SELECT 1")
    assert code == 1
    assert printed.startswith("error: KeyError: 'nothing'\n")
    assert "Traceback" not in printed
    assert "KeyError: 'nothing'" in Path(printed.split()[-1]).read_text()


def test_a_command_for_a_lake_names_it_as_a_shell_reads_it(tmp_path: Path) -> None:
    assert command_for(default_home(), "ui") == "trading-assets ui"
    assert command_for(tmp_path / "a b", "ui") == f"trading-assets ui --home '{tmp_path / 'a b'}'"


def test_without_a_home_folder_the_lakes_extensions_are_still_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from trading_assets.lake.store._connecting import import_extensions

    monkeypatch.delenv("HOME")
    import_extensions.__wrapped__()
    assert Path(os.environ["HOME"]).is_dir()
