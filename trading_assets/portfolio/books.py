"""Books: a strategy with its capital, sizing, limits, costs and broker, read from `books.yaml`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from math import inf, isfinite
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from trading_assets.brokers.factory import SIMULATED, broker_kinds
from trading_assets.desk.desk import Desk
from trading_assets.errors import TradingAssetsError
from trading_assets.execution.models import ExecutionModels
from trading_assets.execution.risk import LiveRules

Model = TypeVar("Model", bound=BaseModel)

REBALANCES = ("daily", "weekly", "monthly")
SIZINGS = ("equal_weight_long", "rank_long_short", "score_weighted")

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_LARGEST_LEG = 0.5
_DEFAULT_PATH = Path(__file__).with_name("books.yaml")


class BookError(TradingAssetsError, ValueError):
    """A setting of a book is missing, unknown or outside its range; the message names book, key and allowed values."""


class _Range(NamedTuple):
    """Allowed values of a number: an interval, open at the low end where `above` is set."""

    low: float
    high: float = inf
    above: bool = False

    def __str__(self) -> str:
        low = f"above {self.low:g}" if self.above else f"at least {self.low:g}"
        return f"a number {low}" + (f" and at most {self.high:g}" if isfinite(self.high) else "")

    def holds(self, value: float) -> bool:
        return isfinite(value) and value <= self.high and (value > self.low if self.above else value >= self.low)


_RANGES = {
    "capital": _Range(0, above=True),
    "top_fraction": _Range(0, 1, above=True),
    "gross_leverage": _Range(0, 10, above=True),
    "max_weight": _Range(0, 10, above=True),
    "max_participation": _Range(0, 1, above=True),
    "lot_size": _Range(0),
}


@dataclass(frozen=True)
class Book:
    """One book: what it follows, how it sizes, and what its trades may cost.

    Attributes
    ----------
    name : str
        Key of the book in the lake: lower-case letters, digits and underscores.
    strategy : str
        Strategy whose scores it follows.
    capital : float
        Cash on the first session, in currency.
    start : datetime.date or None
        First day of the book; None is the first session with target weights.
    rebalance : {"daily", "weekly", "monthly"}
        Sessions after whose close it trades: each, the last of the ISO week, the last of the month.
    sizing : {"equal_weight_long", "rank_long_short", "score_weighted"}
        Rule from scores to weights, see `trading_assets.portfolio.weights.target_weights`.
    top_fraction : float
        Fraction of the scored names it holds (on each side for `rank_long_short`, where it is at most 0.5).
    gross_leverage : float
        Largest sum of absolute weights, as a fraction of equity.
    max_weight : float
        Largest absolute weight of one name, as a fraction of equity.
    lot_size : float
        Shares per lot; 0 allows any fraction of a share.
    max_participation : float
        Largest fraction of a session's volume one order takes; the rest of the order is cancelled.
    broker : str
        Where its orders go: "sim" for nowhere, or a kind of broker such as "embedded", "paper" or "live".
    live : LiveRules or None
        Limits at the broker; None for "sim" alone.
    costs : ExecutionModels
        Models of commission, slippage and fills.

    Raises
    ------
    BookError
        A value is outside its range; the message names the book, the key and what is allowed.
    """

    name: str
    strategy: str
    capital: float
    start: date | None
    rebalance: str
    sizing: str
    top_fraction: float
    gross_leverage: float
    max_weight: float
    lot_size: float
    max_participation: float
    broker: str
    live: LiveRules | None
    costs: ExecutionModels

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise BookError(f"book {self.name!r}: a name is lower-case letters, digits and underscores, e.g. 'main'")
        for key, choices in _choices().items():
            if getattr(self, key) not in choices:
                raise _refusal(self.name, key, getattr(self, key), "one of " + ", ".join(choices))
        _check_ranges(self.name, "", _RANGES, {key: getattr(self, key) for key in _RANGES})
        self._check_live()
        if self.sizing == "rank_long_short" and self.top_fraction > _LARGEST_LEG:
            allowed = f"at most {_LARGEST_LEG} for rank_long_short, which holds a name long or short, not both"
            raise _refusal(self.name, "top_fraction", self.top_fraction, allowed)
        try:
            self.costs.check_participation(self.max_participation)
        except ValueError as error:
            raise BookError(f"book {self.name!r}: costs: {error}") from error

    @property
    def live_rules(self) -> LiveRules:
        """Limits at the broker.

        Raises
        ------
        BookError
            The book is simulated only.
        """
        if self.live is None:
            raise _refusal(
                self.name, "broker", self.broker, f"one of {', '.join(broker_kinds())} for a book that trades"
            )
        return self.live

    def _check_live(self) -> None:
        is_simulated = self.broker == SIMULATED
        if is_simulated != (self.live is None):
            wanted = f"{'null' if is_simulated else 'a mapping'} for the broker {self.broker}"
            raise _refusal(self.name, "live", self.live, wanted)
        if self.live is None:
            return
        kind, wanted = broker_kinds()[self.broker], self.live.time_in_force
        if wanted not in kind.times_in_force:
            raise _refusal(self.name, "live.time_in_force", wanted, "one of " + ", ".join(kind.times_in_force))
        if wanted not in kind.fractional_times_in_force and (self.lot_size == 0 or self.lot_size % 1):
            allowed = " or ".join(kind.fractional_times_in_force) or "nothing"
            raise _refusal(
                self.name, "live.time_in_force", wanted, f"{allowed} where lot_size allows fractions of a share"
            )


def load_books(path: Path | None = None) -> dict[str, Book]:
    """Read and validate every book of a YAML file.

    Parameters
    ----------
    path : pathlib.Path, optional
        A mapping of book name to its settings; by default the `books.yaml` of this package.

    Returns
    -------
    dict[str, Book]
        The books by name, in the order of the file.

    Raises
    ------
    BookError
        The file is not such a mapping, or a key is unknown, missing, repeated or has a bad value.
    """
    source = path or _DEFAULT_PATH
    try:
        content = yaml.load(source.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise BookError(f"{source} is not valid YAML: {error}") from error
    if not isinstance(content, dict) or not content:
        raise BookError(f"{source} holds no books: expected a mapping of book name to its settings")
    return {str(name): _book(str(name), settings) for name, settings in content.items()}


def books(desk: Desk) -> Mapping[str, Book]:
    """Books of a desk, by name."""
    return load_books(desk.settings.books)


class _UniqueKeyLoader(yaml.SafeLoader):
    """A safe loader that refuses a repeated key: YAML would silently keep the last one, i.e. drop a book."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        repeated = sorted({str(key) for key in keys if keys.count(key) > 1})
        if repeated:
            line = node.start_mark.line + 1
            raise BookError(f"key {repeated[0]!r} appears twice in the mapping at line {line}: remove one of them")
        return dict(super().construct_mapping(node, deep))


def _choices() -> dict[str, tuple[str, ...]]:
    return {"rebalance": REBALANCES, "sizing": SIZINGS, "broker": (SIMULATED, *broker_kinds())}


def _book(name: str, settings: object) -> Book:
    values = _mapping(name, "", settings, {field.name for field in fields(Book)} - {"name"})
    checked: dict[str, Any] = {"strategy": _text(name, "strategy", values["strategy"])}
    checked |= {"start": _start(name, values["start"])}
    checked |= {key: _text(name, key, values[key]) for key in _choices()}
    checked |= {key: _number(name, key, values[key], allowed) for key, allowed in _RANGES.items()}
    checked |= {"live": None if values["live"] is None else _model(name, "live", LiveRules, values["live"])}
    return Book(name=name, costs=_model(name, "costs", ExecutionModels, values["costs"]), **checked)


def _model(book: str, key: str, model: type[Model], settings: object) -> Model:
    """Settings that pydantic checks, with its first complaint in the words of a book."""
    if not isinstance(settings, dict):
        raise _refusal(book, key, settings, "a mapping")
    try:
        return model.model_validate(settings)
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
    where = f"{key}.{found['loc'][-1]}"
    if found["type"] == "extra_forbidden":
        raise BookError(f"book {book!r}: unknown key {where}")
    if found["type"] == "missing":
        raise BookError(f"book {book!r}: key {where} is missing")
    allowed = _allowed_numbers(model.model_json_schema(), str(found["loc"][-1])) or found["msg"]
    raise _refusal(book, where, found["input"], allowed)


def _allowed_numbers(schema: Any, name: str) -> str | None:
    """The range of a number somewhere in a JSON schema, in words."""
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    if isinstance(schema, dict) and isinstance(field := schema.get("properties", {}).get(name), dict):
        words = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most"}
        limits = [f"{word} {field[limit]:g}" for limit, word in words.items() if limit in field]
        return "a number " + " and ".join(limits) if limits else None
    return next((found for part in parts if (found := _allowed_numbers(part, name))), None)


def _mapping(book: str, prefix: str, value: object, keys: set[str]) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _refusal(book, prefix.rstrip(".") or "settings", value, f"a mapping with {', '.join(sorted(keys))}")
    for key in sorted(set(map(str, value)) - keys):
        raise BookError(f"book {book!r}: unknown key {prefix}{key!s}; allowed are {', '.join(sorted(keys))}")
    for key in sorted(keys - set(value)):
        raise BookError(f"book {book!r}: key {prefix}{key} is missing; required are {', '.join(sorted(keys))}")
    return value


def _text(book: str, key: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise _refusal(book, key, value, "one of " + ", ".join(_choices()[key]) if key in _choices() else "a name")
    return value


def _number(book: str, key: str, value: object, allowed: _Range) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refusal(book, key, value, str(allowed))
    return float(value)


def _start(book: str, value: object) -> date | None:
    if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
        raise _refusal(book, "start", value, "a date such as 2015-01-02, or null for the first session with weights")
    return value


def _check_ranges(book: str, prefix: str, ranges: Mapping[str, _Range], values: Mapping[str, float]) -> None:
    for key, allowed in ranges.items():
        if not allowed.holds(values[key]):
            raise _refusal(book, prefix + key, values[key], str(allowed))


def _refusal(book: str, key: str, value: object, allowed: str) -> BookError:
    return BookError(f"book {book!r}: {key} is {value!r}; allowed: {allowed}")
