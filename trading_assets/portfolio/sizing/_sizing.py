"""What a sizing is: its kind and its numbers, what it needs, and the weights that it gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from trading_assets.desk.configuration import ConfigModel
from trading_assets.errors import TradingAssetsError


class SizingError(TradingAssetsError, TypeError):
    """A sizing that cannot be used; the message names its module or its file."""


class SizingLimits(NamedTuple):
    """Limits of a book that apply to all its weights.

    Attributes
    ----------
    top_fraction : float
        Fraction of the scored names to hold.
    gross_leverage : float
        Largest sum of absolute weights, as a fraction of equity.
    max_weight : float
        Largest absolute weight of one name, as a fraction of equity.
    """

    top_fraction: float
    gross_leverage: float
    max_weight: float


class Needs(NamedTuple):
    """What a sizing reads besides scores.

    Attributes
    ----------
    return_sessions : int
        Sessions up to the decision whose returns it reads; 0 reads none.
    """

    return_sessions: int = 0


@dataclass(frozen=True, slots=True)
class SizingInputs:
    """What is known at the close of some rebalance sessions.

    Attributes
    ----------
    scores : polars.DataFrame
        `rebalance, symbol, score`: the names of each rebalance session that have a score, by session and symbol; none
        of them is null, NaN or infinite.
    returns : polars.DataFrame
        `rebalance, symbol, date, return`: for each rebalance session the total returns of its names over the sessions
        up to it that `Needs` requires, each from the close of the session before; by session, symbol and date. A name
        that lacks one of the two closes has no row.
    limits : SizingLimits
        Limits of the book on all weights.
    """

    scores: pl.DataFrame
    returns: pl.DataFrame
    limits: SizingLimits


class Sizing(ConfigModel, ABC):
    """A rule from scores to weights; derived classes give `kind` a `Literal` with a default."""

    kind: str
    """Name of the rule."""

    @property
    def needs(self) -> Needs:
        """What it reads besides scores."""
        return Needs()

    def check_limits(self, limits: SizingLimits) -> None:
        """Refuse limits of a book that the rule cannot keep.

        Raises
        ------
        ValueError
            The message names the key, its value and what is allowed.
        """

    @abstractmethod
    def weights(self, inputs: SizingInputs) -> pl.DataFrame:
        """Weights of rebalance sessions.

        The weights of a session are a function of its own rows alone, to the last bit: they are computed for one
        session as for many.

        Returns
        -------
        polars.DataFrame
            `rebalance, symbol, weight`, fractions of equity within the limits; a name without a row weighs 0. A name
            that the rule cannot size has the weight 0 and the cause in a further column `left_out`, which is null for
            all others.
        """
