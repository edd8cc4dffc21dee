"""Files are replaced as a whole, by any number of writers."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from trading_assets.files import write_atomically, write_if_changed


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "made" / "settings.yaml"
    for content in ("end: 2013-03-02\n", "end: é\n", b"\x00\xff"):
        write_atomically(path, content)
        assert path.read_bytes() == (content if isinstance(content, bytes) else content.encode())
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "settings.yaml"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "new \udc80")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_secret_is_never_readable_by_others(tmp_path, monkeypatch):
    path, modes = tmp_path / "keys.json", []
    real = type(path).replace

    def replace(partial, target):
        modes.append(stat.S_IMODE(partial.stat().st_mode))
        return real(partial, target)

    monkeypatch.setattr(type(path), "replace", replace)
    write_atomically(path, "secret", mode=0o600)
    assert [*modes, stat.S_IMODE(path.stat().st_mode)] == [0o600, 0o600]


def test_threads_that_write_one_file_do_not_meet(tmp_path):
    path = tmp_path / "page.html"
    texts = [str(number) * 100_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: write_atomically(path, text), texts))
    assert path.read_text() in texts
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_says_it_already_is_not_touched(tmp_path):
    path = tmp_path / "dagster.yaml"
    assert write_if_changed(path, "nux: {}\n")
    before = path.stat()
    assert not write_if_changed(path, "nux: {}\n")
    assert path.stat().st_ino == before.st_ino
    assert write_if_changed(path, "nux: {enabled: false}\n")
