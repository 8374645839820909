"""What law or policy asks is shown at the screen: real server, real scanner bytes, real pages."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from edge.rig import ADDRESS, until
from edge.test_engine import Rig
from kiosk.licence_texts import licence
from tallystick.core.vault import Vault
from tallystick.devices import sample_pictures
from tallystick.edge.screen.pages import draw
from tallystick.edge.screen.speech import text_of
from tallystick.edge.view import Screen, Touch
from tallystick.kiosk.customers.desk import CustomerDesk
from tallystick.kiosk.customers.policy import Policy
from tallystick.kiosk.customers.rights import export
from tallystick.kiosk.customers.tables import BUYERS
from tallystick.kiosk.customers.texts import FileTexts

NUMBER = "8605550142"


class Counter(Rig):
    """A rig whose operator asks something of customers; the telephone is a file."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, camera=f"virtual:{folder / 'camera'}")
        self.telephone = folder / "telephone.txt"

    def asks(self, policy: Policy) -> None:
        vault = Vault(self.folder / "vault", self.clock)
        self.server.desk.customers = CustomerDesk(vault, FileTexts(self.telephone), policy)
        asked = len(self.server.desk.asked())
        self.kiosk.engine.ask_offer()
        until(lambda: (o := self.kiosk.view.offer) and len(o.identify) == asked)

    @property
    def code(self) -> str:
        found = re.search(r"\d{6}", self.telephone.read_text())
        assert found
        return found.group()

    def type(self, digits: str) -> None:
        for digit in digits:
            self.kiosk.touch(Touch.DIGIT, digit=digit)
        self.kiosk.touch(Touch.ENTER)

    def write(self, address: str) -> None:
        for letter in address:
            self.kiosk.touch(Touch.LETTER, letter=letter)
        self.kiosk.touch(Touch.ENTER)

    def pictured(self, sample: str) -> bytes:
        """Put a sample before the camera, and have it taken; return what the page then shows."""
        sample_pictures.lay(self.folder / "camera", sample)
        self.kiosk.touch(Touch.TAKE)
        until(lambda: self.kiosk.view.pictured, f"a picture on {self.kiosk.view}")
        found = self.kiosk.engine.picture()
        assert found
        return found

    def told(self) -> dict[str, Any]:
        """Return what the vault holds of the one purchase's customer, by kind."""
        with self.store.read() as tx:
            (row,) = tx.execute(sa.select(BUYERS)).mappings()
        found = export(self.store, self.server.desk, row["customer"], "test", "look")
        return {one["kind"]: one["content"] for one in found["records"]}

    def to_number(self) -> None:
        self.kiosk.to_scan()
        self.hands.present(ADDRESS)
        self.kiosk.reach(Screen.ADDRESS)
        self.kiosk.touch(Touch.ADDRESS_YES)

    def everywhere(self) -> bytes:
        """Return all that the machine and the books have on disk, but for vault and telephone."""
        files = [p for p in self.folder.rglob("*") if p.is_file()]
        ours = {"vault", "camera"}
        kept = [p for p in files if not ours & set(p.parts) and p != self.telephone]
        return b"".join(p.read_bytes() for p in kept)


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    made = Counter(tmp_path)
    try:
        yield made
        made.holds()
    finally:
        made.end()


def test_number_code_card_then_cash_and_nothing_of_it_stays(counter: Counter) -> None:
    counter.asks(Policy(phone_from_minor=0, document_from_minor=0))
    counter.to_number()
    kiosk = counter.kiosk
    kiosk.reach(Screen.PHONE)
    counter.type("123")
    until(lambda: (s := kiosk.view.say) and s.key == "who.bad_phone")
    for _ in range(3):
        kiosk.touch(Touch.DELETE)
    counter.type(NUMBER)
    shown = kiosk.reach(Screen.CODE)
    assert shown.number == "•••• 42"
    assert NUMBER not in repr(shown)
    code = counter.code
    counter.type("000000" if code != "000000" else "111111")
    until(lambda: (s := kiosk.view.say) and s.key == "who.wrong_code")
    counter.type(code)
    kiosk.reach(Screen.DOCUMENT)
    counter.hands.present("bcrt1q-this-is-no-card")
    until(lambda: (s := kiosk.view.say) and s.key == "who.document_unread")
    counter.hands.present(licence())
    kiosk.past_care(Screen.CASH)
    assert kiosk.view.typed == kiosk.view.number == ""
    kiosk.put_in(counter.hands, 2_000)
    kiosk.send()
    kiosk.reach(Screen.SENDING)
    until(lambda: not kiosk.log.book.untold)
    found = counter.everywhere()
    assert ADDRESS.encode() in found
    for secret in (NUMBER, code, "SAMPLEWORTH", "D1234567"):
        assert secret.encode() not in found
    assert "SAMPLEWORTH" not in repr(kiosk.view)
    assert set(counter.told()) == {"phone", "document"}


def test_more_cash_waits_for_a_card_and_goes_on_where_it_was(counter: Counter) -> None:
    counter.asks(Policy(document_from_minor=3_000))
    kiosk = counter.kiosk
    kiosk.to_cash(counter.hands)
    kiosk.put_in(counter.hands, 2_000)
    until(lambda: not kiosk.view.busy)
    assert kiosk.view.left_minor == 1_000
    kiosk.put_in(counter.hands, 1_000)
    until(lambda: kiosk.view.left_minor == 0)
    assert [one.item for one in kiosk.view.show_more] == ["document"]
    assert 'value="identify"' in draw(kiosk.view)
    assert not kiosk.view.accepting
    kiosk.touch(Touch.IDENTIFY)
    kiosk.reach(Screen.DOCUMENT)
    assert kiosk.view.cash_minor == 3_000
    counter.hands.present(licence())
    kiosk.reach(Screen.CASH)
    kiosk.put_in(counter.hands, 2_000)
    assert kiosk.view.cash_minor == 5_000
    assert kiosk.view.show_more == ()


def test_the_customer_stops_on_a_page_of_identifying(counter: Counter) -> None:
    counter.asks(Policy(phone_from_minor=0))
    counter.to_number()
    counter.kiosk.reach(Screen.PHONE)
    for digit in NUMBER:
        counter.kiosk.touch(Touch.DIGIT, digit=digit)
    assert counter.kiosk.view.typed == NUMBER
    counter.kiosk.touch(Touch.STOP)
    view = counter.kiosk.reach(Screen.STOPPED)
    assert NUMBER not in repr(view)


def test_what_is_typed_is_not_read_on_the_loudspeaker(counter: Counter) -> None:
    counter.asks(Policy(phone_from_minor=0))
    counter.to_number()
    counter.kiosk.reach(Screen.PHONE)
    for digit in "860":
        counter.kiosk.touch(Touch.DIGIT, digit=digit)
    page = draw(counter.kiosk.view)
    assert "860" in page
    assert "860" not in text_of(page)
    assert "hash key" in text_of(page)


def test_card_address_and_face_are_taken_looked_at_and_leave_nothing(counter: Counter) -> None:
    counter.asks(Policy(copy_from_minor=0, email_from_minor=0, photo_from_minor=0))
    counter.to_number()
    kiosk = counter.kiosk
    kiosk.reach(Screen.COPY)
    assert kiosk.engine.picture() is None
    kiosk.touch(Touch.USE)
    kiosk.touch(Touch.TAKE)
    until(lambda: (s := kiosk.view.say) and s.key == "who.no_camera")
    sample_pictures.lay(counter.folder / "camera", "covered")
    kiosk.touch(Touch.TAKE)
    until(lambda: (s := kiosk.view.say) and s.key == "who.too_dark")
    assert kiosk.engine.picture() is None
    card = counter.pictured("card")
    assert "/picture.jpg?n=" in draw(kiosk.view)
    kiosk.touch(Touch.USE)
    kiosk.reach(Screen.MAIL)
    assert kiosk.engine.picture() is None
    counter.write("pat@example")
    until(lambda: (s := kiosk.view.say) and s.key == "who.bad_mail")
    assert kiosk.view.typed == "pat@example", "to be mended, not typed again"
    counter.hands.present("mailto:Pat.Sample%40example.org?subject=x")
    until(lambda: kiosk.view.typed == "Pat.Sample@example.org")
    assert "Pat.Sample" in draw(kiosk.view)
    assert "Pat.Sample" not in text_of(draw(kiosk.view))
    kiosk.touch(Touch.ENTER)
    kiosk.reach(Screen.PHOTO)
    first = counter.pictured("figure")
    kiosk.touch(Touch.TAKE)
    until(lambda: kiosk.view.pictured and not kiosk.view.shooting)
    figure = kiosk.engine.picture()
    assert figure and first != card
    kiosk.touch(Touch.USE)
    kiosk.past_care(Screen.CASH)
    assert kiosk.engine.picture() is None
    kiosk.put_in(counter.hands, 2_000)
    kiosk.send()
    kiosk.reach(Screen.SENDING)
    until(lambda: not kiosk.log.book.untold)
    found = counter.everywhere()
    for secret in (card[300:340], figure[300:340], b64encode(card)[600:640], b"Pat.Sample"):
        assert secret not in found
    told = counter.told()
    assert b64decode(told["copy"]["jpeg"]) == card
    assert b64decode(told["photo"]["jpeg"]) == figure
    assert told["email"] == {"address": "Pat.Sample@example.org", "verified": "no"}


def test_what_the_server_refuses_or_does_not_hear_keeps_the_page_and_says_which(
    counter: Counter,
) -> None:
    counter.asks(Policy(copy_from_minor=0))
    counter.to_number()
    kiosk = counter.kiosk
    kiosk.reach(Screen.COPY)
    counter.pictured("card")
    kiosk.engine.link.cut = True
    kiosk.touch(Touch.USE)
    until(lambda: (s := kiosk.view.say) and s.key == "kiosk.server_lost")
    kiosk.engine.link.cut = False
    asked, counter.server.desk.customers = counter.server.desk.customers, None
    kiosk.touch(Touch.USE)
    until(lambda: (s := kiosk.view.say) and s.key == "kiosk.identify")
    assert kiosk.view.screen is Screen.COPY
    counter.server.desk.customers = asked
    kiosk.touch(Touch.USE)
    kiosk.past_care(Screen.CASH)


def test_a_picture_is_gone_with_the_customer_who_stops(counter: Counter) -> None:
    counter.asks(Policy(copy_from_minor=0))
    counter.to_number()
    counter.kiosk.reach(Screen.COPY)
    assert counter.pictured("card")
    counter.kiosk.touch(Touch.STOP)
    assert counter.kiosk.reach(Screen.STOPPED).pictured == 0
    assert counter.kiosk.engine.picture() is None
    assert counter.kiosk.engine._visit.identify._jpeg is None
    with counter.store.read() as tx:
        assert tx.execute(sa.select(BUYERS)).first() is None


def test_a_machine_without_a_camera_is_closed_where_a_picture_is_asked(tmp_path: Path) -> None:
    blind = Rig(tmp_path)
    try:
        vault = Vault(blind.folder / "vault", blind.clock)
        asked = CustomerDesk(vault, None, Policy(copy_from_minor=0))
        blind.kiosk.reach(Screen.START)
        blind.server.desk.customers = asked
        blind.kiosk.engine.ask_offer()
        view = blind.kiosk.reach(Screen.CLOSED)
        assert view.offer is not None
        assert "no camera, for: copy of a document" in view.offer.closed_because
        assert "no camera" in blind.kiosk.engine._report().trouble
        blind.server.desk.customers = None
        blind.kiosk.engine.ask_offer()
        blind.kiosk.reach(Screen.START)
        assert blind.kiosk.engine._report().trouble == ""
    finally:
        blind.end()
