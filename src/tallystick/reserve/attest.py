"""Prove the reserve: what is held at a block, that the quorum controls it, and what binds it.

The statement is written first and committed in the log; then the quorum signs, over the very coins,
a message that names height, block and the log's root, which holds the statement. So no statement
can be swapped under a signature, and no signature can be used for another day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.clock import new_id
from tallystick.core.store import Tx
from tallystick.reserve import control, lots, queries, record, vaults, verdicts, watch
from tallystick.reserve.ask import ask, released_on
from tallystick.reserve.charter import Charter, charter
from tallystick.reserve.control import COINS_MAX, Request
from tallystick.reserve.errors import ProofRefused, Unsigned
from tallystick.reserve.facts import Facts, LotFact
from tallystick.reserve.key_errors import Differs, NotEnoughSignatures
from tallystick.reserve.liabilities import Node
from tallystick.reserve.lots import Coin, Lot
from tallystick.reserve.model import Ledger
from tallystick.reserve.office import Office
from tallystick.reserve.plan import VaultCoin
from tallystick.reserve.tables import ATTESTATIONS
from tallystick.reserve.vault import Vault

FORMAT: Final = "tallystick-reserve-attestation/1"
KIND: Final = "attestation"


class Control(msgspec.Struct, frozen=True):
    """A vault's part of a proof: what is asked of its quorum, and the finished BIP-322 proof."""

    vault: str
    request: Request
    proof: str = ""


class Open(msgspec.Struct, frozen=True):
    """An attestation at work: the statement as committed, and each vault's part."""

    id: str
    height: int
    state: str
    statement: dict[str, Any]
    salt: str
    entry: int
    log_size: int
    log_root: str
    parts: tuple[Control, ...]


def begin(office: Office, owed: Node | None = None) -> Open:
    """State what is held at the chain's tip, commit to it, and ask each vault's quorum to sign.

    ``owed`` is the root of what is owed to others, if anything is (`liabilities.Tree`). Raises
    `ProofRefused` when the books and the chain do not agree, since nothing false may be signed.
    """
    with office.using:
        watch.look(office)
        height = office.chain.tip()
        block = _block(office, height)
        with office.store.transact() as tx:
            journal.lock(tx)
            made = statement(tx, office, height, block, owed)
            salt = office.clock.random_bytes(journal.SALT_BYTES)
            at = office.clock.now()
            commitment = journal.commit(salt, made)
            entry = journal.append(tx, record.PROGRAMME, KIND, commitment, at).seq
            size, root = journal.head(tx)
            parts = tuple(_parts(tx, office, height, block, root, at))
            found = Open(
                new_id(office.clock), height, "open", made, salt.hex(), entry, size, root, parts
            )
            _write(tx, found, at)
        return found


def _block(office: Office, height: int) -> str:
    """Return the hash of the block at a height, as the wallets' own chain has it."""
    with office.store.read() as tx:
        found = vaults.vaults(tx)
    for vault in found:
        with office.store.read() as tx:
            tip = office.wallet(tx, vault).bdk.latest_checkpoint()
        if int(tip.height) == height:
            return str(tip.hash)
    raise ProofRefused(f"no vault's wallet has block {height} yet: look again")


def statement(tx: Tx, office: Office, height: int, block: str, owed: Node | None) -> dict[str, Any]:
    """Return what is stated, as plain values: the same books always give the same bytes."""
    held_by = charter(tx)
    on = held_by.day(office.clock.now())
    coins = [coin for coin in lots.coins(tx) if 0 < coin.height <= height]
    _agree(tx, office, coins)
    held = lots.held(tx)
    totals = {ledger.value: 0 for ledger in Ledger}
    for coin in coins:
        totals[coin.ledger.value] += coin.sats
    return {
        "format": FORMAT,
        "mandate": {"code": held_by.mandate.code, "name": held_by.mandate.name},
        "charter_since": held_by.since.isoformat(),
        "holder": held_by.mandate.holder,
        "at": office.clock.now().isoformat(),
        "on": on.isoformat(),
        "height": height,
        "block": block,
        "totals": totals,
        "unaccepted_sats": held.get("", 0),
        "vaults": [_vault(vault) for vault in vaults.vaults(tx)],
        "coins": [_coin(tx, coin) for coin in coins],
        "lots": [_lot(one, held_by, held.get(one.id, 0), on) for one in lots.lots(tx)],
        "limits": limits(tx, held_by, on),
        "owed": None if owed is None else {"root": owed.hash, "sats": owed.sats},
    }


def _agree(tx: Tx, office: Office, coins: Sequence[Coin]) -> None:
    """Compare the books with every wallet, coin by coin; raise `ProofRefused` naming the first."""
    booked = {(coin.vault, coin.name): coin.sats for coin in coins}
    for vault in vaults.vaults(tx):
        there = {
            (vault.id, coin.name): coin.sats
            for coin in office.wallet(tx, vault).coins()
            if coin.height is not None
        }
        mine = {key: sats for key, sats in booked.items() if key[0] == vault.id}
        differing = sorted({*there.items()} ^ {*mine.items()})
        if differing:
            (_, name), sats = differing[0]
            raise ProofRefused(f"{name} ({sats} sats): the books and the chain differ")


def _vault(vault: Vault) -> dict[str, Any]:
    return {
        "name": vault.name,
        "descriptor": vault.descriptor,
        "kind": vault.kind.value,
        "network": vault.network,
        "quorum": vault.quorum,
        "keys": len(vault.with_role("quorum")),
        "recovery_quorum": vault.recovery_quorum,
        "older_blocks": vault.older_blocks,
        "state": vault.state,
    }


def _coin(tx: Tx, coin: Coin) -> dict[str, Any]:
    parcels = lots.parcels(tx, (coin.txid, coin.vout))
    return {
        "coin": coin.name,
        "vault": vaults.vault(tx, coin.vault).name,
        "ledger": coin.ledger.value,
        "address": coin.address,
        "branch": int(coin.keychain),
        "number": coin.place,
        "sats": coin.sats,
        "height": coin.height,
        "parcels": [[parcel.lot, parcel.sats] for parcel in parcels],
    }


def _lot(one: Lot, held_by: Charter, held: int, on: dt.date) -> dict[str, Any]:
    fact = LotFact(one.id, held, one.deposited, one.origin.kind)
    ends = [released_on(p, fact) for p in held_by.mandate.of("hold", on)]
    known = [day for day in ends if day is not None]
    reserve = one.ledger is Ledger.RESERVE
    return {
        "id": one.id,
        "ledger": one.ledger.value,
        "origin": msgspec.to_builtins(one.origin),
        "deposited": one.deposited.isoformat(),
        "came_in_sats": one.sats,
        "held_sats": held,
        "no_sale_before": max(known).isoformat() if known and reserve else None,
    }


def limits(tx: Tx, held_by: Charter, on: dt.date) -> dict[str, Any]:
    """Return what the law still allows today, each figure by the very function that judges."""
    mandate = held_by.mandate
    pledge = ask(mandate, "reserve.encumber", Facts(act="encumber", frozen=held_by.told), on)
    caps = [p.figures["sats"] for p in mandate.of("address-cap", on) if "sats" in p.figures]
    hours = [p.figures["hours"] for p in mandate.of("notice", on) if "hours" in p.figures]
    due = watch.next_proof(tx)
    return {
        "budget_sats": queries.budget(tx, held_by, on),
        "free_of_hold_sats": _free(tx, held_by, on),
        "encumber": verdicts.plain(mandate.code, "reserve.encumber", on, pledge)["answer"],
        "address_cap_sats": min(caps) if caps else None,
        "notice_hours": max(hours) if hours else 0,
        "next_proof": due.isoformat() if due else None,
        "frozen": held_by.told,
    }


def _free(tx: Tx, held_by: Charter, on: dt.date) -> int:
    """Return how much lies in lots that no hold binds any more."""
    held, holds = lots.held(tx), held_by.mandate.of("hold", on)
    total = 0
    for one in lots.lots(tx):
        fact = LotFact(one.id, 0, one.deposited, one.origin.kind)
        ends = [released_on(hold, fact) for hold in holds]
        if one.ledger is Ledger.RESERVE and all(day is not None and day <= on for day in ends):
            total += held.get(one.id, 0)
    return total


def _parts(
    tx: Tx, office: Office, height: int, block: str, root: str, at: dt.datetime
) -> Sequence[Control]:
    """Ask each vault with coins for a signature over all of them, at most 249 at a time."""
    found = []
    for vault in vaults.vaults(tx):
        coins = [_asked(vault, coin) for coin in lots.coins(tx, vault.id) if coin.height]
        message = control.message_of(vault.name, height, block, root, at.date().isoformat())
        wallet = office.wallet(tx, vault)
        for first in range(0, len(coins), COINS_MAX):
            some = coins[first : first + COINS_MAX]
            found.append(Control(vault.name, control.request(wallet, message, some)))
    return found


def _asked(vault: Vault, coin: Coin) -> VaultCoin:
    branch = int(coin.keychain)
    script = vaults.script_at(vault, branch, coin.place).hex()
    return VaultCoin(coin.txid, coin.vout, coin.sats, script, branch, coin.place, coin.height)


def _write(tx: Tx, found: Open, at: dt.datetime) -> None:
    row = {
        "id": found.id,
        "at": at,
        "height": found.height,
        "state": found.state,
        "statement": journal.canonical(found.statement).decode(),
        "digest": journal.commit(bytes.fromhex(found.salt), found.statement),
        "proofs": msgspec.json.encode(found).decode(),
    }
    tx.execute(sa.insert(ATTESTATIONS).values(row))


def attestation(tx: Tx, id: str) -> Open:
    """Return one attestation; raise `ProofRefused` if there is none."""
    query = sa.select(ATTESTATIONS.c.proofs).where(ATTESTATIONS.c.id == id)
    found = tx.execute(query).scalar_one_or_none()
    if found is None:
        raise ProofRefused(f"there is no attestation {id[:40]!r}")
    return msgspec.json.decode(found, type=Open)


def attestations(tx: Tx, state: str = "published") -> list[Open]:
    """Return the attestations of a state, the newest first."""
    query = sa.select(ATTESTATIONS.c.proofs).where(ATTESTATIONS.c.state == state)
    rows = tx.execute(query.order_by(ATTESTATIONS.c.at.desc())).scalars()
    return [msgspec.json.decode(row, type=Open) for row in rows]


def finish(office: Office, id: str, signed: Mapping[int, Sequence[str | bytes]]) -> Open:
    """Take what the quorums signed, by the number of the part, and publish the attestation.

    Raises `ProofRefused` naming what differs, and `Unsigned` while signatures are missing.
    """
    with office.using, office.store.transact() as tx:
        found = attestation(tx, id)
        if found.state != "open":
            raise ProofRefused(f"attestation {id} is {found.state}")
        parts = []
        for number, part in enumerate(found.parts):
            wallet = office.wallet(tx, vaults.vault(tx, part.request.vault))
            if not signed.get(number):
                raise Unsigned(f"nobody has signed for {part.vault!r}")
            try:
                proof = control.finish(part.request, signed[number], wallet)
            except NotEnoughSignatures as error:
                raise Unsigned(f"{part.vault!r}: {error}") from error
            except Differs as error:
                raise ProofRefused(f"{part.vault!r}: {error}") from error
            parts.append(Control(part.vault, part.request, proof))
            _alive(tx, office, part.request, signed[number])
        done = msgspec.structs.replace(found, state="published", parts=tuple(parts))
        values = {"state": done.state, "proofs": msgspec.json.encode(done).decode()}
        tx.execute(sa.update(ATTESTATIONS).where(ATTESTATIONS.c.id == id).values(values))
        content = {"attestation": id, "height": done.height, "entry": done.entry}
        record.event(tx, office.clock, "proof", "proved", content)
        return done


def _alive(tx: Tx, office: Office, asked: Request, signed: Sequence[str | bytes]) -> None:
    """Note which keys signed: a key that signs is not lost."""
    from tallystick.reserve import signing

    for key in signing.join(asked.psbt, signed).signers:
        record.event(tx, office.clock, f"key:{key}", "key_alive", {"key": key, "by": "a proof"})


def document(found: Open) -> dict[str, Any]:
    """Return an attestation as it is published: everything a stranger needs to check it."""
    return {
        "format": FORMAT,
        "id": found.id,
        "statement": found.statement,
        "salt": found.salt,
        "entry": found.entry,
        "log": {"size": found.log_size, "root": found.log_root},
        "proofs": [
            {
                "vault": part.vault,
                "message": part.request.message,
                "branch": part.request.branch,
                "number": part.request.number,
                "proof": part.proof,
            }
            for part in found.parts
        ],
    }
