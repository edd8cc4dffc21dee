"""The models of a desk, by name."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from trading_assets.desk.desk import Desk
from trading_assets.desk.own_objects import objects_of
from trading_assets.desk.own_work import own_work
from trading_assets.features.desk_matrix import desk_matrix
from trading_assets.features.matrix.matrix import Matrix
from trading_assets.models.model_spec import ModelError, ModelSpec

# What a desk starts with: one feature of each kind and horizon, and the ranks of five of them.
_DAILY = (
    *(f"log_return_{window}" for window in (1, 5, 10, 21, 63, 126, 252)),
    *("distance_to_high_252", "distance_to_low_252", "overnight_gap"),
    *(f"sma_ratio_{window}" for window in (20, 50, 200)),
    *("macd_12_26", "macd_histogram_12_26_9", "adx_14", "plus_di_14", "minus_di_14", "aroon_oscillator_25"),
    *("rsi_14", "cci_20", "williams_r_14", "stochastic_k_14_3", "trix_15", "balance_of_power"),
    *(f"realised_volatility_{window}" for window in (10, 21, 63)),
    *("parkinson_volatility_21", "garman_klass_volatility_21", "natr_14", "bollinger_position_20"),
    *("bollinger_width_20", "return_skew_63", "volume_ratio_21", "volume_z_63", "amihud_ratio_21_252", "mfi_14"),
    *("adosc_3_10", "obv_flow_21"),
    *(f"{name}_rank" for name in ("log_return_21", "log_return_252", "realised_volatility_63", "rsi_14")),
    "volume_ratio_21_rank",
)

SHIPPED: tuple[ModelSpec, ...] = (ModelSpec(name="lgbm_daily", features=_DAILY),)
"""What a desk starts with."""


def models(desk: Desk) -> Mapping[str, ModelSpec]:
    """Models of a desk by name, the user's own after the shipped ones: `desk.part(models)`.

    A file of the user's whose model refers to what does not exist is left out.
    """
    require = partial(resolved, matrix=desk.part(desk_matrix))
    return desk.part(own_work).add_to(by_name(SHIPPED), "models", objects_of(ModelSpec), "model", require)


def by_name(specs: Iterable[ModelSpec]) -> Mapping[str, ModelSpec]:
    """Models by name.

    Raises
    ------
    ModelError
        Two of them have one name.
    """
    found: dict[str, ModelSpec] = {}
    for spec in specs:
        if spec.name in found:
            raise ModelError(f"there are two models named {spec.name!r}; rename one of them")
        found[spec.name] = spec
    return MappingProxyType(found)


def resolved_models(desk: Desk) -> Mapping[str, ModelSpec]:
    """Models of a desk by name, each with its features by name, one by one: `desk.part(resolved_models)`.

    Raises
    ------
    ModelError
        One of them refers to what does not exist; see `resolved`.
    """
    matrix = desk.part(desk_matrix)
    return {name: resolved(spec, matrix) for name, spec in desk.part(models).items()}


def features_of(specs: Iterable[ModelSpec]) -> tuple[str, ...]:
    """Features that any of some resolved models may read, sorted."""
    return tuple(sorted({name for spec in specs for name in spec.features}))


def resolved(spec: ModelSpec, matrix: Matrix) -> ModelSpec:
    """The specification with its features by name, one by one.

    Raises
    ------
    ModelError
        There is no feature or learner of a name, the message has the closest ones; or the learner cannot use a
        parameter, or lacks the optional install that it needs.
    """
    spec.make_learner()
    try:
        return replace(spec, features=matrix.columns(spec.features))
    except ValueError as error:
        raise ModelError(f"model {spec.name!r}: {error}") from error
