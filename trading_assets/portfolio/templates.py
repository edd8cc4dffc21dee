"""Files that a new sizing of the user's own begins with: its module and its test."""

from __future__ import annotations

import re
from collections.abc import Collection

from trading_assets.portfolio.sizing import SizingError

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_MODULE = '''"""The sizing {name}."""

from typing import Literal

import polars as pl

from trading_assets.portfolio.sizing import Sizing, SizingInputs, highest, share_out


class {title}(Sizing):
    """The highest of the scored names, the higher the rank the more."""

    kind: Literal["{name}"] = "{name}"

    def weights(self, inputs: SizingInputs) -> pl.DataFrame:
        """Weights of rebalance sessions."""
        rank = pl.col("score").rank("ordinal").over("rebalance").cast(pl.Float64)
        claims = highest(inputs.scores, inputs.limits).with_columns(leg=1.0, sign=1.0, claim=rank)
        return share_out(claims, inputs.limits.gross_leverage, inputs.limits.max_weight)
'''
_TEST = '''"""The sizing {name}."""

from pathlib import Path

import pytest

from trading_assets.portfolio.sizing import SizingLimits
from trading_assets.testing import check_sizing, sizing_weights

OWN = Path(__file__).resolve().parents[1]
LIMITS = SizingLimits(top_fraction=0.5, gross_leverage=1.0, max_weight=0.6)
# Cases that you work out on paper: the scores of a session, and the weight of each name.
BY_HAND = [
    # ({{"A": 0.3, "B": 0.1, "C": -0.2, "D": 0.2}}, {{"A": 0.6, "D": 0.4}}),
]


def test_{name}_satisfies_the_rules_of_sizings():
    check_sizing("{name}", OWN)


@pytest.mark.parametrize(("scores", "expected"), BY_HAND)
def test_{name}_by_hand(scores, expected):
    assert sizing_weights("{name}", scores, OWN, limits=LIMITS) == pytest.approx(expected)
'''


def new_sizing(name: str, taken: Collection[str] = ()) -> tuple[str, str]:
    """Text of the module of a new sizing, and of its test; the test holds for any sizing of that kind.

    Raises
    ------
    SizingError
        The name cannot be a kind, or there is a sizing of that kind.
    """
    if not _NAME.fullmatch(name):
        raise SizingError(f"{name!r} cannot be the kind of a sizing: use lower case letters, digits and underscores")
    if name in taken:
        raise SizingError(f"there is a sizing {name!r} already; choose another name")
    title = "".join(part.capitalize() for part in name.split("_"))
    return _MODULE.format(name=name, title=title), _TEST.format(name=name)
