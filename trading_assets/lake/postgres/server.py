"""The embedded Postgres: initialise its folder, start it, stop it, keep it private.

Nothing here is safe for two processes at once: `trading_assets.lake.postgres.url` calls it under the lake's lock.
"""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

import psutil

from trading_assets.lake.errors import LakeError
from trading_assets.library_internals import pgserver

PORT = 5432
_ACCOUNT = "pgserver"
_PROGRAMS = frozenset({"initdb", "pg_ctl", "postgres"})
_TIMEOUT_SECONDS = 60
_SHELL_CHARACTERS = frozenset('"$`\n')
_SOCKET_PATH_LIMIT = 103  # bytes; macOS allows 103, Linux 107
_SETTINGS = """
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 300
log_checkpoints = off
"""


@dataclass(frozen=True, slots=True)
class _State:
    status: str
    socket_folder: Path


def require_usable(folder: Path) -> None:
    """Refuse a folder whose name the programs of Postgres cannot take: they start the server through a shell.

    Raises
    ------
    LakeError
        Its path has a character that the shell reads as something else.
    """
    found = sorted(_SHELL_CHARACTERS & set(str(folder)))
    if found:
        named = " and ".join(map(repr, found))
        msg = (
            f"the embedded Postgres cannot be in {folder}, whose path has {named}; use another folder (--home DIR), or "
            "a Postgres of your own (DATABASE_URL)"
        )
        raise LakeError(msg)


def ensure_running(folder: Path) -> Path:
    """Start the server of a data folder where it is not running; return the folder of its socket.

    Raises
    ------
    LakeError
        The folder is not a data folder of this Postgres, or the server does not become ready.
    """
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        state = _state(folder)
        if state is not None and state.status == "ready":
            return state.socket_folder
        if state is None and not _is_at_work(folder):
            _start(folder)
        else:  # the process that was starting or stopping it has been killed, and its pg_ctl goes on
            time.sleep(0.05)
    msg = f"the Postgres in {folder} is not ready after {_TIMEOUT_SECONDS} s; its log: {folder / 'log'}"
    raise LakeError(msg)


def stop(folder: Path, lock: IO[str]) -> bool:
    """Stop the server of a data folder. True if one was running.

    Parameters
    ----------
    folder : pathlib.Path
        The data folder.
    lock : file
        The lake's lock, held by the caller: ``pg_ctl`` shares it, so that nobody joins a server that the ``pg_ctl`` of
        a killed caller is about to stop.

    Raises
    ------
    LakeError
        It does not stop.
    """
    while (state := _state(folder)) is None:
        if not _is_at_work(folder):
            return False
        time.sleep(0.05)
    try:
        arguments = ("-w", "-t", str(_TIMEOUT_SECONDS), "-m", "fast", "-D", str(folder), "stop")
        _run("pg_ctl", *arguments, pass_fds=(lock.fileno(),))
    except subprocess.CalledProcessError:
        if _state(folder) is not None:
            msg = f"the Postgres in {folder} does not stop; its log: {folder / 'log'}"
            raise LakeError(msg) from None
    if state.socket_folder != folder:
        shutil.rmtree(state.socket_folder, ignore_errors=True)
    return True


def _state(folder: Path) -> _State | None:
    """State of the server from ``postmaster.pid``; None if that file was left by a server that was killed."""
    try:
        lines = (folder / "postmaster.pid").read_text().splitlines()
        command = psutil.Process(int(lines[0])).cmdline()
    except (OSError, IndexError, ValueError, psutil.Error):
        return None
    if str(folder) not in command:
        return None
    complete = len(lines) > 7  # noqa: PLR2004 - the eighth line is the status, written once the socket is there
    return _State(lines[7].strip(), Path(lines[4])) if complete else _State("starting", folder)


def _is_at_work(folder: Path) -> bool:
    """Whether a program of Postgres works on the folder: processes of a killed server, or a start in progress."""
    places = {str(folder), str(_fresh(folder))}
    for process in psutil.process_iter(["name", "cwd", "cmdline"]):
        info = process.info
        arguments = info["cmdline"] or ()
        if info["name"] in _PROGRAMS and (info["cwd"] == str(folder) or places.intersection(arguments)):
            return True
        if info["name"] == "sh" and any(f'-D "{folder}"' in argument for argument in arguments):
            return True  # pg_ctl starts the server through a shell
    return False


def _fresh(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.new")


def _start(folder: Path) -> None:
    account = _account()
    if account:
        _let_execute(pgserver.program_folder().parent)
        _let_pass(folder)
    _require_data_folder(folder, account)
    sockets = _socket_folder(folder, account)
    _forget_killed_server(folder, sockets)
    options = f"-h '' -p {PORT} -k {shlex.quote(str(sockets))}"
    log = folder / "log"
    waiting = ("-w", "-t", str(_TIMEOUT_SECONDS))
    try:
        _run("pg_ctl", *waiting, "-o", options, "-l", str(log), "-D", str(folder), "start")
    except subprocess.CalledProcessError:
        if _state(folder) is not None:
            return
        last = log.read_text().splitlines()[-3:] if log.exists() else []
        msg = f"the embedded Postgres does not start; the end of {log}: {' | '.join(last)}"
        raise LakeError(msg) from None


def _require_data_folder(folder: Path, account: pwd.struct_passwd | None) -> None:
    """Initialise the folder under another name, then rename it: a killed process leaves no incomplete one."""
    version = folder / "PG_VERSION"
    if version.exists():
        if version.read_text().strip() != str(pgserver.server_version()):
            msg = (
                f"{folder} was created by Postgres {version.read_text().strip()}; upgrade it, or start with a new lake"
            )
            raise LakeError(msg)
        return
    if folder.exists() and any(folder.iterdir()):
        msg = f"{folder} is meant for Postgres but holds other files; move them away"
        raise LakeError(msg)
    fresh = _fresh(folder)
    shutil.rmtree(fresh, ignore_errors=True)
    _make_private_folder(fresh, account)
    # The locale of the environment may not be installed, and it would change sort orders.
    locale = ("--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8")
    _run("initdb", "--auth=trust", *locale, "-U", "postgres", "-D", str(fresh))
    with (fresh / "postgresql.conf").open("a") as file:
        file.write(_SETTINGS)
    fresh.replace(folder)


def _forget_killed_server(folder: Path, sockets: Path) -> None:
    """Remove the lock files of a killed server, none of whose processes is left.

    Postgres refuses to start while any process has the id in its lock files. After a restart of a container that id
    often belongs to another program, or to a zombie.
    """
    if (folder / "postmaster.pid").exists():
        (sockets / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
        (folder / "postmaster.pid").unlink()


def _socket_folder(folder: Path, account: pwd.struct_passwd | None) -> Path:
    """Folder of the socket: the data folder, or a private one with a short name where that path is too long."""
    short = f"trading-assets-{blake2b(str(folder).encode(), digest_size=6).hexdigest()}"
    candidates = (folder, Path(tempfile.gettempdir()).resolve() / short, Path("/tmp").resolve() / short)  # noqa: S108
    sockets = next((path for path in candidates if _fits_socket(path)), candidates[-1])
    if sockets != folder:
        if account:
            _let_pass(sockets)
        _make_private_folder(sockets, account)
    return sockets


def _fits_socket(folder: Path) -> bool:
    path = f"{folder}/.s.PGSQL.{PORT}.lock"
    return len(path.encode()) <= _SOCKET_PATH_LIMIT and not set(path) & set(",\"'")


def _make_private_folder(path: Path, account: pwd.struct_passwd | None) -> None:
    path.mkdir(mode=stat.S_IRWXU, exist_ok=True)
    found = path.lstat()
    owners = {os.geteuid(), account.pw_uid} if account else {os.geteuid()}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
        msg = f"{path} belongs to someone else, so the Postgres socket cannot be private there; remove it"
        raise LakeError(msg)
    if account:
        os.chown(path, account.pw_uid, account.pw_gid)
    path.chmod(stat.S_IRWXU)


def _let_pass(path: Path) -> None:
    """Let the server's account pass through the parents of a path, without reading them."""
    for parent in path.parents:
        _add_mode(parent, stat.S_IXOTH)


def _let_execute(installation: Path) -> None:
    """Let the server's account run an installation that was unpacked for root alone."""
    _let_pass(installation)
    if (installation / "bin" / "postgres").stat().st_mode & stat.S_IXOTH and installation.stat().st_mode & stat.S_IXOTH:
        return
    for path in (installation, *installation.rglob("*")):
        is_executable = path.stat().st_mode & stat.S_IXUSR
        _add_mode(path, stat.S_IROTH | (stat.S_IXOTH if is_executable else 0))


def _add_mode(path: Path, wanted: int) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & wanted != wanted:
        path.chmod(mode | wanted)


def _run(command: str, *arguments: str, pass_fds: Sequence[int] = ()) -> None:
    identity: dict[str, Any] = {}
    account = _account()
    if account:
        identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    # PGPORT, PGOPTIONS and the like are meant for clients, but a server that inherits them applies them too.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    pgserver.run_program(command, *arguments, env=environment, cwd="/", pass_fds=pass_fds, **identity)


@cache
def _account() -> pwd.struct_passwd | None:
    """Account that the server runs as if this process is root, which Postgres refuses to run as; None otherwise."""
    if os.geteuid() != 0:
        return None
    pgserver.ensure_account(_ACCOUNT)
    return pwd.getpwnam(_ACCOUNT)
