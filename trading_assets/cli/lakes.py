"""Which lake a command works on: it has to be there, except for the command that makes one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from trading_assets.desk.settings import (
    DATABASE_VARIABLE,
    FILE_NAME,
    HOME_VARIABLE,
    Settings,
    SettingsError,
    command_for,
    default_home,
    lake_folder,
    load_settings,
)
from trading_assets.suggest import did_you_mean

# Any of them is there once a lake has been made, or has been described to be made.
_MARKS = (FILE_NAME, "postgres/PG_VERSION", "attach.sql")
_SHOWN = 5


def existing_lake(home: Path | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings of a lake that is there; nothing is made.

    Raises
    ------
    SettingsError
        There is no lake in the folder, or its settings cannot be used.
    """
    folder = lake_folder(home, environment)
    # A database of your own may hold the lake of a machine whose folder is still empty.
    if not (is_lake(folder) or (folder.is_dir() and environment.get(DATABASE_VARIABLE))):
        raise SettingsError(_missing(folder, home, environment))
    return load_settings(home, environment)


def intended_lake(home: Path | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings of a lake that need not be there yet, for commands that write or read files of your own in its folder.

    Raises
    ------
    SettingsError
        The folder is not there and a lake nearby has almost the same name, or the settings cannot be used.
    """
    folder = lake_folder(home, environment)
    if not folder.exists() and did_you_mean(folder.name, _nearby(folder)):
        raise SettingsError(_missing(folder, home, environment))
    return load_settings(home, environment)


def is_lake(folder: Path) -> bool:
    """Whether a lake has been made in a folder, or has its settings there."""
    return any((folder / mark).exists() for mark in _MARKS)


def _missing(folder: Path, home: Path | None, environment: Mapping[str, str]) -> str:
    by = "--home" if home else HOME_VARIABLE if environment.get(HOME_VARIABLE) else "the default"
    nearby = _nearby(folder)
    hint = did_you_mean(folder.name, nearby)
    if not hint and nearby:
        hint = f"; lakes nearby: {', '.join(nearby[:_SHOWN])}{', ...' if len(nearby) > _SHOWN else ''}"
    if folder.is_file():
        return f"{folder} ({by}) is a file, not the folder of a lake{hint}"
    return f"{folder} ({by}) has no lake{hint}; a lake is made there by: {command_for(folder, 'demo')}"


def _nearby(folder: Path) -> list[str]:
    """Names of lakes beside a folder and below the working folder, and the default one."""
    found = [child for parent in (folder.parent, Path.cwd()) for child in _children(parent)]
    found.append(default_home())
    return [
        one.name if one.parent == folder.parent else str(one)
        for one in dict.fromkeys(path.resolve() for path in found)
        if one != folder and is_lake(one)
    ]


def _children(parent: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from sorted(child for child in parent.iterdir() if child.is_dir())
