"""Create a source from settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from trading_assets.desk.clock import now
from trading_assets.market_data.sources.alpaca import AlpacaParameters, AlpacaSource
from trading_assets.market_data.sources.errors import SourceConfigError
from trading_assets.market_data.sources.files import FilesSource
from trading_assets.market_data.sources.protocol import Source
from trading_assets.market_data.sources.sample import SampleSource
from trading_assets.market_data.sources.simulated import SimulatedSource, SimulationParameters
from trading_assets.market_data.sources.yahoo import Transport, YahooParameters, YahooSource
from trading_assets.suggest import did_you_mean

__all__ = ["make_source"]

_SETTINGS: Final[Mapping[str, type[Any]]] = {
    "alpaca": AlpacaParameters,
    "files": FilesSource,
    "sample": SampleSource,
    "simulated": SimulationParameters,
    "yahoo": YahooParameters,
}


def _yahoo(parameters: YahooParameters) -> YahooSource:
    return YahooSource(parameters, Transport(now=now))


# Settings class -> source; the other settings classes are sources themselves.
_SOURCES: Final[Mapping[type[Any], Any]] = {
    AlpacaParameters: AlpacaSource,
    SimulationParameters: SimulatedSource,
    YahooParameters: _yahoo,
}


def make_source(config: Mapping[str, object]) -> Source:
    """Return the source that `config` describes.

    Parameters
    ----------
    config
        `kind` (``"sample"``, ``"files"``, ``"simulated"``, ``"alpaca"`` or ``"yahoo"``) and the parameters of
        `FilesSource`, `SimulationParameters`, `AlpacaParameters` or `YahooParameters` by name; dates may be ISO 8601
        text, as in a YAML file.

    Raises
    ------
    SourceConfigError
        The kind or a key is unknown (the message lists the valid ones), a key is missing, or a value is invalid.

    Examples
    --------
    >>> make_source({"kind": "simulated", "seed": 7, "n_symbols": 3}).name
    'simulated'
    """
    options = dict(config)
    kind = options.pop("kind", None)
    settings = _SETTINGS.get(kind) if isinstance(kind, str) else None
    if settings is None:
        valid = ", ".join(map(repr, _SETTINGS))
        raise SourceConfigError(
            f"setting source.kind is {kind!r}; it must be one of {valid}{did_you_mean(kind, _SETTINGS)}."
        )
    fields = [field.name for field in dataclasses.fields(settings)]
    for key in options:
        if key not in fields:
            valid = ", ".join(fields) if fields else "none, it has no settings"
            raise SourceConfigError(
                f"setting source.{kind}.{key} does not exist{did_you_mean(key, fields)}; "
                f"the settings of kind {kind!r}: {valid}."
            )
    made = _validated(f"source.{kind}", settings, options)
    source: Source = _SOURCES[settings](made) if settings in _SOURCES else made
    return source


def _validated(prefix: str, settings: type[Any], options: Mapping[str, object]) -> Any:
    try:
        return TypeAdapter(settings).validate_python(options)
    except ValidationError as error:
        problems = [
            f"setting {'.'.join([prefix, *map(str, problem['loc'])])}: {problem['msg']} (got {problem['input']!r})"
            if problem["type"] != "missing"
            else f"setting {'.'.join([prefix, *map(str, problem['loc'])])} is missing"
            for problem in error.errors()
        ]
        raise SourceConfigError(f"{'; '.join(problems)}. Correct the configuration of the source.") from None
