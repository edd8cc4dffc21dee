import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

from trading_assets.lake.errors import LakeError
from trading_assets.lake.postgres import server
from trading_assets.lake.postgres.url import (
    _held,
    hold_embedded_postgres,
    release_embedded_postgres,
    stop_embedded_postgres,
)
from trading_assets.library_internals import pgserver
from trading_assets_tests.processes import Together, context

IS_ROOT = os.geteuid() == 0
HOLDER = """
import sys
from pathlib import Path
from trading_assets.lake.postgres.url import hold_embedded_postgres, release_embedded_postgres
folder = Path(sys.argv[1])
for line in sys.stdin:
    if line.strip() == "hold":
        url = hold_embedded_postgres(folder)
        url.ensure_schemas()
    elif line.strip() == "release":
        release_embedded_postgres(folder)
    elif line.strip() == "fork":
        import os
        child = os.fork()
        if not child:
            sys.exit(0)
        os.waitpid(child, 0)
        url.ensure_schemas()
    print("done", flush=True)
"""


class Holder:
    """Another process that holds the server, told what to do line by line."""

    def __init__(self, folder):
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def tell(self, word):
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        return self

    def wait(self):
        assert self.process.stdout.readline() == "done\n"
        return self

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(60) == 0

    def kill(self):
        self.process.kill()
        self.process.wait()


@contextmanager
def holders(folder, number):
    found = [Holder(folder) for _ in range(number)]
    yield found
    for holder in found:
        holder.kill()
        holder.process.stdin.close()
        holder.process.stdout.close()


@pytest.fixture
def folder():
    home = Path(tempfile.mkdtemp(prefix="ta-"))
    yield home / "pg"
    release_embedded_postgres(home / "pg")
    stop_embedded_postgres(home / "pg")
    shutil.rmtree(home)


def is_running(folder):
    return server._state(folder) is not None


def postmaster(folder):
    return int((folder / "postmaster.pid").read_text().split()[0])


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_processes_share_one_server_and_the_last_one_stops_it(folder):
    with holders(folder, 4) as (first, second, third, killed):
        for holder in (first, second, third, killed):  # at the same moment, on a folder that nobody has initialised
            holder.tell("hold")
        for holder in (first, second, third, killed):
            holder.wait()
        pid = postmaster(folder)
        first.end()
        second.tell("fork").wait()
        assert postmaster(folder) == pid
        killed.kill()
        second.tell("release").wait()
        assert is_running(folder)
        third.end()
        assert not is_running(folder)
        second.end()
        assert not is_running(folder)


def test_server_of_a_killed_process_serves_the_next_and_ends_with_it(folder):
    with holders(folder, 1) as (killed,):
        killed.tell("hold").wait()
        pid = postmaster(folder)
        killed.kill()
        assert is_running(folder)
        hold_embedded_postgres(folder)
        assert postmaster(folder) == pid
        assert release_embedded_postgres(folder)
        assert not is_running(folder)


def test_orphan_is_stopped(folder):
    with holders(folder, 1) as (killed,):
        killed.tell("hold").wait()
        killed.kill()
    assert stop_embedded_postgres(folder)
    assert not is_running(folder)
    assert not stop_embedded_postgres(folder)
    assert not stop_embedded_postgres(folder.parent / "nowhere")
    assert not (folder.parent / "nowhere").exists()


def cycle(folder, times):
    for _ in range(times):
        hold_embedded_postgres(folder).ensure_schemas()
        release_embedded_postgres(folder)


@pytest.mark.slow
def test_starting_and_stopping_at_the_same_moment_never_fails(folder):
    together = Together()
    for _ in range(4):
        together.start(cycle, folder, 8)
    cycle(folder, 8)
    together.answers()
    assert not is_running(folder)


def stop_slowly(folder):
    """Hold and release the server; `pg_ctl stop` waits for a second before it begins."""

    def run(command, *arguments, **options):
        program = pgserver.program_folder() / command
        subprocess.run(["sh", "-c", f'sleep 1; exec "{program}" "$@"', "waiting", *arguments], check=True, **options)

    hold_embedded_postgres(folder)
    pgserver.run_program = run
    release_embedded_postgres(folder)


def test_nobody_joins_a_server_that_a_killed_process_has_begun_to_stop(folder):
    process = context.Process(target=stop_slowly, args=(folder,))
    process.start()
    while not any(one.name() == "sh" for one in psutil.Process(process.pid).children()):
        time.sleep(0.01)
    process.kill()
    process.join()
    url = hold_embedded_postgres(folder)
    time.sleep(1.5)
    url.ensure_schemas()


@pytest.mark.slow
def test_process_killed_while_it_starts_or_stops_the_server_leaves_a_usable_one(folder):
    chance = random.Random(5)
    for _ in range(10):
        process = context.Process(target=cycle, args=(folder, 99))
        process.start()
        time.sleep(chance.uniform(0.05, 1.5))
        process.kill()
        process.join()
        cycle(folder, 1)
        assert not is_running(folder)
    assert not folder.with_name("pg.new").exists()


def test_server_that_was_killed_is_started_again(folder):
    url = hold_embedded_postgres(folder)
    os.kill(postmaster(folder), signal.SIGKILL)
    while is_running(folder):
        time.sleep(0.01)
    assert hold_embedded_postgres(folder) == url
    url.ensure_schemas()


def test_left_over_process_number_of_somebody_else_does_not_stop_the_start(folder):
    hold_embedded_postgres(folder)
    release_embedded_postgres(folder)
    (folder / "postmaster.pid").write_text(f"{os.getpid()}\n{folder}\n0\n5432\n{folder}\n\n1 1\nready   \n")
    assert not is_running(folder)
    assert not stop_embedded_postgres(folder)
    assert psutil.pid_exists(os.getpid())
    hold_embedded_postgres(folder).ensure_schemas()


def test_servers_of_neighbouring_folders_do_not_wait_for_each_other(folder):
    neighbour = folder.with_name("pg2")
    hold_embedded_postgres(neighbour)
    began = time.monotonic()
    assert not server._is_at_work(folder)
    assert server._is_at_work(neighbour)
    assert hold_embedded_postgres(folder) != hold_embedded_postgres(neighbour)
    assert release_embedded_postgres(folder)
    assert is_running(neighbour)
    assert release_embedded_postgres(neighbour)
    assert time.monotonic() - began < 30


def test_half_made_folder_of_a_killed_process_is_made_anew(folder):
    unfinished = folder.with_name("pg.new")
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    hold_embedded_postgres(folder).ensure_schemas()
    assert not unfinished.exists()


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [("notes.txt", "mine", "holds other files"), ("PG_VERSION", "16\n", "was created by Postgres 16")],
)
def test_folder_that_is_not_ours_is_left_alone(folder, name, text, reason):
    folder.mkdir()
    (folder / name).write_text(text)
    with pytest.raises(LakeError, match=reason):
        hold_embedded_postgres(folder)
    assert [path.name for path in folder.iterdir()] == [name]


def test_server_that_cannot_start_says_why(folder):
    hold_embedded_postgres(folder)
    release_embedded_postgres(folder)
    with (folder / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    with pytest.raises(LakeError, match=r"does not start; the end of .*no_such_setting"):
        hold_embedded_postgres(folder)


def test_settings_of_the_environment_for_clients_do_not_reach_the_server(folder, monkeypatch):
    for name, value in {"PGPORT": "6000", "PGDATA": "/nowhere", "PGOPTIONS": "-c x", "LC_ALL": "xx_XX"}.items():
        monkeypatch.setenv(name, value)
    url = hold_embedded_postgres(folder)
    monkeypatch.delenv("PGOPTIONS")
    url.ensure_schemas()


def test_data_and_socket_are_private_and_parents_are_only_passed_through(folder):
    closed, listed = folder.parent / "closed", folder.parent / "closed" / "listed"
    listed.mkdir(parents=True)
    closed.chmod(0o700)
    listed.chmod(0o750)
    installation = pgserver.program_folder()
    before = [mode(parent) for parent in installation.parents]
    data = listed / "pg"
    try:
        url = hold_embedded_postgres(data)
        assert mode(data) == 0o700
        assert mode(next(Path(url.host).glob(".s.PGSQL.*[0-9]"))) & 0o077 == 0
        assert (mode(closed), mode(listed)) == ((0o701, 0o751) if IS_ROOT else (0o700, 0o750))
        assert [mode(parent) | IS_ROOT for parent in installation.parents] == [m | IS_ROOT for m in before]
    finally:
        release_embedded_postgres(data)


def test_path_too_long_for_a_socket_gets_a_private_one_elsewhere(folder):
    data = folder.parent / ("long" * 20) / ("path, with 'quotes'" * 2) / "pg"
    url = hold_embedded_postgres(data)
    try:
        sockets = Path(url.host)
        assert sockets != data
        assert mode(sockets) == mode(data) == 0o700
        assert sockets.stat().st_uid == data.stat().st_uid
        with closing(url.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        assert release_embedded_postgres(data)
    assert not sockets.exists()


def test_socket_folder_that_somebody_else_has_made_is_refused(folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    link = tmp_path / "link"
    link.symlink_to(other)
    with pytest.raises(LakeError, match="belongs to someone else"):
        server._make_private_folder(link, None)
    if IS_ROOT:
        os.chown(other, 12345, 12345)
        with pytest.raises(LakeError, match="belongs to someone else"):
            server._make_private_folder(other, server._account())


def test_hold_of_a_server_that_does_not_start_does_not_outlive_the_process(folder):
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(LakeError):
        hold_embedded_postgres(folder)
    assert folder not in _held
