"""Settings: which lake, which source, which span of time. Read once per process from the lake's own file."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import yaml
from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from trading_assets.desk.configuration import ConfigModel, ConfigurationError, QualityRules, UniverseSettings
from trading_assets.desk.configuration.faults import in_words, unknown_key
from trading_assets.desk.configuration.yaml_file import read_mapping
from trading_assets.files import write_atomically

HOME_VARIABLE = "TRADING_ASSETS_HOME"
DATABASE_VARIABLE = "DATABASE_URL"
FILE_NAME = "settings.yaml"
PROJECT = Path(__file__).resolve().parents[2]

IntradayTable = Literal["bars_minute", "bars_hourly"]
INTRADAY_TABLES: tuple[str, ...] = get_args(IntradayTable)
# Set by the environment, never by the file.
_PLACES = ("home", "database_url")


class SettingsError(ConfigurationError):
    """A setting is unknown or has a value that cannot be used."""


class Settings(ConfigModel):
    """What a lake's ``settings.yaml`` can say, with the defaults of the offline sample."""

    error = SettingsError

    home: Path
    """The lake's folder (``data_lake/``, or what TRADING_ASSETS_HOME names)."""
    database_url: str | None = Field(default=None, repr=False)
    """Your own Postgres (DATABASE_URL); the embedded one if None. Not part of ``repr``."""
    data_path: str | None = Field(default=None, examples=["s3://bucket/lake"])
    """Where the Parquet files go, a folder or an object-store prefix; ``<home>/parquet/`` if None."""
    source: Mapping[str, Any] = Field(default={"kind": "sample"}, examples=[{"kind": "sample"}])
    """``kind`` and options of the market data source, the primary one."""
    other_sources: Mapping[str, Mapping[str, Any]] = Field(
        default={}, examples=[{"alpaca": {"kind": "alpaca", "feed": "iex"}}]
    )
    """Further sources by name: fallbacks, sources of other tables, a source to compare with."""
    source_policy: Mapping[str, Sequence[str]] = Field(default={}, examples=[{"bars_daily": ["primary", "alpaca"]}])
    """Table of market_data -> names of sources in the order they are tried, ``primary`` among them. A table that is
    absent is read from every source that has it, the primary first."""
    compare_with: str | None = None
    """Name of the source that stored daily bars are compared with; None compares with none."""
    universe: UniverseSettings = UniverseSettings()
    """Which names belong to the universe, and when."""
    intraday: Annotated[tuple[IntradayTable, ...], Field(strict=False)] = ()
    """Tables of intraday bars that are refreshed after each close as well. Where no source has daily bars, they are
    joined from these."""
    refetch_sessions: Annotated[int, Field(ge=0)] = 3
    """How many of the newest sessions are fetched from a remote source again, for late corrections."""
    quality: QualityRules = QualityRules()
    """Limits beyond which something in the data is worth a look."""
    exchange: str = Field(default="XNYS", min_length=1, examples=["XNYS"])
    """Calendar code of the exchange, ISO 10383."""
    start: date = Field(default=date(2000, 1, 1), examples=[date(2013, 2, 8)])
    """First day that has partitions."""
    end: date | None = Field(default=date(2013, 3, 2), examples=[date(2013, 2, 8)])
    """Day after the last one that has partitions, for a source whose history has ended; None if the history goes on."""
    books: Annotated[Path, Field(strict=False)] | None = None
    """Your own ``books.yaml``, relative to the lake's folder; the package's if None."""
    own: Annotated[Path, Field(strict=False)] = Field(default=Path("own"), validate_default=True)
    """Folder of your own features, models, strategies and sizings, relative to the lake's folder."""
    retry_seconds: Annotated[float, Field(ge=0)] = 10.0
    """Pause before a step that waits for its upstream partitions tries again."""
    training_workers: Annotated[int, Field(ge=1)] = 2
    """Models fitted side by side, one thread each; no result depends on it."""
    retention_days: Annotated[int, Field(ge=0)] = 90
    """Snapshots older than this many days are forgotten by maintenance."""
    trading: Literal["dry_run", "send"] = "dry_run"
    """Whether live books send their orders, or only print them."""

    @field_validator("books", "own")
    @classmethod
    def _beside_the_settings(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        # a rejected home has no value here
        return (info.data.get("home", Path()) / path.expanduser()).resolve() if path else None

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> Self:
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"end {self.end} must be after start {self.start}; leave end empty if history goes on")
        return self

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

    def command(self, words: str) -> str:
        """A command for this lake, as a person types it."""
        return command_for(self.home, words)

    def save(self) -> Path:
        """Write the lake's ``settings.yaml``; secrets and places given by the environment stay out of it.

        Comments at the head of the file stay, such as the line that tells an editor where its JSON schema is.
        """
        stored = self.model_dump(exclude={*_PLACES})
        stored |= {
            "universe": self.universe.stored(),
            "quality": self.quality.model_dump(exclude_defaults=True),
            "source_policy": {table: list(names) for table, names in self.source_policy.items()},
            "intraday": list(self.intraday),
            "books": self._relative(self.books),
            "own": self._relative(self.own),
        }
        path = self.home / FILE_NAME
        write_atomically(path, _head_of(path) + yaml.safe_dump(stored, sort_keys=False))
        return path

    def _relative(self, path: Path | None) -> str | None:
        """The path as the settings file has it: relative to the lake's folder where it is below it."""
        home = self.home.resolve()
        return str(path.relative_to(home) if path.is_relative_to(home) else path) if path else None


def settings_schema() -> dict[str, Any]:
    """JSON schema of ``settings.yaml``, for editors."""
    schema = Settings.model_json_schema()
    properties = {name: one for name, one in schema["properties"].items() if name not in _PLACES}
    return schema | {"title": FILE_NAME, "properties": properties, "required": []}


def load_settings(home: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Settings of a lake: its ``settings.yaml`` over the defaults, places from the environment.

    Raises
    ------
    SettingsError
        The file cannot be read, or holds unknown keys or values that cannot be used; the message names all of them.
    """
    variables = os.environ if environment is None else environment
    folder = lake_folder(home, variables)
    path = folder / FILE_NAME
    values = {str(name): value for name, value in read_mapping(path, SettingsError).items()} if path.exists() else {}
    schema = settings_schema()
    faults = [unknown_key(name, schema) for name in _PLACES if name in values]
    given = {name: value for name, value in values.items() if name not in _PLACES}
    if _kind_of(given) != "sample":
        given.setdefault("end", None)  # the default is the end of the sample
    places = {"home": folder, "database_url": variables.get(DATABASE_VARIABLE) or None}
    try:
        settings = Settings.model_validate(given | places)
    except ValidationError as error:
        raise SettingsError.of(path, faults + in_words(error, schema)) from None
    if faults:
        raise SettingsError.of(path, faults)
    return settings


def written_keys(home: Path) -> frozenset[str]:
    """Keys that the settings file of a lake has."""
    path = home / FILE_NAME
    return frozenset(map(str, read_mapping(path, SettingsError))) if path.exists() else frozenset()


def _kind_of(given: Mapping[str, Any]) -> str:
    source = given.get("source")
    return str(source.get("kind")) if isinstance(source, Mapping) else "sample"


def lake_folder(home: Path | None, environment: Mapping[str, str]) -> Path:
    """Folder of the lake that a command means: the one it names, or that of the environment, or the default."""
    return (home or Path(environment.get(HOME_VARIABLE, "") or default_home())).expanduser().resolve()


def command_for(home: Path, words: str) -> str:
    """A command for the lake of a folder, as a person types it; the default lake needs no ``--home``.

    Examples
    --------
    >>> command_for(Path("/srv/my lake"), "ui")
    "trading-assets ui --home '/srv/my lake'"
    """
    option = "" if home.resolve() == default_home().resolve() else f" --home {shlex.quote(str(home))}"
    return f"trading-assets {words}{option}"


def command_here(words: str) -> str:
    """A command for the lake of this process, which its environment names while it runs or serves one."""
    return command_for(lake_folder(None, os.environ), words)


def _head_of(path: Path) -> str:
    """Comments at the head of a file."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    return "".join(takewhile(lambda line: line.startswith("#"), lines))


def default_home() -> Path:
    """Folder of the lake where neither a command nor the environment names one."""
    return PROJECT / "data_lake" if (PROJECT / "workspace.yaml").exists() else Path.cwd() / "data_lake"
