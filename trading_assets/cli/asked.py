"""What a command asks of a lake that is there already, beside what the lake's own settings say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from trading_assets.desk.settings import FILE_NAME, Settings
from trading_assets.files import write_if_changed

ASKED = "demo.json"
_NOT_GIVEN = "not given"


def remember(settings: Settings, asked: Mapping[str, Any]) -> None:
    """Keep what the command that makes a lake asked for: the same command is known again after an edit of settings."""
    write_if_changed(settings.home / ASKED, _text(asked))


def goes_with(settings: Settings, asked: Mapping[str, Any]) -> bool:
    """Whether a command may run on a lake: it is the one that made it, or asks for nothing that the settings deny."""
    path = settings.home / ASKED
    if path.exists() and path.read_text(encoding="utf-8") == _text(asked):
        return True
    held = _held(settings)
    wanted = json.loads(_text(asked))
    same_source = wanted["source"].items() <= held["source"].items()
    return same_source and ("universe" not in wanted or wanted["universe"] == held["universe"])


def differences(settings: Settings, asked: Mapping[str, Any]) -> Iterator[str]:
    """What the settings of a lake say in place of, or beside, what a command asks for; one line each."""
    held, wanted = _held(settings), json.loads(_text(asked))
    for option in sorted({*held["source"], *wanted["source"]}):
        found = held["source"].get(option, _NOT_GIVEN), wanted["source"].get(option, _NOT_GIVEN)
        if found[0] != found[1]:
            yield f"source.{option}: {FILE_NAME} {found[0]}, command {found[1]}"
    default = json.loads(_text({"universe": {"kind": "listed"}}))["universe"]
    if held["universe"] != wanted.get("universe", default):
        yield f"universe: {FILE_NAME} {held['universe']}, command {wanted.get('universe', _NOT_GIVEN)}"


def _held(settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_text({"source": settings.source, "universe": settings.universe.stored()}))
    return found


def _text(asked: Mapping[str, Any]) -> str:
    return json.dumps(asked, indent=2, sort_keys=True, default=str) + "\n"
