"""What a model is, apart from the data: its features, its learner, its rules of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from trading_assets.errors import TradingAssetsError
from trading_assets.models.learner import Learner, LearnerError
from trading_assets.models.learners import make_learner
from trading_assets.models.validation import Gate, PurgedTail, Splitter, Tuner

Scaling = Literal["none", "standard", "robust", "winsorised"]


class ModelError(TradingAssetsError, ValueError):
    """A model that cannot be what its specification says; the message names the model."""


@dataclass(frozen=True, slots=True)
class SelectionRules:
    """How a month's model chooses among the features it is offered; see `trading_assets.models.selection`.

    Attributes
    ----------
    max_missing
        Greatest share of the fit part's rows on which a feature may be missing.
    min_variance
        A feature with at most this variance over the fit part is left out.
    max_correlation
        Of features whose absolute rank correlation with each other is above this, one is kept.
    windows
        Number of disjoint parts of the fit part's sessions that importance is measured on.
    top
        Place by gain up to which a feature counts as important in a window.
    min_stability
        Least share of the windows in which a feature must be important.
    at_least
        Least number of features that are kept, the best by mean place.
    max_rows
        Rows that correlations are measured on, evenly spaced over the fit part.

    """

    max_missing: float = 0.5
    min_variance: float = 1e-12
    max_correlation: float = 0.95
    windows: int = 4
    top: int = 60
    min_stability: float = 0.5
    at_least: int = 5
    max_rows: int = 50_000

    def __post_init__(self) -> None:
        shares = (self.max_missing, self.max_correlation, self.min_stability)
        counts = (self.windows, self.top, self.at_least)
        if not all(0.0 <= share <= 1.0 for share in shares):
            raise ValueError(f"max_missing, max_correlation and min_stability lie between 0 and 1, got {shares}")
        if min(*counts, self.max_rows) < 1 or self.max_rows > _EXACT_ROWS:
            raise ValueError(f"counts must be at least 1 and max_rows at most {_EXACT_ROWS}, got {asdict(self)}")


# Sums of so many products of centred ranks, each at most the square of the number, are whole numbers below 2^53.
_EXACT_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Everything that decides a model, apart from the data.

    Attributes
    ----------
    name
        Name of the model: partition key, registry name and column `model`.
    features
        Features to learn from, whole tables by name such as "technical" among them. Empty: all there are.
    learner
        Family of the model: a module of `trading_assets.models.learners`.
    params
        Parameters of the learner; those not given have its defaults.
    min_sessions, max_sessions
        Least and greatest length of the rolling training window, in sessions.
    embargo_sessions
        Sessions between the last label end that may be learned from and the knowledge cut, and again between the fit
        part and the held-out part.
    splitter
        What is held out at the end of the window to measure the information coefficient.
    tuner
        Search for each month's parameters; None takes `params`.
    gate
        What a month's version must pass before it goes into use; None lets every version into use.
    min_rows
        Least number of rows of the fit part.
    seed
        Seed of whatever is drawn at random.
    selection
        Rules by which each month's model chooses among its features; None takes them all.
    scaling
        What is done to features before they are learned from; see `trading_assets.models.scaling`. None is "standard"
        for a learner that needs scaled features and "none" for the others.

    """

    name: str = "lgbm_daily"
    features: tuple[str, ...] = ()
    learner: str = "lightgbm"
    params: Mapping[str, Any] = field(default_factory=dict)
    min_sessions: int = 252
    max_sessions: int = 504
    embargo_sessions: int = 5
    splitter: Splitter = field(default_factory=PurgedTail)
    tuner: Tuner | None = None
    gate: Gate | None = None
    min_rows: int = 500
    seed: int = 7
    selection: SelectionRules | None = None
    scaling: Scaling | None = None

    def make_learner(self) -> Learner:
        """Make the learner with its parameters.

        Raises
        ------
        ModelError
            There is no such learner, or it cannot use a parameter.
        """
        try:
            return make_learner(self.learner, self.params)
        except LearnerError as error:
            raise ModelError(f"model {self.name!r}: {error}") from error

    def scaling_for(self, learner: Learner) -> Scaling:
        """What is done to features before a learner reads them."""
        return self.scaling or ("standard" if learner.needs_scaling else "none")

    def settings(self) -> dict[str, str]:
        """Write the specification as flat name-to-text pairs, for the experiment tracker and reports."""
        learner = self.make_learner()
        own: dict[str, object] = {
            "learner": self.learner,
            "min_sessions": self.min_sessions,
            "max_sessions": self.max_sessions,
            "embargo_sessions": self.embargo_sessions,
            "splitter": _in_words(self.splitter),
            "min_rows": self.min_rows,
            "seed": self.seed,
            "scaling": self.scaling_for(learner),
        }
        hooks = {"tuner": self.tuner, "gate": self.gate}
        own |= {name: _in_words(hook) for name, hook in hooks.items() if hook is not None}
        rules = asdict(self.selection) if self.selection else {}
        own |= {f"selection_{name}": value for name, value in rules.items()}
        return {key: str(value) for key, value in sorted({**learner.parameters(), **own}.items())}


def _in_words(hook: object) -> str:
    """A hook as its class and fields, or by the name of its function."""
    return str(getattr(hook, "__qualname__", None) or repr(hook))
