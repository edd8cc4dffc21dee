"""Settings: the lake's file over the defaults, places from the environment, errors that name file and setting."""

from datetime import date
from pathlib import Path

import pytest

from trading_assets.desk.settings import PROJECT, Settings, SettingsError, load_settings


def test_without_a_file_the_defaults_are_those_of_the_offline_sample(tmp_path: Path) -> None:
    found = load_settings(tmp_path, {})
    assert found == Settings(home=tmp_path)
    assert found.source == {"kind": "sample"}
    assert found.database_url is None


def test_the_file_of_the_lake_goes_over_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text(
        "source: {kind: simulated, n_symbols: 3}\nexchange: XLON\nstart: 2015-01-01\nend: null\n"
        "books: /etc/books.yaml\nretry_seconds: 1\nretention_days: 7\n"
    )
    found = load_settings(tmp_path, {})
    assert found == Settings(
        home=tmp_path,
        source={"kind": "simulated", "n_symbols": 3},
        exchange="XLON",
        start=date(2015, 1, 1),
        end=None,
        books=Path("/etc/books.yaml"),
        retry_seconds=1,
        retention_days=7,
    )
    assert found.last_day is None


def test_an_empty_file_is_as_none(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("# nothing yet\n")
    assert load_settings(tmp_path, {}) == Settings(home=tmp_path)


def test_the_folder_is_the_one_given_then_the_one_of_the_environment_then_the_project_s(tmp_path: Path) -> None:
    variables = {"TRADING_ASSETS_HOME": str(tmp_path / "there")}
    assert load_settings(tmp_path / "here", variables).home == tmp_path / "here"
    assert load_settings(None, variables).home == tmp_path / "there"
    assert load_settings(None, {}).home == PROJECT / "data_lake"


def test_the_database_comes_from_the_environment_alone(tmp_path: Path) -> None:
    url = "postgresql://desk:secret@db/lake"
    found = load_settings(tmp_path, {"DATABASE_URL": url})
    assert found.database_url == url
    assert load_settings(tmp_path, {"DATABASE_URL": ""}).database_url is None
    (tmp_path / "settings.yaml").write_text(f"database_url: {url}\n")
    with pytest.raises(SettingsError, match=r"unknown settings \['database_url'\]"):
        load_settings(tmp_path, {})


def test_a_password_is_neither_shown_nor_stored(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url="postgresql://desk:secret@db/lake")
    assert "secret" not in repr(settings)
    assert "secret" not in settings.save().read_text()


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path / "lake",
        data_path="s3://bucket/lake",
        source={"kind": "files", "path": "/data/bars.parquet", "columns": {"close": "last"}},
        start=date(2013, 2, 1),
        end=date(2018, 2, 8),
        books=Path("/etc/books.yaml"),
        retry_seconds=0.5,
        retention_days=30,
    )
    settings.save()
    assert load_settings(tmp_path / "lake", {}) == settings
    assert [path.name for path in (tmp_path / "lake").iterdir()] == ["settings.yaml"]


@pytest.mark.parametrize(
    ("data_path", "expected"),
    [(None, "{home}/parquet/"), ("/mnt/lake", "/mnt/lake/"), ("s3://bucket/lake", "s3://bucket/lake/")],
)
def test_parquet_files_go_below_the_lake_or_where_the_setting_says(
    tmp_path: Path, data_path: str | None, expected: str
) -> None:
    settings = Settings(home=tmp_path, data_path=data_path)
    assert settings.parquet_path == expected.format(home=tmp_path)


def test_the_last_day_is_the_one_before_the_end(tmp_path: Path) -> None:
    assert Settings(home=tmp_path, end=date(2018, 3, 1)).last_day == date(2018, 2, 28)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour: red", r"unknown settings \['colour'\]; known are \['books'"),
        ("2015: red", r"unknown settings \['2015'\]"),
        ("start: 2015", "start must be a date such as 2013-02-08, not 2015"),
        ("start: 2015-01-01 09:30:00", "start must be a date"),
        ("end: never", "end must be a date such as 2013-02-08, or empty, not 'never'"),
        ("source: [sample]", "source must be a mapping"),
        ("exchange: 7", "exchange must be a calendar code"),
        ("retry_seconds: soon", "retry_seconds must be a number of seconds"),
        ("quality: {delist_aftr: 5}", r"quality.delist_aftr is no limit \(did you mean delist_after\?\)"),
        ("quality: 5", "quality must be a mapping of limits to numbers"),
        ("retention_days: true", "retention_days must be a whole number of days"),
        ("start: 2020-01-01\nend: 2020-01-01", "end 2020-01-01 must be after start 2020-01-01"),
        ("sample", "must hold settings, one `name: value` per line, not 'sample'"),
        ("{", "is not readable as YAML"),
    ],
)
def test_an_unusable_file_is_an_error_that_names_it(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "settings.yaml").write_text(text)
    with pytest.raises(SettingsError, match=message) as caught:
        load_settings(tmp_path, {})
    assert str(caught.value).startswith(str(tmp_path / "settings.yaml"))
