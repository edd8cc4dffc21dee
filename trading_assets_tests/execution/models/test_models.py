"""The models of a book: told apart by kind, strict in their numbers, found by their files."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from typing import Literal, NamedTuple

import pytest
from pydantic import ValidationError

from trading_assets.execution import models as package
from trading_assets.execution.models import ExecutionModels, members
from trading_assets.execution.models.commission_per_share import PerShareCommission
from trading_assets.execution.models.commission_per_trade import PerTradeCommission
from trading_assets.execution.models.fill_participation import ParticipationFill
from trading_assets.execution.models.slippage_square_root import SquareRootSlippage
from trading_assets.execution.roles import CommissionModel, ExecutionModel, FillModel, SlippageModel, Trade

PLAIN = {
    "commission_per_share": 0.005,
    "commission_bps": 1.0,
    "min_commission": 2.0,
    "half_spread_bps": 3.0,
    "impact_coefficient": 0.04,
}
BY_ROLE = {
    "commission": {"kind": "per_trade", "commission_per_trade": 5},
    "slippage": {"kind": "square_root", "half_spread_bps": 3.0, "impact_coefficient": 0.04},
}


def complaint(settings: object) -> dict:
    with pytest.raises(ValidationError) as refusal:
        ExecutionModels.model_validate(settings)
    [found] = refusal.value.errors(include_url=False)
    return found


def test_the_models_are_those_of_the_files():
    assert members(CommissionModel) == {"per_share": PerShareCommission, "per_trade": PerTradeCommission}
    assert members(SlippageModel) == {"square_root": SquareRootSlippage}
    assert members(FillModel) == {"participation": ParticipationFill}


def test_a_model_of_each_role_is_named_by_its_kind_and_orders_fill_by_participation_unless_told_otherwise():
    models = ExecutionModels.model_validate(BY_ROLE)
    assert models.commission == PerTradeCommission(commission_per_trade=5.0)
    assert models.slippage == SquareRootSlippage(half_spread_bps=3.0, impact_coefficient=0.04)
    assert models.fill == ParticipationFill()


def test_numbers_without_roles_are_a_commission_per_share_and_square_root_slippage():
    models = ExecutionModels.model_validate(PLAIN)
    assert models == ExecutionModels(
        commission=PerShareCommission(commission_per_share=0.005, commission_bps=1.0, min_commission=2.0),
        slippage=SquareRootSlippage(half_spread_bps=3.0, impact_coefficient=0.04),
    )


@pytest.mark.parametrize("settings", [PLAIN, BY_ROLE])
def test_models_survive_json_and_pickle(settings):
    models = ExecutionModels.model_validate(settings)
    assert ExecutionModels.model_validate(json.loads(json.dumps(models.model_dump(mode="json")))) == models
    assert pickle.loads(pickle.dumps(models)) == models


@pytest.mark.parametrize(
    ("change", "where", "fault"),
    [
        ({"half_spread_bps": -1}, "half_spread_bps", "greater than or equal to 0"),
        ({"half_spread_bps": 1_001}, "half_spread_bps", "less than or equal to 1000"),
        ({"impact_coefficient": 2}, "impact_coefficient", "less than or equal to 1"),
        ({"commission_bps": "1"}, "commission_bps", "a valid number"),
        ({"commission_bps": True}, "commission_bps", "a valid number"),
        ({"min_commission": float("nan")}, "min_commission", "a finite number"),
        ({"min_commission": float("inf")}, "min_commission", "a finite number"),
        ({"fee": 1.0}, "fee", "Extra inputs"),
        ({"kind": "per_trade"}, "kind", "Extra inputs"),
    ],
)
def test_a_bad_number_is_refused_with_its_key(change, where, fault):
    found = complaint(PLAIN | change)
    assert found["loc"][-1] == where
    assert fault in found["msg"]


@pytest.mark.parametrize(
    ("change", "where", "fault"),
    [
        ({"commission": {"kind": "per_tade", "commission_per_trade": 5}}, "commission", "'per_share', 'per_trade'"),
        ({"commission": {"commission_per_trade": 5}}, "commission", "discriminator 'kind'"),
        ({"commission": BY_ROLE["commission"] | {"commission_bps": 1}}, "commission_bps", "Extra inputs"),
        ({"fill": {"kind": "all"}}, "kind", "'participation'"),
        ({"half_spread_bps": 1.0}, "half_spread_bps", "Extra inputs"),
    ],
)
def test_a_kind_that_is_not_there_and_keys_of_another_are_refused(change, where, fault):
    found = complaint(BY_ROLE | change)
    assert found["loc"][-1] == where
    assert fault in found["msg"]


def test_a_role_and_a_number_that_are_not_said_are_the_default_ones():
    assert ExecutionModels.model_validate({"commission": BY_ROLE["commission"]}).slippage == SquareRootSlippage()
    models = ExecutionModels.model_validate({"min_commission": 2.0})
    assert models == ExecutionModels(commission=PerShareCommission(min_commission=2.0))


def test_a_number_without_a_default_is_named_where_it_is_missing():
    assert complaint({"commission": {"kind": "per_trade"}})["loc"][-1] == "commission_per_trade"


def test_settings_are_read_without_numba():
    # which takes a second that every command would wait
    script = "import sys, trading_assets.execution.models; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], text=True, capture_output=True, check=True)
    assert done.stdout.strip() == "False"


def test_models_are_frozen_and_compare_by_value():
    models = ExecutionModels.model_validate(PLAIN)
    assert models == ExecutionModels.model_validate(PLAIN)
    assert hash(models) == hash(ExecutionModels.model_validate(PLAIN))
    with pytest.raises(ValidationError):
        models.slippage.half_spread_bps = 0.0


@pytest.mark.parametrize(
    ("max_participation", "impact", "is_refused"), [(1.0, 0.9, False), (1.0, 1.0, True), (0.25, 1.0, False)]
)
def test_slippage_stays_below_the_price_itself(max_participation, impact, is_refused):
    models = ExecutionModels.model_validate(PLAIN | {"impact_coefficient": impact})
    if is_refused:
        with pytest.raises(ValueError, match=r"max_participation 1 is 100% of the price.*below the price itself"):
            models.check_participation(max_participation)
    else:
        models.check_participation(max_participation)


def test_rules_hold_the_numbers_of_the_models_as_floats():
    rules = ExecutionModels.model_validate(BY_ROLE).rules(1, 1)
    assert rules == (1.0, 1.0, (5.0,), (3.0, 0.04), ())
    assert all(isinstance(number, float) for number in (*rules[:2], *rules.commission, *rules.slippage))


def test_the_json_schema_has_both_ways_to_write_models():
    by_role, plain = ExecutionModels.model_json_schema()["anyOf"]
    assert set(by_role["properties"]) == {"commission", "slippage", "fill"}
    assert set(plain["properties"]) == set(PLAIN)
    assert plain["properties"]["half_spread_bps"]["maximum"] == 1_000


class Nothing(NamedTuple):
    def commission(self, _trade: Trade) -> float:
        return 0.0


class NoCommission(CommissionModel):
    kind: Literal["per_trade"] = "per_trade"

    def parameters(self) -> Nothing:
        return Nothing()


class Nameless(NoCommission):
    kind: str = "none"


@pytest.mark.parametrize(
    ("defined", "fault"),
    [
        (
            [PerTradeCommission, NoCommission],
            "two CommissionModels of the kind 'per_trade', in .*per_trade and .*test_m",
        ),
        ([Nameless], "test_models: the kind of Nameless is not one name"),
    ],
)
def test_models_that_cannot_be_told_apart_are_refused_with_their_files(monkeypatch, defined, fault):
    def of_files() -> list[type[ExecutionModel]]:
        return defined

    monkeypatch.setattr(package, "_models", of_files)
    with pytest.raises(TypeError, match=fault):
        members(CommissionModel)


def test_a_file_without_a_model_is_refused(tmp_path, monkeypatch):
    (tmp_path / "slippage_of_nothing.py").write_text("HALF = 0.5\n", encoding="utf-8")
    monkeypatch.setattr(package, "__path__", [str(tmp_path)])
    with pytest.raises(TypeError, match="slippage_of_nothing defines no execution model"):
        members(SlippageModel)
