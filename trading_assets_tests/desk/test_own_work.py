"""A user's own files: each loads by itself, shared code is importable, and a broken file costs only itself."""

from dataclasses import dataclass
from textwrap import dedent

import pytest

from trading_assets.desk.own_objects import objects_of
from trading_assets.desk.own_work import KINDS, Fault, OwnWork
from trading_assets.errors import TradingAssetsError


@dataclass(frozen=True)
class Thing:
    """What these files define."""

    name: str

    size: int = 1

    def __post_init__(self) -> None:
        if not self.name.islower():
            msg = f"the thing {self.name!r} must be in lower case"
            raise TradingAssetsError(msg)


HEAD = "from trading_assets_tests.desk.test_own_work import Thing\n"
SHIPPED = {"first": Thing("first"), "second": Thing("second")}


@pytest.fixture
def own(tmp_path):
    """Factory of own work whose files are given by their paths and texts."""

    def make(**files):
        for path, text in files.items():
            file = tmp_path / f"{path.replace('__', '/')}.py"
            file.parent.mkdir(exist_ok=True)
            file.write_text(dedent(text))
        return OwnWork(tmp_path)

    return make


def require(thing):
    if not thing.size:
        raise TradingAssetsError(f"the thing {thing.name!r} has no size")


def things(own):
    return own.add_to(SHIPPED, "models", objects_of(Thing), "thing", require)


def faults(own):
    return [(fault.place.name, fault.line, fault.message) for fault in own.faults]


class TestLoading:
    def test_a_folder_that_does_not_exist_holds_nothing(self, tmp_path):
        own = OwnWork(tmp_path / "nowhere")
        assert [own.of(kind) for kind in KINDS] == [()] * len(KINDS)
        assert own.files("features", ".sql") == ()
        assert (things(own), own.faults) == (SHIPPED, ())

    def test_files_of_a_kind_are_modules_in_the_order_of_their_names(self, own):
        found = own(models__b="", models__a="", features__c="").of("models")
        assert [module.__name__ for module in found] == ["trading_assets_own.models.a", "trading_assets_own.models.b"]

    def test_shared_code_can_be_imported_by_files_of_every_kind(self, own):
        found = own(
            features___shared="WINDOW = 21",
            features__a="from trading_assets_own.features._shared import WINDOW",
            models__b="from trading_assets_own.features._shared import WINDOW as DAYS",
        )
        assert [module.WINDOW for module in found.of("features")] == [21]
        assert [module.DAYS for module in found.of("models")] == [21]

    def test_another_folder_and_an_edited_file_are_read_anew(self, own, tmp_path):
        assert own(features___shared="A = 1", features__a="from trading_assets_own.features._shared import A").folder
        second = tmp_path / "second" / "features"
        second.mkdir(parents=True)
        (second / "_shared.py").write_text("A = 22\n")
        (second / "a.py").write_text("from trading_assets_own.features._shared import A")
        (module,) = OwnWork(second.parent).of("features")
        assert module.A == 22
        (second / "_shared.py").write_text("A = 333\n")
        (module,) = OwnWork(second.parent).of("features")
        assert module.A == 333

    def test_files_of_another_suffix_are_listed_without_the_shared_ones(self, own, tmp_path):
        own(features__a="")
        for name in ("b.sql", "a.sql", "_shared.sql", ".hidden.sql"):
            (tmp_path / "features" / name).write_text("select 1")
        assert [path.name for path in OwnWork(tmp_path).files("features", ".sql")] == ["a.sql", "b.sql"]


class TestObjects:
    def test_what_files_define_comes_after_what_is_shipped(self, own):
        found = things(own(models__b=HEAD + "B = Thing('mine')", models__a=HEAD + "A = Thing('a'); C = Thing('c')"))
        assert list(found) == ["first", "second", "a", "c", "mine"]

    def test_what_a_file_imports_is_not_its_own(self, own):
        made = own(
            models__a=HEAD + "MINE = Thing('mine')",
            models__b=HEAD + "from trading_assets_own.models.a import MINE\nOTHER = Thing(MINE.name + '_2')",
        )
        assert list(things(made)) == ["first", "second", "mine", "mine_2"]
        assert made.faults == ()

    def test_a_shipped_object_under_another_name_is_not_the_users(self, own):
        imports = "from trading_assets_tests.desk.test_own_work import SHIPPED, Thing\n"
        made = own(models__a=imports + "BASE = SHIPPED['first']\nA = Thing('a')")
        assert list(things(made)) == ["first", "second", "a"]
        assert made.faults == ()


BROKEN = {
    "a syntax error": ("X = 1\ndef broken(:\n", 2, "SyntaxError: invalid syntax"),
    "an exception at import": ("X = 1\n\nY = 1 / 0\n", 3, "ZeroDivisionError: division by zero"),
    "a module that does not exist": ("import numpie\n", 1, "ModuleNotFoundError: No module named 'numpie'"),
    "an exit": ("import sys\nsys.exit('stopped')\n", 2, "SystemExit: stopped"),
    "an error of the project": (HEAD + "\nA = Thing('Mine')\n", 3, "the thing 'Mine' must be in lower case"),
    "an error inside a library": ("import json\njson.loads('{')\n", 2, "JSONDecodeError: Expecting property name"),
    "nothing": ("X = 1\n", None, "defines no thing; shared code belongs in a file whose name begins with _"),
    "a taken name": (HEAD + "\n\nA = Thing('first')\n", 4, "there is a thing 'first' already; choose another name"),
    "an object that cannot be used": (
        HEAD + "A = Thing('a')\nB = Thing('b', size=0)",
        3,
        "the thing 'b' has no size",
    ),
    "a name given twice": (
        HEAD + "A = Thing('a')\nB = Thing('a')",
        3,
        "there is a thing 'a' already; choose another name",
    ),
}


class TestFaults:
    @pytest.mark.parametrize("case", BROKEN)
    def test_a_broken_file_costs_only_itself_and_is_named_with_its_line(self, own, case):
        text, line, message = BROKEN[case]
        made = own(models__broken=text, models__zealous=HEAD + "Z = Thing('zealous')")
        assert list(things(made)) == ["first", "second", "zealous"]
        ((name, at, said),) = faults(made)
        assert (name, at) == ("broken.py", line)
        assert said.startswith(message)

    def test_a_fault_of_shared_code_is_placed_there_and_names_what_is_left_out(self, own):
        made = own(
            models___shared="\nX = 1 / 0",
            models__a="from trading_assets_own.models._shared import X",
            models__b=HEAD + "B = Thing('b')",
        )
        assert list(things(made)) == ["first", "second", "b"]
        assert faults(made) == [("_shared.py", 2, "ZeroDivisionError: division by zero")]
        assert str(made.faults[0]).endswith("_shared.py:2: ZeroDivisionError: division by zero (so a.py is left out)")

    def test_the_place_of_an_error_is_that_of_its_cause_where_it_passed_through_a_file(self, own, tmp_path):
        (module,) = (made := own(models__a="def fail():\n    return 1 / 0\n")).of("models")
        try:
            try:
                module.fail()
            except ZeroDivisionError as error:
                raise TradingAssetsError("it fails") from error
        except TradingAssetsError as error:
            made.refuse(tmp_path / "models" / "a.py", error)
        assert faults(made) == [("a.py", 2, "it fails")]

    def test_a_name_that_cannot_be_imported_is_refused(self, own):
        assert faults(own(**{"models__two-words": ""}))[0][0] == "two-words.py"

    def test_a_fault_reads_as_compilers_write_it(self, tmp_path):
        file = tmp_path / "a.py"
        assert str(Fault(file, file, 3, "wrong")) == f"{file}:3: wrong"
        assert str(Fault(file, file, None, "wrong")) == f"{file}: wrong"

    def test_the_same_fault_is_kept_once(self, own, tmp_path):
        made = own()
        made.refuse(tmp_path / "a.py", "wrong", 3)
        made.refuse(tmp_path / "a.py", "wrong", 3)
        assert len(made.faults) == 1
