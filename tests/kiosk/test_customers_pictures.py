"""E-mail addresses and pictures: sealed on the way, in the vault alone, bounded, only if asked."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from kiosk.shop import DOCUMENT_FIRST, NOW, ONE, Shop, Visit, adopted
from tallystick.core import journal, rulebook
from tallystick.core.clock import new_id
from tallystick.core.identity import sealing
from tallystick.core.identity.errors import SealedForAnother
from tallystick.core.rulebook.place import codes
from tallystick.core.store import Store
from tallystick.devices import sample_pictures
from tallystick.kiosk import wire
from tallystick.kiosk.customers import ask, copies, identify, mail, people, picture, rests, rights
from tallystick.kiosk.customers.errors import IdentityNeeded, NotAsked, PictureUnreadable
from tallystick.kiosk.customers.policy import Policy as Asking
from tallystick.kiosk.customers.tables import BUYERS
from tallystick.kiosk.quote import offer

EVERYTHING = Asking(0, 0, 0, 0, 0, 0)
PAT = "Pat.Sample+kiosk@Example.ORG"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    store = Store.open(f"sqlite:///{tmp_path}/s.sqlite")
    store.migrate()
    yield Shop(store, tmp_path, EVERYTHING)
    store.close()


def sealed(shop: Shop, visit: Visit, item: str, jpeg: bytes, **other: str) -> wire.PictureAsk:
    to, signature = sealing.offered(shop.desk.key)
    about = picture.about(other.get("purchase", visit.id), other.get("shown", item))
    found = sealing.seal(jpeg, about, to, signature, shop.desk.key.public_key())
    return wire.PictureAsk(item=item, sealed=found)


def send(shop: Shop, visit: Visit, item: str = "copy", jpeg: bytes = b"") -> wire.Identity:
    return visit.do(picture.take, sealed(shop, visit, item, jpeg or sample_pictures.card()))


def write(visit: Visit, address: str = PAT) -> str:
    return visit.do(mail.give, wire.MailAsk(address=address)).said


def test_maryland_opens_and_each_thing_that_its_law_asks_is_asked_for(shop: Shop) -> None:
    shop.desk = replace(shop.desk, place=adopted("US-MD"))
    shop.desk.customers = replace(shop.customers, policy=Asking())
    with shop.store.read() as tx:
        said = offer(shop.desk, tx, "K1", "")
    assert said.open, said.closed_because
    assert [one.item for one in said.identify] == ["phone", "document", "copy", "email"]
    assert said.seal_key and said.seal_signature
    visit = shop.visit()
    visit.phone()
    for step, lacking in (
        (visit.document, "document"),
        (lambda: send(shop, visit), "copy"),
        (lambda: write(visit), "email"),
    ):
        with pytest.raises(IdentityNeeded, match=lacking):
            visit.start()
        step()
    assert visit.start().left_minor > 0


def identification() -> list[tuple[rulebook.Jurisdiction, rulebook.Provision, str]]:
    """Return every word by which any law file asks who a customer is."""
    found = []
    for place in map(rulebook.load, codes()):
        for rule in place.provisions:
            if rule.kind == "identification":
                terms = rule.terms
                said = [*terms.get("items", ()), *terms.get("acts", ())] or [terms["rule"]]
                found += [(place, rule, word) for word in said]
    return found


def test_each_thing_that_any_law_asks_is_taken_or_closes_its_place() -> None:
    asked = identification()
    assert {"e-mail", "copy of government document", "mailing address"} <= {w for *_, w in asked}
    for place, rule, word in asked:
        on = max(rule.since or NOW.date(), NOW.date())
        items = {one.item for one in ask.asks(place, Asking(), on) if one.law == rule}
        taken = word in ask.WORDS and set(ask.WORDS[word]) <= items - ask.UNABLE
        closed = any(one.law == rule for one in ask.unable(place, Asking(), on))
        assert taken or closed, f"{rule.id} asks for {word!r}, and nobody notices"


def test_a_word_that_nobody_mapped_closes_the_place_and_is_cited(shop: Shop) -> None:
    place = adopted("US-MD")
    rule = next(one for one in place.provisions if one.kind == "identification")
    strange = replace(rule, terms={**rule.terms, "items": ["phone", "fingerprint"]})
    shop.desk = replace(
        shop.desk,
        place=replace(
            place, provisions=tuple(strange if p == rule else p for p in place.provisions)
        ),
    )
    with shop.store.read() as tx:
        said = offer(shop.desk, tx, "K1", "")
    assert not said.open
    assert "something that nobody mapped" in said.closed_because
    assert "12-1204" in said.closed_because


def test_a_card_without_a_postal_address_is_not_enough_where_the_law_wants_one(shop: Shop) -> None:
    bare = {"DAG": "", "DAI": ""}
    assert shop.known(**bare).customer, "elsewhere it is"
    shop.desk = replace(shop.desk, place=adopted("US-MD"))
    visit = shop.visit()
    assert visit.document(**bare) == "no_address"
    assert visit.document() == ""


def test_what_is_given_lies_in_the_vault_and_nowhere_else(shop: Shop, tmp_path: Path) -> None:
    jpeg = sample_pictures.card()
    visit = shop.known(ONE)
    for item in ("copy", "photo"):
        told = send(shop, visit, item, jpeg)
        assert told.said == ""
        assert item in told.shown
    assert write(visit) == ""
    told = rights.export(shop.store, shop.desk, visit.customer, "Ada", "the person asks")
    kept = {one["kind"]: one["content"] for one in told["records"]}
    assert base64.b64decode(kept["copy"]["jpeg"]) == base64.b64decode(kept["photo"]["jpeg"]) == jpeg
    assert kept["email"] == {
        "address": "Pat.Sample+kiosk@example.org",
        "verified": "no",
    }
    assert "E-mail address, not verified" in copies.as_html(told)
    assert all("@" not in f"{to}{text}" for to, text in shop.phones.sent), "nothing goes to it"
    files = [one for one in tmp_path.rglob("*") if one.is_file()]
    disk = b"".join(one.read_bytes() for one in files)
    for secret in (jpeg[200:260], base64.b64encode(jpeg)[300:400], b"Pat.Sample", b"\xff\xd8\xff"):
        assert secret not in disk
    assert rights.erase(shop.store, shop.desk, visit.customer, "Ada", "asked").done
    with shop.store.read() as tx:
        assert journal.verify(tx)


def test_a_picture_that_comes_twice_is_kept_once(shop: Shop) -> None:
    visit = shop.known(ONE)
    for _ in range(3):
        assert send(shop, visit).said == ""
    with shop.store.read() as tx:
        held = rights.held(shop.store, shop.desk, visit.customer)
        assert [one.kind for one in held].count("copy") == 1
        assert journal.verify(tx)


def pictured(shop: Shop, number: str = ONE, **card: str) -> tuple[Visit, set[str]]:
    """Return a visit with phone and document, and which pictures it still lacks."""
    visit = shop.known(number, **card)
    with shop.store.read() as tx:
        who = people.buyer(tx, visit.id)
    assert who is not None
    return visit, {"copy", "photo"} - who.shown


def rested(shop: Shop, visit: Visit) -> dict[str, tuple[str, bool]]:
    with shop.store.read() as tx:
        return {one.item: (one.record, one.again) for one in rests.of(tx, visit.id)}


def test_a_picture_in_force_is_not_asked_for_again_and_each_purchase_says_on_which_it_rests(
    shop: Shop,
) -> None:
    first, lacks = pictured(shop)
    assert lacks == {"copy", "photo"}
    for item in ("copy", "photo"):
        send(shop, first, item)
    again, lacks = pictured(shop)
    assert lacks == set()
    one, two = rested(shop, first), rested(shop, again)
    for item in ("copy", "photo"):
        assert one[item] == (two[item][0], False) and two[item][1]
    assert two["document"] == one["document"], "the same card is one record"
    held = {record.id for record in rights.held(shop.store, shop.desk, first.customer)}
    assert {record for record, _ in two.values()} <= held
    assert pictured(shop, "+18605550177", DAQ="999", DCS="OTHER")[1] == {"copy", "photo"}
    only_phone = shop.visit()
    only_phone.phone()
    assert set(rested(shop, only_phone)) == {"phone"}, "a number alone is nobody's picture"
    with shop.store.read() as tx:
        assert journal.verify(tx)


def test_a_card_that_was_renewed_is_pictured_anew_and_a_person_is_not(shop: Shop) -> None:
    first, _ = pictured(shop)
    for item in ("copy", "photo"):
        send(shop, first, item)
    assert pictured(shop, DBA="12312036")[1] == {"copy"}


def test_a_picture_is_in_force_for_the_policys_days_and_while_it_is_held(shop: Shop) -> None:
    for days, lacks in ((0, {"copy", "photo"}), (30, {"copy", "photo"}), (31, set())):
        shop.desk.customers = replace(shop.customers, policy=replace(EVERYTHING, picture_days=days))
        first, _ = pictured(shop, f"+1860555020{days % 10}", DAQ=f"{days:09}", DAC=f"PAT{days}")
        for item in ("copy", "photo"):
            send(shop, first, item)
        shop.clock.advance(30 * 86_400)
        assert (
            pictured(shop, f"+1860555020{days % 10}", DAQ=f"{days:09}", DAC=f"PAT{days}")[1]
            == lacks
        ), days
    assert rights.erase(shop.store, shop.desk, first.customer, "Ada", "asked").done
    assert pictured(shop, "+18605550201", DAQ="000000031", DAC="PAT31")[1] == {"copy", "photo"}


def test_what_nobody_asks_for_is_not_kept(shop: Shop) -> None:
    shop.desk.customers = replace(shop.customers, policy=DOCUMENT_FIRST)
    visit = shop.known(ONE)
    for give in (lambda: send(shop, visit), lambda: write(visit)):
        with pytest.raises(NotAsked):
            give()
    with pytest.raises(NotAsked):
        visit.do(picture.take, wire.PictureAsk(item="passport", sealed=b""))
    assert {one.kind for one in rights.held(shop.store, shop.desk, visit.customer)} == {
        "phone",
        "document",
    }
    with shop.store.read() as tx:
        assert offer(shop.desk, tx, "K1", "").seal_key == ""


def jpeg_of(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(out, "JPEG")
    return out.getvalue()


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (640, 480)).save(out, "PNG")
    return out.getvalue()


NO_PICTURES = {
    "text": b"not a picture",
    "half": b"\xff\xd8\xff\xe0 no more",
    "png": png(),
    "wide": jpeg_of(picture.SIDE_PIXELS_MAX + 1, 200),
    "narrow": jpeg_of(picture.SIDE_PIXELS_MIN - 1, 200),
    "long": jpeg_of(640, 480) + bytes(wire.PICTURE_BYTES_MAX),
}


def test_what_is_no_picture_of_ours_is_refused_and_changes_nothing(shop: Shop) -> None:
    visit = shop.known(ONE)
    for name, content in NO_PICTURES.items():
        with pytest.raises(PictureUnreadable):
            pytest.fail(f"{name}: {send(shop, visit, jpeg=content)}")
    kinds = {one.kind for one in rights.held(shop.store, shop.desk, visit.customer)}
    assert kinds == {"phone", "document"}


def test_a_seal_opens_for_its_server_its_purchase_and_its_item_alone(shop: Shop) -> None:
    visit, jpeg = shop.known(ONE), sample_pictures.card()
    moved = sealed(shop, visit, "copy", jpeg, shown="photo")
    replayed = sealed(shop, visit, "copy", jpeg, purchase=new_id(shop.clock))
    whole = sealed(shop, visit, "copy", jpeg).sealed
    broken = wire.PictureAsk(item="copy", sealed=whole[:-1] + bytes([whole[-1] ^ 1]))
    for wrong in (moved, replayed, broken, wire.PictureAsk(item="copy", sealed=b"")):
        with pytest.raises(PictureUnreadable):
            visit.do(picture.take, wrong)
    assert jpeg[200:240] not in whole
    assert len(whole) == len(jpeg) + sealing.SEAL_BYTES
    other = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    with pytest.raises(SealedForAnother):
        sealing.unseal(whole, picture.about(visit.id, "copy"), other)
    to, signature = sealing.offered(other)
    with pytest.raises(SealedForAnother, match="not signed by our server"):
        sealing.seal(jpeg, b"", to, signature, shop.desk.key.public_key())
    with pytest.raises(SealedForAnother):
        sealing.seal(jpeg, b"", "", "", shop.desk.key.public_key())


def test_a_stolen_machine_fills_no_vault(shop: Shop) -> None:
    now = shop.clock.now()
    row = {"machine": "K1", "phone": "", "shown": '["copy"]', "made_at": now}
    many = [
        {**row, "purchase": new_id(shop.clock)} for _ in range(picture.PICTURES_PER_MACHINE_MAX)
    ]
    with shop.store.transact() as tx:
        tx.execute(sa.insert(BUYERS), many)
    visit = shop.known(ONE)
    assert send(shop, visit).said == "full"
    assert "copy" not in send(shop, visit).shown
    shop.clock.advance(identify.LOCKED_S + 1)
    assert send(shop, visit).said == ""


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        (" ada@example.org ", "ada@example.org"),
        ("A.B+c_d-e@Mail.Example.CO", "A.B+c_d-e@mail.example.co"),
        (f"{'x' * mail.LOCAL_CHARS_MAX}@example.org", f"{'x' * 64}@example.org"),
        (f"{'x' * (mail.LOCAL_CHARS_MAX + 1)}@example.org", None),
        ("a@" + "x" * 63 + ".org", "a@" + "x" * 63 + ".org"),
        ("a@" + "x" * 64 + ".org", None),
        ("x" * 60 + "@" + "y." * 95 + "org", "x" * 60 + "@" + "y." * 95 + "org"),
        ("x" * 61 + "@" + "y." * 95 + "org", None),
        ("ada@example", None),
        ("ada@example.123", None),
        ("ada.@example.org", None),
        (".ada@example.org", None),
        ("a..b@example.org", None),
        ("a b@example.org", None),
        ("ada@-example.org", None),
        ("ada@example-.org", None),
        ("ada@@example.org", None),
        ("ada@exam\u00e4ple.org", None),
        ("<ada@example.org>", None),
        ("ada@example.org\nbcc:b@example.org", None),
        ("@example.org", None),
        ("", None),
    ],
)
def test_an_address_is_read_strictly(text: str, normal: str | None) -> None:
    assert mail.normal(text) == normal


def test_an_address_that_is_none_is_an_answer_and_is_not_kept(shop: Shop) -> None:
    visit = shop.known(ONE)
    assert write(visit, "ada@example") == "bad_mail"
    assert len(shop.rows(BUYERS)) == 1
    assert "email" not in {one.kind for one in rights.held(shop.store, shop.desk, visit.customer)}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"address": "x" * (wire.MAIL_CHARS_MAX + 1)}, wire.MailAsk)
