"""Contract of a gate between the fit of a model and its use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl

from trading_assets.models._information_coefficient import session_correlations


@dataclass(frozen=True, slots=True)
class Contender:
    """A version of a model and its predictions for the sessions that were held out of the candidate's fit.

    Attributes
    ----------
    trained_through
        Its knowledge cut.
    model_hash
        Its hash.
    scored
        `symbol, date, forward_return, prediction`, the same rows for candidate and champion.

    """

    trained_through: date
    model_hash: str
    scored: pl.DataFrame

    def rank_ic(self) -> float:
        """Mean rank correlation of prediction and forward return per session; NaN where no session has one."""
        mean = session_correlations(self.scored, prediction="prediction", outcome="forward_return")["rank_ic"].mean()
        return float(mean) if isinstance(mean, (int, float)) else float("nan")


class Gate(Protocol):
    """Says why a month's version may not go into use.

    Months are judged one after the other, each against the version that is in use by then.
    """

    def __call__(self, candidate: Contender, champion: Contender | None) -> Sequence[str]:
        """Compare two versions.

        Parameters
        ----------
        candidate
            The month's version.
        champion
            The version in use before the month; None where there is none.

        Returns
        -------
        sequence of str
            Reasons against the candidate, for people; none lets it into use.
        """
        ...
