"""Files that a new model of the user's own begins with: its module and its test."""

from __future__ import annotations

from collections.abc import Collection

from trading_assets.models.model_spec import ModelError

_MODULE = '''"""The model {name}."""

from trading_assets.models import ModelSpec

{name} = ModelSpec(
    name="{name}",
    features=("log_return_21", "log_return_252", "realised_volatility_63", "rsi_14"),
    learner="ridge",
)
'''
_TEST = '''"""The model {name}."""

from pathlib import Path

from trading_assets.testing import check_model

OWN = Path(__file__).resolve().parents[1]


def test_{name}_satisfies_the_rules_of_models():
    check_model("{name}", OWN)
'''


def new_model(name: str, taken: Collection[str] = ()) -> tuple[str, str]:
    """Text of the module of a new model, and of its test; the test holds for any model of that name.

    Raises
    ------
    ModelError
        The name cannot be that of a variable, or there is a model of that name.
    """
    if not name.isidentifier() or name != name.lower():
        raise ModelError(f"{name!r} cannot be the name of a model: use lower case letters, digits and underscores")
    if name in taken:
        raise ModelError(f"there is a model {name!r} already; choose another name")
    return _MODULE.format(name=name), _TEST.format(name=name)
