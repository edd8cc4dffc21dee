"""Contract of a search for the parameters of a learner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from trading_assets.models.validation.splitter import Splitter

if TYPE_CHECKING:
    from trading_assets.models.model_spec import ModelSpec

Score = Callable[[Mapping[str, Any]], float]
"""From parameters to the mean rank IC on the held-out parts of a tuner's splits; NaN where no session has one."""


class Tuner(Protocol):
    """Chooses a month's parameters by what they would have predicted before.

    It is given the fit part of the month alone, through `score`: neither the held-out part that measures the model nor
    anything after the month has influence. It must be deterministic: what draws random numbers uses the seed of the
    specification.
    """

    @property
    def splitter(self) -> Splitter:
        """How the fit part is split for a score."""
        ...

    def tune(self, spec: ModelSpec, score: Score) -> Mapping[str, Any]:
        """Choose parameters of the specification's learner; they replace `spec.params`."""
        ...
