"""What a key holder is given beside a PSBT, and how they check it without trusting the server.

A bundle carries the movement as approved and each official's passkey signature over its digest. The
holder keeps pins: the officials' public keys, their roles, and how many must agree, as written down
at the ceremony. A server in false hands can forge rows, and no signature. Pins change only by a
bundle that the old pins accept, and no sooner than the delay after this holder first saw it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from typing import Final

import msgspec
import sqlalchemy as sa

from tallystick.core import approvals, journal
from tallystick.core.identity import passkeys, people
from tallystick.core.identity.errors import IdentityError
from tallystick.core.identity.passkeys import Party
from tallystick.core.identity.tables import PASSKEYS
from tallystick.core.store import Tx
from tallystick.reserve.errors import BundleRefused
from tallystick.reserve.plan import digest_of
from tallystick.reserve.propose import digest_for
from tallystick.reserve.queries import Movement, Stored

BUNDLE_BYTES_MAX: Final = 16_000_000
PIN_TAG: Final = b"tallystick/reserve/pins/1\n"


class Official(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One official as pinned: the roles they may approve under, and their passkeys' public keys."""

    name: str
    roles: tuple[str, ...]
    passkeys: dict[str, str]


class Pins(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a holder wrote down: officials by id, the least agreement, the site of the passkeys."""

    domain: str
    origins: tuple[str, ...]
    officials: dict[str, Official]
    officials_min: int
    delay_s: int
    """How long a change of these pins waits after this holder first saw it."""

    @property
    def digest(self) -> str:
        """Return what officials sign to change the pins to these."""
        body = journal.canonical(msgspec.to_builtins(self))
        return hashlib.sha256(PIN_TAG + body).hexdigest()


class Approved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One official's word: under which role, and the passkey's signature as evidence."""

    person: str
    role: str
    at: str
    evidence: str


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A movement as approved. Everything but the signatures follows from what is signed."""

    reference: str
    act: str
    vault: str
    stored: Stored
    why: str
    verdict: dict[str, object]
    maker: str
    approved: tuple[Approved, ...]

    @property
    def digest(self) -> str:
        """Return the digest over the movement, reckoned here."""
        return digest_for(self.act, self.vault, self.stored, self.why, self.verdict)


def bundle_of(tx: Tx, found: Movement) -> Bundle:
    """Return what the holders of a movement's keys are given."""
    counted = approvals.status(tx, found.proposal, found.moved_at).counted
    given = tuple(Approved(a.person, a.role, a.at.isoformat(), a.evidence) for a in counted)
    return Bundle(
        found.reference,
        found.act,
        found.vault,
        found.stored,
        found.why,
        found.said,
        found.maker,
        given,
    )


def write(bundle: Bundle) -> bytes:
    """Return a bundle as JSON."""
    return msgspec.json.format(msgspec.json.encode(bundle), indent=1)


def read(body: bytes) -> Bundle:
    """Read a bundle; raise `BundleRefused` naming what is wrong."""
    if len(body) > BUNDLE_BYTES_MAX:
        raise BundleRefused(f"a bundle of more than {BUNDLE_BYTES_MAX} bytes")
    try:
        return msgspec.json.decode(body, type=Bundle)
    except msgspec.MsgspecError as error:
        raise BundleRefused(f"not a bundle: {error}") from error


def pins_of(
    tx: Tx, party: Party, roles: dict[str, tuple[str, ...]], least: int, delay_s: int
) -> Pins:
    """Return the pins of today's officials, to be handed to holders at the ceremony."""
    found = {}
    for one in people.people(tx):
        if one.removed_at is None and one.id in roles:
            query = sa.select(PASSKEYS.c.id, PASSKEYS.c.public_key).where(
                PASSKEYS.c.person == one.id, PASSKEYS.c.removed_at.is_(None)
            )
            keys = {row.id: row.public_key for row in tx.execute(query)}
            found[one.id] = Official(one.name, roles[one.id], keys)
    return Pins(party.domain, party.origins, found, least, delay_s)


def check(bundle: Bundle, pins: Pins) -> tuple[str, ...]:
    """Return the officials who approved this very movement; raise `BundleRefused`.

    The bundle's word is taken for nothing: each signature is verified under a pinned key, over a
    digest that is reckoned here from the transactions themselves.
    """
    if bundle.maker in {one.person for one in bundle.approved}:
        raise BundleRefused("who proposed it is among those who approved it")
    counted = counting(bundle.digest, bundle.approved, pins)
    _enough(bundle, counted, pins)
    return tuple(sorted(counted))


def counting(digest: str, given: tuple[Approved, ...], pins: Pins) -> dict[str, str]:
    """Return who signed a digest, with the role; raise `BundleRefused` for a false signature."""
    party, found = Party(pins.domain, "", pins.origins), dict[str, str]()
    for one in given:
        known = pins.officials.get(one.person)
        if known is None or one.role not in known.roles:
            raise BundleRefused(f"{one.person} is no official who approves as {one.role}")
        try:
            named = msgspec.json.decode(one.evidence, type=dict[str, str]).get("passkey", "")
            key = known.passkeys.get(named)
            if key is None:
                raise BundleRefused(f"{known.name}: a passkey that is not pinned")
            passkeys.recheck(party, key, one.evidence, bytes.fromhex(digest))
        except (IdentityError, msgspec.MsgspecError) as error:
            raise BundleRefused(f"{known.name} did not sign this: {error}") from error
        found[one.person] = one.role
    return found


def _enough(bundle: Bundle, counted: dict[str, str], pins: Pins) -> None:
    """Compare with the pins' least, and with what the verdict itself demands of it."""
    if len(counted) < pins.officials_min:
        raise BundleRefused(f"{len(counted)} officials approved it; {pins.officials_min} must")
    if bundle.verdict.get("answer") != "permit":
        raise BundleRefused("the mandate does not permit it")
    roles = Counter(counted.values())
    if len(roles) < min(
        pins.officials_min, len({r for o in pins.officials.values() for r in o.roles})
    ):
        raise BundleRefused("the officials who approved it hold one role between them")


def plans_of(bundle: Bundle) -> dict[str, str]:
    """Return the digests of the two transactions, for comparison with what a device shows."""
    return {"pay": digest_of(bundle.stored.pay), "cancel": digest_of(bundle.stored.cancel)}


class Offer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """New pins, with the officials' signatures over their digest under the old ones."""

    pins: Pins
    approved: tuple[Approved, ...]


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A holder's own file: the pins that hold, and an offer with the moment it was first seen."""

    pins: Pins
    offer: Offer | None = None
    seen_at: dt.datetime | None = None


def offered(kept: Kept, offer: Offer, now: dt.datetime) -> Kept:
    """Write down an offer of new pins, from this moment on; raise `BundleRefused`.

    The same offer again keeps the moment at which it was first seen.
    """
    counted = counting(offer.pins.digest, offer.approved, kept.pins)
    if len(counted) < kept.pins.officials_min:
        raise BundleRefused(f"{len(counted)} officials agree to new pins, too few")
    if kept.offer is not None and kept.offer.pins == offer.pins:
        return kept
    return Kept(kept.pins, offer, now)


def changed(kept: Kept, now: dt.datetime) -> Kept:
    """Take over offered pins once the delay is over; raise `BundleRefused` before."""
    if kept.offer is None or kept.seen_at is None:
        raise BundleRefused("no new pins are offered")
    due = kept.seen_at + dt.timedelta(seconds=kept.pins.delay_s)
    if now < due:
        raise BundleRefused(f"new pins hold from {due}, not before")
    return Kept(kept.offer.pins)
