"""The ceremony: what it refuses, how it is taken up again, and what it leaves behind."""

import dataclasses
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import databases
from reserve_scene import devices, key_of
from tallystick.bitcoin import bip322
from tallystick.bitcoin.descriptor import with_checksum
from tallystick.core import journal
from tallystick.core.clock import SeededClock
from tallystick.core.store import Store
from tallystick.reserve import advisories, ceremony, keys, recovery, vaults
from tallystick.reserve.advisories import Advisory, abilities, ability_of, affected, version
from tallystick.reserve.ceremony import NEXT, State
from tallystick.reserve.key_errors import (
    AddressDiffers,
    BadVault,
    CeremonyRefuses,
    Differs,
    NoSuchVault,
    NotPublished,
)
from tallystick.reserve.vault import Kind, Vault, VaultKey
from tallystick.reserve.wallet import VaultWallet


@pytest.fixture(scope="module")
def holders(tmp_path_factory: pytest.TempPathFactory) -> list:
    return devices(tmp_path_factory.mktemp("holders"), 5, seed=9)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = databases.opened(f"sqlite:///{tmp_path}/store.sqlite")
    yield opened
    opened.close()


def card(device, at: int, role: str = "quorum", **more) -> VaultKey:
    return dataclasses.replace(key_of(device, role, at, **more), dice=99)


def begin(store: Store, clock: SeededClock, kind: Kind = Kind.SORTEDMULTI, **more) -> str:
    given = {"quorum": 2, "led_by": "A. Notary", **more}
    with store.transact() as tx:
        return ceremony.begin(tx, clock, "treasury", "regtest", kind, **given)


def add(store: Store, id: str, key: VaultKey, clock: SeededClock, commitment: str = "c" * 64):
    with store.transact() as tx:
        ceremony.add_key(tx, id, key, commitment, clock, NONE_OLD)


NONE_OLD: list[Advisory] = []


def gathered(store: Store, holders: list, clock: SeededClock, makers=None) -> str:
    id = begin(store, clock)
    for at, one in enumerate(holders[:3]):
        more = {"maker": makers[at]} if makers else {}
        add(store, id, card(one, at, **more), clock)
    return id


def words_of(device, name: str = "treasury") -> tuple[str, str, dict[int, str]]:
    said = device.addresses(name, 0, ceremony.ADDRESSES_FIRST)
    return said["signer"], said["implementation"], {int(n): a for n, a in said["addresses"].items()}


def run(store: Store, holders: list, clock: SeededClock, folder: Path) -> tuple[str, dict]:
    """Go through a whole ceremony, opening the database anew at each step as after a crash."""
    id = gathered(store, holders, clock)
    with store.transact() as tx:
        vault = ceremony.form(tx, id, clock)
    for one in holders[:3]:
        one.content["vaults"].pop("treasury", None)
        one.register("treasury", vault.descriptor)
    again = Store.open(str(store.engine.url))
    for one in holders[:2]:
        ceremony.derived(again, id, *words_of(one), clock)
    wallet = VaultWallet(folder / "w.sqlite", vault)
    with again.transact() as tx:
        psbt = ceremony.challenge(tx, id, wallet)
        assert ceremony.challenge(tx, id, wallet) == psbt
    for left, one in zip((2, 1, 0), holders[:3], strict=True):
        signed = one.sign(psbt, one.show(psbt)["digest"])
        with again.transact() as tx:
            assert len(ceremony.signed(tx, id, signed, clock)) == left
    with again.transact() as tx:
        made = ceremony.close(tx, id, wallet, clock)
    again.close()
    return id, made


def test_a_ceremony_from_dice_to_the_first_address(
    store: Store, holders: list, clock: SeededClock, tmp_path: Path
) -> None:
    id, made = run(store, holders, clock, tmp_path)
    with store.transact() as tx:
        found = ceremony.ceremony(tx, id)
        assert found.state is State.CLOSED and json.loads(found.record) == made
        vault = vaults.vault(tx, "treasury")
        given = vaults.issue(tx, vault.id, "deposit", clock)
        kinds = [row["kind"] for row in vaults.events(tx, id)]
    assert (
        given.address
        == made["addresses"]["0"]
        == holders[2].addresses("treasury", 0, 1)["addresses"]["0"]
    )
    assert kinds == [
        "ceremony_began",
        *["ceremony_key"] * 3,
        *["ceremony_test_signature"] * 3,
        "ceremony_closed",
    ]
    verdict = bip322.verify(made["message"], vaults.script_at(vault, 0, 0), made["spend_test"])
    assert verdict.form == "smp"
    assert set(recovery.blocks_of(made["paper"])) >= {"watch", "quorum-sign"}
    text = json.dumps(made)
    for one in holders[:3]:
        assert one.account.xpub in text and one.account.fingerprint in text
        assert not any(secret in text for secret in one.backup().values())
    with store.read() as tx:
        journal.verify(tx)


def test_c07_no_address_before_the_ceremony_is_closed_and_a_tampered_one_stops_it(
    store: Store, holders: list, clock: SeededClock
) -> None:
    id = gathered(store, holders, clock)
    with store.transact() as tx:
        vault = ceremony.form(tx, id, clock)
    for one in holders[:3]:
        one.content["vaults"].pop("treasury", None)
        one.register("treasury", vault.descriptor)
    with store.transact() as tx, pytest.raises(NotPublished):
        vaults.issue(tx, vault.id, "deposit", clock)
    signer, implementation, said = words_of(holders[0])
    with pytest.raises(AddressDiffers):
        ceremony.derived(store, id, signer, implementation, {**said, 3: said[4]}, clock)
    ceremony.derived(store, id, *words_of(holders[1]), clock)
    with store.transact() as tx:
        assert ceremony.ceremony(tx, id).state is State.FORMED
        with pytest.raises(CeremonyRefuses):
            ceremony.signed(tx, id, "cHNidP8=", clock)
        ceremony.abandon(tx, id, "an address differed", clock)
        with pytest.raises(NotPublished):
            vaults.issue(tx, vault.id, "deposit", clock)


def test_a_test_signature_by_nobody_or_over_something_else_is_refused(
    store: Store, holders: list, clock: SeededClock, tmp_path: Path
) -> None:
    id = gathered(store, holders, clock)
    with store.transact() as tx:
        vault = ceremony.form(tx, id, clock)
    for one in holders[:3]:
        one.content["vaults"].pop("treasury", None)
        one.register("treasury", vault.descriptor)
    for one in holders[:2]:
        ceremony.derived(store, id, *words_of(one), clock)
    wallet = VaultWallet(tmp_path / "w.sqlite", vault)
    with store.transact() as tx:
        psbt = ceremony.challenge(tx, id, wallet)
        with pytest.raises(CeremonyRefuses, match="nobody"):
            ceremony.signed(tx, id, psbt, clock)
        from tallystick.reserve import control

        other = control.request(wallet, "Another message", ()).psbt
        with pytest.raises(Differs):
            ceremony.signed(tx, id, other, clock)
        with pytest.raises(CeremonyRefuses, match="is derived"):
            ceremony.close(tx, id, wallet, clock)


def refusals(store: Store, clock: SeededClock, holders: list, key: VaultKey) -> str:
    id = begin(store, clock)
    add(store, id, card(holders[0], 0), clock)
    with store.transact() as tx, pytest.raises(CeremonyRefuses) as refusal:
        ceremony.add_key(tx, id, key, "c" * 64, clock)
    return str(refusal.value)


def test_c06_the_same_key_under_other_metadata_is_refused(
    store: Store, holders: list, clock: SeededClock
) -> None:
    disguised = dataclasses.replace(card(holders[0], 1), fingerprint="deadbeef")
    assert "the same key as" in refusals(store, clock, holders, disguised)
    repeated = dataclasses.replace(card(holders[1], 1), fingerprint=holders[0].account.fingerprint)
    assert "comes twice" in refusals(store, clock, holders, repeated)


BAD_KEYS = {
    "another script type or coin": {"origin": "/48h/1h/0h/1h"},
    "another script type or coin than": {"origin": "/48h/0h/0h/2h"},
    "not at the depth": {"origin": "/48h/1h/0h"},
    "a fingerprint is 8": {"fingerprint": "00000000"},
    "cannot be read": {"xpub": "tpubnonsense"},
    "firmware is not written down": {"firmware": ""},
    "maker is not written down": {"maker": " "},
    "98 recorded dice": {"dice": 98},
    "holder and place": {"custodian": ""},
    "within limits": {"place": "x" * 101},
}


@pytest.mark.parametrize("why", BAD_KEYS)
def test_c06_c08_a_key_that_is_not_as_it_must_be_is_refused(
    why: str, store: Store, holders: list, clock: SeededClock
) -> None:
    key = dataclasses.replace(card(holders[1], 1), **BAD_KEYS[why])
    assert why in refusals(store, clock, holders, key)


def test_c06_a_private_key_and_a_key_of_another_network_are_refused(holders: list) -> None:
    key = card(holders[0], 0)
    private = dataclasses.replace(key, xpub=holders[0].backup()["master"])
    assert "PRIVATE KEY" in keys.refuse_key(private, "regtest", [])[0]
    assert any("is not xpub" in one for one in keys.refuse_key(key, "bitcoin", []))


def test_c08_no_quorum_within_one_maker(store: Store, holders: list, clock: SeededClock) -> None:
    id = gathered(store, holders, clock, makers=["Ledger", "ledger ", "Jade"])
    with store.transact() as tx, pytest.raises(CeremonyRefuses, match=r"one maker \(ledger\)"):
        ceremony.form(tx, id, clock)
    with store.read() as tx:
        assert vaults.vaults(tx) == []


def test_c08_no_recovery_within_one_maker_either(holders: list) -> None:
    from tallystick.reserve.vault import make

    main = [card(one, at) for at, one in enumerate(holders[:3])]
    later = [card(one, 4, "recovery", maker="Jade") for one in holders[3:5]]
    made = make("x", "x", "regtest", Kind.RECOVERY, 2, [*main, *later], 2, 100)
    assert keys.refuse_set(made) == ["2 keys by one maker (jade) reach the recovery's 2 signatures"]
    decaying = make("x", "x", "regtest", Kind.DECAYING, 3, main, 2, 100)
    assert keys.refuse_set(decaying) == []
    same = [dataclasses.replace(one, maker=("A", "A", "B")[at]) for at, one in enumerate(main)]
    decaying = make("x", "x", "regtest", Kind.DECAYING, 3, same, 2, 100)
    assert "recovery's 2" in keys.refuse_set(decaying)[0]


def test_c06_a_descriptor_that_does_not_survive_every_reader_is_refused(holders: list) -> None:
    a, b = (f"[{h.account.fingerprint}/48h/1h/0h/2h]{h.account.xpub}" for h in holders[:2])
    good = f"wsh(sortedmulti(2,{a}/<0;1>/*,{b}/<0;1>/*))"
    assert keys.refuse_descriptor(with_checksum(good)) == []
    cases = {
        "one form": with_checksum(good.replace("/48h/1h/0h/2h", "/48'/1'/0'/2'")),
        "checksum": good + "#aaaaaaaa",
        "suffixes are not all": with_checksum(good.replace(f"{b}/<0;1>", f"{b}/<2;3>")),
        "neither /** nor": with_checksum(good.replace(f"{b}/<0;1>", f"{b}/<0;1;2>")),
        "dressed otherwise": with_checksum(
            good.replace(b, a.replace(holders[0].account.fingerprint, "deadbeef"))
        ),
        "wsh(…) or tr(…)": with_checksum(f"sh({good})"),
        "BDK cannot read": with_checksum(good.replace("sortedmulti(2", "sortedmulti(3")),
    }
    for why, text in cases.items():
        assert any(why in one for one in keys.refuse_descriptor(text)), (why, text)


def test_c08_firmware_below_the_floor_is_refused_and_the_reason_named(
    store: Store, holders: list, clock: SeededClock
) -> None:
    old = card(holders[1], 1, maker="Coldcard", model="Q", firmware="5.6.0")
    text = refusals(store, clock, holders, old)
    assert "Coldcard 5.6.0 is below the floor 5.6.1" in text
    assert "swap a staged PSBT" in text and "40 bits" not in text, "99 dice make the seed safe"
    unread = card(holders[1], 1, maker="BitBox02", firmware="9.9")
    assert "(not known)" in refusals(store, clock, holders, unread)


def test_c08_a_new_advisory_flags_the_vaults_it_touches_once(
    store: Store, holders: list, clock: SeededClock
) -> None:
    id = gathered(store, holders, clock, makers=["Coldcard", "Ledger", "Jade"])
    with store.transact() as tx:
        vault = ceremony.form(tx, id, clock)
        assert advisories.flag(tx, advisories.load(), clock) == []
        new = Advisory(
            id="ledger-next",
            maker="LEDGER",
            published=dt.date(2026, 12, 1),
            say="A fault.",
            do="Rotate.",
            source="made up for this test",
            read="text",
            below="10.0",
        )
        said = advisories.flag(tx, [new], clock)
        assert len(said) == 1 and "treasury" in said[0] and "Rotate." in said[0]
        assert advisories.flag(tx, [new], clock) == []
        assert [row["kind"] for row in vaults.events(tx, vault.id)].count("advisory") == 1
        assert len(affected([vault], [new])) == 1


def test_an_advisory_reaches_what_it_says_and_no_further(holders: list) -> None:
    jade = next(one for one in advisories.load() if one.id == "jade-register-descriptor")
    for firmware, touched in (("1.0.23", 0), ("1.0.24", 1), ("1.0.36", 1), ("1.0.37", 0)):
        key = card(holders[0], 0, maker="Jade", firmware=firmware)
        assert jade.touches(key) == bool(touched)
    rng = next(one for one in advisories.load() if one.id == "coldcard-rng-2026-07")
    key = card(holders[0], 0, maker="Coldcard", firmware="5.0.0")
    assert rng.touches(key, dice=49) and not rng.touches(key, dice=50)
    assert version("v5.6.1-beta") == (5, 6, 1) and version("") == ()
    for one in advisories.load():
        assert one.source and one.say and one.do


def test_a_signer_signs_only_what_the_table_says_it_can(
    store: Store, holders: list, clock: SeededClock
) -> None:
    id = begin(store, clock, Kind.TAPROOT)
    with store.transact() as tx, pytest.raises(CeremonyRefuses, match="does not sign taproot"):
        ceremony.add_key(tx, id, card(holders[0], 0, maker="Trezor"), "c" * 64, clock, [])
    with store.transact() as tx, pytest.raises(CeremonyRefuses, match="no commitment"):
        ceremony.add_key(tx, id, card(holders[0], 0, maker="Ledger"), "", clock, [])
    assert ability_of(card(holders[0], 0, maker="Coldcard", model="Mk3")).inputs_max == 20
    assert ability_of(card(holders[0], 0, maker="Nobody's")).kinds == ("sortedmulti",)
    assert {one.inputs_max for one in abilities()} == {20, 100, 250}


def test_files_of_advisories_have_a_limit_and_a_form(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    for text, why in (
        ("x" * (advisories.FILE_BYTES_MAX + 1), "larger than"),
        ("[[", "cannot be read"),
        ('[[advisory]]\nid = "x"\n', "cannot be read"),
    ):
        path.write_text(text)
        with pytest.raises(BadVault, match=why):
            advisories.load(path)


def test_a_ceremony_goes_only_where_the_table_leads(
    store: Store, holders: list, clock: SeededClock
) -> None:
    assert all(set(NEXT[state]) <= set(State) for state in State)
    id = begin(store, clock)
    with store.transact() as tx:
        with pytest.raises(CeremonyRefuses, match="0 keys"):
            ceremony.form(tx, id, clock)
        ceremony.abandon(tx, id, "nobody came", clock)
        with pytest.raises(CeremonyRefuses, match="is abandoned"):
            ceremony.abandon(tx, id, "again", clock)
        with pytest.raises(CeremonyRefuses, match="is abandoned"):
            ceremony.add_key(tx, id, card(holders[0], 0), "c" * 64, clock, [])
        with pytest.raises(NoSuchVault):
            ceremony.ceremony(tx, "nothing")
        with pytest.raises(BadVault, match="who leads"):
            ceremony.begin(tx, clock, "x", "regtest", Kind.SORTEDMULTI, 2, "")


def test_a_vault_that_is_being_formed_is_no_vault_yet(
    store: Store, holders: list, clock: SeededClock
) -> None:
    id = gathered(store, holders, clock)
    with store.transact() as tx:
        made: Vault = ceremony.form(tx, id, clock)
        assert vaults.vault(tx, made.id).state == "forming"
        with pytest.raises(BadVault, match="is on record"):
            vaults.register(tx, made, clock)
