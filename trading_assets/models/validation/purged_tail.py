"""Hold out the last sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from trading_assets.models.labelled_rows import InsufficientHistoryError, LabelledRows
from trading_assets.models.validation.splitter import Split


@dataclass(frozen=True, slots=True)
class PurgedTail:
    """The last decision sessions are held out, and what came before them is purged of labels that reach into them.

    The fit part satisfies the rule that later applies to the model: its knowledge cut is the session before the tail,
    so no label of it overlaps a label of the tail, and the embargo lies between them.

    Attributes
    ----------
    sessions
        Decision sessions of the tail, at least 1.

    Raises
    ------
    ValueError
        Fewer than one session.

    References
    ----------
    Lopez de Prado, M. (2018), *Advances in Financial Machine Learning*, ch. 7.4 (purging and embargo).

    """

    sessions: int = 21

    def __post_init__(self) -> None:
        if self.sessions < 1:
            raise ValueError(f"the held-out tail needs at least 1 session, got {self.sessions}")

    def split(self, rows: LabelledRows) -> Sequence[Split]:
        """Split once."""
        decisions = rows.frame["date"].unique().sort()
        if decisions.len() <= self.sessions:
            raise InsufficientHistoryError(
                rows.model, rows.knowledge_cut, found=decisions.len(), needed=self.sessions + 1, unit="sessions"
            )
        first = decisions[-self.sessions]
        return [Split(rows.known_before(first), rows.frame.filter(pl.col("date") >= first))]
