"""Learners are found by name, checked when they are made, and named in every error."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trading_assets.errors import TradingAssetsError
from trading_assets.models import learners
from trading_assets.models.learner import LearnerError
from trading_assets.models.learners import learner_class, learner_names, make_learner

FAMILY = """
from typing import ClassVar
from trading_assets.models.learner import Extra
from trading_assets.models.learners._sklearn import SklearnLearner


class {name}(SklearnLearner):
    extra: ClassVar[Extra | None] = {extra}
    depth: int = 3

    def estimator(self, seed):
        raise NotImplementedError
"""


@pytest.fixture
def drop_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Writes a module of a folder that is searched for learners."""
    monkeypatch.setattr(learners, "__path__", [*learners.__path__, str(tmp_path)])
    yield lambda name, text: (tmp_path / f"{name}.py").write_text(text)
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(f"{learners.__name__}.{path.stem}", None)


def test_the_families_are_the_public_modules_of_the_package():
    assert {"lightgbm", "ridge"} <= set(learner_names())
    assert all(learner_class(name) for name in learner_names())


def test_a_new_file_is_a_new_learner(drop_in):
    drop_in("fresh", FAMILY.format(name="Fresh", extra=None))
    assert "fresh" in learner_names()
    assert make_learner("fresh", {"depth": 5}).parameters() == {"depth": 5}


def test_an_unknown_learner_has_the_closest_one_in_its_error():
    with pytest.raises(LearnerError, match=r"no learner 'lightbgm' \(did you mean 'lightgbm'\?\); learners are"):
        learner_class("lightbgm")
    assert issubclass(LearnerError, TradingAssetsError)


@pytest.mark.parametrize(
    ("learner", "params", "message"),
    [
        ("ridge", {"alfa": 1.0}, r"learner 'ridge': there is no parameter 'alfa' \(did you mean 'alpha'\?\)"),
        ("lightgbm", {"num_leafs": 9}, r"no parameter 'num_leafs' \(did you mean 'num_leaves'\?\)"),
        ("lightgbm", {"device_type": "gpu"}, r"no parameter 'device_type'.*; parameters are objective, num_iterations"),
        ("ridge", {"alpha": -1}, r"parameter 'alpha' is -1: .*greater than or equal to 0"),
        ("ridge", {"alpha": float("nan")}, r"parameter 'alpha' is nan"),
        ("lightgbm", {"num_leaves": "many", "max_bin": 1}, r"'num_leaves' is 'many': .*; parameter 'max_bin' is 1"),
        # What makes a fit reproducible is not for a specification to change.
        ("lightgbm", {"deterministic": False}, r"no parameter 'deterministic'"),
        ("lightgbm", {"num_threads": 4}, r"no parameter 'num_threads'"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(learner, params, message):
    with pytest.raises(LearnerError, match=message):
        make_learner(learner, params)


def test_parameters_that_are_not_given_have_the_learner_s_defaults():
    assert make_learner("ridge", {}).parameters() == {"alpha": 1.0}
    found = make_learner("lightgbm", {"num_leaves": 15}).parameters()
    assert (found["num_leaves"], found["num_iterations"], found["lambda_l2"]) == (15, 120, 10.0)
    assert "max_depth" not in found


def test_a_learner_without_its_library_names_the_extra_to_install(drop_in):
    extra = 'Extra("boost", ("no_such_module", "json"))'
    drop_in("boosted", FAMILY.format(name="Boosted", extra=extra))
    with pytest.raises(LearnerError, match=r"'boosted' needs no_such_module, .*pip install 'trading_assets\[boost\]'"):
        make_learner("boosted", {})
    drop_in("served", FAMILY.format(name="Served", extra='Extra("boost", ("json",))'))
    assert make_learner("served", {}).parameters() == {"depth": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def broken(:", "cannot be imported: SyntaxError"),
        ("import no_such_module", "cannot be imported: ModuleNotFoundError"),
        ("x = 1", "defines 0 learners"),
        (FAMILY.format(name="One", extra=None) + "class Two(One):\n    pass\n", "defines 2 learners"),
    ],
)
def test_a_file_that_defines_no_single_learner_costs_only_itself(drop_in, text, message):
    drop_in("wrong", text)
    with pytest.raises(LearnerError, match=rf"learners\.wrong {message}"):
        learner_class("wrong")
    assert learner_class("ridge")
