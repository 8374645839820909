"""Fixtures that every test may use: real databases, a real browser, a seeded clock."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import databases
from ports import free_port
from tallystick.core.clock import SeededClock
from tallystick.core.store import Store

STOP_S_MAX = 100
"""A last checkpoint on a busy disk takes long."""
CHROMIUM_ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


LONG = (
    *("demo", "screens", "kiosk", "web_console", "edge", "cli", "reserve", "hubs", "whatif"),
    *("web", "bitcoin", "tlog", "web_signin", "reserve_keys", "core"),
)
"""Folders whose files take longest, and so are begun first: else the last file is waited for."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long; within a file and a folder the order stays."""

    def rank(item: pytest.Item) -> tuple[bool, int]:
        folder = item.path.parent.name
        kills = "kill_points" in item.path.name
        return (not kills, LONG.index(folder) if folder in LONG else len(LONG))

    items.sort(key=rank)


def _postgres_binary(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = str(found[-1]) if found else shutil.which(name)
    assert path, f"PostgreSQL's {name} is missing: run make test, which installs it"
    return path


def _other_user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root; it then runs as somebody who owns nothing else."""
    if os.getuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    return {"user": "postgres" if "postgres" in names else "nobody"}


class Cluster:
    """A real PostgreSQL of our own in a folder, with fsync on: one for each test process."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.count = folder, free_port(), 0
        self.sample = ""
        self.user = _other_user()
        if self.user:
            shutil.chown(folder, self.user["user"])
        self._run("initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "test", "-E", "UTF8")
        self._start()

    def _start(self) -> None:
        self.log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            [
                _postgres_binary("postgres"),
                *("-D", str(self.folder / "data"), "-p", str(self.port)),
                *(
                    "-c",
                    "listen_addresses=127.0.0.1",
                    "-c",
                    f"unix_socket_directories={self.folder}",
                ),
            ],
            stdout=self.log,
            stderr=self.log,
            cwd="/",
            **self.user,
        )
        self._wait()

    def _run(self, name: str, *args: str) -> None:
        subprocess.run(
            [_postgres_binary(name), *args], check=True, capture_output=True, cwd="/", **self.user
        )

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://test@127.0.0.1:{self.port}/{database}"

    def _wait(self) -> None:
        engine = sa.create_engine(self.url("postgres"), poolclass=sa.NullPool)
        for _ in range(600):
            try:
                engine.connect().close()
            except sa.exc.OperationalError:
                assert self.process.poll() is None, (self.folder / "log").read_text("utf-8")
                time.sleep(0.05)
            else:
                return
        raise TimeoutError((self.folder / "log").read_text("utf-8"))

    def new_database(self) -> str:
        """Make a database whose tables are there already, and return its URL."""
        if not self.sample:
            self.sample = self.empty_database()
            databases.opened(self.sample).close()
        return self.empty_database(f"TEMPLATE {sa.make_url(self.sample).database}")

    def empty_database(self, how: str = "") -> str:
        """Make a database without tables, and return its URL."""
        self.count += 1
        engine = sa.create_engine(
            self.url("postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
        )
        with engine.connect() as tx:
            tx.exec_driver_sql(f"CREATE DATABASE t{self.count} {how}")
        return self.url(f"t{self.count}")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(STOP_S_MAX)
        self.log.close()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    made = Cluster(Path(tempfile.mkdtemp(prefix="ts-pg-")))
    yield made
    made.stop()
    # Many thousand files: on a slow disk longer than a test may take, so nobody waits for it.
    os.spawnlp(os.P_NOWAIT, "rm", "rm", "-rf", str(made.folder))


@pytest.fixture
def postgres_url(cluster: Cluster) -> str:
    return cluster.new_database()


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.sqlite"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.sqlite"
    return str(request.getfixturevalue("cluster").empty_database())


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = databases.opened(store_url)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> SeededClock:
    return SeededClock(7)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        path = shutil.which("chromium") or "/usr/bin/chromium"
        browser = play.chromium.launch(executable_path=path, args=CHROMIUM_ARGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def bitcoind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real node on regtest, one for each test process; chains are shared, wallets are not."""
    from bitcoind import Bitcoind

    made = Bitcoind(tmp_path_factory.mktemp("bitcoind"))
    yield made
    made.stop()
