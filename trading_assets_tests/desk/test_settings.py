"""Settings: the lake's file over the defaults, places from the environment, errors that name file and setting."""

from datetime import date
from pathlib import Path

import pytest

from trading_assets.desk.settings import PROJECT, Settings, SettingsError, load_settings, settings_schema


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
    with pytest.raises(SettingsError, match="unknown key database_url; allowed are data_path, source"):
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
        universe={"kind": "symbols", "symbols": ["A", "B"], "as_of": date(2013, 1, 2)},
        intraday=("bars_hourly",),
        quality={"delist_after": 5, "price_tolerance": 0.1},
        start=date(2013, 2, 1),
        end=date(2018, 2, 8),
        books=Path("/etc/books.yaml"),
        own=Path("mine"),
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


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("trading: sned\nquality: {delist_after: 0}\nhome: /tmp\ncolour: red\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path, {})
    heading, *faults = str(caught.value).splitlines()
    assert heading == f"{tmp_path / 'settings.yaml'} has 4 faults:"
    assert [fault.split(" ")[1:4] for fault in faults] == [
        ["unknown", "key", "home;"],
        ["quality.delist_after", "is", "0;"],
        ["trading", "is", "'sned'"],
        ["unknown", "key", "colour;"],
    ]


def test_paths_of_the_user_s_own_files_are_relative_to_the_folder_of_the_settings(tmp_path: Path) -> None:
    assert Settings(home=tmp_path).own == tmp_path / "own"
    (tmp_path / "settings.yaml").write_text("own: ../mine\nbooks: mine/books.yaml\n")
    found = load_settings(tmp_path, {})
    assert (found.own, found.books) == (tmp_path.parent / "mine", tmp_path / "mine" / "books.yaml")
    elsewhere = Settings(home=tmp_path).with_values(home=tmp_path / "other")
    assert elsewhere.own == tmp_path / "other" / "own"


def test_a_lake_may_move_with_the_files_below_it(tmp_path: Path) -> None:
    Settings(home=tmp_path / "lake", books=Path("books.yaml"), own=Path("/shared/own")).save()
    (tmp_path / "lake").rename(tmp_path / "moved")
    found = load_settings(tmp_path / "moved", {})
    assert (found.books, found.own) == (tmp_path / "moved" / "books.yaml", Path("/shared/own"))


def test_comments_at_the_head_of_the_file_outlive_a_save(tmp_path: Path) -> None:
    path = Settings(home=tmp_path).save()
    path.write_text(f"# yaml-language-server: $schema=settings.schema.json\n# mine\n{path.read_text()}# lost\n")
    Settings(home=tmp_path, retention_days=5).save()
    assert path.read_text().splitlines()[:3] == [
        "# yaml-language-server: $schema=settings.schema.json",
        "# mine",
        "data_path: null",
    ]
    assert load_settings(tmp_path, {}).retention_days == 5


def test_other_values_are_checked_like_those_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="settings: end 2013-03-02 must be after start 2014-01-01"):
        Settings(home=tmp_path).with_values(start=date(2014, 1, 1))


def test_the_schema_for_editors_has_every_setting_of_the_file_with_what_it_means() -> None:
    properties = settings_schema()["properties"]
    assert set(properties) == set(Settings.model_fields) - {"home", "database_url"}
    assert [name for name, one in properties.items() if not one.get("description")] == []


def test_the_last_day_is_the_one_before_the_end(tmp_path: Path) -> None:
    assert Settings(home=tmp_path, end=date(2018, 3, 1)).last_day == date(2018, 2, 28)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour: red", "unknown key colour; allowed are data_path, source, other_sources"),
        ("retension_days: 7", r"unknown key retension_days \(did you mean 'retention_days'\?\); allowed are"),
        ("2015: red", "unknown key 2015; allowed are"),
        ("home: /tmp", "unknown key home; allowed are"),
        ("start: 2015", "start is 2015; allowed: a date such as 2013-02-08$"),
        ("start: 2015-01-01 09:30:00", r"start is datetime.datetime\(.*; allowed: a date"),
        ("end: never", "end is 'never'; allowed: a date such as 2013-02-08, or null$"),
        ("source: [sample]", r"source is \['sample'\]; allowed: a mapping such as {kind: sample}"),
        ("source: {2: 3}", "key 2 of source must be text; write it in quotes"),
        ("source_policy: {bars_daily: alpaca}", "source_policy.bars_daily is 'alpaca'; allowed: a list, each text"),
        ("exchange: 7", "exchange is 7; allowed: text such as XNYS"),
        ("retry_seconds: soon", "retry_seconds is 'soon'; allowed: a number at least 0"),
        ("intraday: [bars_daily]", r"intraday\[0\] is 'bars_daily'.*; allowed: one of bars_minute, bars_hourly"),
        ("trading: sned", r"trading is 'sned' \(did you mean 'send'\?\); allowed: one of dry_run, send"),
        ("training_workers: 0", "training_workers is 0; allowed: a whole number at least 1"),
        ("books: 7", "books is 7; allowed: a path, or null"),
        ("retention_days: true", "retention_days is True; allowed: a whole number at least 0"),
        ("start: 2020-01-01\nend: 2020-01-01", "end 2020-01-01 must be after start 2020-01-01"),
        ("start: 2020-01-01\nend: null\nstart: 2020-01-02", "key 'start' appears twice, in lines 1 and 3"),
        ("source: {kind: files, kind: sample}", "key 'kind' appears twice"),
        ("sample", "must hold a mapping, one `name: value` per line, not 'sample'"),
        ("{", "is not readable as YAML"),
        # the universe
        (
            "universe: {kind: indices}",
            r"universe.kind is 'indices' \(did you mean 'index'\?\); allowed: one of listed",
        ),
        ("universe: {kind: file}", "universe: the kind 'file' needs path"),
        ("universe: {kind: symbols, symbols: []}", "universe: the kind 'symbols' needs symbols"),
        (
            "universe: {kind: listed, path: a.csv}",
            "universe: the kind 'listed' does not use path; remove it",
        ),
        (
            "universe: {names: [A]}",
            r"unknown key universe.names \(did you mean 'name'\?\); allowed are kind",
        ),
        (
            "universe: {kind: symbols, symbols: [A, NO]}",
            r"universe.symbols\[1\]: YAML reads symbols such as ON and NO",
        ),
        # the rules of quality
        (
            "quality: {delist_aftr: 5}",
            r"unknown key quality.delist_aftr \(did you mean 'delist_after'\?\)",
        ),
        ("quality: {outlier_scales: 0}", "quality.outlier_scales is 0; allowed: a number above 0"),
        ("quality: {delist_after: 2.5}", "quality.delist_after is 2.5; allowed: a whole number above 0"),
        ("quality: {min_coverage: most}", "quality.min_coverage is 'most'; allowed: a number above 0"),
        ("quality: {stale_sessions: 61}", r"quality: stale_sessions is 61, more than window_sessions \(60\)"),
        ("quality: 5", "quality is 5; allowed: a mapping with window_sessions, min_returns"),
    ],
)
def test_an_unusable_file_is_an_error_that_names_it(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "settings.yaml").write_text(text)
    with pytest.raises(SettingsError, match=message) as caught:
        load_settings(tmp_path, {})
    assert str(caught.value).startswith(str(tmp_path / "settings.yaml"))
