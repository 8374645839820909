"""What the browser cannot be made to send: the door over plain HTTP."""

import json
import threading

import httpx
import pytest

from tallystick.core.identity import people, sessions, tables
from tallystick.core.identity.passkeys import ANSWER_BYTES_MAX
from tallystick.core.identity.people import Role
from tallystick.web import door
from tallystick.web.door import safe_next

JSON = {"Content-Type": "application/json", "Accept": "application/json"}


@pytest.fixture
def client(site):
    with httpx.Client(base_url=site.url, headers={"Origin": site.url}) as made:
        yield made


def session_for(site, role=Role.ADMIN) -> str:
    """Begin a session as `finish_sign_in` does, after the passkey was checked."""
    token = site.invite(role=role)
    with site.store.transact() as tx:
        person = people.spend_invite(tx, token, site.clock.now())
        key = f"key-of-{person.id}"
        tx.execute(
            tables.PASSKEYS.insert().values(
                id=key,
                person=person.id,
                public_key="",
                sign_count=0,
                label="x",
                made_at=site.clock.now(),
            )
        )
        return sessions.start(tx, person.id, key, site.clock.now(), site.clock)


@pytest.fixture
def cookie(site, client) -> str:
    made = session_for(site)
    client.cookies.set("tallystick-session", made)
    return made


def word(cookie: str) -> dict[str, str]:
    return {"form_word": sessions.csrf_of(cookie)}


def test_a_form_with_its_word_is_heard(client, cookie):
    assert client.post("/change", data=word(cookie)).status_code == 200
    header = {"Tallystick-Form": sessions.csrf_of(cookie)}
    assert client.post("/change", headers=header).status_code == 200


@pytest.mark.parametrize("given", [{}, {"form_word": ""}, {"form_word": "é"}, {"x": "y"}])
def test_a_form_without_its_word_is_refused(client, cookie, given):
    answer = client.post("/change", data=given)
    assert (answer.status_code, answer.json()["code"]) == (403, 6102)


def test_a_word_of_another_session_is_refused(client, cookie, site):
    answer = client.post("/change", data=word(session_for(site)))
    assert answer.json()["code"] == 6102


def test_a_file_instead_of_a_word_is_refused(client, cookie):
    answer = client.post("/change", files={"form_word": sessions.csrf_of(cookie).encode()})
    assert answer.status_code in (400, 403)


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://localhost"])
def test_a_form_from_elsewhere_is_refused(client, cookie, origin):
    headers = {} if origin is None else {"Origin": origin}
    del client.headers["Origin"]
    answer = client.post("/change", data=word(cookie), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, 6101)


@pytest.mark.parametrize("path", ["/sign-in/begin", "/invite/{token}/begin", "/passkeys/begin"])
def test_a_question_is_asked_for_our_own_pages_only(client, site, path):
    path = path.format(token=site.invite())
    answer = client.post(path, content=b"{}", headers=JSON | {"Origin": "https://evil.example"})
    assert answer.json()["code"] == 6101


def test_signing_out_needs_the_word_and_ends_the_session(client, cookie):
    assert client.post("/sign-out").status_code == 403
    assert client.get("/passkeys").status_code == 200
    assert client.post("/sign-out", data=word(cookie)).headers["location"] == "/sign-in?from=out"
    client.cookies.set("tallystick-session", cookie)
    assert client.get("/passkeys").status_code == 401


def test_who_is_not_signed_in_is_shown_the_way(client):
    page = client.get("/passkeys?a=1", headers={"Accept": "text/html"})
    assert page.headers["location"] == "/sign-in?next=%2Fpasskeys%3Fa%3D1"
    piece = client.get("/passkeys", headers={"HX-Request": "true"})
    assert (piece.status_code, piece.headers["HX-Redirect"]) == (
        401,
        "/sign-in?next=%2Fpasskeys",
    )
    assert piece.json()["code"] == 1550


@pytest.mark.parametrize("token", ["", "x", "x" * 5_000, "é"])
def test_a_made_up_cookie_is_nobody(client, token):
    raw = {"Cookie": f"tallystick-session={token}".encode()}
    assert client.get("/passkeys", headers=raw).status_code in (400, 401)


def test_roles(client, site):
    client.cookies.set("tallystick-session", mine := session_for(site, Role.AUDITOR))
    assert client.get("/").status_code == 200
    assert client.get("/admins").status_code == 403
    assert client.post("/change", data=word(mine)).json()["code"] == 1552


def test_idle_ends_a_session_and_use_keeps_it(client, cookie, site):
    for _ in range(3):
        site.clock.ahead_s += sessions.IDLE_S - 60
        assert client.get("/passkeys").status_code == 200
    site.clock.ahead_s += sessions.IDLE_S
    assert client.get("/passkeys").status_code == 401


@pytest.mark.parametrize(
    "path", ["/sign-in", "/invite/none", "/nowhere", "/sign-in/passkey.js", "/passkeys"]
)
def test_every_answer_is_guarded(client, path):
    headers = client.get(path).headers
    for name, value in door.SECURITY_HEADERS.items():
        if name != "Cache-Control":
            assert headers[name] == value
    assert headers["Cache-Control"] in ("no-store", "no-cache")


@pytest.mark.parametrize("path", ["/sign-in/finish", "/change", "/nowhere"])
def test_bodies_have_a_limit(client, cookie, path):
    answer = client.post(path, content=b"x" * (door.FORM_BYTES_MAX + 1))
    assert answer.status_code == 413


def test_an_answer_has_a_smaller_limit(client):
    answer = client.post("/sign-in/finish", content=b"x" * (ANSWER_BYTES_MAX + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, 6103)


def test_a_body_without_a_length_is_refused(client, cookie):
    answer = client.post("/change", content=iter([b"form_word=x"]))
    assert answer.status_code == 413


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b"\xff", b"[" * 9_000, b'{"id":"\\u0000"}'])
def test_garbage_for_an_answer(client, body):
    assert client.post("/sign-in/begin", content=b"{}", headers=JSON).status_code == 200
    answer = client.post("/sign-in/finish", content=body, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["say"] == "We could not use that passkey. Try again, or use another one."


def test_a_refused_answer_spent_its_question(client):
    """The refusal must not take the spending back with it."""
    client.post("/sign-in/begin", content=b"{}", headers=JSON)
    codes = [
        client.post("/sign-in/finish", content=b"{}", headers=JSON).json()["code"] for _ in range(2)
    ]
    assert codes == [1540, 1541]


def test_an_answer_without_a_question(client):
    answer = client.post("/sign-in/finish", content=b"{}", headers=JSON)
    assert answer.json()["code"] == 1541


def test_the_question_asks_for_the_owner_and_names_nobody(client, site):
    options = json.loads(client.post("/sign-in/begin", content=b"{}", headers=JSON).content)
    assert options["userVerification"] == "required"
    assert options["rpId"] == "localhost"
    assert not options.get("allowCredentials")


def test_knocking_too_often_is_refused_and_passes(client, site):
    statuses = [
        client.post("/sign-in/begin", content=b"{}", headers=JSON).status_code
        for _ in range(door.ATTEMPTS_MAX + 1)
    ]
    assert statuses == [200] * door.ATTEMPTS_MAX + [429]
    site.clock.ahead_s += door.ATTEMPTS_WINDOW_S
    assert client.post("/sign-in/begin", content=b"{}", headers=JSON).status_code == 200


def test_guessing_links_is_slowed_too(client):
    for _ in range(door.ATTEMPTS_MAX):
        client.get("/invite/guess")
    assert client.get("/invite/guess").status_code == 429


def test_knocks_are_counted_by_customer_and_never_without_bound(site):
    knocks = door.Knocks(site.clock)
    for host in range(door.ATTEMPTS_MAX):
        knocks.count(f"2001:db8::{host:x}")
    with pytest.raises(door.TooManyAttempts):
        knocks.count("2001:db8::ffff")
    knocks.count("2001:db8:0:1::1")
    knocks.count("testclient")
    for host in range(door.ADDRESSES_MAX):
        knocks.count(f"10.0.{host // 256}.{host % 256}")
    assert len(knocks._seen) == door.ADDRESSES_MAX


def test_a_link_shared_by_two_browsers_registers_one(site):
    """Both ask, both look: the transaction that spends the link is one."""
    token, taken = site.invite(), []

    def spend() -> None:
        try:
            with site.store.transact() as tx:
                people.invited(tx, token, site.clock.now())
                taken.append(people.spend_invite(tx, token, site.clock.now()))
        except people.InviteRefused:
            pass

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1


@pytest.mark.parametrize("path", ["/", "/purchases", "/purchases?q=a&page=2", "/a/b#c"])
def test_going_on_within_the_site(path):
    assert safe_next(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/a//evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        " //evil.example",
        "/é",
        "/[",
        "//[",
        "/" + "a" * 600,
    ],
)
def test_going_on_never_leads_away(path):
    assert safe_next(path) == "/"


def test_the_sign_in_page_does_not_lead_away(client):
    page = client.get("/sign-in", params={"next": "//evil.example"}).text
    assert "evil" not in page


def test_cookies_are_pinned_where_there_is_https(site):
    party = door.Party("console.example", "T", ("https://console.example",))
    made = door.Door(site.store, site.clock, party)
    assert made.secure
    assert made.cookie("session") == "__Host-tallystick-session"
    assert not site.door.secure
