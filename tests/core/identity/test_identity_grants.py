"""Roles of programmes, and signing the digest of what is approved."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from soft_authenticator import DOMAIN, ORIGIN, PRESENT, SoftAuthenticator

import databases
from tallystick.core import journal
from tallystick.core.clock import SeededClock
from tallystick.core.identity import errors, grants, passkeys, people
from tallystick.core.identity.people import Person, Role
from tallystick.core.identity.tables import PASSKEYS, PEOPLE
from tallystick.core.store import Store

PARTY = passkeys.Party(DOMAIN, "Tallystick", (ORIGIN,))
DIGEST = hashlib.sha256(b"what is approved").digest()
ROLE = "hubs.caseworker"


class Desk:
    """Steps as a console takes them: what was written is committed, refused or not."""

    def __init__(self, store: Store, clock: SeededClock) -> None:
        self.store, self.clock = store, clock

    def do(self, step: object) -> object:
        with self.store.transact() as tx:
            try:
                return step(tx)
            except errors.IdentityError as error:
                refusal = error
        raise refusal

    def person(self, name: str, role: Role = Role.OFFICIAL) -> Person:
        now = self.clock.now()
        token = self.do(lambda tx: people.invite(tx, name, role, now, self.clock))
        return self.do(lambda tx: people.spend_invite(tx, str(token), now))

    def register(self, device: SoftAuthenticator, person: Person) -> None:
        now = self.clock.now()
        asked = self.do(lambda tx: passkeys.begin_registration(tx, PARTY, person, now, self.clock))
        answer = device.create(asked.options)
        self.do(
            lambda tx: passkeys.finish_registration(
                tx,
                PARTY,
                person,
                asked.handle,
                answer,
                "Key",
                now,
            )
        )

    def ask(self, person: Person, digest: bytes = DIGEST) -> passkeys.Question:
        now = self.clock.now()
        return self.do(
            lambda tx: passkeys.begin_assertion(tx, PARTY, person, digest, now, self.clock)
        )

    def sign(
        self, person: Person, asked: passkeys.Question, answer: bytes, digest: bytes = DIGEST
    ) -> str:
        now = self.clock.now()
        return self.do(
            lambda tx: passkeys.verify_assertion(
                tx, PARTY, person, asked.handle, answer, digest, now
            )
        )

    def held(self, person: Person) -> frozenset[str]:
        with self.store.read() as tx:
            return grants.held(tx, person.id)


@pytest.fixture
def desk(tmp_path: Path, clock: SeededClock) -> Iterator[Desk]:
    store = databases.opened(f"sqlite:///{tmp_path}/store.sqlite")
    yield Desk(store, clock)
    store.close()


def test_a_role_is_granted_held_and_ended_and_all_is_journalled(
    store: Store, clock: SeededClock
) -> None:
    desk = Desk(store, clock)
    ada = desk.person("Ada")
    assert desk.held(ada) == {"official"}
    for _ in range(2):
        desk.do(lambda tx: grants.grant(tx, desk.clock, ada.id, ROLE, by="chief", why="sworn in"))
    assert desk.held(ada) == {"official", ROLE}
    desk.do(lambda tx: grants.check(tx, ada.id, ["hubs.monitor", ROLE]))
    desk.do(lambda tx: grants.end(tx, desk.clock, ada.id, ROLE, by="chief"))
    assert desk.held(ada) == {"official"}
    with pytest.raises(errors.NotAllowed, match=r"hubs\.caseworker"):
        desk.do(lambda tx: grants.check(tx, ada.id, [ROLE]))
    with pytest.raises(errors.GrantRefused):
        desk.do(lambda tx: grants.end(tx, desk.clock, ada.id, ROLE))
    with desk.store.read() as tx:
        assert journal.verify(tx) == 2
        told = grants.grants(tx)
    assert [(one.role, one.made_by, one.ended_by) for one in told] == [(ROLE, "chief", "chief")]


def test_who_was_removed_holds_nothing(desk: Desk) -> None:
    ada, grace = desk.person("Ada"), desk.person("Grace")
    for one in (ada, grace):
        desk.do(lambda tx, one=one: grants.grant(tx, desk.clock, one.id, ROLE))
    desk.do(lambda tx: people.remove(tx, ada.id, desk.clock.now(), "left"))
    assert desk.held(ada) == frozenset()
    with desk.store.read() as tx:
        assert grants.holders(tx, ROLE) == [grace.id]
    with pytest.raises(errors.UnknownPerson):
        desk.do(lambda tx: grants.grant(tx, desk.clock, ada.id, "hubs.monitor"))


@pytest.mark.parametrize(
    "role", ["", "admin", "operator", "Reserve.Approver", "a.b.c", "a.", ".b", "a.b\n", "a." * 40]
)
def test_a_console_role_is_never_granted_as_a_programmes(desk: Desk, role: str) -> None:
    ada = desk.person("Ada")
    with pytest.raises(errors.GrantRefused):
        desk.do(lambda tx: grants.grant(tx, desk.clock, ada.id, role))


def test_an_official_signs_the_digest_of_what_is_approved(desk: Desk) -> None:
    ada, device = desk.person("Ada"), SoftAuthenticator()
    desk.register(device, ada)
    asked = desk.ask(ada)
    evidence = desk.sign(ada, asked, device.get(asked.options))
    with desk.store.read() as tx:
        key = tx.execute(sa.select(PASSKEYS.c.public_key)).scalar_one()
    passkeys.recheck(PARTY, key, evidence, DIGEST)
    other = hashlib.sha256(b"something else").digest()
    for wrong in ((key, evidence, other), (key, evidence[:-9], DIGEST), (key, "{}", DIGEST)):
        with pytest.raises(errors.AssertionUnsound):
            passkeys.recheck(PARTY, *wrong)
    desk.register(second := SoftAuthenticator(2), ada)
    assert second.count
    with desk.store.read() as tx:
        keys = tx.execute(sa.select(PASSKEYS.c.public_key)).scalars()
        strange = next(found for found in keys if found != key)
    with pytest.raises(errors.AssertionUnsound):
        passkeys.recheck(PARTY, strange, evidence, DIGEST)
    with pytest.raises(errors.ChallengeRefused):
        desk.sign(ada, asked, device.get(asked.options))


def test_a_signature_over_another_digest_or_by_another(desk: Desk) -> None:
    ada, grace = desk.person("Ada"), desk.person("Grace")
    mine, hers = SoftAuthenticator(1), SoftAuthenticator(2)
    desk.register(mine, ada)
    desk.register(hers, grace)
    other = hashlib.sha256(b"something else").digest()
    with pytest.raises(errors.ChallengeRefused):
        asked = desk.ask(ada, other)
        desk.sign(ada, asked, mine.get(asked.options))
    with pytest.raises(errors.PasskeyRefused):
        elsewhere = desk.ask(ada, other)
        desk.sign(ada, desk.ask(ada), mine.get(elsewhere.options))
    with pytest.raises(errors.PasskeyRefused):
        asked = desk.ask(ada)
        desk.sign(ada, asked, hers.get(asked.options))
    with pytest.raises(errors.ChallengeRefused):
        asked = desk.ask(ada)
        desk.sign(grace, asked, hers.get(asked.options))
    with pytest.raises(errors.PasskeyRefused):
        mine.flags = PRESENT
        asked = desk.ask(ada)
        desk.sign(ada, asked, mine.get(asked.options))


def test_signing_needs_a_passkey_and_a_whole_digest(desk: Desk) -> None:
    ada = desk.person("Ada")
    with pytest.raises(errors.PasskeyRefused):
        desk.ask(ada)
    desk.register(SoftAuthenticator(), ada)
    for digest in (b"", DIGEST[:31], DIGEST + b"x"):
        with pytest.raises(errors.PasskeyRefused):
            desk.ask(ada, digest)


def test_an_approvals_question_signs_nobody_in(desk: Desk) -> None:
    ada, device = desk.person("Ada"), SoftAuthenticator()
    desk.register(device, ada)
    asked = desk.ask(ada)
    with pytest.raises(errors.ChallengeRefused):
        desk.do(
            lambda tx: passkeys.finish_sign_in(
                tx,
                PARTY,
                asked.handle,
                device.get(asked.options),
                desk.clock.now(),
                desk.clock,
            )
        )


def test_refused_signatures_count_against_their_owner(desk: Desk) -> None:
    ada, device = desk.person("Ada"), SoftAuthenticator()
    desk.register(device, ada)
    device.flags = PRESENT
    for _ in range(people.FAILURES_MAX):
        asked = desk.ask(ada)
        with pytest.raises(errors.PasskeyRefused):
            desk.sign(ada, asked, device.get(asked.options))
    with desk.store.read() as tx:
        assert tx.execute(sa.select(PEOPLE.c.failures)).scalar_one() == people.FAILURES_MAX
    device.flags = SoftAuthenticator().flags
    asked = desk.ask(ada)
    with pytest.raises(errors.TooManyAttempts):
        desk.sign(ada, asked, device.get(asked.options))
