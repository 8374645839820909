"""An official's own code, and the other one that freezes: for somebody who is made to approve.

Both are answered alike. Whoever stands behind the official sees an approval that seems to be given;
the reserve is frozen in the same moment. Codes are kept as scrypt hashes (RFC 7914), and a few
wrong ones rest the official's codes for a while.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import sqlalchemy as sa

from tallystick.core.clock import Clock
from tallystick.core.identity import people
from tallystick.core.store import Tx, insert_once
from tallystick.reserve import charter, record
from tallystick.reserve.errors import CodeRefused, ReserveError
from tallystick.reserve.tables import CODES, CODES_GIVEN

CODE_CHARS_MIN: Final = 6
CODE_CHARS_MAX: Final = 40
COST: Final = {"n": 2**14, "r": 8, "p": 1, "maxmem": 64 * 2**20}


def put(tx: Tx, clock: Clock, person: str, code: str, duress: str) -> None:
    """Set an official's two codes; raise `CodeRefused` for codes too short or too much alike."""
    for one in (code, duress):
        if not CODE_CHARS_MIN <= len(one) <= CODE_CHARS_MAX or not one.isprintable():
            raise CodeRefused(f"a code has {CODE_CHARS_MIN} to {CODE_CHARS_MAX} characters")
    if code == duress:
        raise CodeRefused("the two codes must differ")
    people.present(tx, person)
    salt = clock.random_bytes(16)
    row = {
        "salt": salt.hex(),
        "code": _hash(code, salt),
        "duress": _hash(duress, salt),
    }
    if not insert_once(tx, CODES, {"person": person, **row}):
        tx.execute(sa.update(CODES).where(CODES.c.person == person).values(row))
    record.event(tx, clock, f"person:{person}", "codes_set", {"by": person})


def has(tx: Tx, person: str) -> bool:
    """Say whether an official has codes; one who has must give one with each approval."""
    query = sa.select(CODES.c.person).where(CODES.c.person == person)
    return tx.execute(query).first() is not None


def enter(tx: Tx, clock: Clock, person: str, given: str, about: str = "") -> bool:
    """Take a code; return whether the official acts freely. The other code freezes the reserve.

    ``about``: the movement or proposal it is given for; which of the two codes it was is then kept,
    as a keyed digest, and so outlives a restart. Raises `CodeRefused` for a wrong one, and
    `TooManyAttempts` after several; commit even then.
    """
    now = clock.now()
    people.check_not_resting(tx, person, now)
    row = tx.execute(sa.select(CODES).where(CODES.c.person == person)).one_or_none()
    found = _hash(given[:CODE_CHARS_MAX], bytes.fromhex(row.salt)) if row else ""
    free = row is not None and hmac.compare_digest(found, row.code)
    forced = row is not None and hmac.compare_digest(found, row.duress)
    if not (free or forced):
        people.note_failure(tx, person, now)
        raise CodeRefused
    people.forget_failures(tx, person)
    if about:
        _mark(tx, person, about, found)
    if forced:
        charter.freeze_under_duress(tx, clock, person)
    return free


def given(tx: Tx, person: str, about: str) -> bool | None:
    """Say which code an official gave for something: True for their own; None for none yet.

    A mark under codes that were changed since is none.
    """
    row = tx.execute(sa.select(CODES).where(CODES.c.person == person)).one_or_none()
    g = CODES_GIVEN.c
    query = sa.select(g.mark).where(g.person == person, g.about == about)
    mark = tx.execute(query).scalar_one_or_none()
    if row is None or mark is None:
        return None
    for free, key in ((True, row.code), (False, row.duress)):
        if hmac.compare_digest(mark, _digest(key, person, about)):
            return free
    return None


def require(tx: Tx, person: str, about: str) -> bool:
    """Return whether an official acts freely; raise `ReserveError` before their code is given."""
    if not has(tx, person):
        return True
    free = given(tx, person, about)
    if free is None:
        raise ReserveError("give your code first")
    return free


def hides(tx: Tx, person: str) -> bool:
    """Say whether this official's own code began a freeze: their screens show what the public sees.

    Neither the freeze before everybody is told, nor ever its reason.
    """
    held = charter.charter(tx)
    return held.frozen and (held.frozen_by, held.frozen_why) == (person, charter.DURESS)


def _mark(tx: Tx, person: str, about: str, key: str) -> None:
    g = CODES_GIVEN.c
    mine = {"person": person, "about": about, "mark": _digest(key, person, about)}
    if not insert_once(tx, CODES_GIVEN, mine):
        here = sa.update(CODES_GIVEN).where(g.person == person, g.about == about)
        tx.execute(here.values(mark=mine["mark"]))


def _digest(key: str, person: str, about: str) -> str:
    return hmac.new(bytes.fromhex(key), f"{person}\n{about}".encode(), "sha256").hexdigest()


def _hash(code: str, salt: bytes) -> str:
    return hashlib.scrypt(code.encode(), salt=salt, dklen=32, **COST).hex()
