"""Every kind of vault is spent by its quorum, and by recovery once the lock is over."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reserve_scene import Chain, devices, plan_of, signed_by, vault_of
from tallystick.bitcoin.errors import ChainRejects
from tallystick.reserve.key_errors import NotEnoughSignatures
from tallystick.reserve.signing import check_plan, check_signed, combine, finalise
from tallystick.reserve.vault import Kind, Vault
from tallystick.reserve.vault import Path as Way

LOCK = 5


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    made = Chain(tmp_path_factory.mktemp("chain"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> list:
    return devices(tmp_path_factory.mktemp("signers"), 7)


def build(kind: Kind, signers: list) -> Vault:
    if kind is Kind.DECAYING:
        return vault_of(kind, signers[:3], 3, recovery_quorum=2, older_blocks=LOCK)
    if kind in (Kind.RECOVERY, Kind.TAPROOT_RECOVERY):
        later = signers[5:7]
        return vault_of(kind, signers[:5], 3, later, recovery_quorum=2, older_blocks=LOCK)
    return vault_of(kind, signers[:5], 3)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_vault_is_spent_by_its_quorum_and_later_by_recovery(
    kind: Kind, chain: Chain, signers: list, tmp_path: Path
) -> None:
    vault = build(kind, signers)
    for number in (0, 1):
        chain.fund(vault, number, 5_000_000)
    chain.mine()
    wallet = chain.wallet(tmp_path, vault)
    holders = signers[: len(vault.with_role("quorum"))]
    for one in holders:
        one.register(vault.name, vault.descriptor)
    coins = wallet.coins()
    plan = plan_of(wallet, coins[:1])
    assert check_plan(vault, plan) == []
    signed = [signed_by(one, plan) for one in holders[-vault.quorum :]]
    with pytest.raises(NotEnoughSignatures):
        finalise(plan, combine(plan, signed[1:]), wallet)
    chain.node.submit(finalise(plan, combine(plan, signed), wallet))
    if vault.older_blocks:
        recover(chain, wallet, signers, coins[1:])


def recover(chain: Chain, wallet, signers: list, coins: list) -> None:
    vault = wallet.vault
    later = signers[5:7] if vault.with_role("recovery") else signers[:2]
    for one in later:
        one.register(vault.name, vault.descriptor)
    plan = plan_of(wallet, coins, path=Way.RECOVERY)
    signed = [signed_by(one, plan) for one in later]
    assert check_signed(plan, signed[0]) == []
    raw = finalise(plan, combine(plan, signed), wallet)
    with pytest.raises(ChainRejects, match="non-BIP68-final"):
        chain.node.submit(raw)
    chain.mine(LOCK)
    chain.node.submit(raw)
