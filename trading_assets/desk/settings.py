"""Settings: which lake, which source, which span of time. Read once per process from the lake's own file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from trading_assets.errors import TradingAssetsError

HOME_VARIABLE = "TRADING_ASSETS_HOME"
DATABASE_VARIABLE = "DATABASE_URL"
FILE_NAME = "settings.yaml"
PROJECT = Path(__file__).resolve().parents[2]


_NONE = type(None)
# What settings.yaml may hold: types as YAML reads them, and how to say so.
_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "data_path": ((str, _NONE), "a folder or an object-store prefix"),
    "source": ((dict,), "a mapping such as {kind: sample}"),
    "other_sources": ((dict,), "a mapping of names to sources, such as {alpaca: {kind: alpaca, feed: iex}}"),
    "source_policy": ((dict,), "a mapping of tables to names of sources, such as {bars_daily: [primary, alpaca]}"),
    "compare_with": ((str, _NONE), "the name of a source, or empty"),
    "universe": ((dict,), "a mapping such as {kind: listed}"),
    "intraday": ((list,), "a list of bars_hourly and bars_minute, or []"),
    "refetch_sessions": ((int,), "a whole number of sessions"),
    "quality": ((dict,), "a mapping of limits to numbers, such as {delist_after: 10}"),
    "exchange": ((str,), "a calendar code such as XNYS"),
    "start": ((date,), "a date such as 2013-02-08"),
    "end": ((date, _NONE), "a date such as 2013-02-08, or empty"),
    "books": ((str, _NONE), "the path of a books.yaml"),
    "retry_seconds": ((int, float), "a number of seconds"),
    "training_workers": ((int,), "a whole number"),
    "retention_days": ((int,), "a whole number of days"),
    "trading": ((str,), "dry_run or send"),
}
INTRADAY_TABLES = ("bars_minute", "bars_hourly")
TRADING_MODES = ("dry_run", "send")


class SettingsError(TradingAssetsError):
    """A setting is unknown or has a value that cannot be used."""


@dataclass(frozen=True)
class Settings:
    """What a lake's ``settings.yaml`` can say, with the defaults of the offline sample.

    Attributes
    ----------
    home : pathlib.Path
        The lake's folder (``data_lake/``, or what TRADING_ASSETS_HOME names).
    database_url : str or None
        Your own Postgres (DATABASE_URL); the embedded one if None. Not part of ``repr``.
    data_path : str or None
        Where the Parquet files go, a folder or an object-store prefix; ``<home>/parquet/`` if None.
    source : mapping
        ``kind`` and options of the market data source, the primary one.
    other_sources : mapping of str to mapping
        Further sources by name: fallbacks, sources of other tables, a source to compare with.
    source_policy : mapping of str to list of str
        Table of market_data -> names of sources in the order they are asked, ``primary`` among them. A table that is
        absent is asked of every source that has it, the primary first.
    compare_with : str or None
        Name of the source that stored daily bars are compared with; None compares with none.
    universe : mapping
        Which names belong to the universe when; see `trading_assets.market_data.universe.Universe`.
    intraday : list of str
        Tables of intraday bars that are refreshed after each close as well: ``bars_minute``, ``bars_hourly``. Where no
        source has daily bars, they are joined from these.
    refetch_sessions : int
        How many of the newest sessions are asked of a remote source again, for late corrections.
    quality : mapping of str to number
        Limits of the quality of the data; see `trading_assets.market_data.quality.QualityRules`.
    exchange : str
        Calendar code, for instance XNYS.
    start : date
        First day that has partitions.
    end : date or None
        Day after the last one that has partitions, for a source whose history has ended; None keeps growing.
    books : pathlib.Path or None
        Your own ``books.yaml``; the package's if None.
    retry_seconds : float
        Pause before a step that waits for its upstream partitions tries again.
    training_workers : int
        Models fitted side by side, one thread each; no result depends on it.
    retention_days : int
        Snapshots older than this are forgotten by maintenance.
    trading : {"dry_run", "send"}
        Whether live books send their orders, or only print them.
    """

    home: Path
    database_url: str | None = field(default=None, repr=False)
    data_path: str | None = None
    source: Mapping[str, Any] = field(default_factory=lambda: {"kind": "sample"})
    other_sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    source_policy: Mapping[str, Sequence[str]] = field(default_factory=dict)
    compare_with: str | None = None
    universe: Mapping[str, Any] = field(default_factory=lambda: {"kind": "listed"})
    intraday: Sequence[str] = ()
    refetch_sessions: int = 3
    quality: Mapping[str, float] = field(default_factory=dict)
    exchange: str = "XNYS"
    start: date = date(2000, 1, 1)
    end: date | None = date(2013, 3, 2)
    books: Path | None = None
    retry_seconds: float = 10.0
    training_workers: int = 2
    retention_days: int = 90
    trading: str = "dry_run"

    @property
    def parquet_path(self) -> str:
        """Absolute folder, or prefix, of the lake's Parquet files, with a closing slash."""
        if self.data_path and "://" in self.data_path:
            return self.data_path.rstrip("/") + "/"
        return str(Path(self.data_path or self.home / "parquet").resolve()) + "/"

    @property
    def last_day(self) -> date | None:
        """Last day that has partitions; None if there is no last one."""
        return self.end - timedelta(days=1) if self.end else None

    def with_values(self, **values: Any) -> Settings:
        """Copy with other values."""
        return Settings(**{item.name: getattr(self, item.name) for item in fields(self)} | values)

    def save(self) -> Path:
        """Write the lake's ``settings.yaml``; secrets and places given by the environment stay out of it."""
        stored = {
            "source": dict(self.source),
            "other_sources": {name: dict(source) for name, source in self.other_sources.items()},
            "source_policy": {table: list(names) for table, names in self.source_policy.items()},
            "compare_with": self.compare_with,
            "universe": dict(self.universe),
            "intraday": list(self.intraday),
            "refetch_sessions": self.refetch_sessions,
            "quality": dict(self.quality),
            "exchange": self.exchange,
            "start": self.start,
            "end": self.end,
            "data_path": self.data_path,
            "books": str(self.books) if self.books else None,
            "retry_seconds": self.retry_seconds,
            "training_workers": self.training_workers,
            "retention_days": self.retention_days,
            "trading": self.trading,
        }
        self.home.mkdir(parents=True, exist_ok=True)
        path = self.home / FILE_NAME
        partial = path.with_suffix(".partial")
        partial.write_text(yaml.safe_dump(stored, sort_keys=False))
        partial.replace(path)
        return path


def load_settings(home: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Settings of a lake: its ``settings.yaml`` over the defaults, places from the environment.

    Raises
    ------
    SettingsError
        The file cannot be read, or holds an unknown key or a value of the wrong kind.
    """
    variables = os.environ if environment is None else environment
    folder = (home or Path(variables.get(HOME_VARIABLE, "") or _default_home())).expanduser().resolve()
    path = folder / FILE_NAME
    values = _stored(path) if path.exists() else {}
    if values.get("books"):
        values["books"] = Path(values["books"])
    if "intraday" in values:
        values["intraday"] = tuple(values["intraday"])
    settings = Settings(home=folder, database_url=variables.get(DATABASE_VARIABLE) or None, **values)
    if settings.trading not in TRADING_MODES:
        msg = f"{path}: trading must be {' or '.join(TRADING_MODES)}, not {settings.trading!r}"
        raise SettingsError(msg)
    if set(settings.intraday) - set(INTRADAY_TABLES):
        msg = f"{path}: intraday must list some of {', '.join(INTRADAY_TABLES)}, not {list(settings.intraday)}"
        raise SettingsError(msg)
    _check_quality(path, settings.quality)
    if settings.end is not None and settings.end <= settings.start:
        msg = f"{path}: end {settings.end} must be after start {settings.start}; leave end empty if history goes on"
        raise SettingsError(msg)
    return settings


def _check_quality(path: Path, limits: Mapping[str, float]) -> None:
    from trading_assets.market_data.quality.rules import QualityRules  # it needs what needs these settings

    try:
        QualityRules.of(limits)
    except ValueError as error:
        msg = f"{path}: {error}"
        raise SettingsError(msg) from None


def _stored(path: Path) -> dict[str, Any]:
    try:
        stored = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        msg = f"{path} is not readable as YAML: {' '.join(str(error).split())}"
        raise SettingsError(msg) from None
    if stored is None:
        return {}
    if not isinstance(stored, dict):
        msg = f"{path} must hold settings, one `name: value` per line, not {stored!r}"
        raise SettingsError(msg)
    unknown = sorted(set(map(str, stored)) - set(_KINDS))
    if unknown:
        msg = f"{path}: unknown settings {unknown}; known are {sorted(_KINDS)}"
        raise SettingsError(msg)
    for name, value in stored.items():
        kind, example = _KINDS[name]
        if type(value) not in kind:
            msg = f"{path}: {name} must be {example}, not {value!r}"
            raise SettingsError(msg)
    return stored


def _default_home() -> Path:
    return PROJECT / "data_lake" if (PROJECT / "workspace.yaml").exists() else Path.cwd() / "data_lake"
