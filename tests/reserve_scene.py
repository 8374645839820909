"""A vault with its signers and an embedded chain, for the tests of the reserve's keys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tallystick.bitcoin.chain import open_chain
from tallystick.bitcoin.embedded.node import Node
from tallystick.bitcoin.embedded.server import serve
from tallystick.core.clock import SeededClock, SystemClock
from tallystick.reserve import vaults
from tallystick.reserve.plan import Own, Plan, PlanOutput, VaultCoin, draft, own_place
from tallystick.reserve.signer.device import Device, make
from tallystick.reserve.vault import Kind, Vault, VaultKey
from tallystick.reserve.vault import make as make_vault
from tallystick.reserve.wallet import VaultWallet

THEIRS = "0014751e76e8199196d454941c45d1b3a323f1433bd6"
IMPLEMENTATIONS = ("bdk", "embit")
MAKERS = ("Coldcard", "Ledger", "Jade", "BitBox", "Trezor")


def dice(seed: int) -> str:
    return "".join(str(byte % 6 + 1) for byte in SeededClock(seed).random_bytes(99))


def devices(folder: Path, count: int, seed: int = 1) -> list[Device]:
    return [
        make(
            folder / f"signer{n}",
            "regtest",
            IMPLEMENTATIONS[n % 2],
            dice(seed * 100 + n),
            SeededClock(seed * 100 + n),
        )
        for n in range(count)
    ]


def key_of(device: Device, role: str = "quorum", at: int = 0, **more: str) -> VaultKey:
    said = device.describe()
    given = {
        "maker": MAKERS[at % len(MAKERS)],
        "model": "test",
        "firmware": "9.9.9",
        "custodian": f"holder {at}",
        "place": f"site {at}",
    }
    return VaultKey(
        said["fingerprint"], said["origin"], said["xpub"], role=role, **{**given, **more}
    )


def vault_of(
    kind: Kind, signers: Sequence[Device], quorum: int, later: Sequence[Device] = (), **more: int
) -> Vault:
    keys = [key_of(one, at=at) for at, one in enumerate(signers)]
    keys += [key_of(one, "recovery", at=at + 2) for at, one in enumerate(later)]
    return make_vault(f"v-{kind}", f"{kind} vault", "regtest", kind, quorum, keys, **more)


class Chain:
    """The embedded chain in this process, served on loopback."""

    def __init__(self, folder: Path) -> None:
        self.node = Node(folder, SystemClock())
        self.server = serve(self.node)
        self.url = f"embedded:http://127.0.0.1:{self.server.server_address[1]}"
        self.chain = open_chain(self.url)

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.node.close()

    def fund(self, vault: Vault, number: int, sats: int) -> str:
        return self.node.fund(vaults.script_at(vault, 0, number), sats)

    def mine(self, count: int = 1) -> None:
        self.node.mine(count=count)

    def wallet(self, path: Path, vault: Vault) -> VaultWallet:
        wallet = VaultWallet(path / f"{vault.id}.sqlite", vault)
        wallet.reveal(20, 20)
        self.chain.full_scan(wallet)
        return wallet


def plan_of(
    wallet: VaultWallet,
    coins: Sequence[VaultCoin],
    sats: int = 100_000,
    rest: int | tuple[str, Own] = 0,
    **more: object,
) -> Plan:
    from dataclasses import replace

    back = own_place(wallet.vault, 1, rest) if isinstance(rest, int) else rest
    pays = [PlanOutput(THEIRS, sats)] if sats else []
    given = {"sat_per_kvb": 2_000, "fee_sats_max": 20_000, **more}
    plan = draft(wallet.vault, coins, pays, back, **given)  # type: ignore[arg-type]
    return replace(plan, psbt=wallet.psbt(plan))


def signed_by(device: Device, plan: Plan) -> str:
    return device.sign(plan.psbt, device.show(plan.psbt)["digest"])
