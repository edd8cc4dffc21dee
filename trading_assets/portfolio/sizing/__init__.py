"""Sizings: from the scores of a rebalance session to weights, one file for each kind.

What lives here: the sizings that a book can name by their kind, found by listing this package.
What to put here: a file with a class derived from `Sizing`. Its fields are its keys in ``books.yaml``, `needs` says
what it reads besides scores, `weights` gives the weights; `highest` and `share_out` do what most have in common.
What not: which session decides and how weights are carried to the next, which is `trading_assets.portfolio.weights`.
"""

from collections.abc import Iterable, Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import get_args

from trading_assets.desk.desk import Desk
from trading_assets.desk.own_work import own_work
from trading_assets.portfolio.sizing._allocation import highest, names_to_hold, share_out
from trading_assets.portfolio.sizing._left_out import LeftOutSizing, stand_in
from trading_assets.portfolio.sizing._sizing import Needs, Sizing, SizingError, SizingInputs, SizingLimits

__all__ = [
    "LeftOutSizing",
    "Needs",
    "Sizing",
    "SizingError",
    "SizingInputs",
    "SizingLimits",
    "highest",
    "kind_of",
    "names_to_hold",
    "share_out",
    "shipped_sizings",
    "sizings",
    "sizings_by_class",
    "sizings_in",
    "sizings_left_out",
]

_KIND = "sizings"


def sizings(desk: Desk) -> Mapping[str, type[Sizing]]:
    """The sizings that the books of a desk can name, by kind, the user's own after those of this package."""
    return desk.part(own_work).add_to(shipped_sizings(), _KIND, sizings_by_class, "sizing", name_of=kind_of)


def sizings_left_out(desk: Desk) -> Mapping[str, type[Sizing]]:
    """Stand-ins for the sizings of the user's files that are left out, by kind: books can name them, nothing more."""
    there = desk.part(sizings)
    lost = desk.part(own_work).left_out(_KIND)
    return {kind: stand_in(kind, str(path)) for kind, path in lost.items() if kind not in there}


def shipped_sizings() -> dict[str, type[Sizing]]:
    """The sizings of this package by kind, in the order of their files."""
    names = sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
    return sizings_in(import_module(f"{__name__}.{name}") for name in names)


def sizings_in(modules: Iterable[ModuleType]) -> dict[str, type[Sizing]]:
    """The sizings that modules define, by kind.

    Raises
    ------
    SizingError
        A module defines no sizing, one whose kind is not a Literal, or one of a kind that another has; the message
        names the modules.
    """
    found: dict[str, type[Sizing]] = {}
    for module in modules:
        for one in sizings_by_class(module).values():
            kind = kind_of(one)
            if kind in found:
                both = f"{found[kind].__module__} and {module.__name__}"
                raise SizingError(f"{both} define a sizing of the kind {kind!r} each; rename one of them")
            found[kind] = one
    return found


def sizings_by_class(module: ModuleType) -> Mapping[str, type[Sizing]]:
    """The sizings that a module defines, by the name of their class.

    Raises
    ------
    SizingError
        It defines none.
    """
    found = {name: one for name, one in vars(module).items() if _is_defined_in(module, one)}
    if not found:
        raise SizingError(f"{module.__name__} defines no sizing: a class derived from Sizing with its kind")
    return found


def kind_of(one: type[Sizing]) -> str:
    """Kind by which a book names a sizing.

    Raises
    ------
    SizingError
        It is not a Literal of one name.
    """
    names = get_args(one.model_fields["kind"].annotation)
    if len(names) != 1:
        raise SizingError(f"{one.__module__}: the kind of {one.__name__} is not one name; annotate it as a Literal")
    return str(names[0])


def _is_defined_in(module: ModuleType, one: object) -> bool:
    return isinstance(one, type) and issubclass(one, Sizing) and one.__module__ == module.__name__
