"""The server as it is run: three listeners of their own, and people invited by the command line."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from network import Network, Process
from tallystick.core.clock import SystemClock
from tallystick.core.identity import people, sessions
from tallystick.core.identity.tables import PASSKEYS
from tallystick.core.store import Store


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A chain of its own, on which nobody else spends."""
    made = Network(tmp_path_factory.mktemp("o"))
    made.fund()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, network: Network) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("s")
    served = Process(
        "tallystick.cli",
        "serve",
        *("--data", str(made), "--rates", "offline"),
        *("--chain", f"embedded:{network.url}", "--signer", str(network.socket)),
        ready=made / "ready",
    )
    yield made
    served.stop()
    assert served.popen.returncode == 0


def urls(folder: Path) -> tuple[str, str, str]:
    api, console, public = (folder / "ready").read_text().splitlines()
    return api, console, public


def run(folder: Path, *command: str) -> str:
    whole = [sys.executable, "-m", "tallystick.cli", "admin", *command, "--data", str(folder)]
    done = subprocess.run(whole, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_three_listeners_have_nothing_in_common(folder: Path) -> None:
    api, console, public = urls(folder)
    assert len({api, console, public}) == 3
    assert httpx.get(f"{api}/").json()["code"] == 6204
    assert httpx.get(f"{api}/kiosks").status_code == 404
    assert httpx.get(f"{console}/", headers={"Accept": "text/html"}).status_code == 303
    assert httpx.get(f"{console}/v1/offer").status_code == 303
    assert httpx.get(f"{public}/healthz").json()["ok"] is True
    for path in ("/kiosks", "/sign-in", "/v1/offer"):
        assert httpx.get(public + path).status_code == 404


def test_an_invitation_by_command_line_opens_the_console_once_used(folder: Path) -> None:
    _, console, _ = urls(folder)
    link = run(folder, "invite", "--name", "Grace Owusu").strip()
    assert re.fullmatch(rf"{re.escape(console)}/invite/[\w-]{{43}}", link)
    page = httpx.get(link)
    assert page.status_code == 200 and "Welcome, Grace Owusu" in page.text
    assert re.search(r"admin +0 passkeys +Grace Owusu", run(folder, "people"))
    assert httpx.get(link[:-4] + "AAAA").status_code == 410
    other = run(folder, "invite", "--origin", "https://console.example/").strip()
    assert other.startswith("https://console.example/invite/")


def test_an_invitation_needs_to_know_where_the_console_is(tmp_path: Path) -> None:
    whole = [sys.executable, "-m", "tallystick.cli", "admin", "invite", "--data", str(tmp_path)]
    done = subprocess.run(whole, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "start the server first, or give --origin" in done.stderr


def test_the_console_shows_the_coins_that_the_server_read(folder: Path) -> None:
    _, console, _ = urls(folder)
    store, clock = Store.open(f"sqlite:///{folder}/tallystick.sqlite"), SystemClock()
    with store.transact() as tx:
        now = clock.now()
        person = people.spend_invite(
            tx, people.invite(tx, "Ada Okafor", people.Role.AUDITOR, now, clock), now
        )
        key = {"id": "key", "person": person.id, "public_key": "", "sign_count": 0, "label": ""}
        tx.execute(PASSKEYS.insert().values(made_at=now, **key))
        token = sessions.start(tx, person.id, "key", now, clock)
    store.close()
    cookie = {"Cookie": f"tallystick-session={token}"}
    page = httpx.get(f"{console}/wallet", headers=cookie).text
    assert re.search(r'id="balance">50\.00000000<', page)
    assert "Answers" in page and 'id="alerts"' not in page
