"""The strategies of a desk by name: how modules are searched for them, and whether everything they refer to exists."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType, ModuleType

from trading_assets.desk.desk import Desk
from trading_assets.desk.own_work import own_work
from trading_assets.features.desk_matrix import desk_matrix
from trading_assets.features.matrix.matrix import short_name
from trading_assets.models.specs import models
from trading_assets.signals import strategies as shipped
from trading_assets.signals.declaration import Strategy
from trading_assets.signals.errors import StrategyError
from trading_assets.signals.inputs import FeatureColumns
from trading_assets.suggest import did_you_mean


def strategies(desk: Desk) -> Mapping[str, Strategy]:
    """Strategies of a desk by name, the user's own after the shipped ones: `desk.part(strategies)`.

    A file of the user's whose strategy reads what does not exist is left out.
    """

    def require(one: Strategy) -> None:
        require_known({one.name: one}, models=desk.part(models), features=feature_names(desk))

    own = desk.part(own_work)
    return own.add_to(by_name(strategies_of(shipped)), "strategies", strategies_by_variable, "strategy", require)


def feature_names(desk: Desk) -> list[str]:
    """Names of the features of a desk, and of their tables."""
    matrix = desk.part(desk_matrix)
    return [*matrix.places, *map(short_name, matrix.tables)]


def strategies_by_variable(module: ModuleType) -> Mapping[str, Strategy]:
    """Strategies that a module defines, by the name of their variable; see `strategies_in`."""
    return {one.name: one for one in strategies_in(module)}


def by_name(*groups: Iterable[Strategy]) -> Mapping[str, Strategy]:
    """Strategies by name, in their order: those that are shipped, and your own after them.

    Raises
    ------
    StrategyError
        Two strategies have the same name.
    """
    found: dict[str, Strategy] = {}
    for one in (one for group in groups for one in group):
        other = found.setdefault(one.name, one)
        if other is not one:
            both = f"{other.module} and {one.module}"
            raise StrategyError(f"there are two strategies named {one.name!r}, in {both}; rename one of them")
    return MappingProxyType(found)


def strategies_of(package: ModuleType) -> tuple[Strategy, ...]:
    """Strategies that the modules of a package define, in the order of the modules' names and of their definition.

    Raises
    ------
    StrategyError
        A module cannot be imported, or defines no strategy.
    """
    names = sorted(module.name for module in iter_modules(package.__path__) if not module.name.startswith("_"))
    return tuple(one for name in names for one in strategies_in(_imported(f"{package.__name__}.{name}")))


def strategies_in(module: ModuleType) -> tuple[Strategy, ...]:
    """Strategies that a module defines, in their order; variants of others have the names of their variables.

    Raises
    ------
    StrategyError
        It defines no strategy.
    """
    found = tuple(_defined_in(module))
    if not found:
        raise StrategyError(
            f"{module.__name__} defines no strategy: put @strategy(inputs=...) above its function, or let the name of "
            "the module begin with an underscore"
        )
    return found


def require_known(strategies: Mapping[str, Strategy], *, models: Collection[str], features: Collection[str]) -> None:
    """Refuse strategies that read a model or a feature which does not exist.

    Parameters
    ----------
    strategies
        Strategies by name.
    models
        Names of the models there are.
    features
        Names of the features and of their tables.

    Raises
    ------
    StrategyError
        Lists all that do not exist, with the closest names.
    """
    faults = unknown_references(strategies, models=models, features=features)
    if faults:
        raise StrategyError("; ".join(said for sayings in faults.values() for said in sayings))


def unknown_references(
    strategies: Mapping[str, Strategy], *, models: Collection[str], features: Collection[str]
) -> dict[str, list[str]]:
    """What each strategy reads that does not exist, in words; strategies without a fault are absent."""
    found: dict[str, list[str]] = {}
    for name, one in strategies.items():
        where = f"strategy {name!r} of {one.module}" if one.module else f"strategy {name!r}"
        wanted = [("model", model, models) for model in one.models]
        asked = (part for part in one.inputs.values() if isinstance(part, FeatureColumns))
        wanted += [("feature or table of features", feature, features) for part in asked for feature in part.names]
        for kind, missing, known in wanted:
            if missing not in known:
                said = f"{where} reads {missing!r}, but there is no {kind} of this name{did_you_mean(missing, known)}"
                found.setdefault(name, []).append(said)
    return found


def _imported(name: str) -> ModuleType:
    try:
        return import_module(name)
    except StrategyError:
        raise
    except Exception as error:
        raise StrategyError(f"{name} cannot be imported: {type(error).__name__}: {error}") from error


def _defined_in(module: ModuleType) -> Iterator[Strategy]:
    for variable, value in vars(module).items():
        if not isinstance(value, Strategy):
            continue
        if not value.module:
            yield value.named(variable, module.__name__)
        elif (value.module, value.name) == (module.__name__, variable):
            yield value
