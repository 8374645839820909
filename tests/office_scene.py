"""A reserve at work for tests: officials, key holders, a vault on the embedded chain, an office."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from reserve_scene import Chain, devices, vault_of
from tallystick.core.clock import SeededClock
from tallystick.core.effects import Worker
from tallystick.core.identity import grants, people
from tallystick.core.store import Store
from tallystick.reserve import approve, charter, lots, move, queries, vaults, watch
from tallystick.reserve.lots import Lot
from tallystick.reserve.mandate import INWARD
from tallystick.reserve.model import Ledger, Origin
from tallystick.reserve.office import Office, Policy
from tallystick.reserve.propose import Pay, Wanted, propose
from tallystick.reserve.queries import Movement
from tallystick.reserve.signer.device import Device
from tallystick.reserve.vault import Kind, Vault

THEIRS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
OTHERS = "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry"
START = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)
OFFICIALS = {
    "maker": ("reserve.proposer",),
    "treasurer": ("reserve.treasurer",),
    "auditor": ("reserve.auditor",),
    "board": ("reserve.board",),
    "holder": ("reserve.keyholder",),
}
DAY_S = 86_400
GIFT = Origin("gift", giver="A. Giver")
FORFEIT = Origin("forfeiture", case="26-0118", agency="Police", final_on=dt.date(2026, 10, 2))


class Scene:
    """One store, one chain, signers in this process, and everybody who has a say."""

    def __init__(
        self,
        folder: Path,
        store: Store,
        chain: Chain,
        signers: list[Device],
        kind: Kind = Kind.SORTEDMULTI,
        mandate: str = "DEMO",
        start: dt.datetime = START,
        older: int = 0,
        policy: Policy | None = None,
    ) -> None:
        self.store, self.chain, self.signers = store, chain, signers
        self.clock = SeededClock(11, start)
        self.office = Office(store, self.clock, chain.chain, folder / "office", policy or Policy())
        self.people: dict[str, str] = {}
        self._people()
        later = signers[5:7] if older else []
        more = {"recovery_quorum": 2, "older_blocks": older} if older else {}
        self.vault = self.add(vault_of(kind, signers[:5], 3, later, **more))
        with store.transact() as tx:
            since = dt.date(2026, 1, 1)
            charter.establish(tx, self.clock, mandate, since, "A. Officer", "resolution 1")
        self.worker = Worker(store, move.handlers(self.office), self.clock)

    def _people(self) -> None:
        with self.store.transact() as tx:
            for name in OFFICIALS:
                people.invite(tx, name, people.Role.OFFICIAL, self.clock.now(), self.clock)
            self.people = {one.name: one.id for one in people.people(tx)}
            for name, roles in OFFICIALS.items():
                for role in roles:
                    grants.grant(tx, self.clock, self.people[name], role)

    def add(self, vault: Vault, ledger: Ledger = Ledger.RESERVE) -> Vault:
        with self.store.transact() as tx:
            vaults.register(tx, vault, self.clock)
            lots.assign(tx, self.clock, vault.id, ledger)
        for one in self.signers:
            if any(key.fingerprint == one.account.fingerprint for key in vault.keys):
                one.register(vault.name, vault.descriptor)
        return vault

    def address(self, vault: Vault | None = None) -> str:
        """Return a fresh deposit address that two implementations have derived alone."""
        return self.addresses(1, vault)[0]

    def addresses(self, count: int, vault: Vault | None = None) -> list[str]:
        vault = vault or self.vault
        with self.store.transact() as tx:
            first = vaults.derive(tx, vault.id, count, self.clock)[0].number
        holders = [s for s in self.signers if vault.name in s.content["vaults"]][:2]
        for one in holders:
            said = one.addresses(vault.name, first, count)
            words = {int(n): text for n, text in said["addresses"].items()}
            vaults.confirm(
                self.store, vault.id, said["signer"], said["implementation"], words, self.clock
            )
        with self.store.transact() as tx:
            given = [vaults.issue(tx, vault.id, "deposit", self.clock) for _ in range(count)]
        return [one.address for one in given]

    def deposit(
        self, sats: int, origin: Origin | None = GIFT, vault: Vault | None = None
    ) -> tuple[str, int]:
        """Send coins in, mine them, and take them in under an origin; return the coin."""
        from tallystick.bitcoin.transaction import script_of

        address = self.address(vault)
        self.chain.node.fund(script_of(address, "regtest"), sats)
        self.chain.mine()
        seen = watch.look(self.office)
        assert len(seen.deposits) == 1, seen
        txid, _, vout = seen.deposits[0].partition(":")
        if origin is not None:
            self.take_in((txid, int(vout)), origin)
        return txid, int(vout)

    def many(self, count: int, sats: int, origin: Origin = GIFT) -> list[str]:
        """Send in many coins by one transaction, each to an address of its own; return them."""
        from tallystick.bitcoin.embedded.miner import spend_freely
        from tallystick.bitcoin.transaction import script_of

        to = [script_of(one, "regtest") for one in self.addresses(count)]
        node = self.chain.node
        while not (found := node._gather(count * sats + 100_000)):
            node.mine(count=10)
        coins, total, fee = found
        outputs = [(sats, script) for script in to]
        rest = total - count * sats - 4 * fee - 50 * count
        node.submit(spend_freely(coins, [*outputs, (rest, b"\x51")]))
        self.chain.mine()
        seen = watch.look(self.office).deposits
        for name in seen:
            txid, _, vout = name.partition(":")
            self.take_in((txid, int(vout)), origin)
        return list(seen)

    def take_in(self, coin: tuple[str, int], origin: Origin) -> Lot:
        from tallystick.core import approvals

        with self.store.transact() as tx:
            made = lots.register(tx, self.clock, coin, origin, self.people["maker"])
            assert made is not None, "the mandate refuses it"
            approvals.approve(
                tx, self.clock, made.id, self.people["auditor"], "reserve.auditor", made.digest
            )
            return lots.accept(tx, self.clock, coin, self.people["auditor"])

    def propose(self, act: str, sats: int = 0, **more: object) -> Movement:
        pays = (Pay(THEIRS, sats),) if sats else ()
        given = {"vault": self.vault.id, "why": "a test", "pays": pays, **more}
        wanted = Wanted(act, **given)  # type: ignore[arg-type]
        return propose(self.office, wanted, self.people["maker"])

    def agree(self, movement: Movement, *names: str) -> None:
        for name in names or ("treasurer", "auditor"):
            with self.store.transact() as tx:
                by, role = self.people[name], f"reserve.{name}"
                approve.approve(
                    tx, self.clock, movement.id, by, role, movement.digest, "a signature"
                )

    def authorise(self, movement: Movement, days: float = -1) -> Movement:
        """Let the notice pass (or so many days), and spend the approval."""
        notice = 2 if movement.act in INWARD else 15
        self.clock.advance((notice if days < 0 else days) * DAY_S)
        with self.store.transact() as tx:
            return approve.authorise(tx, self.clock, movement.id, self.people["maker"])

    def now(self, movement: Movement) -> Movement:
        with self.store.read() as tx:
            return queries.movement(tx, movement.id)

    def sign(self, movement: Movement, holders: int = 3) -> Movement:
        """Have key holders sign both transactions; combine and store them."""
        movement = self.now(movement)
        signing = [
            one
            for one in self.signers
            if any(key.fingerprint == one.account.fingerprint for key in self._keys(movement))
        ]
        for which in move.WHICH:
            plan = move.plan_of(movement, which)
            for one in signing[:holders]:
                psbt = one.sign(plan.psbt, one.show(plan.psbt)["digest"])
                move.receive(self.office, movement.id, which, psbt)
        return move.finish(self.office, movement.id)

    def _keys(self, movement: Movement):
        with self.store.read() as tx:
            return vaults.vault(tx, movement.vault).with_role("quorum")

    def run(self, times: int = 3) -> None:
        for _ in range(times):
            self.clock.advance(3)
            self.worker.step()

    def through(self, movement: Movement, *names: str) -> Movement:
        """Take a lawful movement all the way to its block."""
        self.agree(movement, *names)
        self.authorise(movement)
        self.sign(movement)
        self.run()
        self.chain.mine()
        self.run()
        watch.look(self.office)
        return self.now(movement)


def scene_devices(folder: Path) -> list[Device]:
    return devices(folder, 8)


def prove(scene: Scene, holders: int = 3, owed: object = None):
    """State, sign and publish a proof of reserve; return it."""
    from tallystick.reserve import attest

    found = attest.begin(scene.office, owed)  # type: ignore[arg-type]
    signed: dict[int, list[str]] = {}
    for number, part in enumerate(found.parts):
        able = [s for s in scene.signers if part.vault in s.content["vaults"]]
        psbt = part.request.psbt
        signed[number] = [s.sign(psbt, s.show(psbt)["digest"]) for s in able[:holders]]
    return attest.finish(scene.office, found.id, signed)


def published(scene: Scene, folder: Path) -> Path:
    """Publish log and reserve into a folder, and return it."""
    from tallystick.core.tlog import publish as log_publish
    from tallystick.reserve import publish as reserve_publish

    signer = log_publish.signer_of(scene.store, folder.parent / "log.key")
    size = log_publish.Publisher(scene.store, signer, folder, scene.clock).step().size
    reserve_publish.publish(scene.store, folder, size, papers=False)
    return folder
