"""Fixtures that every test may use: real databases, a real browser, a seeded clock."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tallystick.core.clock import SeededClock
from tallystick.core.store import Store

CHROMIUM_ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _postgres_binary(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = str(found[-1]) if found else shutil.which(name)
    assert path, f"PostgreSQL's {name} is missing: run make test, which installs it"
    return path


class Cluster:
    """A real PostgreSQL of our own in a folder, with fsync on."""

    def __init__(self, folder: Path) -> None:
        self.port, self.count = free_port(), 0
        self.user: dict[str, Any] = {"user": "postgres"} if os.getuid() == 0 else {}
        folder.chmod(0o755)
        data = folder / "data"
        data.mkdir()
        if self.user:
            shutil.chown(data, "postgres")
        self._run("initdb", "-D", str(data), "-A", "trust", "-U", "test", "-E", "UTF8")
        self.process = subprocess.Popen(
            [
                _postgres_binary("postgres"),
                *("-D", str(data), "-p", str(self.port)),
                *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
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
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                sa.create_engine(self.url("postgres"), poolclass=sa.NullPool).connect().close()
            except (OSError, sa.exc.OperationalError):
                time.sleep(0.05)
            else:
                return
        raise RuntimeError("PostgreSQL did not start")

    def new_database(self) -> str:
        self.count += 1
        engine = sa.create_engine(
            self.url("postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
        )
        with engine.connect() as tx:
            tx.exec_driver_sql(f"CREATE DATABASE t{self.count}")
        return self.url(f"t{self.count}")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("pg")
    for parent in (folder.parent, folder.parent.parent):
        parent.chmod(0o755)
    made = Cluster(folder)
    yield made
    made.stop()


@pytest.fixture
def postgres_url(cluster: Cluster) -> str:
    return cluster.new_database()


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.sqlite"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = Store.open(store_url)
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def clock() -> SeededClock:
    return SeededClock(7)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_ARGS)
        yield browser
        browser.close()
