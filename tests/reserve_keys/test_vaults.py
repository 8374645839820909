"""Addresses: none published that two signers have not derived, none given out twice."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

import databases
from reserve_scene import devices, key_of, vault_of
from tallystick.bitcoin.descriptor import is_whole
from tallystick.bitcoin.policy388 import policy_of
from tallystick.core import journal
from tallystick.core.clock import SeededClock
from tallystick.core.store import METADATA, Store
from tallystick.reserve import vaults
from tallystick.reserve.key_errors import AddressDiffers, BadVault, NoSuchVault, NotPublished
from tallystick.reserve.vault import KEYS_MAX, OLDER_BLOCKS_MAX, Kind, Vault, template_of
from tallystick.reserve.vault import make as make_vault


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> list:
    made = devices(tmp_path_factory.mktemp("v"), 4)
    for one in made[:3]:
        one.register("main", vault_of(Kind.SORTEDMULTI, made[:3], 2).descriptor)
    return made


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "store.sqlite"
    made = databases.opened(f"sqlite:///{path}")
    made.close()
    return path


@pytest.fixture
def store(request: pytest.FixtureRequest, empty: Path, tmp_path: Path) -> Iterator[Store]:
    """SQLite, migrated once; PostgreSQL for those who ask for it."""
    if getattr(request, "param", "") == "postgres":
        opened = databases.opened(str(request.getfixturevalue("postgres_url")))
    else:
        shutil.copy(empty, tmp_path / "store.sqlite")
        opened = Store.open(f"sqlite:///{tmp_path}/store.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def vault(signers: list, store: Store, clock: SeededClock) -> Vault:
    made = vault_of(Kind.SORTEDMULTI, signers[:3], 2)
    with store.transact() as tx:
        vaults.register(tx, made, clock)
    return made


def words_of(signer, first: int = 0, count: int = 3) -> tuple[str, str, dict[int, str]]:
    said = signer.addresses("main", first, count)
    return said["signer"], said["implementation"], {int(n): a for n, a in said["addresses"].items()}


def test_a_vault_is_read_back_as_it_was_registered(
    vault: Vault, store: Store, clock: SeededClock
) -> None:
    with store.read() as tx:
        assert vaults.vault(tx, vault.id) == vault == vaults.vault(tx, vault.name)
        assert vaults.vaults(tx) == [vault]
        assert [row["kind"] for row in vaults.events(tx, vault.id)] == ["vault_registered"]
        assert journal.verify(tx) == 1
    with store.transact() as tx, pytest.raises(BadVault, match="on record"):
        vaults.register(tx, vault, clock)
    with store.read() as tx, pytest.raises(NoSuchVault):
        vaults.vault(tx, "nothing")


def test_c07_no_address_before_two_signers_of_different_implementation_derive_it(
    vault: Vault, store: Store, signers: list, clock: SeededClock
) -> None:
    def issue() -> vaults.Issued:
        with store.transact() as tx:
            return vaults.issue(tx, vault.id, "deposit", clock)

    with store.transact() as tx:
        vaults.derive(tx, vault.id, 3, clock)
    with pytest.raises(NotPublished):
        issue()
    assert vaults.confirm(store, vault.id, *words_of(signers[0]), clock) == 0
    assert vaults.confirm(store, vault.id, *words_of(signers[2]), clock) == 0, "BDK twice is one"
    with pytest.raises(NotPublished):
        issue()
    assert vaults.confirm(store, vault.id, *words_of(signers[1]), clock) == 3
    assert vaults.confirm(store, vault.id, *words_of(signers[1]), clock) == 3, "said twice is once"
    given = [issue() for _ in range(3)]
    assert [one.address for one in given] == list(words_of(signers[0])[2].values())
    with pytest.raises(NotPublished):
        issue()
    with store.read() as tx:
        assert [one.address for one in vaults.watched(tx)] == [one.address for one in given]


def test_c07_one_signer_is_not_two_by_naming_two_implementations(
    vault: Vault, store: Store, signers: list, clock: SeededClock
) -> None:
    with store.transact() as tx:
        vaults.derive(tx, vault.id, 1, clock)
    signer, _, addresses = words_of(signers[0], 0, 1)
    for implementation in ("bdk", "embit"):
        assert vaults.confirm(store, vault.id, signer, implementation, addresses, clock) == 0
    with pytest.raises(BadVault, match="holds no key"):
        vaults.confirm(store, vault.id, signers[3].account.fingerprint, "x", addresses, clock)


def test_c07_an_address_tampered_with_on_the_server_is_caught_and_never_issued(
    vault: Vault, store: Store, signers: list, clock: SeededClock
) -> None:
    with store.transact() as tx:
        first, second = vaults.derive(tx, vault.id, 2, clock)
        theirs = vaults.address_at(vault_of(Kind.SORTEDMULTI, signers[1:4], 2), 0, 0)
        a = vaults.ADDRESSES.c
        tx.execute(
            sa.update(vaults.ADDRESSES).where(a.number == first.number).values(address=theirs)
        )
    with pytest.raises(AddressDiffers, match=r"address 0: .* derives"):
        vaults.confirm(store, vault.id, *words_of(signers[0], 0, 2), clock)
    with pytest.raises(AddressDiffers):
        vaults.confirm(store, vault.id, *words_of(signers[1], 0, 2), clock)
    with store.transact() as tx:
        assert vaults.issue(tx, vault.id, "deposit", clock).number == second.number
        states = [one.state for one in vaults.addresses(tx, vault.id)]
        assert states == ["refused", "issued"]
        kinds = [row["kind"] for row in vaults.events(tx, vault.id)]
        assert kinds.count("address_differs") == 2


def test_c07_an_address_changed_after_it_was_published_is_not_issued(
    vault: Vault, store: Store, signers: list, clock: SeededClock
) -> None:
    with store.transact() as tx:
        vaults.derive(tx, vault.id, 1, clock)
    for one in signers[:2]:
        vaults.confirm(store, vault.id, *words_of(one, 0, 1), clock)
    with store.transact() as tx:
        tx.execute(sa.update(vaults.ADDRESSES).values(address="bcrt1qthief"))
    with store.transact() as tx, pytest.raises(AddressDiffers, match="on record"):
        vaults.issue(tx, vault.id, "deposit", clock)


@pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)
def test_c07_two_at_once_are_never_given_one_address(
    vault: Vault, store: Store, signers: list, clock: SeededClock
) -> None:
    with store.transact() as tx:
        vaults.derive(tx, vault.id, 8, clock)
    for one in signers[:2]:
        vaults.confirm(store, vault.id, *words_of(one, 0, 8), clock)
    given: list[str] = []

    def take() -> None:
        for _ in range(2):
            with store.transact() as tx:
                issued = vaults.issue(tx, vault.id, "deposit", clock)
                change = vaults.issue_change(tx, vault.id, "change", clock)
            given.extend((issued.address, change.address))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(given)) == len(given) == 16
    with store.read() as tx:
        journal.verify(tx)
        assert list(vaults.highest(tx, vault.id)) == [7, 7]


def test_c13_a_retired_vault_gives_out_nothing_and_is_watched_for_ever(
    vault: Vault, store: Store, signers: list, clock: SeededClock
) -> None:
    with store.transact() as tx:
        vaults.derive(tx, vault.id, 2, clock)
    for one in signers[:2]:
        vaults.confirm(store, vault.id, *words_of(one, 0, 2), clock)
    with store.transact() as tx:
        given = vaults.issue(tx, vault.id, "deposit", clock)
        vaults.retire(tx, vault.id, "v-next", clock)
    with store.transact() as tx:
        with pytest.raises(NotPublished):
            vaults.issue(tx, vault.id, "deposit", clock)
        with pytest.raises(BadVault, match="retired"):
            vaults.derive(tx, vault.id, 1, clock)
        with pytest.raises(NoSuchVault):
            vaults.retire(tx, vault.id, "again", clock)
        assert [one.address for one in vaults.watched(tx)] == [given.address]
        assert vaults.vault(tx, vault.id).state == "retired"


def test_the_tables_are_those_that_the_code_reads(store: Store) -> None:
    with store.read() as tx:
        found = sa.inspect(tx)
        for table in METADATA.sorted_tables:
            if table.name.startswith("reserve_"):
                held = {column["name"] for column in found.get_columns(table.name)}
                assert held == set(table.c.keys()), table.name


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_is_a_policy_and_a_whole_descriptor(kind: Kind, signers: list) -> None:
    more, later = {}, []
    if kind is Kind.DECAYING:
        more = {"recovery_quorum": 1, "older_blocks": 10}
    elif kind in (Kind.RECOVERY, Kind.TAPROOT_RECOVERY):
        more, later = {"recovery_quorum": 1, "older_blocks": 10}, signers[3:]
    made = vault_of(kind, signers[:3], 2, later, **more)
    assert is_whole(made.descriptor)
    assert policy_of(made.descriptor).template == made.template


@pytest.mark.parametrize(
    ("numbers", "why"),
    [
        ((Kind.SORTEDMULTI, 0, 3, 0, 0, 0), "0 of 3"),
        ((Kind.SORTEDMULTI, 4, 3, 0, 0, 0), "4 of 3"),
        ((Kind.SORTEDMULTI, 2, KEYS_MAX + 1, 0, 0, 0), "keys: from 1"),
        ((Kind.SORTEDMULTI, 2, 3, 0, 0, 5), "no recovery path"),
        ((Kind.RECOVERY, 2, 3, 1, 1, OLDER_BLOCKS_MAX + 1), "a lock of"),
        ((Kind.RECOVERY, 2, 3, 2, 1, 5), "2 of 1 recovery keys"),
        ((Kind.DECAYING, 3, 3, 1, 0, 5), "m - 1"),
        ((Kind.TAPROOT_RECOVERY, 2, 3, 0, 0, 5), "0 of 0 recovery"),
    ],
)
def test_a_vault_that_cannot_be_is_not_made(numbers: tuple, why: str) -> None:
    with pytest.raises(BadVault, match=why):
        template_of(*numbers)


def test_limits_of_a_vault(signers: list, vault: Vault, store: Store, clock: SeededClock) -> None:
    keys = [key_of(one) for one in signers[:2]]
    with pytest.raises(BadVault, match="a name"):
        make_vault("x", "n" * 61, "regtest", Kind.SORTEDMULTI, 1, keys)
    with store.transact() as tx, pytest.raises(BadVault, match="at once"):
        vaults.derive(tx, vault.id, vaults.DERIVE_AT_ONCE_MAX + 1, clock)
    with pytest.raises(BadVault, match="is beyond"):
        vaults.address_at(vault, 0, 1_000_001)


def test_a_signer_keeps_its_key_to_itself(signers: list, tmp_path: Path) -> None:
    from reserve_scene import dice
    from tallystick.reserve.key_errors import CeremonyRefuses, SignerKeyUnusable
    from tallystick.reserve.signer.device import Device, make

    for bad, why in (
        (dice(1)[:98], "98 dice"),
        ("7" * 99, "from 1 to 6"),
        ("1" * 99, "too often"),
        ("123456" * 17, "repeat"),
        (dice(1) * 20, "1980 dice"),
    ):
        with pytest.raises(CeremonyRefuses, match=why):
            make(tmp_path / "s", "regtest", "bdk", bad, SeededClock(1))
    made = make(tmp_path / "s", "regtest", "bdk", dice(1), SeededClock(1))
    with pytest.raises(SignerKeyUnusable, match="already"):
        make(tmp_path / "s", "regtest", "bdk", dice(1), SeededClock(1))
    said = str(made.describe())
    assert not any(secret in said for secret in (*made.backup().values(), dice(1)))
    other = make(tmp_path / "t", "regtest", "bdk", dice(2), SeededClock(1))
    assert other.account != made.account, "the dice count"
    third = make(tmp_path / "u", "regtest", "bdk", dice(1), SeededClock(2))
    assert third.account != made.account, "the machine's chance counts"
    (tmp_path / "s/key.json").chmod(0o644)
    with pytest.raises(SignerKeyUnusable, match="others may read"):
        Device(tmp_path / "s")
    with pytest.raises(BadVault, match="not hold this signer's key"):
        other.register("main", signers[0].content["vaults"]["main"])


def test_a_changed_descriptor_on_the_server_is_caught(
    vault: Vault, store: Store, signers: list, clock: SeededClock
) -> None:
    """Whoever owns the database puts a key of their own into the vault."""
    theirs = vault_of(Kind.SORTEDMULTI, [*signers[:2], signers[3]], 2)
    with store.transact() as tx:
        tx.execute(sa.update(vaults.VAULTS).values(descriptor=theirs.descriptor))
    with store.read() as tx, pytest.raises(BadVault, match="not that of its keys"):
        vaults.vault(tx, vault.id)
    with store.transact() as tx:
        key, k = theirs.keys[2], vaults.KEYS
        swapped = {"fingerprint": key.fingerprint, "xpub": key.xpub}
        tx.execute(sa.update(k).where(k.c.number == 2).values(swapped))
        vaults.derive(tx, vault.id, 3, clock)
    for one in signers[:2]:
        with pytest.raises(AddressDiffers):
            vaults.confirm(store, vault.id, *words_of(one), clock)
    with store.transact() as tx, pytest.raises(NotPublished):
        vaults.issue(tx, vault.id, "deposit", clock)
