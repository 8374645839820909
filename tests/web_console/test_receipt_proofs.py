"""A receipt as a file, the log that it is checked against, and the page that checks it alone."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from bench.long_log import lengthen
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from scene import Scene

from accessibility import violations
from tallystick.core.tlog import keyring, keys, note, proof, receipts, tiles, verify
from tallystick.core.tlog.reader import HttpSource
from tallystick.core.tlog.verify import Asked
from tallystick.kiosk.tables import PURCHASES
from tallystick.web import public
from tallystick.web.languages import LANGUAGES, Words

STEPS = ("signature", "inclusion", "opening", "now", "history", "witnesses")
PROVED = dict.fromkeys(STEPS, "proved") | {"witnesses": "not known"}
"""The log of this scene names no witnesses."""
TEMPLATES = Path(public.__file__).parent / "templates"


@pytest.fixture(scope="module")
def anybody(day: Scene) -> Iterator[httpx.Client]:
    day.publish()
    with httpx.Client(base_url=day.public_url, timeout=20) as client:
        yield client


@pytest.fixture(autouse=True)
def later(day: Scene) -> None:
    day.public_app.state.face.knocks._seen.clear()


def paper(day: Scene, name: str = "settled 2") -> dict[str, str]:
    with day.store.read() as tx:
        query = sa.select(PURCHASES).where(PURCHASES.c.id == day.named[name].purchase)
        row = tx.execute(query).mappings().one()
    return {name: str(row[name]) for name in ("reference", "commitment", "salt", "address")}


def taken(anybody: httpx.Client, held: dict[str, str]) -> str:
    form = {"number": held["reference"], "key": held["salt"].upper()}
    reply = anybody.post("/proof", data=form)
    assert reply.status_code == 200
    assert re.search(r'filename="receipt-\d+\.tlog-proof"', reply.headers["content-disposition"])
    return reply.text


def key_of(anybody: httpx.Client) -> keys.Key:
    return keys.read(anybody.get("/log/log.vkey").text.strip())


def test_the_public_listener_serves_a_log_that_verifies(
    day: Scene, anybody: httpx.Client, tmp_path: Path
) -> None:
    source = HttpSource(f"{day.public_url}/log")
    asked = Asked(last=tmp_path / "last", receipt=taken(anybody, paper(day)))
    report = verify.verify(source, asked, day.clock.now())
    assert report.exit_code == 0, report
    names = {line.name for line in report.proved}
    assert {"signature", "entries", "receipt", "inclusion", "opening"} <= names
    again = verify.verify(source, asked, day.clock.now())
    assert "consistency" in {line.name for line in again.proved}
    source.close()


def test_types_and_caches(anybody: httpx.Client) -> None:
    shown = anybody.get("/log/checkpoint")
    assert shown.headers["content-type"] == "text/plain; charset=utf-8"
    assert shown.headers["cache-control"] == "public, max-age=1"
    size = int(shown.text.split("\n")[1])
    for tile in (tiles.of(0, size // 256, size), tiles.of(-1, size // 256, size)):
        reply = anybody.get(f"/log/{tile.path}")
        assert reply.status_code == 200, tile
        assert reply.headers["content-type"] == "application/octet-stream"
        assert "immutable" in reply.headers["cache-control"]
        assert reply.headers["access-control-allow-origin"] == "*"
    assert anybody.post("/log/checkpoint").status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        *("", ".lock", "../log.key", "%2e%2e/log.key", "tile/0/000.p/0", "tile", "tile/9/999"),
        *("checkpoint.new", "tile/0/000/../000", "artefacts/x.html"),
    ],
)
def test_nothing_else_is_served(anybody: httpx.Client, day: Scene, path: str) -> None:
    assert (day.log_folder.parent / "log.key").exists()
    assert anybody.get(f"/log/{path}").status_code == 404


def test_what_a_programme_publishes_beside_it(anybody: httpx.Client, day: Scene) -> None:
    folder = day.log_folder / "artefacts" / "reserve"
    folder.mkdir(parents=True)
    (folder / "attestation-1.json").write_text("{}")
    reply = anybody.get("/log/artefacts/reserve/attestation-1.json")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")


def test_by_its_mark_anybody_may_have_the_proof_but_not_what_it_says(
    day: Scene, anybody: httpx.Client
) -> None:
    held = paper(day)
    reply = anybody.get(f"/proof/{held['commitment']}")
    found = receipts.read_opening(proof.read(reply.text))
    assert held["commitment"] in found.entry and not found.content and not found.salt
    assert held["salt"] not in reply.text and held["address"] not in reply.text
    assert anybody.get(f"/proof/{'0' * 64}").status_code == 404
    assert anybody.get("/proof/x").status_code == 404


def test_without_the_key_nobody_gets_what_it_says(day: Scene, anybody: httpx.Client) -> None:
    held, other = paper(day), paper(day, "settled 1")
    for number, key in (
        (held["reference"], other["salt"]),
        (held["reference"], ""),
        ("", "0" * 32),
    ):
        reply = anybody.post("/proof", data={"number": number, "key": key})
        assert reply.status_code == 404 and "c2sp.org" not in reply.text


def test_the_page_offers_the_proof(day: Scene, anybody: httpx.Client) -> None:
    held = paper(day)
    form = {"number": held["reference"], "key": held["salt"]}
    assert 'formaction="/proof"' in anybody.post("/check", data=form).text
    marked = anybody.post("/check", data={"number": held["commitment"]})
    assert f"/proof/{held['commitment']}" in marked.text


@pytest.fixture
def page(chromium: Any, day: Scene, anybody: httpx.Client) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    made = context.new_page()
    asked: list[str] = []
    made.on("request", lambda request: asked.append(request.url))
    made.goto(f"{day.public_url}/receipt")
    yield made
    assert all(url.startswith(day.public_url) for url in asked), asked
    context.close()


def checked(page: Any, text: str, vkey: str = "", policy: str = "") -> dict[str, str]:
    if policy:
        buffer = policy.encode()
        named = {"name": "policy.txt", "mimeType": "text/plain", "buffer": buffer}
        page.set_input_files("#policy", named)
    file = {"name": "r.tlog-proof", "mimeType": "text/plain", "buffer": text.encode()}
    page.set_input_files("#file", file)
    page.fill("#vkey", vkey)
    page.click("#ask")
    page.wait_for_selector("#steps[data-done]", timeout=10_000)
    return {name: page.inner_text(f"[data-step={name}] [data-state]") for name in STEPS}


@pytest.mark.browser
def test_the_browser_proves_a_receipt_by_itself(
    page: Any, day: Scene, anybody: httpx.Client
) -> None:
    text = taken(anybody, paper(day))
    assert checked(page, text) == PROVED
    assert "37500" in page.inner_text("#content"), "the satoshis that were bought"
    assert checked(page, text, str(key_of(anybody))) == PROVED
    by_mark = anybody.get(f"/proof/{paper(day)['commitment']}").text
    assert checked(page, by_mark)["opening"] == "not known"
    assert violations(page) == []


@pytest.mark.browser
def test_the_browser_proves_it_in_a_log_that_has_grown_over_tiles(
    page: Any, day: Scene, anybody: httpx.Client
) -> None:
    text = taken(anybody, paper(day))
    for step in (7, 300, 66_000):
        lengthen(day.store, step, day.clock.now().date().isoformat(), "later")
        day.publish()
        assert checked(page, text) == PROVED
    newer = taken(anybody, paper(day))
    assert newer != text
    assert checked(page, newer) == PROVED
    path = day.log_folder / "tile" / "1" / "000"
    good = path.read_bytes()
    path.write_bytes(good[:32] + bytes(32) + good[64:])
    fresh = page.context.browser.new_context()
    other = fresh.new_page()
    other.goto(f"{day.public_url}/receipt")
    assert checked(other, text)["history"] == "false"
    fresh.close()
    path.write_bytes(good)


@pytest.mark.browser
def test_the_browser_names_what_is_false(page: Any, day: Scene, anybody: httpx.Client) -> None:
    text = taken(anybody, paper(day))
    index = re.search(r"\nindex (\d+)\n", text)
    assert index is not None
    moved = text.replace(index[0], f"\nindex {int(index[1]) - 1}\n")
    assert checked(page, moved)["inclusion"] == "false"
    size = text.partition("\n\n")[2].split("\n")[1]
    assert (
        checked(page, text.replace(f"\n{size}\n", f"\n{int(size) + 1}\n"))["signature"] == "false"
    )
    held = proof.read(text)
    opened = receipts.read_opening(held)
    richer = opened.content.replace("37500", "97500")
    false = proof.Proof(
        held.index,
        held.hashes,
        held.note,
        receipts.opening(opened.entry.encode(), opened.salt, richer),
    )
    assert checked(page, str(false))["opening"] == "false"
    other = "log.example/other+" + str(key_of(anybody)).partition("+")[2]
    assert checked(page, text, other)["signature"] == "false"
    assert checked(page, "hello")["signature"] == "false"


@pytest.mark.browser
def test_the_browser_checks_what_witnesses_signed(
    page: Any, day: Scene, anybody: httpx.Client
) -> None:
    """By a policy of the reader's own: a quorum, one short of it, a false line, and one behind."""
    text, shown = taken(anybody, paper(day)), day.log_folder / "checkpoint"
    ours = shown.read_text("utf-8")
    signers = [
        keys.Cosigner(f"w{n}.example", Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32))
        for n in (1, 2)
    ]
    signers.append(keys.Cosigner("w3.example", MLDSA44PrivateKey.from_seed_bytes(bytes(32))))

    def asked(quorum: str) -> str:
        lines = [f"witness w{n} {one.key}" for n, one in enumerate(signers, 1)]
        return "\n".join([*lines, f"group g {quorum} w1 w2 w3", "group h 2 w1 w2", "quorum g"])

    def seen(policy: str, *lines: note.Line) -> str:
        found = note.read(ours.encode())
        shown.write_text(str(found.signed(*lines)), "utf-8")
        return checked(page, text, policy=policy)["witnesses"]

    body = note.read(ours.encode()).text
    one, two, three = (signer.cosign(body, 1_795_000_000) for signer in signers)
    try:
        assert seen(asked("2"), one, two) == "proved"
        assert "w1.example (2026-11-18" in page.inner_text("[data-step=witnesses] [data-said]")
        assert seen(asked("2"), one) == "false"
        assert seen(asked("2").replace("quorum g", "quorum h"), one, two) == "proved"
        assert seen(asked("2"), one, three) == "not known", "no browser checks ML-DSA-44"
        late = note.Line(one.name, one.id, bytes(7) + b"\1" + one.signature[8:])
        assert seen(asked("1"), late) == "false", "another time than was signed"
        beside = day.log_folder / "checkpoint.witnessed"
        beside.write_text(
            str(
                note.read(text.partition("\n\n")[2].encode()).signed(
                    *(
                        signer.cosign(note.read(text.partition("\n\n")[2].encode()).text, 1)
                        for signer in signers[:2]
                    )
                )
            ),
            "utf-8",
        )
        assert seen(asked("2")) == "proved", "a little behind, and the same log"
        beside.unlink()
    finally:
        shown.write_text(ours, "utf-8")


@pytest.mark.browser
def test_the_browser_follows_a_key_that_the_log_announced(
    page: Any, day: Scene, anybody: httpx.Client
) -> None:
    """A receipt from before holds after, by old key and new; a forged change is false."""
    text, old = taken(anybody, paper(day)), str(key_of(anybody))
    new = keyring.new_key(day.log_folder.parent / "log.key", old.partition("+")[0], day.clock)
    with day.store.transact() as tx:
        keyring.rotate(tx, day.clock, new, dt.timedelta(0))
    day.publish()
    lengthen(day.store, 3, day.clock.now().date().isoformat(), "later")
    day.clock.advance(1)
    day.publish()
    assert str(key_of(anybody)) == str(new)
    for given in ("", old, str(new)):
        assert checked(page, text, given) == PROVED
    path = day.log_folder / "keys.json"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"\\nindex ", b"\\nindex 1"))
    assert checked(page, text)["signature"] == "false"
    path.unlink()
    assert checked(page, text)["signature"] == "false", "another key, and nothing leads to it"
    path.write_bytes(whole)


def sentences() -> set[str]:
    names = ("receipt.html", "shell.html")
    text = "".join((TEMPLATES / name).read_text("utf-8") for name in names)
    return {found[2] for found in re.finditer(r"_\(\s*([\"'])(.*?)\1\s*\)", text)}


@pytest.mark.browser
def test_the_page_is_in_five_languages(page: Any, day: Scene, anybody: httpx.Client) -> None:
    for code, language in LANGUAGES.items():
        words = Words("public", code)
        same = {"Pages", "licence"} if code == "fr" else set()
        assert {one for one in sentences() if not words.knows(one)} == same
        headers = {"Accept-Language": f"{code}-XX,en;q=0.5"}
        shown = anybody.get("/receipt", headers=headers).text
        assert f'lang="{code}" dir="{language.dir}"' in shown
    page.goto(f"{day.public_url}/receipt?lang=ar")
    assert checked(page, taken(anybody, paper(day)))["history"] == "مثبت"
    assert violations(page) == []
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert 'lang="en"' in anybody.get("/receipt?lang=xx").text
