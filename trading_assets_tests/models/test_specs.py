"""Specifications: what they refer to exists, or the error names the model and the closest name."""

from dataclasses import replace
from pathlib import Path

import pytest

from trading_assets.desk.desk import Desk
from trading_assets.desk.settings import Settings
from trading_assets.errors import TradingAssetsError
from trading_assets.features.desk_matrix import desk_matrix
from trading_assets.models.contract import contracts
from trading_assets.models.model_spec import ModelError, ModelSpec, SelectionRules
from trading_assets.models.specs import SHIPPED, by_name, models, resolved, resolved_models
from trading_assets_tests.models.small_desk import FEATURES, MATRIX

SPEC = ModelSpec(name="mine", features=("signal",))


def desk_of(folder: Path, *specs: ModelSpec) -> Desk:
    return Desk(Settings(home=folder), given={models: by_name(specs), desk_matrix: MATRIX})


def test_a_desk_starts_with_the_shipped_models(tmp_path: Path):
    assert dict(Desk(Settings(home=tmp_path)).part(models)) == {spec.name: spec for spec in SHIPPED}
    assert [spec.name for spec in SHIPPED] == ["lgbm_daily"]


def test_features_are_resolved_one_by_one():
    assert resolved(replace(SPEC, features=("made",)), MATRIX).features == FEATURES
    assert resolved(replace(SPEC, features=()), MATRIX).features == FEATURES


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": ("signall",)}, "model 'mine': .*signall.*did you mean.*signal"),
        ({"learner": "rigde"}, r"model 'mine': there is no learner 'rigde' \(did you mean 'ridge'\?\)"),
        ({"params": {"num_leafs": 3}}, r"model 'mine': learner 'lightgbm': .*'num_leafs' \(did you mean 'num_leaves'"),
    ],
)
def test_what_does_not_exist_is_refused_when_definitions_load(tmp_path, changes, message):
    with pytest.raises(ModelError, match=message):
        desk_of(tmp_path, replace(SPEC, **changes)).part(resolved_models)
    assert issubclass(ModelError, TradingAssetsError)


def test_two_models_of_one_name_are_refused():
    with pytest.raises(ModelError, match="two models named 'mine'"):
        by_name([SPEC, replace(SPEC, seed=1)])


def test_tables_follow_from_the_models_of_the_desk(tmp_path):
    always = ("models.trained", "models.feature_importance")
    assert tuple(one.table for one in contracts(desk_of(tmp_path, SPEC))) == always
    selecting = replace(SPEC, name="b", selection=SelectionRules())
    gated = replace(SPEC, name="c", gate=lambda candidate, champion: [])
    found = tuple(one.table for one in contracts(desk_of(tmp_path, SPEC, selecting, gated)))
    assert found == (*always, "models.feature_selection", "models.promotions")


def test_features_are_scaled_where_the_learner_needs_it_unless_the_model_says_otherwise():
    for spec, expected in (
        (SPEC, "none"),
        (replace(SPEC, learner="ridge"), "standard"),
        (replace(SPEC, learner="ridge", scaling="none"), "none"),
        (replace(SPEC, scaling="robust"), "robust"),
    ):
        assert spec.settings()["scaling"] == expected
