"""Sizings: from the scores of a rebalance session to weights, one file for each kind.

What lives here: the sizings that a book can name by their kind, found by listing this package.
What to put here: a file with a class derived from `Sizing`. Its fields are its keys in ``books.yaml``, `needs` says
what it reads besides scores, `weights` gives the weights; `highest` and `share_out` do what most have in common.
What not: which session decides and how weights are carried to the next, which is `trading_assets.portfolio.weights`.
"""

from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import get_args

from trading_assets.desk.desk import Desk
from trading_assets.desk.own_work import own_work
from trading_assets.portfolio.sizing._allocation import highest, names_to_hold, share_out
from trading_assets.portfolio.sizing._sizing import Needs, Sizing, SizingInputs, SizingLimits

__all__ = [
    "Needs",
    "Sizing",
    "SizingInputs",
    "SizingLimits",
    "highest",
    "names_to_hold",
    "share_out",
    "shipped_sizings",
    "sizings",
    "sizings_in",
]


def sizings(desk: Desk) -> Mapping[str, type[Sizing]]:
    """The sizings that the books of a desk can name, by kind: the package's, and your own after them."""
    own, found = desk.part(own_work), shipped_sizings()
    for module in own.of("sizings"):
        try:
            new = sizings_in([module])
        except TypeError as error:
            own.refuse(Path(str(module.__file__)), str(error))
            continue
        taken = [kind for kind in new if kind in found]
        if taken:
            own.refuse(Path(str(module.__file__)), f"there is a sizing {taken[0]!r} already; choose another name")
        else:
            found |= new
    return found


def shipped_sizings() -> dict[str, type[Sizing]]:
    """The sizings of this package by kind, in the order of their files."""
    names = sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
    return sizings_in(import_module(f"{__name__}.{name}") for name in names)


def sizings_in(modules: Iterable[ModuleType]) -> dict[str, type[Sizing]]:
    """The sizings that modules define, by kind.

    Raises
    ------
    TypeError
        A module defines no sizing, one whose kind is not a Literal, or one of a kind that another has; the message
        names the modules.
    """
    found: dict[str, type[Sizing]] = {}
    for module in modules:
        defined = [one for one in vars(module).values() if _is_defined_in(module, one)]
        if not defined:
            raise TypeError(f"{module.__name__} defines no sizing: a class derived from Sizing with its kind")
        for one in defined:
            kind = _kind_of(one)
            if kind in found:
                both = f"{found[kind].__module__} and {module.__name__}"
                raise TypeError(f"{both} define a sizing of the kind {kind!r} each; rename one of them")
            found[kind] = one
    return found


def _kind_of(one: type[Sizing]) -> str:
    names = get_args(one.model_fields["kind"].annotation)
    if len(names) != 1:
        raise TypeError(f"{one.__module__}: the kind of {one.__name__} is not one name; annotate it as a Literal")
    return str(names[0])


def _is_defined_in(module: ModuleType, one: object) -> bool:
    return isinstance(one, type) and issubclass(one, Sizing) and one.__module__ == module.__name__
