"""The execution models that a book can name, one per file.

What lives here: commission models, slippage models and fill models. A file defines a named tuple of parameters with the
formula of its role (`trading_assets.execution.roles`), and the settings as a frozen pydantic model with a `kind` of its
own. It is found by listing this package; nothing else names it.
What not: rounding to lots, limits of cash and participation, which hold for every model (`trading_assets.execution`).
"""

from collections.abc import Iterator, Mapping
from functools import reduce
from importlib import import_module
from operator import or_
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from trading_assets.execution.models.commission_per_share import PerShareCommission
from trading_assets.execution.models.fill_participation import ParticipationFill
from trading_assets.execution.models.slippage_square_root import SquareRootSlippage
from trading_assets.execution.roles import CommissionModel, ExecutionModel, FillModel, SlippageModel, TradingRules

Role = TypeVar("Role", bound=ExecutionModel)


def members(role: type[Role]) -> dict[str, type[Role]]:
    """Models of a role by kind, in the order of the names of their files.

    Raises
    ------
    TypeError
        Two models of the role have the same kind, a kind is not a Literal, or a file defines no model.
    """
    found: dict[str, type[Role]] = {}
    for model in _models():
        if issubclass(model, role):
            kind = _kind_of(model)
            if kind in found:
                both = f"{found[kind].__module__} and {model.__module__}"
                raise TypeError(f"there are two {role.__name__}s of the kind {kind!r}, in {both}; rename one of them")
            found[kind] = model
    return found


def _kind_of(model: type[ExecutionModel]) -> str:
    names = get_args(model.model_fields["kind"].annotation)
    if len(names) != 1:
        raise TypeError(f"{model.__module__}: the kind of {model.__name__} is not one name; annotate it as a Literal")
    return str(names[0])


def _models() -> Iterator[type[ExecutionModel]]:
    for name in sorted(module.name for module in iter_modules(__path__, f"{__name__}.")):
        defined = [
            value
            for value in vars(import_module(name)).values()
            if isinstance(value, type) and issubclass(value, ExecutionModel) and value.__module__ == name
        ]
        if not defined:
            raise TypeError(f"{name} defines no execution model: a CommissionModel, SlippageModel or FillModel")
        yield from defined


def _union(role: type[ExecutionModel]) -> Any:
    """Type of a setting: any model of a role, distinguished by its kind."""
    found = tuple(members(role).values())
    # pydantic has no discriminator for a union of one
    return Annotated[reduce(or_, found), Field(discriminator="kind")] if len(found) > 1 else found[0]


if TYPE_CHECKING:
    AnyCommission = CommissionModel
    AnySlippage = SlippageModel
    AnyFill = FillModel
else:
    AnyCommission, AnySlippage, AnyFill = map(_union, (CommissionModel, SlippageModel, FillModel))


ROLES = frozenset({"commission", "slippage", "fill"})
_PLAIN: tuple[tuple[str, type[ExecutionModel]], ...] = (
    ("commission", PerShareCommission),
    ("slippage", SquareRootSlippage),
)


def _with_plain_numbers(schema: dict[str, Any]) -> None:
    """Let the JSON schema allow settings that name no role."""
    by_role = dict(schema)
    schema.clear()
    parts = [model.model_json_schema() for _, model in _PLAIN]
    properties = {name: value for part in parts for name, value in part["properties"].items() if name != "kind"}
    plain = {"type": "object", "properties": properties, "additionalProperties": False}
    schema.update({"title": by_role.pop("title"), "anyOf": [by_role, plain]})


def by_role(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with a model for each role that they mention.

    Parameters
    ----------
    settings : mapping
        Models by role, which are left as they are, or the numbers of the two plain models side by side.
    """
    if settings.keys() & ROLES:
        return dict(settings)
    rest, sorted_out = dict(settings), {}
    for role, model in _PLAIN:
        numbers = {name: rest.pop(name) for name in model.model_fields if name in rest and name != "kind"}
        if numbers:
            sorted_out[role] = {"kind": _kind_of(model)} | numbers
    return sorted_out | rest


class ExecutionModels(BaseModel):
    """What a book's trades cost and how its orders fill: one model per role.

    Settings that name no role are the numbers of a `PerShareCommission` and a `SquareRootSlippage` side by side.

    Attributes
    ----------
    commission, slippage, fill
        A model of each role, distinguished by its `kind`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=_with_plain_numbers)

    commission: AnyCommission = PerShareCommission()
    slippage: AnySlippage = SquareRootSlippage()
    fill: AnyFill = ParticipationFill()

    @model_validator(mode="before")
    @classmethod
    def _by_role(cls, settings: Any) -> Any:
        return by_role(settings) if isinstance(settings, dict) else settings

    def rules(self, lot_size: float, max_participation: float) -> TradingRules:
        """Rules of a book that trades with these models, for compiled code."""
        return TradingRules(
            float(lot_size),
            float(max_participation),
            self.commission.parameters(),
            self.slippage.parameters(),
            self.fill.parameters(),
        )

    def check_participation(self, max_participation: float) -> None:
        """Refuse a participation at which a sale yields nothing.

        Parameters
        ----------
        max_participation : float
            Largest fraction of a session's volume one order takes.

        Raises
        ------
        ValueError
            The largest order would pay slippage of the whole price.
        """
        worst = self.slippage.largest_rate(max_participation)
        if worst >= 1:
            raise ValueError(
                f"slippage of an order of max_participation {max_participation:g} is {worst:.0%} of the price; it has "
                "to be below the price itself: lower it or max_participation"
            )
