"""Attacks on a reserve: a server in false hands, conspirators, altered records and bytes."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from office_scene import DAY_S, FORFEIT, Scene
from tallystick.cli import main
from tallystick.cli.sample_passkey import SamplePasskey
from tallystick.core.approvals.tables import GIVEN, PROPOSALS
from tallystick.core.identity import grants, people
from tallystick.core.identity.passkeys import Party
from tallystick.reserve import approve, audit, bundle, lots, move, queries, vaults
from tallystick.reserve.bundle import Approved, Bundle, Kept, Offer, Pins
from tallystick.reserve.errors import BundleRefused, PlanDiffers, Unsigned
from tallystick.reserve.key_errors import BadVault
from tallystick.reserve.tables import COINS, EVENTS, LOTS, MOVEMENTS, PARCELS
from tallystick.reserve.vault_tables import VAULTS

PARTY = Party("localhost", "Tallystick", ("http://localhost",))
NOW = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
ROLE = {"treasurer": "reserve.treasurer", "auditor": "reserve.auditor", "board": "reserve.board"}


class Court:
    """A movement approved by two officials with real passkeys, and a holder's pins."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.keys = scene, dict[str, SamplePasskey]()
        scene.deposit(3_000_000, FORFEIT)
        with scene.store.transact() as tx:
            for name in ROLE:
                self.keys[name] = SamplePasskey(PARTY, scene.clock)
                self.keys[name].register(tx, people.present(tx, scene.people[name]))
            roles = {scene.people[name]: (role,) for name, role in ROLE.items()}
            self.pins = bundle.pins_of(tx, PARTY, roles, 2, 7 * DAY_S)
            lot = lots.lots(tx)[0].id
        self.made = scene.propose("release", 1_000_000, orders=((lot, "court order 7"),))

    def sign(self, name: str, digest: str) -> Approved:
        scene = self.scene
        with scene.store.transact() as tx:
            person = people.present(tx, scene.people[name])
            evidence = self.keys[name].sign(tx, person, digest)
        return Approved(person.id, ROLE[name], NOW.isoformat(), evidence)

    def agree(self, *names: str) -> None:
        for name in names:
            given = self.sign(name, self.made.digest)
            with self.scene.store.transact() as tx:
                approve.approve(
                    tx, self.scene.clock, self.made.id, given.person, given.role,
                    self.made.digest, given.evidence,
                )  # fmt: skip

    def bundle(self) -> Bundle:
        with self.scene.store.read() as tx:
            return bundle.bundle_of(tx, queries.movement(tx, self.made.id))


@pytest.fixture
def court(scene: Scene) -> Court:
    return Court(scene)


def test_a_holder_accepts_what_two_officials_signed(court: Court) -> None:
    court.agree("treasurer", "auditor")
    found = bundle.read(bundle.write(court.bundle()))
    assert len(bundle.check(found, court.pins)) == 2


def test_pins_are_written_and_a_bundle_checked_by_command(court: Court, tmp_path: Path) -> None:
    """What an operator gives each holder, and what a holder runs before any key signs."""
    pins, given = tmp_path / "pins.json", tmp_path / "bundle.json"
    place = ("--data", str(tmp_path), "--database", str(court.scene.store.engine.url))

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, ["reserve", *words])

    asked = ("pins", *place, "--origin", PARTY.origins[0], "--out", str(pins))
    scene, maker = court.scene, court.scene.people["maker"]
    with scene.store.transact() as tx:
        grants.grant(tx, scene.clock, maker, "reserve.board")
    none = run(*asked)
    assert none.exit_code == 1 and "without a passkey: maker" in none.output and not pins.exists()
    with scene.store.transact() as tx:
        grants.end(tx, scene.clock, maker, "reserve.board")
    written = run(*asked)
    known = msgspec.json.decode(pins.read_bytes(), type=Pins)
    assert written.exit_code == 0 and known.digest in written.output
    assert known.officials == court.pins.officials
    court.agree("treasurer")
    given.write_bytes(bundle.write(court.bundle()))
    few = run("sign", "approvals", str(pins), str(given))
    assert few.exit_code == 1 and "1 officials approved it" in few.output
    court.agree("auditor")
    given.write_bytes(bundle.write(court.bundle()))
    enough = run("sign", "approvals", str(pins), str(given))
    assert enough.exit_code == 0 and court.made.digest in enough.output


def forge_row(court: Court) -> Bundle:
    """A server in false hands writes a second approval that nobody gave."""
    court.agree("treasurer")
    given = court.bundle().approved[0]
    scene = court.scene
    row = {
        "proposal": court.made.proposal,
        "person": scene.people["auditor"],
        "role": ROLE["auditor"],
        "at": scene.clock.now(),
        "entry": 1_000,
        "evidence": given.evidence,
    }
    with scene.store.transact() as tx:
        tx.execute(GIVEN.insert().values(row))
    forged = Approved(scene.people["auditor"], ROLE["auditor"], given.at, given.evidence)
    return msgspec.structs.replace(court.bundle(), approved=(given, forged))


def count_twice(court: Court) -> Bundle:
    court.agree("treasurer")
    given = court.bundle().approved[0]
    return msgspec.structs.replace(court.bundle(), approved=(given, given))


def other_payee(court: Court) -> Bundle:
    """What officials signed, with another address in it."""
    court.agree("treasurer", "auditor")
    found = court.bundle()
    pay = found.stored.pay
    away = dataclasses.replace(pay.outputs[0], script="0014" + "ab" * 20)
    changed = dataclasses.replace(pay, outputs=(away, *pay.outputs[1:]))
    stored = msgspec.structs.replace(found.stored, pay=changed)
    return msgspec.structs.replace(found, stored=stored)


def other_reason(court: Court) -> Bundle:
    court.agree("treasurer", "auditor")
    return msgspec.structs.replace(court.bundle(), why="another reason")


def own_role(court: Court) -> Bundle:
    """One official under two roles, which the pins do not give."""
    court.agree("treasurer")
    given = court.bundle().approved[0]
    more = msgspec.structs.replace(given, role=ROLE["auditor"])
    return msgspec.structs.replace(court.bundle(), approved=(given, more))


def unknown_person(court: Court) -> Bundle:
    court.agree("treasurer")
    given = court.bundle().approved[0]
    stranger = msgspec.structs.replace(given, person="somebody new")
    return msgspec.structs.replace(court.bundle(), approved=(given, stranger))


def verdict_turned(court: Court) -> Bundle:
    """A refusal shown as signed: the digest covers the verdict too."""
    court.agree("treasurer", "auditor")
    found = court.bundle()
    return msgspec.structs.replace(found, verdict={**found.verdict, "answer": "refuse"})


@pytest.mark.parametrize(
    "attack",
    [
        forge_row, count_twice, other_payee, other_reason, own_role, unknown_person, verdict_turned,
    ],
    ids=lambda attack: attack.__name__,
)  # fmt: skip
def test_c09_a_fully_owned_server_and_one_official_show_no_holder_enough(
    court: Court, attack: Callable[[Court], Bundle]
) -> None:
    """Whatever the server writes or shows, an honest holder's own check refuses to sign."""
    with pytest.raises(BundleRefused):
        bundle.check(attack(court), court.pins)


def test_c09_one_official_and_all_but_one_of_a_quorum_move_nothing(court: Court) -> None:
    """The database is theirs: approvals forged, state set. Two of three keys are not enough."""
    court.agree("treasurer")
    scene = court.scene
    with scene.store.transact() as tx:
        tx.execute(MOVEMENTS.update().values(state="approved"))
        tx.execute(PROPOSALS.update().values(stage="used"))
    with pytest.raises(Unsigned):
        scene.sign(court.made, holders=2)
    assert not scene.office.chain.status(court.made.stored.pay.txid).known


def test_c09_pins_change_by_the_officials_word_and_no_sooner_than_the_delay(
    court: Court,
) -> None:
    weak = msgspec.structs.replace(court.pins, officials_min=1)
    kept = Kept(court.pins)
    alone = Offer(weak, (court.sign("treasurer", weak.digest),))
    with pytest.raises(BundleRefused, match="too few"):
        bundle.offered(kept, alone, NOW)
    both = Offer(weak, (*alone.approved, court.sign("auditor", weak.digest)))
    waiting = bundle.offered(kept, both, NOW)
    with pytest.raises(BundleRefused, match="not before"):
        bundle.changed(waiting, NOW + dt.timedelta(days=6.9))
    again = bundle.offered(waiting, both, NOW + dt.timedelta(days=6))
    assert again.seen_at == NOW, "offering it again does not begin the delay anew, nor shorten it"
    assert bundle.changed(again, NOW + dt.timedelta(days=7)).pins == weak
    with pytest.raises(BundleRefused):
        bundle.changed(Kept(court.pins), NOW)


def test_a_passkey_that_is_not_pinned_counts_for_nothing(court: Court) -> None:
    court.agree("treasurer", "auditor")
    officials = copy.deepcopy(court.pins.officials)
    auditor = officials[court.scene.people["auditor"]]
    officials[court.scene.people["auditor"]] = msgspec.structs.replace(auditor, passkeys={})
    pins: Pins = msgspec.structs.replace(court.pins, officials=officials)
    with pytest.raises(BundleRefused, match="not pinned"):
        bundle.check(court.bundle(), pins)


@pytest.mark.parametrize("when", ["before authorising", "before signing"])
def test_a_changed_descriptor_is_found_before_anything_is_combined(court: Court, when: str) -> None:
    """Whoever swaps the vault's descriptor on record gets no movement authorised or signed.

    The template is swapped with it, for a descriptor that is not that of its keys is refused alone.
    """
    from tallystick.bitcoin.descriptor import with_checksum

    court.agree("treasurer", "auditor")
    scene, signer, plan = court.scene, court.scene.signers[0], court.made.stored.pay
    if when == "before signing":
        scene.authorise(court.made)
    body = scene.vault.descriptor.partition("#")[0].replace("sortedmulti(3,", "sortedmulti(1,")
    with scene.store.transact() as tx:
        tx.execute(VAULTS.update().values(descriptor=with_checksum(body)))
    with scene.store.read() as tx, pytest.raises(BadVault, match="not that of its keys"):
        vaults.vault(tx, scene.vault.id)
    weaker = scene.vault.template.replace("sortedmulti(3,", "sortedmulti(1,")
    with scene.store.transact() as tx:
        tx.execute(VAULTS.update().values(template=weaker))
    with pytest.raises(PlanDiffers, match="another descriptor"):
        if when == "before authorising":
            scene.authorise(court.made)
        psbt = signer.sign(plan.psbt, signer.show(plan.psbt)["digest"])
        move.receive(scene.office, court.made.id, "pay", psbt)


def test_a_part_whose_bytes_were_altered_is_refused_and_named(court: Court) -> None:
    from tallystick.bitcoin import psbt as psbts

    court.agree("treasurer", "auditor")
    scene = court.scene
    scene.authorise(court.made)
    plan, signer = court.made.stored.pay, scene.signers[0]
    signed = signer.sign(plan.psbt, signer.show(plan.psbt)["digest"])
    maps = psbts.read(signed)
    raw = bytearray(maps.globals[b"\0"])
    at = bytes(raw).index(plan.outputs[0].sats.to_bytes(8, "little"))
    raw[at : at + 8] = (plan.outputs[0].sats + 1).to_bytes(8, "little")
    altered = psbts.Maps(maps.tx, {**maps.globals, b"\0": bytes(raw)}, maps.inputs, maps.outputs)
    with pytest.raises(PlanDiffers, match="amount differs"):
        move.receive(scene.office, court.made.id, "pay", altered.text())


# The audit


class Undone(Exception):
    """Ends a transaction so that nothing of it stays."""


def altered(scene: Scene, change: Any) -> list[audit.Check]:
    """Audit a database with one thing altered in it, and put it back."""
    found: list[audit.Check] = []
    with contextlib.suppress(Undone), scene.store.transact() as tx:
        if change is not None:
            tx.execute(change)
        found = audit.audit(tx, scene.office.chain)
        raise Undone
    return found


def test_the_audit_follows_every_lot_again_and_finds_what_was_altered(scene: Scene) -> None:
    scene.deposit(600_000, FORFEIT)
    scene.deposit(400_000)
    scene.through(scene.propose("refresh"))
    clean = altered(scene, None)
    assert len(clean) == 6 and all(line.ok for line in clean), clean
    for change, name in (
        (COINS.update().values(sats=COINS.c.sats + 1), "each coin is one output"),
        (PARCELS.update().values(lot=""), "each parcel follows"),
        (LOTS.update().values(deposited="2006-01-01"), "each label is the one"),
        (EVENTS.update().values(kind="x", content="{}"), "each label is the one"),
        (EVENTS.update().values(salt="00" * 16), "each step is in the log"),
    ):
        last = altered(scene, change)[-1]
        assert not last.ok and last.name.startswith(name), last
    assert all(line.ok for line in altered(scene, None))
