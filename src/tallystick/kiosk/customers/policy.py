"""What the operator asks of a customer beyond the law: from which sum of a day, in minor units.

A figure of 0 asks before any cash; None never asks. The law's own figures stand beside these, and
the stricter of both counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from tallystick.kiosk.customers.errors import PolicyUnreadable

ITEMS: Final = ("phone", "document", "copy", "email", "photo", "source")


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator asks of customers, beyond the law."""

    phone_from_minor: int | None = None
    """A telephone number with a one-time code, once a day's cash passes this; 0: before any."""
    document_from_minor: int | None = None
    """A driver's licence or identity card held over the scanner, from this sum of a day on."""
    copy_from_minor: int | None = None
    """A picture of the document, laid under the machine's camera, from this sum of a day on."""
    email_from_minor: int | None = None
    """An e-mail address, typed or held over the scanner, from this sum of a day on."""
    photo_from_minor: int | None = None
    """A picture of the customer, for the operator's people alone, from this sum of a day on."""
    source_from_minor: int | None = None
    """Where the money comes from, from this sum of a day on."""
    age_least: int = 18
    """The least age, in years, of a customer who shows a document."""
    picture_days: int = 365
    """For so many days a picture of card or person is not asked for again of whoever shows the
    same document; 0: at each visit."""
    link_days: int = 1_826
    """For so long after an erasure the blind links stay, so that limits still hold."""


def read(asked: Iterable[str], policy: Policy | None = None) -> Policy:
    """Return the policy with each ``ITEM=FROM`` set, such as ``phone=0``; FROM in minor units.

    Raises `PolicyUnreadable`.
    """
    found = policy or Policy()
    for text in asked:
        item, _, sum_ = text.partition("=")
        if item not in ITEMS or not (sum_.isascii() and sum_.isdigit()) or len(sum_) > 12:
            raise PolicyUnreadable(f"{text[:60]!r}: one of {', '.join(ITEMS)}, =, and minor units")
        found = replace(found, **{f"{item}_from_minor": int(sum_)})
    return found
