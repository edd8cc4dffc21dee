"""Where the keys of a book come from, and that nobody else can read them."""

from __future__ import annotations

import json
import stat

import pytest

from trading_assets.brokers.alpaca.connection import Connection
from trading_assets.brokers.embedded.keys import KEYS_FILE, save_keys
from trading_assets.brokers.errors import BrokerSettingsError
from trading_assets.brokers.factory import locate_account

KEYS = {"key_id": "PKABC", "secret": "very-secret"}
VARIABLES = {"ALPACA_KEY_ID": "PKENV", "ALPACA_SECRET_KEY": "secret-of-env"}


@pytest.fixture
def key_file(tmp_path):
    def write(content, mode=0o600):
        path = tmp_path / "keys"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        path.chmod(mode)
        return {"ALPACA_KEYS_FILE": str(path)}

    return write


@pytest.mark.parametrize(
    ("broker", "url"), [("paper", "https://paper-api.alpaca.markets"), ("live", "https://api.alpaca.markets")]
)
def test_alpaca_is_reached_with_the_keys_of_the_environment(tmp_path, broker, url):
    assert locate_account(broker, "main", tmp_path, VARIABLES) == Connection(
        broker, url, "https://data.alpaca.markets", "PKENV", "secret-of-env"
    )


def test_keys_of_the_environment_win_over_the_file(tmp_path, key_file):
    found = locate_account("paper", "main", tmp_path, VARIABLES | key_file({"main": KEYS}))
    assert found.key_id == "PKENV"


def test_each_book_has_its_keys_in_the_file(tmp_path, key_file):
    environment = key_file({"main": KEYS, "other": {"key_id": "PKOTHER", "secret": "x"}})
    found = locate_account("paper", "main", tmp_path, environment)
    assert (found.key_id, found.secret) == ("PKABC", "very-secret")
    other = locate_account("paper", "other", tmp_path, environment)
    assert other.key_id == "PKOTHER"


@pytest.mark.parametrize("half", ["ALPACA_KEY_ID", "ALPACA_SECRET_KEY"])
def test_half_of_the_keys_is_none(tmp_path, half):
    with pytest.raises(BrokerSettingsError, match="there are no keys: set ALPACA_KEY_ID and ALPACA_SECRET_KEY"):
        locate_account("paper", "main", tmp_path, {half: VARIABLES[half]})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610, 0o601])
def test_a_key_file_that_others_may_use_is_refused(tmp_path, key_file, mode):
    with pytest.raises(BrokerSettingsError, match=f"mode {mode:04o}.*chmod 600") as caught:
        locate_account("paper", "main", tmp_path, key_file({"main": KEYS}, mode))
    assert "very-secret" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_file_of_its_owner_alone_is_read(tmp_path, key_file, mode):
    assert locate_account("paper", "main", tmp_path, key_file({"main": KEYS}, mode)).key_id == "PKABC"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"main": {"key_id": "PKABC", "secret": "very-secret"', "cannot be read: JSONDecodeError"),
        ([KEYS], "must hold a mapping"),
        ({"other": KEYS}, "no key_id and secret for the book 'main'"),
        ({"main": {"key_id": "PKABC"}}, "no key_id and secret for the book 'main'"),
        ({"main": "very-secret"}, "no key_id and secret for the book 'main'"),
    ],
)
def test_a_key_file_without_the_keys_says_what_it_lacks_and_none_of_its_content(tmp_path, key_file, content, words):
    with pytest.raises(BrokerSettingsError, match=words) as caught:
        locate_account("paper", "main", tmp_path, key_file(content))
    assert "very-secret" not in str(caught.value)


def test_a_key_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BrokerSettingsError, match="nowhere cannot be read: FileNotFoundError"):
        locate_account("paper", "main", tmp_path, {"ALPACA_KEYS_FILE": str(tmp_path / "nowhere")})


def test_the_embedded_broker_is_found_in_the_folder_of_the_lake(tmp_path):
    path = save_keys(tmp_path, "http://127.0.0.1:1234", {"main": KEYS})
    assert path == tmp_path / "broker" / KEYS_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert locate_account("embedded", "main", tmp_path, VARIABLES) == Connection(
        "embedded", "http://127.0.0.1:1234", "http://127.0.0.1:1234", "PKABC", "very-secret"
    )


def test_saving_again_replaces_the_keys_and_leaves_no_other_file(tmp_path):
    save_keys(tmp_path, "http://127.0.0.1:1", {"main": {"key_id": "OLD", "secret": "old"}})
    path = save_keys(tmp_path, "http://127.0.0.1:2", {"main": KEYS})
    assert locate_account("embedded", "main", tmp_path).url == "http://127.0.0.1:2"
    assert [found.name for found in path.parent.iterdir()] == [KEYS_FILE]


def test_an_embedded_broker_that_never_ran_says_how_to_start_it(tmp_path):
    with pytest.raises(BrokerSettingsError, match="has never run on this lake; start it with: trading-assets broker"):
        locate_account("embedded", "main", tmp_path)


@pytest.mark.parametrize(
    "content", [{"url": "http://127.0.0.1:1"}, {"accounts": {"main": KEYS}}, {"url": "", "accounts": []}]
)
def test_a_damaged_file_of_the_embedded_broker_is_a_wrong_setting(tmp_path, content):
    path = save_keys(tmp_path, "http://127.0.0.1:1", {"main": KEYS})
    path.write_text(json.dumps(content))
    with pytest.raises(BrokerSettingsError, match=r"keys\.json"):
        locate_account("embedded", "main", tmp_path)


def test_a_book_without_an_account_and_a_simulated_one_are_refused(tmp_path):
    save_keys(tmp_path, "http://127.0.0.1:1", {"main": KEYS})
    with pytest.raises(BrokerSettingsError, match="no key_id and secret for the book 'unknown'"):
        locate_account("embedded", "unknown", tmp_path)
    with pytest.raises(BrokerSettingsError, match="'main' is simulated; it has no account at a broker"):
        locate_account("sim", "main", tmp_path, VARIABLES)


def test_no_text_of_a_connection_has_its_keys():
    connection = Connection("paper", "https://a", "https://b", "PKABC", "very-secret")
    for text in (repr(connection), str(connection), f"{connection}"):
        assert "PKABC" not in text
        assert "very-secret" not in text
