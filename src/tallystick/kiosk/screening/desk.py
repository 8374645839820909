"""Screening where customers are identified: each document shown is screened, and a hit bars.

Who showed a document and was not screened against every list that the policy wants is barred too:
unknown is never permit. Who showed none has no name to screen. Names come back only from the vault,
which writes down who read them and why.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from tallystick.core.store import Store, Tx
from tallystick.core.vault import Vault
from tallystick.core.vault.errors import KeyGone, RecordUnknown
from tallystick.kiosk.customers import people
from tallystick.kiosk.customers.desk import Identified
from tallystick.kiosk.customers.errors import CustomerUnknown
from tallystick.kiosk.customers.licence import Licence
from tallystick.kiosk.customers.tables import CUSTOMERS
from tallystick.kiosk.screening import hits
from tallystick.kiosk.screening.entry import Born
from tallystick.kiosk.screening.errors import NameUnusable
from tallystick.kiosk.screening.index import SUBJECT_NAMES_MAX, Subject
from tallystick.kiosk.screening.screen import Screening

DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Screens:
    """The hook that `kiosk.customers` calls, in its own transaction."""

    screening: Screening

    def identified(self, tx: Tx, person: Identified) -> None:
        """Screen a person who showed a document; one without a usable name stays unscreened."""
        subject = Subject((f"{person.given} {person.family}",), (Born(person.born, person.born),))
        with contextlib.suppress(NameUnusable):
            self.screening.person(tx, person.customer, subject)

    def barred(self, tx: Tx, customer: str) -> bool:
        """Say whether nothing is sold: a hit holds them, or whoever was merged into them."""
        mine = _merged(tx, customer)
        if any(hits.standing(tx, one).holding for one in mine):
            return True
        documented = sa.select(CUSTOMERS.c.documented_at).where(CUSTOMERS.c.id == customer)
        shown = tx.execute(documented).scalar() is not None
        return shown and not any(hits.standing(tx, one).screened for one in mine)


def _merged(tx: Tx, customer: str) -> list[str]:
    c = CUSTOMERS.c
    query = sa.select(c.id).where(sa.or_(c.id == customer, c.merged_into == customer))
    return list(tx.execute(query.order_by(c.id)).scalars())


@dataclass(frozen=True, slots=True)
class Documented:
    """The customers who showed a document, with the names in the vault."""

    vault: Vault

    def persons(self, tx: Tx, after: str, limit: int) -> list[str]:
        """Return who showed a document, in order, after one."""
        c = CUSTOMERS.c
        query = sa.select(c.id).where(c.documented_at.is_not(None), c.id > after)
        query = query.where(c.merged_into.is_(None), c.erased_at.is_(None))
        return list(tx.execute(query.order_by(c.id).limit(limit)).scalars())

    def subject(self, store: Store, person: str, who: str, why: str) -> Subject | None:
        """Return the names and dates on a person's documents; None if none is kept any more."""
        with store.read() as tx:
            try:
                subjects = people.subjects(tx, people.find(tx, person)["id"])
            except CustomerUnknown:
                return None
            records = [r.id for s in subjects for r in self.vault.held(tx, s) if r.kind == DOCUMENT]
        shown = [self._read(store, record, who, why) for record in records[-SUBJECT_NAMES_MAX:]]
        cards = [card for card in shown if card is not None]
        if not cards:
            return None
        names = dict.fromkeys(f"{card.given} {card.family}" for card in cards)
        born = dict.fromkeys(Born(card.born, card.born) for card in cards)
        return Subject(tuple(names), tuple(born))

    def _read(self, store: Store, record: str, who: str, why: str) -> Licence | None:
        try:
            opened = self.vault.read(store, record, who, why)
        except (RecordUnknown, KeyGone):
            return None
        return msgspec.json.decode(opened.content, type=Licence)
