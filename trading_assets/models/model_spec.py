"""What a model is, apart from the data: its features, its parameters, its rules of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Literal

Scaling = Literal["none", "standard", "robust", "winsorised"]

_SHALLOW_TREES: Mapping[str, float | str] = MappingProxyType(
    {
        "objective": "regression",
        "learning_rate": 0.05,
        "num_leaves": 31,
        # Small enough that three names over one year still split; the L2 penalty holds small leaves back.
        "min_data_in_leaf": 30,
        "lambda_l2": 10.0,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        # 63 bins instead of 255 cost no measurable IC on daily returns and halve the histogram work.
        "max_bin": 63,
    }
)


@dataclass(frozen=True, slots=True)
class SelectionRules:
    """How a month's model chooses among the features it is offered; see `trading_assets.models.selection`.

    Attributes
    ----------
    max_missing
        Greatest share of the fit part's rows on which a feature may be missing.
    min_variance
        A feature of at most this variance over the fit part says nothing.
    max_correlation
        Features whose rank correlation with each other is above this in size stand for one another: one is kept.
    windows
        Number of disjoint parts of the fit part's sessions that importance is measured on.
    top
        Place by gain up to which a feature counts as important in a window.
    min_stability
        Least share of the windows in which a feature must be important.
    at_least
        So many features are kept in any case, the best by mean place.
    rounds
        Boosting rounds of the fits that measure importance.
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
    rounds: int = 40
    max_rows: int = 50_000

    def __post_init__(self) -> None:
        shares = (self.max_missing, self.max_correlation, self.min_stability)
        counts = (self.windows, self.top, self.at_least, self.rounds)
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
    params
        LightGBM parameters; those that make the fit reproducible are added and win.
    rounds
        Number of boosting rounds (trees).
    min_sessions, max_sessions
        Least and greatest length of the rolling training window, in sessions.
    embargo_sessions
        Sessions between the last label end that may be learned from and the knowledge cut, and again between the fit
        part and the validation tail.
    validation_sessions
        Decision sessions held out at the end of the window to measure the information coefficient.
    min_rows
        Least number of rows of the fit part.
    seed
        Seed of feature and row sampling.
    selection
        Rules by which each month's model chooses among its features; None takes them all.
    scaling
        What is done to features before they are learned from; see `trading_assets.models.scaling`.

    """

    name: str = "lgbm_daily"
    features: tuple[str, ...] = ()
    params: Mapping[str, float | str] = field(default_factory=lambda: _SHALLOW_TREES)
    rounds: int = 120
    min_sessions: int = 252
    max_sessions: int = 504
    embargo_sessions: int = 5
    validation_sessions: int = 21
    min_rows: int = 500
    seed: int = 7
    selection: SelectionRules | None = None
    scaling: Scaling = "none"

    def settings(self) -> dict[str, str]:
        """Write the specification as flat name-to-text pairs, for the experiment tracker and reports."""
        own: dict[str, object] = {
            "rounds": self.rounds,
            "min_sessions": self.min_sessions,
            "max_sessions": self.max_sessions,
            "embargo_sessions": self.embargo_sessions,
            "validation_sessions": self.validation_sessions,
            "min_rows": self.min_rows,
            "seed": self.seed,
            "scaling": self.scaling,
        }
        rules = asdict(self.selection) if self.selection else {}
        own |= {f"selection_{name}": value for name, value in rules.items()}
        return {key: str(value) for key, value in sorted({**self.params, **own}.items())}
