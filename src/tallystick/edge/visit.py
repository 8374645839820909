"""One visit at the screen: what each touch, each answer and each silence leads to.

Nothing here talks to a device or a network by itself. The cash shown is what is in the box and on
disk; the coin shown is the server's figure, or the same rule applied to the server's own quote
until that figure comes (Decision 4). A time-out warns, can be extended, and costs nobody money
(Decision 10).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from tallystick.bitcoin import address as addresses
from tallystick.core.clock import Clock, new_id
from tallystick.core.errors import TallystickError
from tallystick.core.money import Amount, Price, asset
from tallystick.devices.validator import Kind
from tallystick.edge.book import Delivery, NoteLine, Purchase
from tallystick.edge.care import Care
from tallystick.edge.errors import ServerLost, ServerSaid
from tallystick.edge.identify import NOTHING, Identify
from tallystick.edge.idle import BUYING, OVER, Silence
from tallystick.edge.listening import Listening
from tallystick.edge.log import Log
from tallystick.edge.notes import Notes
from tallystick.edge.outside import Outside
from tallystick.edge.pairing import Pairing, check_quote
from tallystick.edge.reading import READING_PERCENT, Reading
from tallystick.edge.reasons import why_back, wrong_code
from tallystick.edge.slips import SCREENS, Slips
from tallystick.edge.stage import Stage
from tallystick.edge.view import Note, Say, Screen, Touch, sums_shown
from tallystick.edge.way import BESIDE, Way
from tallystick.kiosk import wire
from tallystick.kiosk.model import Sums, Terms, sums

STUCK_S: Final = 20
QUOTE_MARGIN_S: Final = 5
RENEW_AGAIN_S: Final = 1.0
QUOTE_EXPIRED, BELOW_MINIMUM = 4003, 4009
Act = Callable[[dict[str, Any]], None]
Acts = dict[Touch, Act]
NUMBERED_CLOSED: Final = frozenset({4012, 4013, 4014})


class Visit:
    """The state of the visit under way."""

    def __init__(
        self,
        stage: Stage,
        log: Log,
        notes: Notes,
        clock: Clock,
        pairing: Pairing,
        outside: Outside,
        reading_percent: int = READING_PERCENT,
    ) -> None:
        self._stage, self._log, self._notes = stage, log, notes
        self._clock, self._pairing, self._out = clock, pairing, outside
        self.purchase = ""
        self.bought: wire.PurchaseView | None = None
        self.halted = False
        """True when the journal cannot be written: no more notes."""
        self._silence = Silence(stage, clock)
        self._reading = Reading(stage, clock, reading_percent)
        self._listening = Listening(stage, self._reading.listens)
        self._way = Way(stage, outside, self._reading, self._clear)
        self._care = Care(stage, clock, outside, self._onward, self._refused, self._reading)
        self.identify = Identify(stage, outside, self._identified)
        beside = self._way.acts() | self._listening.acts()
        self._slips = Slips(stage, outside)
        self._acts = self._table() | beside | both(self.identify.acts(), self._slips.acts())
        self._clear()

    def _clear(self) -> None:
        self.purchase, self.bought = "", None
        self._quote: wire.Quote | None = None
        self._left = 0
        self._stopping = ""
        self._quote_until = 0.0
        self._renewing = 0.0
        self._asked = False
        self._stuck_since: float | None = None
        self._way.clear()
        self._care.clear()
        self.identify.clear()
        self._slips.clear()
        self._reading.clear()
        self._silence.broken()

    def _table(self) -> dict[Touch, Callable[[dict[str, Any]], None]]:
        show, go = self._stage.show, self._stage.go
        return {
            Touch.TYPE_ADDRESS: lambda given: self.scanned(given["address"], typed=True),
            Touch.ADDRESS_YES: lambda _: self._ask_quote(),
            Touch.ADDRESS_NO: lambda _: self._no_address(),
            Touch.NO_MORE: lambda _: self._no_more(),
            Touch.MORE_CASH: lambda _: go(Screen.CASH) if self._on(Screen.REVIEW) else None,
            Touch.SEND: lambda _: self._send(),
            Touch.ACCEPT_PRICE: lambda _: show(price_changed=False, say=None),
            Touch.IDENTIFY: lambda _: self._show_more(),
            Touch.STOP: lambda _: self.stop("refund", "the customer stopped"),
            Touch.QUIET: lambda _: self.stop("help", "the customer asked for help without words"),
            Touch.PROCEED: lambda _: self._care.proceed(),
            Touch.ANSWER: lambda given: self._care.answer(self.purchase, given["option"]),
            Touch.AGAIN: lambda _: self._care.again(self.purchase),
            Touch.STILL_HERE: lambda _: None,
            Touch.REPRINT: lambda _: self._reprint(),
            Touch.RECEIPT: lambda _: go(Screen.RECEIPT) if self._on(Screen.SENDING) else None,
            Touch.DONE: lambda _: self._done(),
        }

    @property
    def _view(self) -> Any:
        return self._stage.view

    @property
    def held(self) -> Purchase | None:
        """Return the purchase of this visit as the journal has it."""
        return self._log.book.purchases.get(self.purchase)

    def _on(self, *screens: Screen) -> bool:
        return self._view.screen in screens

    def touch(self, touch: Touch, **fields: Any) -> None:
        """Do what a person did; what makes no sense on this page does nothing."""
        self._silence.broken()
        self._acts[touch](fields)
        self._reading.refresh()
        self.refresh()

    def headphones(self, inserted: bool) -> None:
        """Take in whether headphones are in: somebody who plugs them in is there."""
        if self._listening.jack(inserted):
            self._silence.broken()
            self._reading.refresh()

    def spoken(self, where: str, seconds: float) -> None:
        """Take in that the voice begins to read a page, for so many seconds."""
        self._reading.spoken(where, seconds)

    # --- before any cash -------------------------------------------------------------------------

    def scanned(self, text: str, typed: bool = False) -> None:
        """Take in a code or a typed address, and say what is wrong with it, if anything."""
        if self._on(Screen.DOCUMENT, Screen.MAIL):
            self._silence.broken()
            self.identify.scanned(text)
        if self._on(Screen.SLIP):
            self._silence.broken()
            self._slips.scanned(text)
        if not self._on(Screen.SCAN) or self._view.offer is None:
            return
        self._silence.broken()
        try:
            address = addresses.from_scan(text)
            addresses.check(address, self._view.offer.network)
        except TallystickError as error:
            self._stage.say(wrong_code(error, typed), "care")
            return
        self._stage.go(Screen.ADDRESS, address=address, show_address=False)

    def _no_address(self) -> None:
        if self._on(Screen.ADDRESS) and not (self._asked or self._care.asking):
            if self.held is not None and self.held.quote is not None:
                self._drop("cancel", "another address")
            self.purchase = ""
            self._stage.go(Screen.SCAN, address="")

    def _ask_quote(self) -> None:
        if not self._on(Screen.ADDRESS) or self._asked or self._care.asking:
            return
        if not self.purchase:
            purchase = new_id(self._clock)
            facts = {"address": self._view.address, "language": self._view.language}
            self._log.write("opened", purchase=purchase, **facts)
            self.purchase = purchase
        offer = self._view.offer
        if offer is not None and self.identify.lacks(offer.identify):
            self.identify.begin(self.purchase, offer.identify, Screen.ADDRESS)
            return
        self._asked = True
        self._out.ask_quote(
            wire.QuoteRequest(
                purchase=self.purchase,
                address=self._view.address,
                language=self._view.language,
                acknowledged=self._way.acknowledged,
            )
        )

    def _identified(self, to: Screen) -> None:
        """Go on once a customer showed what was asked."""
        self._stage.go(to, show_more=())
        if to is Screen.ADDRESS:
            self._ask_quote()

    def told_identity(
        self, said: wire.Identity | None, error: TallystickError | None = None
    ) -> None:
        """Take in what the server says of what was shown, or why it says nothing."""
        if said is not None and said.left_minor is not None:
            self._left = said.left_minor
        self.identify.told(said, error)
        self.refresh()

    def told_slip(self, number: str, slip: wire.Slip | None) -> None:
        """Take in where the purchase of a paper stands."""
        self._slips.told(number, slip)

    def _show_more(self) -> None:
        """Show what more cash needs, from the page of the cash."""
        if self._on(Screen.CASH) and self._view.show_more and not self._notes.inside:
            self.identify.begin(self.purchase, self._view.show_more, Screen.CASH)

    def quoted(self, quote: wire.Quote | None, error: TallystickError | None) -> None:
        """Take in the quote, or why there is none."""
        self._asked = False
        held = self.held
        if not self._on(Screen.ADDRESS) or held is None:
            return
        try:
            if quote is None:
                raise error or ServerLost()
            check_quote(quote, self._pairing.server_key, held.id, held.address)
        except ServerLost:
            self._stage.say("kiosk.server_lost", "wait")
            return
        except TallystickError as wrong:
            self._no_quote(wrong)
            return
        self._adopt(quote)
        self._left = quote.left_minor
        self._stage.show(reference=quote.reference, currency=quote.currency)
        self._care.ask(self.purchase, Screen.CASH)

    def cared(self, care: wire.Care | None) -> None:
        """Take in what the screen must show, or that the server was not reached."""
        if self.held is not None and self._on(Screen.ADDRESS, Screen.CASH, Screen.QUESTION):
            self._care.told(care)
            self.refresh()

    def _onward(self, to: Screen) -> None:
        self._stage.go(to, care=None, question=None)
        self.refresh()

    def _refused(self) -> None:
        self.stop("refund", "the operator sends nothing for this")

    def _no_quote(self, error: TallystickError) -> None:
        number = error.number if isinstance(error, ServerSaid) else 0
        said = error.their_say if isinstance(error, ServerSaid) else error.say
        self._drop("cancel", str(number))
        if number in NUMBERED_CLOSED:
            self._stage.clear(Screen.CLOSED)
            self._clear()
            self._out.ask_offer()
            return
        self.purchase = ""
        self._stage.go(Screen.SCAN, Say(said or "kiosk.try_again", "stop"), address="")

    def _adopt(self, quote: wire.Quote) -> None:
        """Write down a quote, and count its time from now on our own steady clock."""
        self._log.write("quoted", quote=_plain(quote))
        life_s = (quote.expires_at - quote.made_at).total_seconds()
        self._stage.show(show_more=tuple(quote.show))
        self._quote, self._quote_until = quote, self._clock.monotonic_s() + life_s

    # --- cash ------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Bring the screen and the validator in line with what is known."""
        stuck = self._notes.stuck
        self._stage.show(stuck_minor=stuck.minor if stuck else 0)
        held = self.held
        if held is None or self._quote is None or not self._on(*BUYING):
            self._notes.accept(frozenset())
            if self._on(*BUYING):
                self._stage.show(accepting=False)
            return
        total = self._total(held)
        taken = frozenset(self._quote.denominations) & self._notes.denominations
        refused = tuple(sorted(minor for minor in taken if minor > self._left))
        allowed = frozenset(minor for minor in taken if minor <= self._left)
        allowed = allowed if self._may_take() else frozenset()
        self._notes.accept(allowed, held.id, self._quote.digest)
        last = len(held.stacked) - 1
        self._stage.show(
            quote=self._quote,
            notes=tuple(Note(n.minor, i == last) for i, n in enumerate(held.stacked)),
            **sums_shown(total),
            left_minor=self._left,
            refused=refused,
            accepting=bool(allowed),
            busy=self._notes.inside and self._notes.fault is None,
        )

    def _may_take(self) -> bool:
        good = self._notes.ready and self._notes.fault is None and not self.halted
        view = self._view
        calm = not (view.price_changed or view.server_lost or self._stopping or self._care.asking)
        fresh = self._clock.monotonic_s() < self._quote_until - QUOTE_MARGIN_S
        return self._on(Screen.CASH) and good and calm and fresh

    def _total(self, held: Purchase) -> Sums:
        quote = self._quote
        if quote is None:
            raise ValueError("a purchase without a quote has no sums")
        money = asset(quote.currency)
        price, least = Price(Amount(quote.price_minor, money)), Amount(quote.fee_min_minor, money)
        return sums(Amount(held.cash_minor, money), Terms(price, quote.fee_bp, least))

    def credited(self, note: NoteLine, recovered: bool) -> None:
        """Show a note that is in the box and on disk."""
        self._silence.broken()
        if note.purchase != self.purchase:
            return
        self._stuck_since = None
        self.refresh()
        key = "kiosk.recovered" if recovered else "kiosk.counted"
        self._stage.say(key, "good", amount_minor=note.minor)

    def went_back(self, note: NoteLine | None, why: str) -> None:
        """Say why a note came back."""
        if not self._on(*BUYING):
            return
        self._silence.broken()
        self.refresh()
        key, kind = why_back(why, bool(self._view.refused))
        self._stage.say(key, kind, left_minor=self._left)

    def broke(self, fault: Kind) -> None:
        """Say that the machine takes no more notes, and why."""
        if self._on(*BUYING):
            jam = fault in (Kind.JAM_ACCEPTOR, Kind.JAM_STACKER)
            self._stage.say("kiosk.note_jammed" if jam else "kiosk.closed", "stop")

    def answered_note(self, note: str, answer: wire.NoteAnswer | None, why: str) -> None:
        """Take in the server's word on the note in escrow."""
        if answer is not None:
            self._stage.show(show_more=tuple(answer.show))
        if answer is not None and answer.answer == "permit":
            self._left = answer.left_minor
            self._notes.permitted(note)
        else:
            if answer is not None and answer.why != "expired":
                self._left = answer.left_minor
            self._notes.refused(note, answer.why if answer else why)
            if answer is not None and answer.why == "expired":
                self._renew()

    def told(self, told: Delivery, view: wire.PurchaseView | None, refused: int) -> None:
        """Take in the server's figures after it heard of something."""
        if told.purchase != self.purchase:
            return
        if told.kind == "finish":
            self._finished(view, refused)
        elif told.kind == "close" and view is not None and self._on(Screen.SENDING):
            self._called_off(view)
        elif view is not None and self._on(*BUYING):
            self._left = view.left_minor
            self._stage.show(show_more=tuple(view.show))
            self.refresh()

    def _no_more(self) -> None:
        if self._on(Screen.CASH) and self._view.cash_minor and not self._notes.inside:
            self._care.ask(self.purchase, Screen.REVIEW)

    def _send(self) -> None:
        held, quote, view = self.held, self._quote, self._view
        if not self._on(Screen.REVIEW) or held is None or quote is None:
            return
        if self._notes.inside or view.price_changed or held.cash_minor < quote.purchase_min_minor:
            return
        total = self._total(held)
        self._log.write(
            "finish",
            purchase=held.id,
            quote=quote.digest,
            notes=len(held.stacked),
            cash_minor=total.cash.minor,
            sats=total.sats.minor,
        )
        self._stage.go(Screen.SENDING, accepting=False, busy=False, refused=())

    def _finished(self, view: wire.PurchaseView | None, refused: int) -> None:
        if view is not None and view.state == "refund_due":
            self._called_off(view)
        elif view is not None:
            self.progress(view)
        elif refused == QUOTE_EXPIRED:
            self._stage.go(Screen.REVIEW)
            self._quote_until = 0.0
            self._renew()
        elif refused == BELOW_MINIMUM:
            self._stage.go(Screen.CASH, Say("kiosk.below_minimum", "care"))
        else:
            self._end_with_cash("keep", f"finish was refused: {refused}", Screen.SAFE)

    def _called_off(self, view: wire.PurchaseView) -> None:
        """Show that the cash goes back, once the server says so and not before."""
        if view.state == "refund_due":
            self.bought = view
            self._stage.go(Screen.STOPPED, purchase=view)
            self._out.print_slip()
        else:
            self.progress(view)

    def progress(self, view: wire.PurchaseView) -> None:
        """Show how far the payment is; print once the transaction is known."""
        if view.purchase != self.purchase or not self._on(*OVER):
            return
        before, self.bought = self.bought, view
        self._stage.show(purchase=view)
        known = before is not None and bool(before.txid)
        if view.txid and not known:
            self._out.print_half()
            if self._on(Screen.SENDING):
                self._stage.go(Screen.RECEIPT)

    # --- the quote's time ------------------------------------------------------------------------

    def _renew(self) -> None:
        now = self._clock.monotonic_s()
        if self.purchase and now >= self._renewing:
            self._renewing = now + RENEW_AGAIN_S
            self._out.ask_renewal(self.purchase)

    def renewed(self, quote: wire.Quote | None) -> None:
        """Take in a new quote; another price must be agreed to again."""
        held, old = self.held, self._quote
        if quote is None or held is None or not self._on(*BUYING):
            return
        check_quote(quote, self._pairing.server_key, held.id, held.address)
        self._left = quote.left_minor
        if old is not None and quote.digest == old.digest:
            self._quote_until = max(
                self._quote_until, self._clock.monotonic_s() + QUOTE_MARGIN_S + RENEW_AGAIN_S
            )
        else:
            self._adopt(quote)
            changed = old is None or quote.price_minor != old.price_minor
            self._stage.show(price_changed=changed or self._view.price_changed)
        self.refresh()

    # --- ends ------------------------------------------------------------------------------------

    def stop(self, how: str, reason: str) -> None:
        """Stop: at once, or as soon as the note inside is in the box or back with the customer."""
        held = self.held
        if held is not None and held.finishing:
            self._stop_sent(how, reason)
            return
        if self._on(*SCREENS):
            self._stage.clear(Screen.START)
            self._clear()
        if self._on(Screen.START, Screen.CLOSED, *OVER):
            return
        if held is not None and self._notes.inside and self._notes.fault is None:
            self._stopping = how
            self._notes.take_back("stopped")
            return
        if held is None or not held.cash_minor:
            self._drop("help" if how == "help" else "cancel", reason)
            gone = how == "keep"
            self._stage.clear(Screen.START) if gone else self._stage.go(Screen.STOPPED)
            language = self._view.language
            self._clear()
            fresh: dict[str, Any] = {"address": "", "quote": None, "notes": (), "cash_minor": 0}
            self._stage.show(language=language, **fresh, **NOTHING)
            return
        self._end_with_cash(how, reason, Screen.SAFE if how == "keep" else Screen.STOPPED)

    def _stop_sent(self, how: str, reason: str) -> None:
        """Stop what was sent off only where it waits, and show no cash back that nobody owes.

        A page beside the way leads back to how far the payment is.
        """
        waits = self.bought is not None and self.bought.waiting
        if waits and how in ("refund", "help"):
            self._drop(how, reason)
        if self._on(*BESIDE):
            self._stage.go(Screen.SENDING)

    def _drop(self, how: str, reason: str) -> None:
        if self.held is not None and not self.held.closed:
            self._log.write("close", purchase=self.purchase, how=how, reason=reason[:64])

    def _end_with_cash(self, how: str, reason: str, screen: Screen) -> None:
        self.refresh()
        self._drop(how, reason)
        self._stopping = ""
        self._stage.go(screen, accepting=False, busy=False, price_changed=False, **NOTHING)
        self._notes.accept(frozenset())
        self._out.print_slip()

    def _done(self) -> None:
        if not self._on(*OVER, Screen.STANDING):
            return
        if self._on(Screen.SENDING) and not (self.bought and self.bought.txid):
            self._out.print_half()
        self._stage.clear(Screen.START)
        self._clear()
        self._log.tidy("")

    def _reprint(self) -> None:
        if self._on(Screen.RECEIPT, Screen.SENDING):
            self._out.print_half()
        elif self._on(Screen.STOPPED, Screen.SAFE):
            self._out.print_slip()
        elif self._on(Screen.STANDING):
            self._out.print_standing()

    def tick(self) -> None:
        """Let time do its part: quotes end, silence is asked about, a stuck note is given up."""
        now = self._clock.monotonic_s()
        if self._stopping and not self._notes.inside:
            self.stop(self._stopping, "the customer stopped")
        if self._on(*BUYING) and not self._notes.inside and now >= self._quote_until - 0.2:
            self._renew()
        self._give_up_stuck(now)
        self._reading.refresh()
        self._idle()
        self.refresh()

    def _give_up_stuck(self, now: float) -> None:
        if self._notes.stuck is None or not self._on(*BUYING):
            self._stuck_since = None
            return
        self._stuck_since = self._stuck_since or now
        if now - self._stuck_since > STUCK_S:
            self._end_with_cash("keep", "a note is stuck", Screen.SAFE)

    def _idle(self) -> None:
        """End the visit of somebody who has gone: what was put in is kept, with a slip."""
        counting = self._view.busy and self._on(*BUYING)
        if self._stopping or counting or not self._silence.over(self._reading.speaks_until):
            return
        if self._on(Screen.START):
            self._stage.clear(Screen.START)
        elif self._on(*OVER):
            self._done()
        else:
            self.stop("keep", "nobody touched the screen")

    # --- after a restart -------------------------------------------------------------------------

    def resume(self) -> None:
        """Take up the purchase that a power cut interrupted; cancel one that holds no cash."""
        for held in list(self._log.book.purchases.values()):
            if held.closed:
                continue
            live = held.quote is not None and (held.cash_minor or self._log.book.open_note)
            if not live:
                self.purchase = held.id
                self._drop("cancel", "the machine restarted")
                self.purchase = ""
            elif held.quote is not None:
                self._take_up(held, held.quote)

    def _take_up(self, held: Purchase, quote: wire.Quote) -> None:
        self.purchase, self._quote = held.id, quote
        self._left = 0
        self._quote_until = self._clock.monotonic_s()
        screen = Screen.SENDING if held.finishing else Screen.CASH
        self._stage.go(
            screen,
            reference=quote.reference,
            currency=quote.currency,
            address=held.address,
            language=held.language,
        )
        self._stage.show(quote=quote, **sums_shown(self._total(held)))
        self.refresh()


def both(first: Acts, second: Acts) -> Acts:
    """Return the acts of two groups of pages; where both have one, each looks at its own page."""

    def each(touch: Touch) -> Act:
        acts = [group[touch] for group in (first, second) if touch in group]

        def act(given: dict[str, Any]) -> None:
            for one in acts:
                one(given)

        return act

    return {touch: each(touch) for touch in first | second}


def _plain(quote: wire.Quote) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(quote)
    return found
