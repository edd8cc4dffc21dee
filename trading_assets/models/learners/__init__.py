"""Families of models, one module each; a specification selects a family by the name of its module.

What lives here: subclasses of `trading_assets.models.learner.Learner`, found by listing this package.
What to put here: a new family is one new module; `_sklearn` makes one of any estimator with scikit-learn's interface.
What not: specifications of models (`models.specs`), the choice of rows (`models.walk_forward`).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from inspect import isabstract
from pkgutil import iter_modules
from typing import Any, TypeGuard

from pydantic import ValidationError

from trading_assets.models.learner import Learner, LearnerError
from trading_assets.suggest import did_you_mean


def learner_names() -> tuple[str, ...]:
    """Names of the learners, sorted."""
    return tuple(sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_")))


def learner_class(name: str) -> type[Learner]:
    """Find a learner by name.

    Raises
    ------
    LearnerError
        There is none of that name (the message has the closest ones), its module cannot be imported or does not define
        exactly one, or the optional install that it needs is missing.
    """
    names = learner_names()
    if name not in names:
        raise LearnerError(f"there is no learner {name!r}{did_you_mean(name, names)}; learners are {', '.join(names)}")
    where = f"{__name__}.{name}"
    try:
        module = import_module(where)
    except Exception as error:
        raise LearnerError(f"{where} cannot be imported: {type(error).__name__}: {error}") from error
    found = [value for value in vars(module).values() if _is_learner(value) and value.__module__ == where]
    if len(found) != 1:
        raise LearnerError(f"{where} defines {len(found)} learners; a module defines one subclass of Learner")
    _require_extra(name, found[0])
    return found[0]


def make_learner(name: str, params: Mapping[str, Any]) -> Learner:
    """Make a learner with parameters; those not given have its defaults.

    Raises
    ------
    LearnerError
        The learner cannot be found, has no parameter of a name (the message has the closest one), or cannot use a
        value.
    """
    found = learner_class(name)
    try:
        return found.model_validate(dict(params))
    except ValidationError as error:
        problems = "; ".join(_in_words(problem, found) for problem in error.errors())
        raise LearnerError(f"learner {name!r}: {problems}") from None


def _is_learner(value: object) -> TypeGuard[type[Learner]]:
    return isinstance(value, type) and issubclass(value, Learner) and not isabstract(value)


def _require_extra(name: str, found: type[Learner]) -> None:
    extra = found.extra
    missing = [module for module in extra.modules if find_spec(module) is None] if extra else []
    if extra and missing:
        raise LearnerError(
            f"learner {name!r} needs {', '.join(missing)}, which the extra {extra.name!r} installs: "
            f"pip install 'trading_assets[{extra.name}]'"
        )


def _in_words(problem: Any, learner: type[Learner]) -> str:
    name = ".".join(map(str, problem["loc"]))
    if problem["type"] == "extra_forbidden":
        known = learner.model_fields
        return f"there is no parameter {name!r}{did_you_mean(name, known)}; parameters are {', '.join(known) or 'none'}"
    return f"parameter {name!r} is {problem['input']!r}: {problem['msg']}"
