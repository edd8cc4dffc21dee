"""Models of the user's own come after the shipped ones; a file that refers to what does not exist is left out."""

from textwrap import dedent

import pytest

from trading_assets.desk.desk import Desk
from trading_assets.desk.own_work import own_work
from trading_assets.desk.settings import Settings
from trading_assets.models.specs import SHIPPED, models, resolved_models

MODEL = """
    from trading_assets.models.model_spec import ModelSpec

    MINE = ModelSpec(name={name!r}, features={features!r}, learner={learner!r})
"""


@pytest.fixture
def desk(tmp_path):
    """Factory of desks whose user has models, given by file."""

    def make(**files):
        folder = tmp_path / "own" / "models"
        folder.mkdir(parents=True)
        for name, changes in files.items():
            values = {"name": name, "features": ("rsi_14",), "learner": "ridge", **changes}
            (folder / f"{name}.py").write_text(dedent(MODEL).format(**values))
        return Desk(Settings(home=tmp_path))

    return make


def test_a_file_is_a_model_after_the_shipped_ones(desk):
    made = desk(mine={}, technical={"features": ("technical", "rsi_14_rank")})
    assert list(made.part(models)) == [*(spec.name for spec in SHIPPED), "mine", "technical"]
    assert len(made.part(resolved_models)["technical"].features) > 20
    assert made.part(own_work).faults == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"features": ("rsi_41",)},
            "model 'broken': there is no feature or table of features rsi_41 (did you mean 'rsi_14'?)",
        ),
        ({"learner": "rigde"}, "model 'broken': there is no learner 'rigde' (did you mean 'ridge'?)"),
        ({"name": "lgbm_daily"}, "there is a model 'lgbm_daily' already; choose another name"),
        ({"name": "mine"}, "there is a model 'mine' already; choose another name"),
    ],
)
def test_a_model_that_cannot_be_used_costs_only_its_file(desk, changes, said):
    made = desk(a={"name": "mine"}, broken=changes, z={})
    assert list(made.part(models)) == [*(spec.name for spec in SHIPPED), "mine", "z"]
    (fault,) = made.part(own_work).faults
    assert (fault.file.name, fault.line) == ("broken.py", 4)
    assert fault.message.startswith(said)
