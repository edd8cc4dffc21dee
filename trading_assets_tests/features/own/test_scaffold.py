"""A new feature's files: they hold as they are, and nothing that exists is written over."""

import importlib
import subprocess
import sys

import pytest

from trading_assets.features.expressions import own_set
from trading_assets.features.registry import FeatureError
from trading_assets.features.scaffold import write_feature
from trading_assets_tests.features.own import holds


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Folders of modules and tests; the modules' is the package ``scaffolded``."""
    for name in ("scaffolded", "tests"):
        (tmp_path / name).mkdir()
    (tmp_path / "scaffolded" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    yield {"modules": tmp_path / "scaffolded", "tests": tmp_path / "tests"}
    for name in [name for name in sys.modules if name.startswith("scaffolded")]:
        del sys.modules[name]


@pytest.mark.parametrize("lookback", [0, 1, 20, 400])
def test_the_files_hold_as_they_are(folders, monkeypatch, lookback):
    module, test = write_feature("momentum", lookback, **folders)
    importlib.invalidate_caches()
    made = own_set(importlib.import_module("scaffolded"))

    assert (module.name, made.features["momentum"].lookback) == ("momentum.py", lookback)
    monkeypatch.setattr(holds, "SETS", {"own": made})
    namespace = {}
    exec(compile(test.read_text(), test, "exec"), namespace)
    tests = [value for name, value in namespace.items() if name.startswith("test_momentum")]
    assert len(tests) == 2
    for one in tests:
        one()


def test_the_test_fails_for_another_formula(folders, monkeypatch):
    module, test = write_feature("momentum", 2, **folders)
    module.write_text(module.read_text().replace(".shift(2)", ".shift(1)"))
    importlib.invalidate_caches()
    monkeypatch.setattr(holds, "SETS", {"own": own_set(importlib.import_module("scaffolded"))})
    namespace = {}
    exec(compile(test.read_text(), test, "exec"), namespace)
    with pytest.raises(AssertionError):
        namespace["test_momentum_by_hand"]()


def test_the_files_are_in_the_style_of_the_project(folders):
    files = [str(path) for lookback in (0, 9) for path in write_feature(f"momentum_{lookback}", lookback, **folders)]
    ruff = [sys.executable, "-m", "ruff", "format", "--check", "--line-length", "120", *files]
    done = subprocess.run(ruff, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "lookback", "said"),
    [
        ("Momentum", 5, "'Momentum' cannot be the name of a feature"),
        ("class", 5, "'class' cannot be the name of a feature"),
        ("../evil", 5, "'../evil' cannot be the name of a feature"),
        ("rsi_14", 5, "there is a column 'rsi_14' already"),
        ("volume", 5, "there is a column 'volume' already"),
        ("momentum", -1, "--lookback -1: it counts the bars before a row's own, from 0 to 400"),
        ("momentum", 401, "--lookback 401"),
    ],
)
def test_what_cannot_be_a_feature_is_not_written(folders, name, lookback, said):
    with pytest.raises(FeatureError, match=said):
        write_feature(name, lookback, **folders, taken={"rsi_14"})
    assert [path.name for folder in folders.values() for path in folder.iterdir()] == ["__init__.py"]


@pytest.mark.parametrize("existing", ["modules/momentum.py", "tests/test_momentum.py"])
def test_nothing_is_written_over(folders, existing):
    folder, name = existing.split("/")
    (folders[folder] / name).write_text("mine")
    with pytest.raises(FeatureError, match=f"{name} is there already"):
        write_feature("momentum", 5, **folders)
    assert (folders[folder] / name).read_text() == "mine"
    assert sum(1 for each in folders.values() for _ in each.glob("*momentum*")) == 1
