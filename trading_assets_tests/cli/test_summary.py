"""The summary at the end of a run prints what is missing from the data or wrong with them."""

from pathlib import Path

import pytest

from trading_assets import cli
from trading_assets.cli import full_run
from trading_assets.desk.settings import Settings

NOTE = "market_data.corporate_actions: 1 row in quarantine, symbol: '[NOPE]' of actions.csv has no bars"


def test_each_note_about_the_data_is_a_line_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = full_run.Summary(
        rows={}, hashes={}, books={}, verdicts={}, hindsight=None, reports={}, quarantined=1, unknown=(), notes=[NOTE]
    )
    monkeypatch.setattr(full_run, "summarise", lambda _: made)
    cli._print_summary(Settings(home=tmp_path))
    lines = capsys.readouterr().out.splitlines()
    assert lines[lines.index("rows in quarantine: 1") + 1] == f"note: {NOTE}"
