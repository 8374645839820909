"""The machine as one monitor: devices, server and screen change it one at a time, under one lock.

Three threads come in: the hands that poll the devices, the link to the server, and the pages. Each
holds the lock for one step only, and no step waits for the network. The promise: nobody sees a
state that is not on disk (Decisions 2 and 4).
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tallystick.core.clock import Clock
from tallystick.core.errors import TallystickError
from tallystick.core.identity import sealing
from tallystick.core.logs import logger
from tallystick.devices.camera import Camera, Picture
from tallystick.devices.errors import PictureTooDark
from tallystick.devices.validator import BillValidator
from tallystick.edge.book import Delivery, NoteLine
from tallystick.edge.errors import JournalUnwritable, ServerLost, ServerSaid
from tallystick.edge.idle import BUYING, OVER
from tallystick.edge.lens import Lens
from tallystick.edge.link import REQUEST_S_MAX, Link, Question
from tallystick.edge.log import Log
from tallystick.edge.notes import Notes
from tallystick.edge.pairing import Pairing
from tallystick.edge.paper import Paper
from tallystick.edge.reading import READING_PERCENT
from tallystick.edge.screen import receipt
from tallystick.edge.stage import Stage
from tallystick.edge.view import VOLUME, Screen, Touch, View
from tallystick.edge.visit import Visit
from tallystick.kiosk import wire
from tallystick.kiosk.customers import picture
from tallystick.kiosk.customers.ask import PICTURES, name

POLL_INSIDE_S: Final = 0.005
"""While a note is inside; a real port's 9600 baud make it about 15 ms."""
POLL_NOTE_S: Final = 0.02
POLL_IDLE_S: Final = 0.1
ASK_S_MAX: Final = 4.0
PICTURE_S_MAX: Final = 20.0
OFFER_EVERY_S: Final = 10.0
OFFER_AGAIN_S: Final = 2.0
OFFER_S_MAX: Final = 60.0
STATUS_EVERY_S: Final = 5.0
PROGRESS_EVERY_S: Final = 0.1
WATCH_EVERY_S: Final = 1.0
TIDY_EVERY_S: Final = 5.0
SOFTWARE: Final = "tallystick edge 1"
LOG = logger()


class Scanner(Protocol):
    """Where codes come from."""

    def read(self) -> str | None:
        """Return one code, or None; never wait."""


class Jack(Protocol):
    """What tells whether headphones are in."""

    def inserted(self) -> bool:
        """Return it at once, and never raise."""

    def close(self) -> None:
        """Let go of the device."""


class Every:
    """Says when it is time again."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._next = clock, 0.0

    def due(self, seconds: float) -> bool:
        """Say whether it is time; if so, the next time is ``seconds`` from now."""
        now = self._clock.monotonic_s()
        if now < self._next:
            return False
        self._next = now + seconds
        return True

    def now(self) -> None:
        """Be due at once."""
        self._next = 0.0


class Engine:
    """The machine. ``start`` begins its threads, ``stop`` ends them."""

    def __init__(
        self,
        pairing: Pairing,
        key: Ed25519PrivateKey,
        log: Log,
        validator: BillValidator,
        scanner: Scanner | None,
        put: Callable[[list[receipt.Line]], None],
        clock: Clock,
        demo: bool = False,
        zone: dt.tzinfo | None = None,
        reading_percent: int = READING_PERCENT,
        camera: Camera | None = None,
        headphones: Jack | None = None,
        volume: int = VOLUME,
    ) -> None:
        self._lock = threading.RLock()
        self._clock, self._log, self._scanner, self._zone = clock, log, scanner, zone
        self._headphones = headphones
        self._stage = Stage(demo, volume)
        self._notes = Notes(validator, log, clock)
        self._visit = Visit(self._stage, log, self._notes, clock, pairing, self, reading_percent)
        self._notes.tell(self)
        self.link = Link(pairing, key, clock, self)
        log.on_news = self.link.wake
        self._paper = Paper(put, self._printed)
        self._lens = Lens(camera, self._seen) if camera else None
        self._pairing, self._camera_trouble = pairing, ""
        self._offers, self._statuses = Every(clock), Every(clock)
        self._progress, self._tidy = Every(clock), Every(clock)
        self._offer_at = -OFFER_S_MAX
        self._asking: set[str] = set()
        self._ending, self._soon = threading.Event(), threading.Event()
        self._hands = threading.Thread(target=self._poll, name="hands", daemon=True)
        self._trouble = ""
        with self._step():
            self._visit.resume()

    def start(self) -> None:
        """Begin to serve."""
        self._paper.start()
        if self._lens is not None:
            self._lens.start()
        self.link.start()
        self._hands.start()

    def stop(self) -> None:
        """Take no more notes and end every thread; what is under way is on disk."""
        self._ending.set()
        self._soon.set()
        self._hands.join(5)
        self.link.stop()
        self._paper.stop()
        if self._lens is not None:
            self._lens.stop()
        with self._lock:
            self._notes.close()
            if self._headphones is not None:
                self._headphones.close()
            self._log.journal.close()

    # --- the screen ------------------------------------------------------------------------------

    def view(self) -> View:
        """Return the screen at this moment."""
        return self._stage.view

    def wait(self, version: int, timeout_s: float) -> View:
        """Return once the view is newer than ``version``, or after ``timeout_s`` seconds."""
        return self._stage.wait(version, timeout_s)

    def picture(self) -> bytes | None:
        """Return the picture that a customer looks at, for the page it is on; on no disk."""
        return self._visit.identify.picture

    def touch(self, touch: Touch, **fields: Any) -> None:
        """Do what a person did at the screen."""
        with self._step():
            self._visit.touch(touch, **fields)

    def spoken(self, where: str, seconds: float) -> None:
        """Take in that the voice begins to read the page ``where``, for so many seconds."""
        with self._step():
            self._visit.spoken(where, seconds)

    @contextlib.contextmanager
    def _step(self) -> Iterator[None]:
        """Hold the lock for one step. A journal that cannot be written: no more notes."""
        with self._lock:
            try:
                yield
            except JournalUnwritable as error:
                LOG.error("journal", error=str(error))
                self._trouble = str(error)[:512]
                self._visit.halted = True
                self._stage.say("kiosk.closed", "stop")

    # --- the devices -----------------------------------------------------------------------------

    def _poll(self) -> None:
        while not self._ending.is_set():
            try:
                self.turn()
            except Exception as error:
                LOG.exception("turn", error=repr(error))
                self._ending.wait(0.5)
            self._soon.wait(self._pause_s())
            self._soon.clear()

    def _pause_s(self) -> float:
        if self._notes.inside:
            return POLL_INSIDE_S
        soon = self._stage.view.screen in BUYING or self._stage.view.private
        return POLL_NOTE_S if soon else POLL_IDLE_S

    def turn(self) -> None:
        """Poll each device once, and let time do its part."""
        with self._step():
            self._notes.poll()
            code = self._scanner.read() if self._scanner else None
            if code:
                self._visit.scanned(code)
            if self._headphones is not None:
                self._visit.headphones(self._headphones.inserted())
            self._visit.tick()
            self._open_or_close()
            self._ask_about()
            if self._tidy.due(TIDY_EVERY_S):
                self._log.tidy(self._visit.purchase)

    def credited(self, note: NoteLine, recovered: bool) -> None:
        """Pass it on to the visit."""
        self._visit.credited(note, recovered)

    def went_back(self, note: NoteLine | None, why: str) -> None:
        """Pass it on to the visit."""
        self._visit.went_back(note, why)

    def device_changed(self) -> None:
        """Tell the server soon, and show what the screen must show."""
        self._statuses.now()
        if self._notes.fault is not None:
            self._visit.broke(self._notes.fault)
        self._visit.refresh()

    def _open_or_close(self) -> None:
        screen = self._stage.view.screen
        if screen is Screen.START and not self._open():
            self._stage.go(Screen.CLOSED)
        elif screen is Screen.CLOSED and self._open():
            self._stage.clear(Screen.START)

    def _open(self) -> bool:
        offer = self._stage.view.offer
        fresh = self._clock.monotonic_s() - self._offer_at < OFFER_S_MAX
        able = self._notes.ready and self._notes.fault is None and not self._visit.halted
        return offer is not None and offer.open and fresh and able

    # --- the server ------------------------------------------------------------------------------

    def _ask_about(self) -> None:
        screen = self._stage.view.screen
        old = self._clock.monotonic_s() - self._offer_at > OFFER_EVERY_S
        if screen not in BUYING | OVER and self._offers.due(
            OFFER_AGAIN_S if old else OFFER_EVERY_S
        ):
            self.ask_offer()
        if self._statuses.due(STATUS_EVERY_S):
            self._ask("status", "POST", "/v1/status", wire.StatusReply, self._report)
        purchase = self._visit.purchase
        every_s = PROGRESS_EVERY_S if screen is Screen.SENDING else WATCH_EVERY_S
        if screen in OVER and purchase and self._progress.due(every_s):
            path = f"/v1/purchases/{purchase}"
            self._ask("progress", "GET", path, wire.PurchaseView, about=purchase)

    def _ask(
        self,
        name: str,
        method: str,
        path: str,
        into: Any,
        message: Callable[[], wire.Message | None] = lambda: None,
        about: str = "",
        wait_s: float = REQUEST_S_MAX,
    ) -> None:
        """Ask, unless the same is being asked."""
        if name in self._asking:
            return
        self._asking.add(name)
        until = self._clock.monotonic_s() + ASK_S_MAX
        self.link.ask(Question(name, method, path, into, message, about, until, wait_s))

    def ask_offer(self) -> None:
        """Ask what a purchase costs now."""
        self._ask("offer", "GET", "/v1/offer", wire.Offer)

    def ask_quote(self, request: wire.QuoteRequest) -> None:
        """Ask for a signed quote."""
        self._ask("quote", "POST", "/v1/purchases", wire.Quote, lambda: request, request.purchase)

    def ask_care(self, purchase: str, ask: wire.CareAsk) -> None:
        """Ask what the screen must show against a scam."""
        path = f"/v1/purchases/{purchase}/care"
        self._ask("care", "POST", path, wire.Care, lambda: ask, purchase)

    def ask_identity(self, purchase: str, name: str, message: wire.Message) -> None:
        """Send what a customer shows: phone, code, document or source."""
        path = f"/v1/purchases/{purchase}/{name}"
        self._ask("identity", "POST", path, wire.Identity, lambda: message, purchase)

    def ask_slip(self, step: str, number: str) -> None:
        """Ask where the purchase of a paper stands, or to stop it, or to claim it back."""
        path = f"/v1/slips/{step}".rstrip("/")
        ask = wire.SlipAsk(number=number)
        self._ask("slip", "POST", path, wire.Slip, lambda: ask, number)

    def ask_picture(self, purchase: str, item: str, jpeg: bytes) -> None:
        """Seal a picture for the server alone, bound to this purchase and item, and send it."""
        path, offer = f"/v1/purchases/{purchase}/picture", self._stage.view.offer

        def sealed() -> wire.Message:
            to, signature = (offer.seal_key, offer.seal_signature) if offer else ("", "")
            about, server = picture.about(purchase, item), self._pairing.server_key
            found = sealing.seal(jpeg, about, to, signature, server)
            return wire.PictureAsk(item=item, sealed=found)

        self._ask("identity", "POST", path, wire.Identity, sealed, purchase, PICTURE_S_MAX)

    def take_picture(self, ticket: int) -> None:
        """Take a picture with the machine's camera, if it has one."""
        if self._lens is not None:
            self._lens.take(ticket)
        else:
            self._visit.identify.taken(ticket, None, None)

    def _seen(self, ticket: int, found: Picture | None, error: TallystickError | None) -> None:
        """Hand a picture on; a camera that does not work is told to the server."""
        with self._step():
            if not isinstance(error, PictureTooDark):
                self._camera_trouble = str(error)[:512] if error else ""
            self._visit.identify.taken(ticket, found, error)

    def ask_renewal(self, purchase: str) -> None:
        """Ask for a new quote of an open purchase."""
        path = f"/v1/purchases/{purchase}/quote"
        self._ask("renewal", "POST", path, wire.Quote, wire.Nothing, purchase)

    def _report(self) -> wire.StatusReport:
        """Say how the machine is; called when the server has heard of every note."""
        with self._lock:
            book, view = self._log.book, self._stage.view
            fault = self._notes.fault
            trouble = self._trouble or (fault.value if fault else "") or self._camera_trouble
            if book.strays and not trouble:
                trouble = f"{book.strays} notes in the cash box that no purchase ordered"
            state = "fault" if trouble else "closed" if view.screen is Screen.CLOSED else "in_use"
            state = "idle" if state == "in_use" and view.screen is Screen.START else state
            return wire.StatusReport(
                state=state,
                validator=self._notes.last.value,
                box_notes=book.box_notes,
                box_minor=book.box_minor,
                currency=view.currency,
                software=SOFTWARE,
                journal_seq=self._log.journal.seq,
                trouble=trouble[:512],
            )

    def next_delivery(self) -> Delivery | None:
        """Return the oldest message that the server must hear, if any."""
        with self._lock:
            return next(iter(self._log.book.untold.values()), None)

    def delivered(self, told: Delivery, answer: Any, refused: ServerSaid | None) -> None:
        """Take in that the server has heard it, and what it said."""
        with self._step():
            number = refused.number or 1 if refused else 0
            if refused is not None:
                LOG.error("refused", kind=told.kind, purchase=told.purchase, said=str(refused))
            self._log.told(told, number)
            if told.kind == "escrow":
                self._visit.answered_note(told.note, answer, "refused")
                self._soon.set()
            else:
                self._visit.told(told, answer, number)

    def answered(self, question: Question, answer: Any, error: TallystickError | None) -> None:
        """Take in the answer to a question, or why there is none."""
        with self._step():
            self._asking.discard(question.name)
            if question.name == "offer":
                self._offered(answer)
            elif question.name == "quote" and question.about == self._visit.purchase:
                self._visit.quoted(answer, error)
            elif question.name == "care" and question.about == self._visit.purchase:
                self._visit.cared(answer)
            elif question.name == "identity" and question.about == self._visit.purchase:
                self._visit.told_identity(answer, error)
            elif question.name == "slip":
                self._visit.told_slip(question.about, answer)
            elif question.name == "renewal" and question.about == self._visit.purchase:
                self._renewed(answer, error)
            elif question.name == "progress" and answer is not None:
                self._visit.progress(answer)
            elif question.name == "status" and answer is not None:
                self._compared(answer)

    def _offered(self, offer: wire.Offer | None) -> None:
        if offer is not None:
            self._offer_at = self._clock.monotonic_s()
            offer = self._within_sight(offer)
            self._stage.show(offer=offer, currency=offer.currency)
        self._open_or_close()

    def _within_sight(self, offer: wire.Offer) -> wire.Offer:
        """Close where a picture is asked before any cash and this machine has no camera."""
        lacking = [one for one in offer.identify if one.item in PICTURES]
        if self._lens is not None:
            return offer
        self._camera_trouble = ""
        if not lacking or not offer.open:
            return offer
        why = f"This machine has no camera, for: {name(lacking[0].item)}. ({lacking[0].cite})"
        self._camera_trouble = why[:512]
        return msgspec.structs.replace(offer, open=False, closed_because=why)

    def _renewed(self, quote: wire.Quote | None, error: TallystickError | None) -> None:
        if error is not None and not isinstance(error, ServerLost):
            LOG.error("renewal", error=str(error))
        try:
            self._visit.renewed(quote)
        except TallystickError as wrong:
            LOG.error("renewal", error=str(wrong))

    def _compared(self, reply: wire.StatusReply) -> None:
        if not reply.box_agrees and not self._log.book.untold:
            LOG.error("box", ours=self._log.book.box_minor)

    def line(self, up: bool) -> None:
        """Show whether the server answers."""
        with self._lock:
            self._stage.show(server_lost=not up)
            self._visit.refresh()

    # --- paper -----------------------------------------------------------------------------------

    def print_half(self) -> None:
        """Print the receipt of the purchase on screen."""
        self._paper.print(receipt.receipt_lines(self._dated(), self._zone))

    def print_slip(self) -> None:
        """Print the slip for cash that is kept or goes back."""
        self._paper.print(receipt.slip_lines(self._dated(), self._zone))

    def print_standing(self) -> None:
        """Print where the purchase of the paper on screen stands."""
        self._paper.print(receipt.standing_lines(self._dated(), self._zone))

    def _dated(self) -> View:
        return dataclasses.replace(self._stage.view, now=self._clock.now())

    def _printed(self, error: TallystickError | None) -> None:
        with self._step():
            if error is not None:
                LOG.error("paper", error=str(error))
                self._stage.say("kiosk.no_paper", "care")
            elif self._stage.view.screen in OVER | {Screen.STANDING}:
                self._stage.show(printed=True)
