"""The command that lets an editor complete and check settings and books."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from trading_assets.cli import app
from trading_assets.desk.settings import Settings, load_settings
from trading_assets.portfolio.books import load_books
from trading_assets.portfolio.schemas import json_schemas

OWN = "main: {strategy: ml_alpha, capital: 1}\ncopy: {like: main, sizing: {kind: inverse_volatility, lookback: 20}}\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A desk with settings and books of its own."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "books.yaml").write_text(OWN)
    Settings(home=tmp_path, books=Path("mine/books.yaml")).save()
    return tmp_path


def write_schemas(home: Path) -> str:
    result = CliRunner().invoke(app, ["schema", "--home", str(home)], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def first_line(path: Path) -> str:
    return path.read_text().splitlines()[0]


def test_the_schemas_are_written_and_the_files_say_where_they_are(home: Path) -> None:
    before = load_settings(home), load_books(home / "mine" / "books.yaml")
    printed = write_schemas(home)
    for name, schema in json_schemas().items():
        assert json.loads((home / "schemas" / name).read_text()) == json.loads(json.dumps(schema))
        assert str(home / "schemas" / name) in printed
    assert first_line(home / "settings.yaml") == "# yaml-language-server: $schema=schemas/settings.schema.json"
    assert first_line(home / "mine" / "books.yaml") == "# yaml-language-server: $schema=../schemas/books.schema.json"
    assert (load_settings(home), load_books(home / "mine" / "books.yaml")) == before


def test_a_file_that_says_where_its_schema_is_stays_as_it_is(home: Path) -> None:
    write_schemas(home)
    text = (home / "settings.yaml").read_text()
    assert "now begins" not in write_schemas(home)
    assert (home / "settings.yaml").read_text() == text


def test_a_desk_without_files_is_told_how_they_begin(tmp_path: Path) -> None:
    printed = write_schemas(tmp_path)
    assert (
        f"{tmp_path / 'books.yaml'} would begin with the line: # yaml-language-server: $schema=schemas/books."
        in printed
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["schemas"]


def test_a_book_of_the_schema_has_every_key_with_what_it_means_and_what_is_allowed() -> None:
    schema = json_schemas()["books.schema.json"]
    book = schema["additionalProperties"]
    assert list(book["properties"])[:3] == ["like", "strategy", "capital"]
    assert [name for name, one in book["properties"].items() if not one.get("description")] == []
    assert book["anyOf"] == [{"required": ["like"]}, {"required": ["strategy", "capital"]}]
    names, union = book["properties"]["sizing"]["anyOf"]
    assert names["enum"] == list(union["discriminator"]["mapping"])
    assert schema["$defs"]["InverseVolatility"]["properties"]["lookback"]["minimum"] == 2


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        (OWN, True),
        ("a: {strategy: x, capital: 1, costs: {commission_bps: 2}, broker: paper, live: {max_orders: 5}}", True),
        ("a: {strategy: x, capital: 1, costs: {commission: {kind: per_trade, commission_per_trade: 2}}}", True),
        ("a: {strategy: x}", False),
        ("a: {strategy: x, capital: 0}", False),
        ("a: {strategy: x, capital: 1, sizing: martingale}", False),
        ("a: {strategy: x, capital: 1, sizing: {kind: inverse_volatility, lookback: 1}}", False),
        ("a: {strategy: x, capital: 1, colour: red}", False),
    ],
)
def test_the_schema_allows_what_can_be_loaded(text: str, is_valid: bool) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json_schemas()["books.schema.json"])
    assert validator.is_valid(yaml.safe_load(text)) == is_valid


def test_the_schemas_allow_the_books_of_the_package_and_settings_that_were_saved(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    package = Path(load_books.__code__.co_filename).with_name("books.yaml")
    for path, name in ((package, "books"), (Settings(home=tmp_path).save(), "settings")):
        content = json.loads(json.dumps(yaml.safe_load(path.read_text()), default=str))
        jsonschema.validate(content, json_schemas()[f"{name}.schema.json"])
