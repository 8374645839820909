"""A reserve's whole life on one machine, from its vault to its proof: what the demo plays.

A chain, seven key holders and the office are processes of their own. What is refused is refused by
the mandate, what is signed is signed by keys that this process never sees, and at the end the
published folder is verified by the command that anyone would use. Each step says whether it held.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from tallystick.cli.cell import post
from tallystick.cli.holder import HolderProcess
from tallystick.cli.parts import Parts
from tallystick.cli.sample_passkey import SamplePasskey, enrol
from tallystick.cli.serve import database_of
from tallystick.core import approvals
from tallystick.core.clock import AheadClock
from tallystick.core.effects import Worker
from tallystick.core.identity import grants
from tallystick.core.identity.passkeys import Party
from tallystick.core.identity.people import Person
from tallystick.core.store import Store
from tallystick.core.tlog import publish as log_publish
from tallystick.reserve import (
    approve,
    attest,
    bundle,
    charter,
    lots,
    move,
    propose,
    publish,
    queries,
    vaults,
    watch,
)
from tallystick.reserve import vault as vault_form
from tallystick.reserve.model import Ledger, Origin, State
from tallystick.reserve.office import Office
from tallystick.reserve.propose import Pay, Wanted
from tallystick.reserve.vault import Kind, Vault, VaultKey

QUORUM: Final = 3
KEYS: Final = 5
RECOVERY: Final = 2
RECOVERY_BLOCKS: Final = 52_560
"""A year of blocks: then two recovery keys alone could spend, so coins are refreshed before."""
DICE: Final = 99
MAKERS: Final = ("Maker A", "Maker B", "Maker C", "Maker D", "Maker E")
PLACES: Final = ("Capital", "North", "South", "East", "West", "Court", "Archive")
STRANGER: Final = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
DAY_S: Final = 86_400
BEHIND_S: Final = 15 * DAY_S + 600
"""The scene begins so long ago, so that its notices have passed when it ends: nobody waits."""
OFFICIALS: Final = {
    "Proposer": "reserve.proposer",
    "Treasurer": "reserve.treasurer",
    "Auditor": "reserve.auditor",
    "Board member": "reserve.board",
}
ORIGINS: Final = (
    (
        400_000_000,
        Origin("forfeiture", case="26-0118", agency="State Police", final_on=dt.date(2026, 1, 9)),
    ),
    (150_000_000, Origin("gift", giver="Sample Foundation")),
    (
        250_000_000,
        Origin(
            "purchase",
            source="unclaimed property",
            seller="Sample Exchange",
            cost_minor=17_500_000,
            currency="USD",
        ),
    ),
)
STEPS: Final = 9
LOOKS_MAX: Final = 120
LOOK_EVERY_S: Final = 0.25


@dataclass
class Told:
    """What happened, step by step, and whether each held."""

    say: Callable[[str], None]
    steps: list[dict[str, Any]] = field(default_factory=list)

    def step(self, name: str, held: bool, **more: Any) -> None:
        """Note one step."""
        self.steps.append({"step": name, "held": held, **more})
        words = "; ".join(f"{key} {value}" for key, value in more.items() if value != "")
        mark = "ok  " if held else "FAIL"
        self.say(f"  {mark} {len(self.steps)}/{STEPS} {name}{': ' if words else ''}{words}")

    @property
    def all_held(self) -> bool:
        """Say whether every step was reached and held."""
        return len(self.steps) == STEPS and all(step["held"] for step in self.steps)


class ReserveDemo:
    """One reserve in a folder. ``chain_url`` as everywhere; ``mine`` mines a block on it."""

    def __init__(
        self,
        folder: Path,
        chain_url: str,
        fund: Callable[[str, int], None],
        mine: Callable[[], None],
        clock: AheadClock,
        told: Told,
        reader_url: str = "",
        papers: bool = True,
    ) -> None:
        from tallystick.bitcoin.chain import open_chain

        self.folder, self.url, self.fund, self.mine = folder, chain_url, fund, mine
        self.clock, self.told, self.reader_url = clock, told, reader_url or chain_url
        self.papers = papers
        self.store = Store.open(database_of(folder, ""))
        self.store.migrate()
        self.office = Office(self.store, clock, open_chain(chain_url), folder / "office")
        self.worker = Worker(self.store, move.handlers(self.office), clock)
        self.party = Party("localhost", "Tallystick", ("http://localhost",))
        self.officials: dict[str, tuple[Person, SamplePasskey]] = {}
        self.holders: list[HolderProcess] = []

    def run(self) -> None:
        """Go through the whole scene."""
        with ExitStack() as stack:
            stack.callback(self.store.close)
            self._people(stack)
            self.vault = self._vault()
            self._deposits()
            self._unlawful()
            self._lawful()
            self._refresh()
            self._proof()

    # People and keys

    def _people(self, stack: ExitStack) -> None:
        with self.store.transact() as tx:
            since = self.clock.now().date()
            charter.establish(tx, self.clock, "DEMO", since, "Sample officer", "sample resolution")
            for name, role in OFFICIALS.items():
                person, key = enrol(tx, self.party, self.clock, name)
                grants.grant(tx, self.clock, person.id, role, why="the demonstration")
                self.officials[name] = (person, key)
            roles: dict[str, tuple[str, ...]] = {
                self.officials[name][0].id: (role,) for name, role in OFFICIALS.items()
            }
            pins = bundle.pins_of(tx, self.party, roles, 2, 7 * DAY_S)
        for number in range(KEYS + RECOVERY):
            name = f"holder-{number + 1}"
            holder = HolderProcess(name, self.folder / "holders" / name)
            stack.callback(holder.end)
            self.holders.append(holder)
        for holder in self.holders:
            holder.ask("pin", pins=msgspec.to_builtins(pins)) if not self._pinned(holder) else None
        self.told.step(
            "mandate and people",
            True,
            mandate="DEMO",
            officials=len(self.officials),
            holders=len(self.holders),
        )

    def _pinned(self, holder: HolderProcess) -> bool:
        path = self.folder / "holders" / holder.name
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return (path / "pins.json").exists()

    def _dice(self) -> str:
        """Roll sample dice from the machine's chance; a ceremony has people roll real ones."""
        rolls = ""
        while len(rolls) < DICE:
            byte = self.clock.random_bytes(1)[0]
            rolls += str(byte % 6 + 1) if byte < 252 else ""
        return rolls

    def _vault(self) -> Vault:
        keys = []
        for number, holder in enumerate(self.holders):
            way = "bdk" if number % 2 == 0 else "embit"
            said = holder.ask("make", implementation=way, dice=self._dice())
            keys.append(
                VaultKey(
                    said["fingerprint"],
                    said["origin"],
                    said["xpub"],
                    MAKERS[number % len(MAKERS)],
                    said["model"],
                    said["firmware"],
                    f"Holder {number + 1}",
                    PLACES[number],
                    "quorum" if number < KEYS else "recovery",
                )
            )
        made = vault_form.make(
            "main", "Main vault", "regtest", Kind.RECOVERY, QUORUM, keys, RECOVERY, RECOVERY_BLOCKS
        )
        with self.store.transact() as tx:
            vaults.register(tx, made, self.clock)
            lots.assign(tx, self.clock, made.id, Ledger.RESERVE)
        for holder in self.holders:
            holder.ask("register", name=made.name, descriptor=made.descriptor)
        self.told.step(
            "vault",
            True,
            kind=made.template.partition("(")[0],
            quorum=f"{QUORUM} of {KEYS}",
            recovery=f"{RECOVERY} keys after {RECOVERY_BLOCKS:,} blocks",
        )
        return made

    # Coins in

    def _address(self) -> str:
        """Return an address that two holders of different implementation have derived alone."""
        with self.store.transact() as tx:
            number = vaults.derive(tx, self.vault.id, 1, self.clock)[0].number
        for holder in self.holders[:2]:
            said = holder.ask("addresses", name=self.vault.name, first=number, count=1)
            words = {int(at): text for at, text in said["addresses"].items()}
            given = (said["signer"], said["implementation"], words, self.clock)
            vaults.confirm(self.store, self.vault.id, *given)
        with self.store.transact() as tx:
            return vaults.issue(tx, self.vault.id, "deposit", self.clock).address

    def _deposits(self) -> None:
        for sats, origin in ORIGINS:
            self.fund(self._address(), sats)
            for name in self._until(lambda: watch.look(self.office).deposits):
                txid, _, vout = name.partition(":")
                self._take_in((txid, int(vout)), origin)
        with self.store.read() as tx:
            held, known = lots.held(tx), lots.lots(tx)
        right = sorted(held.values()) == sorted(sats for sats, _ in ORIGINS)
        kinds = ", ".join(one.origin.kind for one in known)
        self.told.step("deposits", right and "" not in held, lots=len(known), origins=kinds)

    def _take_in(self, coin: tuple[str, int], origin: Origin) -> None:
        with self.store.transact() as tx:
            made = lots.register(tx, self.clock, coin, origin, self._id("Proposer"))
            if made is not None:
                self._sign(tx, made.id, "Auditor", made.digest)
                lots.accept(tx, self.clock, coin, self._id("Auditor"))

    def _id(self, name: str) -> str:
        return self.officials[name][0].id

    def _sign(self, tx: Any, proposal: str, name: str, digest: str) -> None:
        person, key = self.officials[name]
        evidence = key.sign(tx, person, digest)
        role = OFFICIALS[name]
        approvals.approve(tx, self.clock, proposal, person.id, role, digest, evidence)

    # Movements

    def _unlawful(self) -> None:
        pays = (Pay(STRANGER, 50_000_000),)
        refused = []
        for act in ("sale", "encumber"):
            wanted = Wanted(act, self.vault.id, pays=pays, why="to raise money this year")
            refused.append(propose.propose(self.office, wanted, self._id("Proposer")))
        because = [item["id"] for one in refused for item in one.said["because"]]
        held = {one.state for one in refused} == {State.REFUSED} and "DEMO/hold" in because
        said = refused[0].said["because"][0]
        self.told.step(
            "unlawful proposals refused",
            held,
            provision=said["id"],
            says=said["say"],
            cite=said["cite"],
        )

    def _lawful(self) -> None:
        with self.store.read() as tx:
            lot = next(one for one in lots.lots(tx) if one.origin.kind == "forfeiture")
        wanted = Wanted(
            "release",
            self.vault.id,
            pays=(Pay(STRANGER, 50_000_000),),
            orders=((lot.id, "Sample Court, order 7 of 2026"),),
            why="returned to the victim named in the order",
        )
        made = propose.propose(self.office, wanted, self._id("Proposer"))
        done = self._through(made.id, 14)
        arrived = done.state is State.SETTLED and self._mined(done.stored.pay.txid)
        with self.store.read() as tx:
            left = lots.held(tx).get(lot.id, 0)
        right = left == lot.sats - 50_000_000 - done.fee_sats
        self.told.step(
            "lawful movement",
            arrived and right,
            reference=done.reference,
            state=done.state.value,
            txid=done.stored.pay.txid,
            approvals="Treasurer, Auditor; keys 1, 2, 3",
        )

    def _mined(self, txid: str) -> bool:
        return self.office.chain.status(txid).confirmed_height is not None

    def _refresh(self) -> None:
        with self.store.read() as tx:
            days = {one.id: one.deposited for one in lots.lots(tx)}
        wanted = Wanted("refresh", self.vault.id, why="before recovery keys could act")
        made = propose.propose(self.office, wanted, self._id("Proposer"))
        done = self._through(made.id, 1)
        with self.store.read() as tx:
            same = {one.id: one.deposited for one in lots.lots(tx)} == days
            sold = queries.sold(tx, charter.charter(tx).day(self.clock.now()))
        held = done.state is State.SETTLED and same and not sold
        self.told.step("refresh", held, reference=done.reference, budget_spent=0)

    def _through(self, id: str, notice_days: int) -> queries.Movement:
        """Have officials sign its digest, let the notice pass, have holders sign, and mine it."""
        for name in ("Treasurer", "Auditor"):
            person, key = self.officials[name]
            with self.store.transact() as tx:
                found = queries.movement(tx, id)
                evidence = key.sign(tx, person, found.digest)
                given = (person.id, OFFICIALS[name], found.digest, evidence)
                approve.approve(tx, self.clock, id, *given)
        self.clock.advance(notice_days * DAY_S + 60)
        with self.store.transact() as tx:
            approve.ensure(approve.authorise(tx, self.clock, id, self._id("Proposer")))
            text = bundle.write(bundle.bundle_of(tx, queries.movement(tx, id))).decode()
        for which in move.WHICH:
            for holder in self.holders[:QUORUM]:
                part = holder.ask("sign", bundle=text, which=which)["psbt"]
                move.receive(self.office, id, which, part)
        move.finish(self.office, id)
        self._until(lambda: self._now(id, State.SENT))
        self.mine()
        self._until(lambda: self._now(id, State.SETTLED))
        watch.look(self.office)
        with self.store.read() as tx:
            return queries.movement(tx, id)

    def _now(self, id: str, state: State) -> bool:
        """Act on what is due, and say whether a movement has come to a state."""
        self.clock.advance(2)
        self.worker.step()
        watch.look(self.office)
        with self.store.read() as tx:
            return queries.movement(tx, id).state is state

    def _until(self, look: Callable[[], Any]) -> Any:
        """Return what a look finds, as soon as it finds anything; a node's filters take a while."""
        for _ in range(LOOKS_MAX):
            found = look()
            if found:
                return found
            self.clock.sleep(LOOK_EVERY_S)
        return found

    # Proof

    def _proof(self) -> None:
        found = attest.begin(self.office)
        signed = {
            number: [
                holder.ask("attest", psbt=part.request.psbt)["psbt"]
                for holder in self.holders[:QUORUM]
            ]
            for number, part in enumerate(found.parts)
        }
        done = attest.finish(self.office, found.id, signed)
        total = done.statement["totals"]["reserve"]
        self.told.step(
            "proof of reserve",
            done.state == "published",
            height=done.height,
            sats=total,
            block=done.statement["block"],
        )
        log = self.folder / "log"
        signer = log_publish.signer_of(self.store, self.folder / "log.key")
        size = log_publish.Publisher(self.store, signer, log, self.clock).step().size
        files = publish.publish(self.store, log, size, self.papers)
        shown = (log / "checkpoint").exists()
        self.told.step("published", shown, entries=size, files_of_the_reserve=files)
        self._verified(log, str(signer.key))

    def _verified(self, log: Path, key: str) -> None:
        """Run the command that anyone would: it knows the folder, the log's key and a chain."""
        command = [sys.executable, "-m", "tallystick.cli", "verify", str(log), "--json"]
        command += ["--key", key, "--chain", self.reader_url]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        nothing = {"proved": [], "caught": [run.stderr]}
        report: dict[str, Any] = json.loads(run.stdout) if run.stdout else nothing
        self.report = report
        proved = [line["said"] for line in report["proved"] if line["name"] == "reserve"]
        self.told.step("tallystick verify", run.returncode == 0 and bool(proved), says=proved[-1:])


def on_embedded(parts: Parts, folder: Path, clock: AheadClock, told: Told) -> ReserveDemo:
    """Return the demo on the embedded chain, a process of its own."""
    url = parts.wait(
        parts.begin("chain", "tallystick.bitcoin.embedded", "--data", str(folder / "chain"))
    )

    def fund(address: str, sats: int) -> None:
        post(url, "regtest/fund", {"address": address, "sats": sats})

    def mine() -> None:
        post(url, "regtest/mine", {"blocks": 1})

    return ReserveDemo(folder, f"embedded:{url}", fund, mine, clock, told)


def play_once(folder: Path, scratch: Path, say: Callable[[str], None]) -> tuple[Told, ReserveDemo]:
    """Go through the whole scene once on an embedded chain; end every process."""
    from tallystick.core.clock import SystemClock

    parts = Parts(scratch, SystemClock())
    told = Told(say)
    try:
        demo = on_embedded(parts, folder, AheadClock(-BEHIND_S), told)
        demo.run()
        return told, demo
    finally:
        parts.end()


def report_of(told: Told, demo: ReserveDemo, kept: bool) -> dict[str, Any]:
    """Return what happened as plain values; the published folder's name only if it is kept."""
    return {
        "all_held": told.all_held,
        "steps": told.steps,
        "folder": str(demo.folder / "log") if kept else None,
        "verified": demo.report,
    }


def where_it_is(demo: ReserveDemo, kept: bool) -> str:
    """Say where the published folder is, or how to keep it the next time."""
    if not kept:
        return (
            "Nothing of it was kept: with --data FOLDER the published folder stays to be checked."
        )
    return f"Check it yourself: tallystick verify {demo.folder / 'log'}"


def invite(folder: Path, console: str) -> str:
    """Return a one-time link for one more official, who may propose, approve and veto."""
    from tallystick.core.clock import SystemClock
    from tallystick.core.identity import people

    clock, store = SystemClock(), Store.open(database_of(folder, ""))
    with store.transact() as tx:
        token = people.invite(tx, "Demo treasurer", people.Role.OFFICIAL, clock.now(), clock)
        person = people.invited(tx, token, clock.now())
        grants.grant(tx, clock, person.id, "reserve.treasurer", why="the demonstration")
    store.close()
    return f"{console}/invite/{token}"
