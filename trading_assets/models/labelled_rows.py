"""Rows whose labels have ended, and the error of too few of them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from trading_assets.errors import TradingAssetsError


class InsufficientHistoryError(TradingAssetsError, ValueError):
    """A model has fewer sessions or rows than it needs at its knowledge cut.

    Parameters
    ----------
    model
        Name of the model that was to be trained.
    knowledge_cut
        Last session of the training month.
    found, needed
        Counted amount and the least amount.
    unit
        What was counted: `"sessions"` or `"rows"`.

    """

    def __init__(self, model: str, knowledge_cut: date, *, found: int, needed: int, unit: str) -> None:
        self.model = model
        self.knowledge_cut = knowledge_cut
        self.found = found
        self.needed = needed
        self.unit = unit
        super().__init__(
            f"model {model!r} of {knowledge_cut:%Y-%m} (knowledge cut {knowledge_cut}): {found} {unit} with finished "
            f"labels found, {needed} needed; train a later month, load earlier history, or lower the model's min_{unit}"
        )


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """Rows of a training window, before they are split.

    Attributes
    ----------
    frame
        `symbol, date, <features Float32>, exit_date, forward_return Float64`, sorted by date and symbol.
    sessions
        Sessions with data up to the knowledge cut at least, ascending.
    embargo_sessions
        Sessions between the last label end that may be learned from and what is predicted.
    model, knowledge_cut
        Name of the model and last session of the month, for errors.

    """

    frame: pl.DataFrame
    sessions: Sequence[date]
    embargo_sessions: int
    model: str
    knowledge_cut: date

    def known_before(self, session: date) -> pl.DataFrame:
        """Rows that a model may have learned from before it predicts a session.

        Their labels had ended at least the embargo before the session that precedes it.
        """
        last = bisect_left(self.sessions, session) - 1 - self.embargo_sessions
        return self.frame.filter(pl.col("exit_date") <= self.sessions[last]) if last >= 0 else self.frame.clear()
