"""What identifying a customer needs beside its transaction: vault, texts, policy, screening."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Protocol

from tallystick.core.store import Tx
from tallystick.core.vault import Vault
from tallystick.kiosk.customers.policy import Policy
from tallystick.kiosk.customers.texts import Texts


@dataclass(frozen=True, slots=True)
class Identified:
    """A person whose document was just read: what a list of names is searched for.

    ``country``: of the document, ISO 3166 alpha-3. Not to be kept outside of the vault.
    """

    customer: str
    family: str
    given: str
    born: dt.date
    country: str


class Screening(Protocol):
    """The hook for screening; each call is a part of the caller's transaction."""

    def identified(self, tx: Tx, person: Identified) -> None:
        """Screen a person who showed a document, each time they do; write down what is found."""

    def barred(self, tx: Tx, customer: str) -> bool:
        """Say whether a hit on this customer is pending or confirmed: then nothing is sold."""


class Clear:
    """In place of screening where none is installed: it finds nothing."""

    def identified(self, tx: Tx, person: Identified) -> None:
        """Find nothing."""

    def barred(self, tx: Tx, customer: str) -> bool:
        """Bar nobody."""
        return False


@dataclass(frozen=True, slots=True)
class CustomerDesk:
    """Vault, texts, policy and screening of one server."""

    vault: Vault
    texts: Texts | None
    policy: Policy = field(default_factory=Policy)
    screening: Screening = field(default_factory=Clear)
