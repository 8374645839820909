"""What a kiosk and its server say to each other: the messages of the machine API, as structs.

Both sides read these types, so one definition exists. Money travels as integer minor units with
its asset code beside it; times as RFC 3339 in UTC. Unknown fields are refused, strings and lists
have limits, and the server never believes a sum it can compute itself (Decision 4).
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from msgspec import Meta, Struct

Id = Annotated[str, Meta(pattern=r"^[0-9A-HJKMNP-TV-Z]{26}$")]
Minor = Annotated[int, Meta(ge=0, le=10**15)]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Short = Annotated[str, Meta(max_length=64)]
Text = Annotated[str, Meta(max_length=512)]
Weekday = Annotated[int, Meta(ge=0, le=6)]
MinuteOfDay = Annotated[int, Meta(ge=0, le=1_440)]
HOURS_MAX = 14
Language = Annotated[str, Meta(pattern=r"^[a-z]{2}$")]

BODY_BYTES_MAX = 16_384
NOTES_PER_PURCHASE_MAX = 200
QUOTE_TTL_S = 600
PICTURE_BYTES_MAX = 300_000
PICTURE_BODY_BYTES_MAX = 410_000
"""The sealed picture in base64, and the message around it."""
MAIL_CHARS_MAX = 254
"""The longest address that RFC 5321 lets through, as its errata say."""


class Message(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Anything sent either way."""


class PairRequest(Message, frozen=True):
    """A machine's first words: the one-time token from the pairing QR and its new public key."""

    token: Annotated[str, Meta(min_length=20, max_length=64)]
    public_key: Annotated[str, Meta(min_length=43, max_length=44)]
    """Raw Ed25519 public key, base64url without padding."""


class PairReply(Message, frozen=True):
    """What a machine keeps: its name, and the key by which it knows the server's quotes."""

    machine: Short
    key_id: Short
    server_key: str
    """Raw Ed25519 public key of the server, base64url without padding."""


class KeyRequest(Message, frozen=True):
    """A machine's next public key, in a request signed by its present one."""

    public_key: Annotated[str, Meta(min_length=43, max_length=44)]
    """Raw Ed25519 public key, base64url without padding."""


class KeyReply(Message, frozen=True):
    """The name of the key that is good from now on; the former one ends within a day."""

    key_id: Short


class Warning(Message, frozen=True):
    """One warning the law asks for, with the provision that asks."""

    id: Short
    title: Text
    text: str
    own_screen: bool
    acknowledge: bool
    cite: Text


class SupportHours(Message, frozen=True):
    """When a person answers: on weekdays from ``first`` to ``last``, from one minute to another.

    A weekday is 0 on Monday; minutes are of the day at the machine, 1,440 the end of it.
    """

    first: Weekday
    last: Weekday
    opens: MinuteOfDay
    closes: MinuteOfDay


class Operator(Message, frozen=True):
    """Who runs the machine, as the screen and the receipt must say."""

    name: Short
    licence: Short
    phone: Short
    place: Text
    """Street address of the machine."""
    label: Short
    """Name of the machine on its screen, such as ``Kiosk 0142``."""
    hours: Annotated[list[SupportHours], Meta(max_length=HOURS_MAX)] = []
    """When a person answers the telephone, by the machine's own clock; empty: not stated."""
    police: Text = ""
    """How to reach the police and agencies of the place, where that must be shown."""
    address: Text = ""
    """The operator's own address and web address; empty: not stated."""
    authority: Text = ""
    """Where complaints about the operator go in this place; empty: none is named."""


class ReceiptLine(Message, frozen=True):
    """One line that the law of the place adds to the receipt.

    ``code``: name (of the customer, or a line to write it on), spread, or source (of the price).
    """

    code: Short
    value: Text = ""


class IdentityAsk(Message, frozen=True):
    """Something that a customer shows before any cash, and by which law or policy."""

    item: Short
    """phone, document, copy, email, photo or source."""
    cite: Text


class Offer(Message, frozen=True):
    """What a purchase would cost now; shown before anybody decides anything."""

    open: bool
    closed_because: str
    """Empty when open; else one plain sentence."""
    jurisdiction: Short
    currency: Currency
    price_minor: Minor
    """Cash minor units for one whole bitcoin: the market price, with nothing added."""
    price_at: dt.datetime
    fee_bp: Annotated[int, Meta(ge=0, le=10_000)]
    fee_min_minor: Minor
    purchase_min_minor: Minor
    day_max_minor: Minor
    """The most one person may put in on one day here; 0 when the law sets none."""
    denominations: list[int]
    """Values taken, in minor units, ascending."""
    warnings: list[Warning]
    operator: Operator
    network: Short
    """bitcoin, testnet, signet or regtest: which addresses are right."""
    rights: Annotated[list[Text], Meta(max_length=16)] = []
    """What the law here gives the customer after the purchase; printed on the receipt."""
    receipt: Annotated[list[ReceiptLine], Meta(max_length=16)] = []
    """What the law here adds to the receipt."""
    shows: Annotated[list[Short], Meta(max_length=8)] = []
    """What the law here wants on the first screen beside: hours, police."""
    identify: Annotated[list[IdentityAsk], Meta(max_length=8)] = []
    """What a customer shows first, in this order; empty where neither law nor policy asks."""
    seal_key: Short = ""
    """The X25519 key to which a machine seals pictures, base64url; empty where none are taken."""
    seal_signature: Text = ""
    """The server's Ed25519 signature over that key, base64url."""


class PhoneAsk(Message, frozen=True):
    """Send a one-time code to this number."""

    phone: Short


class CodeAsk(Message, frozen=True):
    """The code that came to this number."""

    phone: Short
    code: Annotated[str, Meta(pattern=r"^[0-9]{6}$")]


class DocumentAsk(Message, frozen=True):
    """What the scanner read from a driver's licence or identity card."""

    text: Annotated[str, Meta(max_length=2_048)]


class MailAsk(Message, frozen=True):
    """The customer's e-mail address, as typed or read."""

    address: Annotated[str, Meta(max_length=MAIL_CHARS_MAX)]


class PictureAsk(Message, frozen=True):
    """A picture of the document or of the customer, sealed for the server (HPKE, RFC 9180).

    The seal is bound to the purchase and the item. Inside: one JPEG of at most
    `PICTURE_BYTES_MAX` bytes.
    """

    item: Short
    """copy or photo."""
    sealed: Annotated[bytes, Meta(max_length=PICTURE_BYTES_MAX + 64)]


class SourceAsk(Message, frozen=True):
    """Where the customer says that the money is from."""

    source: Short
    """wages, savings, sale, gift, business, benefits or other."""


class Identity(Message, frozen=True):
    """What was shown at this visit, and what became of the last thing."""

    said: Short = ""
    """Empty when it was taken; else sent, wrong, expired, locked, too_many, bad_phone, unreadable,
    out_of_date, too_young, no_address, bad_mail or full."""
    shown: Annotated[list[Short], Meta(max_length=8)] = []
    left_minor: Minor | None = None
    """How much more cash may go in now, where the purchase has begun."""


class QuoteRequest(Message, frozen=True):
    """Ask for a purchase to this address; the machine chooses the id, so asking twice is safe."""

    purchase: Id
    address: Annotated[str, Meta(min_length=14, max_length=120)]
    language: Language
    acknowledged: Annotated[list[Short], Meta(max_length=16)]
    """Ids of the warnings shown and acknowledged."""


class Quote(Message, frozen=True):
    """The server's signed promise. ``digest`` names it; ``signature`` is over the digest."""

    purchase: Id
    reference: Short
    number: int
    """1 for the first quote of a purchase; a renewed quote has the next number."""
    address: str
    currency: Currency
    price_minor: Minor
    fee_bp: int
    fee_min_minor: Minor
    purchase_min_minor: Minor
    left_minor: Minor
    """How much more cash may go in, by law and by the machine's own cap."""
    denominations: list[int]
    made_at: dt.datetime
    expires_at: dt.datetime
    digest: Digest
    signature: str
    """Ed25519 over the digest's 32 bytes, base64url without padding."""
    show: Annotated[list[IdentityAsk], Meta(max_length=8)] = []
    """What must be shown before more than that can go in, if that is what bounds it."""


class NoteAsk(Message, frozen=True):
    """A note lies in escrow: may it be stacked? The machine numbers its notes."""

    note: Id
    seq: Annotated[int, Meta(ge=1, le=NOTES_PER_PURCHASE_MAX)]
    minor: Minor
    currency: Currency
    quote: Digest


class Reason(Message, frozen=True):
    """One provision that bore on a decision."""

    id: Short
    cite: Text
    say: Text
    """The provision in plain words."""


class NoteAnswer(Message, frozen=True):
    """permit, refuse or refer, with why, and what may still go in if this note is not stacked."""

    answer: Short
    why: Short
    """Machine-readable: ok, limit, machine_cap, denomination, identify, expired,
    paused, held."""
    because: list[Reason]
    left_minor: Minor
    show: Annotated[list[IdentityAsk], Meta(max_length=8)] = []
    """What the customer must show before more cash can go in, if that is why."""


class NoteStacked(Message, frozen=True):
    """The validator reported the note in the cash box; it is on the machine's disk already."""

    note: Id
    seq: Annotated[int, Meta(ge=1, le=NOTES_PER_PURCHASE_MAX)]
    minor: Minor
    currency: Currency
    recovered: bool
    """True when the power-up report, and not the ordinary event, proved the stacking."""


class NoteReturned(Message, frozen=True):
    """The note in escrow went back to the customer."""

    note: Id
    seq: Annotated[int, Meta(ge=1, le=NOTES_PER_PURCHASE_MAX)]
    reason: Short


class FinishRequest(Message, frozen=True):
    """The customer touched Send. The sums are what the screen showed; the server checks them."""

    quote: Digest
    notes: Annotated[int, Meta(ge=1, le=NOTES_PER_PURCHASE_MAX)]
    cash_minor: Minor
    sats: Minor


class CloseRequest(Message, frozen=True):
    """Stop the purchase, or keep it safe for later.

    ``how``: cancel (before any note), refund (the customer wants the cash back), keep (nobody
    touched the screen, or the machine must stop), help (as cancel or refund, and an operator is
    told without a word on the screen).
    """

    how: Short
    reason: Short


class Step(Message, frozen=True):
    """One cut on the money path."""

    name: Short
    """counted, paid_in, signed, sent, confirmed."""
    at: dt.datetime | None
    detail: Text


class PurchaseView(Message, frozen=True):
    """A purchase as the server holds it: what the screen and the receipt say."""

    purchase: Id
    reference: Short
    state: Short
    currency: Currency
    address: str
    notes: int
    cash_minor: Minor
    fee_minor: Minor
    worth_minor: Minor
    sats: Minor
    price_minor: Minor
    left_minor: Minor
    quote: Digest
    quote_expires_at: dt.datetime
    txid: str
    confirmations: int
    confirmations_needed: int
    path: list[Step]
    commitment: str
    """Journal commitment of the paid-in purchase, 64 hex digits, or empty before that."""
    salt: str
    """Opens the commitment; printed on the customer's half and nowhere else."""
    held_until: dt.datetime | None = None
    """Until when the law lets nothing be sent; None when nothing is held."""
    waiting: bool = False
    """True while the operator's own check holds it: nothing is sent, and it can be stopped."""
    show: Annotated[list[IdentityAsk], Meta(max_length=8)] = []
    """What must be shown before more than ``left_minor`` can go in, if that is what bounds it."""


class CareOption(Message, frozen=True):
    """One thing that may be touched in answer to a question."""

    id: Short
    text: Text


class CareQuestion(Message, frozen=True):
    """One question about the scene; nothing is selected before, and it is not spoken aloud."""

    id: Short
    text: Text
    options: list[CareOption]


class CareAnswer(Message, frozen=True):
    """What the customer touched."""

    question: Short
    option: Short


class CareAsk(Message, frozen=True):
    """Ask what the screen must show against a scam, and say what was answered so far."""

    mode: Short = "screen"
    """screen, speech, large-text or extra-time: in the last three pace says nothing."""
    answers: Annotated[list[CareAnswer], Meta(max_length=16)] = []
    timings_ms: Annotated[dict[Short, Minor], Meta(max_length=64)] = {}
    """How long each screen stood, in milliseconds."""


class Care(Message, frozen=True):
    """What the screen shows against a scam: the step and the words, never the reason."""

    step: Short
    """none, warning, questions, hold, call-back or refuse."""
    warning: Text = ""
    stop: Text = ""
    """The words of the button that ends the purchase, which say the act."""
    go_on: Text = ""
    wait_ms: Minor = 0
    """How long a slow reader needs for the warning."""
    questions: list[CareQuestion] = []
    """Those that wait for an answer."""
    title: Text = ""
    text: Text = ""
    """The one page of a hold, the same whatever the reason; empty when nothing is held."""


class SlipAsk(Message, frozen=True):
    """Where does the purchase of this paper stand? Asked by whoever has the paper."""

    number: Annotated[str, Meta(pattern=r"^TS(-[0-9A-HJKMNP-TV-Z]{3}){3}$")]
    """The purchase's reference, as on its slip or receipt."""


class SlipClaim(Message, frozen=True):
    """A victim's claim on that purchase, with the days that the law sets."""

    reference: Short
    state: Short
    """waiting, review, upheld, denied or paid."""
    filed_at: dt.datetime
    cite: Text
    """The law that grants it, or the operator's policy."""
    evidence: Annotated[list[Short], Meta(max_length=8)] = []
    """Kinds of which one suffices; empty when none is asked for, or it has come."""
    evidence_by: dt.datetime | None = None
    decide_by: dt.datetime | None = None
    pay_by: dt.datetime | None = None
    refund_minor: Minor = 0


class Slip(Message, frozen=True):
    """Where a purchase stands, for whoever has its paper: no address, no name, no machine."""

    said: Short = ""
    """Empty when it was done; unknown, too_many (wrong numbers at this machine), or gone (it was
    too late to stop it)."""
    reference: Short = ""
    state: Short = ""
    at: dt.datetime | None = None
    """When it came to that state."""
    currency: Currency = "USD"
    cash_minor: Minor = 0
    held_until: dt.datetime | None = None
    may_stop: bool = False
    may_claim: bool = False
    claim: SlipClaim | None = None


class Nothing(Message, frozen=True):
    """An empty JSON object, where there is nothing to say."""


class StatusReport(Message, frozen=True):
    """How the machine is: sent every few seconds and on each change."""

    state: Short
    """idle, in_use, closed or fault."""
    validator: Short
    box_notes: Minor
    box_minor: Minor
    currency: Currency
    software: Short
    journal_seq: Minor
    trouble: Text


class StatusReply(Message, frozen=True):
    """The server's word back: may the machine serve, and are its numbers ours?"""

    open: bool
    closed_because: str
    box_agrees: bool


class Problem(Message, frozen=True):
    """An error in the form of RFC 9457, with where the money is and what the customer reads."""

    type: str
    title: Text
    status: int
    code: int
    detail: str
    money: Text
    say: Text
