"""A rehearsal: a vault of the same shape with throwaway keys, recovered on a regtest chain.

It shows on this machine, in seconds, that the quorum can spend, that fewer cannot, that recovery
cannot before its lock is over and can afterwards. No key of the real vault takes part.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path as File
from typing import Final

from tallystick.bitcoin.embedded.node import Node
from tallystick.bitcoin.embedded.server import serve
from tallystick.bitcoin.errors import ChainRejects
from tallystick.bitcoin.esplora import EsploraChain
from tallystick.core.clock import Clock
from tallystick.reserve import vaults
from tallystick.reserve.key_errors import KeysError, NotEnoughSignatures
from tallystick.reserve.plan import Plan, draft, own_place
from tallystick.reserve.signer.device import WAYS, Device, make
from tallystick.reserve.signing import combine, finalise
from tallystick.reserve.vault import OWN_RECOVERY_KEYS, Kind, Path, Vault, VaultKey
from tallystick.reserve.vault import make as make_vault
from tallystick.reserve.wallet import VaultWallet

LOCK_BLOCKS_MAX: Final = 144
"""A longer lock is rehearsed with this one: blocks are mined for it."""
COIN_SATS: Final = 10_000_000
FEE_SATS_MAX: Final = 200_000
RATE: Final = 2_000
DICE: Final = 120

Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One thing that was rehearsed, and whether it went as it must."""

    what: str
    ok: bool
    detail: str = ""


class Drill:
    """One rehearsal in a folder of its own."""

    def __init__(self, folder: File, vault: Vault, clock: Clock, say: Say) -> None:
        self.clock, self.say, self.steps = clock, say, list[Step]()
        self.devices = [self._device(folder / f"key{n}", n) for n in range(len(vault.keys))]
        self.vault = self._like(vault)
        for device in self.devices:
            device.register(self.vault.name, self.vault.descriptor)
        self.node = Node(folder / "chain", clock)
        self.server = serve(self.node)
        for number in (0, 1):
            self.node.fund(vaults.script_at(self.vault, 0, number), COIN_SATS)
        self.node.mine()
        self.wallet = VaultWallet(folder / "wallet.sqlite", self.vault)
        url = f"http://127.0.0.1:{self.server.server_address[1]}"
        EsploraChain(url).full_scan(self.wallet)

    def _device(self, folder: File, number: int) -> Device:
        rolls = "".join(str(byte % 6 + 1) for byte in self.clock.random_bytes(DICE))
        return make(folder, "regtest", sorted(WAYS)[number % len(WAYS)], rolls, self.clock)

    def _like(self, vault: Vault) -> Vault:
        keys = [
            VaultKey(one["fingerprint"], one["origin"], one["xpub"], role=key.role)
            for one, key in zip((d.describe() for d in self.devices), vault.keys, strict=True)
        ]
        lock = min(vault.older_blocks, LOCK_BLOCKS_MAX)
        return make_vault(
            "drill", "drill", "regtest", vault.kind, vault.quorum, keys, vault.recovery_quorum, lock
        )

    def close(self) -> None:
        """End the chain."""
        self.server.shutdown()
        self.server.server_close()
        self.node.close()

    def note(self, what: str, ok: bool, detail: str = "") -> None:
        """Write down one step."""
        self.steps.append(Step(what, ok, detail))
        self.say(f"{'ok  ' if ok else 'FAIL'} {what}{f': {detail}' if detail else ''}")

    def plan(self, number: int, path: Path) -> Plan:
        """Plan to sweep one coin back to the vault."""
        coin = next(coin for coin in self.wallet.coins() if coin.number == number)
        back = own_place(self.vault, 1, number)
        made = draft(self.vault, [coin], (), back, RATE, FEE_SATS_MAX, path)
        return dataclasses.replace(made, psbt=self.wallet.psbt(made))

    def holders(self, path: Path) -> list[Device]:
        """Return the devices that a path takes."""
        main = len(self.vault.with_role("quorum"))
        if path is Path.RECOVERY and self.vault.with_role("recovery"):
            return self.devices[main:]
        return self.devices[:main]

    def signed(self, plan: Plan, devices: Sequence[Device]) -> bytes:
        """Have devices sign and return the final transaction."""
        given = [one.sign(plan.psbt, one.show(plan.psbt)["digest"]) for one in devices]
        return finalise(plan, combine(plan, given), self.wallet)

    def quorum(self) -> None:
        """Rehearse the way out by quorum, with the last keys and with one too few."""
        plan, holders = self.plan(0, Path.QUORUM), self.holders(Path.QUORUM)
        needed = self.vault.quorum
        if needed > 1:
            try:
                self.signed(plan, holders[: needed - 1])
                self.note(f"{needed - 1} keys cannot spend", False)
            except NotEnoughSignatures as error:
                self.note(f"{needed - 1} keys cannot spend", True, str(error))
        try:
            self.node.submit(self.signed(plan, holders[-needed:]))
            self.note(f"{needed} keys spend at any time", True, plan.txid)
        except (KeysError, ChainRejects) as error:
            self.note(f"{needed} keys spend at any time", False, str(error))

    def recovery(self) -> None:
        """Rehearse the way out by recovery: refused before the lock is over, taken afterwards."""
        plan, lock = self.plan(1, Path.RECOVERY), self.vault.older_blocks
        needed = self.vault.recovery_quorum
        raw = self.signed(plan, self.holders(Path.RECOVERY)[:needed])
        try:
            self.node.submit(raw)
            self.note("recovery waits for its lock", False, "it was taken at once")
            return
        except ChainRejects as error:
            self.note("recovery waits for its lock", True, str(error))
        self.node.mine(count=lock)
        try:
            self.node.submit(raw)
            self.node.mine()
            self.note(f"{needed} recovery keys spend after {lock} blocks", True, plan.txid)
        except ChainRejects as error:
            self.note(f"{needed} recovery keys spend after {lock} blocks", False, str(error))


def run(folder: File, vault: Vault, clock: Clock, say: Say = lambda text: None) -> list[Step]:
    """Rehearse a vault's ways out in a folder that must be empty; return every step."""
    drill = Drill(folder, vault, clock, say)
    try:
        drill.quorum()
        if vault.older_blocks:
            drill.recovery()
    finally:
        drill.close()
    return drill.steps


def shape_of(
    kind: Kind,
    quorum: int,
    keys: int,
    recovery_quorum: int,
    recovery_keys: int,
    older_blocks: int,
) -> Vault:
    """Return a vault of a shape, with those of the numbers that its kind has a use for."""
    if kind in OWN_RECOVERY_KEYS:
        return shape(kind, quorum, keys, recovery_quorum, recovery_keys, older_blocks)
    if kind is Kind.DECAYING:
        return shape(kind, quorum, keys, quorum - 1, 0, older_blocks)
    return shape(kind, quorum, keys, 0, 0, 0)


def shape(
    kind: Kind, quorum: int, keys: int, recovery: int, recovery_keys: int, older: int
) -> Vault:
    """Return a vault of a shape with stand-in keys, to be rehearsed before there is a ceremony."""
    from tallystick.reserve.signer.bdk_way import BdkWay

    way = BdkWay()
    cards = []
    for number in range(keys + recovery_keys):
        account = way.account(way.words(bytes([number + 1]) * 32), "regtest")
        role = "quorum" if number < keys else "recovery"
        cards.append(VaultKey(account.fingerprint, "/48h/1h/0h/2h", account.xpub, role=role))
    return make_vault("shape", "shape", "regtest", kind, quorum, cards, recovery, older)
