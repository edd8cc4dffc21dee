"""A book: a strategy with its capital, sizing, limits, costs and broker."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    SerializeAsAny,
    TypeAdapter,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)

from trading_assets.brokers.factory import SIMULATED, broker_kinds
from trading_assets.desk.configuration import ConfigModel, ConfigurationError
from trading_assets.desk.configuration.faults import ContradictionError
from trading_assets.execution.models import ExecutionModels
from trading_assets.execution.risk import LiveRules
from trading_assets.execution.roles import SHARE_DECIMALS
from trading_assets.portfolio.sizing import Sizing, SizingLimits, shipped_sizings
from trading_assets.portfolio.sizing.equal_weight_long import EqualWeightLong
from trading_assets.suggest import did_you_mean

_NAME = re.compile(r"[a-z][a-z0-9_]*")

Fraction = Annotated[float, Field(gt=0, le=1)]
Leverage = Annotated[float, Field(gt=0, le=10)]


class BookError(ConfigurationError):
    """A setting of a book is missing, unknown or outside its range; the message names book, key and allowed values."""


def _sizing(value: object, info: ValidationInfo) -> Sizing:
    """A sizing from its kind, or from a mapping with its kind and numbers."""
    if isinstance(value, Sizing):
        return value
    known = (info.context or {}).get("sizings") or shipped_sizings()
    return _any_of(known).validate_python({"kind": value} if isinstance(value, str) else value)


def _any_of(known: Mapping[str, type[Sizing]]) -> TypeAdapter[Sizing]:
    union: Any = Annotated[reduce(or_, known.values()), Field(discriminator="kind")]
    return TypeAdapter(union)


def broker_names() -> tuple[str, ...]:
    """What a book may name as its broker."""
    return (SIMULATED, *broker_kinds())


class Book(ConfigModel):
    """One book: the strategy it follows, its sizing, its limits and its costs."""

    error = BookError

    name: str
    """Key of the book in the lake: lower-case letters, digits and underscores."""
    strategy: Annotated[str, Field(min_length=1)]
    """Strategy whose scores it follows."""
    capital: Annotated[float, Field(gt=0)]
    """Cash on the first session, in currency."""
    start: date | None = Field(default=None, examples=[date(2015, 1, 2)])
    """First day of the book; null is the first session with target weights."""
    rebalance: Literal["daily", "weekly", "monthly"] = "weekly"
    """Sessions after whose close it trades: each, the last of the ISO week, the last of the month."""
    sizing: Annotated[SerializeAsAny[Sizing], BeforeValidator(_sizing)] = EqualWeightLong()
    """Rule from scores to weights: a kind, or a mapping with the kind and its numbers."""
    top_fraction: Fraction = 0.4
    """Fraction of the scored names it holds, on each side where it holds names long and short."""
    gross_leverage: Leverage = 0.98
    """Largest sum of absolute weights, as a fraction of equity; the default leaves 2 % in cash for costs and overnight
    gaps."""
    max_weight: Leverage = 0.5
    """Largest absolute weight of one name, as a fraction of equity."""
    lot_size: Annotated[float, Field(ge=0)] = 1.0
    """Shares per lot, with at most 9 decimals; 0 allows fractions of that many decimals."""
    max_participation: Fraction = 0.05
    """Largest fraction of a session's volume one order takes; the rest of the order is cancelled."""
    broker: str = SIMULATED
    """Where its orders go: ``sim`` for nowhere, or a kind of broker."""
    live: LiveRules | None = None
    """Limits at the broker; null for ``sim`` alone."""
    costs: ExecutionModels = ExecutionModels()
    """Models of commission, slippage and fills."""

    @model_validator(mode="before")
    @classmethod
    def _with_limits_at_a_broker(cls, values: Any) -> Any:
        if isinstance(values, dict) and "live" not in values and values.get("broker", SIMULATED) != SIMULATED:
            return {**values, "live": {}}
        return values

    @field_validator("name")
    @classmethod
    def _is_a_key(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ContradictionError(f"a name is lower-case letters, digits and underscores, e.g. main, not {name!r}")
        return name

    @field_validator("broker")
    @classmethod
    def _exists(cls, broker: str) -> str:
        known = broker_names()
        if broker not in known:
            hint = did_you_mean(broker, known)
            raise ContradictionError(f"broker is {broker!r}{hint}; allowed: one of {', '.join(known)}")
        return broker

    @field_validator("lot_size")
    @classmethod
    def _has_shares_of_a_broker(cls, lot_size: float) -> float:
        if round(lot_size, SHARE_DECIMALS) != lot_size:
            raise ContradictionError(
                f"lot_size is {lot_size:g}; allowed: 0, or a number with at most {SHARE_DECIMALS} decimals, which "
                "is what brokers take"
            )
        return lot_size

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        checks: tuple[Callable[[], None], ...] = (
            lambda: self.sizing.check_limits(self.sizing_limits),
            lambda: self.costs.check_participation(self.max_participation),
            self._check_broker,
        )
        found = [fault for check in checks if (fault := _fault_of(check))]
        if found:
            raise ContradictionError(*found)
        return self

    def _check_broker(self) -> None:
        if (self.broker == SIMULATED) != (self.live is None):
            wanted = "null" if self.broker == SIMULATED else "a mapping"
            found = "null" if self.live is None else "a mapping"
            raise ValueError(f"live is {found}; allowed: {wanted} for the broker {self.broker}")
        if self.live is None:
            return
        kind, wanted = broker_kinds()[self.broker], self.live.time_in_force
        if wanted not in kind.times_in_force:
            raise ValueError(f"live.time_in_force is {wanted!r}; allowed: one of {', '.join(kind.times_in_force)}")
        if wanted not in kind.fractional_times_in_force and (self.lot_size == 0 or self.lot_size % 1):
            allowed = " or ".join(kind.fractional_times_in_force) or "nothing"
            raise ValueError(
                f"live.time_in_force is {wanted!r}; allowed: {allowed} where lot_size allows fractions of a share"
            )

    @property
    def sizing_limits(self) -> SizingLimits:
        """Limits of all weights."""
        return SizingLimits(self.top_fraction, self.gross_leverage, self.max_weight)

    @property
    def live_rules(self) -> LiveRules:
        """Limits at the broker.

        Raises
        ------
        BookError
            The book is simulated only.
        """
        if self.live is None:
            names = ", ".join(broker_names()[1:])
            raise BookError(f"{self.described()}: broker is {self.broker!r}; allowed to trade: one of {names}")
        return self.live

    def schema_in_words(self) -> dict[str, Any]:
        """JSON schema that messages quote."""
        return self.schema_of(shipped_sizings())

    def described(self) -> str:
        """What a message calls this book."""
        return f"book {self.name!r}"

    @field_serializer("sizing")
    def _short_sizing(self, sizing: Sizing) -> str | dict[str, Any]:
        values = sizing.model_dump(exclude_defaults=True, exclude={"kind"})
        return {"kind": sizing.kind, **values} if values else sizing.kind

    @classmethod
    def schema_of(cls, known: Mapping[str, type[Sizing]]) -> dict[str, Any]:
        """JSON schema of a book that may name some sizings."""
        schema = cls.model_json_schema()
        union = _any_of(known).json_schema(ref_template="#/$defs/{model}")
        schema["$defs"] |= union.pop("$defs")
        sizing = schema["properties"]["sizing"]
        schema["properties"]["sizing"] = {
            "default": sizing["default"],
            "description": cls.model_fields["sizing"].description,
            "anyOf": [{"enum": list(known), "type": "string"}, union],
        }
        schema["properties"]["broker"] |= {"enum": list(broker_names())}
        return schema


def _fault_of(check: Callable[[], None]) -> str | None:
    try:
        check()
    except ValueError as error:
        return str(error)
    return None
