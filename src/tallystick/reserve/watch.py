"""Watch every address that any vault ever gave out, for ever, and say what should not be.

Each look brings the wallets up to the chain's tip: coins that came in are written down; a spend
that is not one of our stored transactions freezes the reserve and raises an alarm, within the block
that holds it. A vault's recovery keys could act once a coin is old enough, so that a refresh is due
long before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from tallystick.bitcoin.chain import ChainUnreachable
from tallystick.bitcoin.embedded.txs import parse
from tallystick.core import journal
from tallystick.core.store import Tx
from tallystick.reserve import approve, books, charter, lots, queries, record, vaults
from tallystick.reserve.errors import NoCharter
from tallystick.reserve.model import Ledger
from tallystick.reserve.office import Office
from tallystick.reserve.settle import apply, flow
from tallystick.reserve.tables import ATTESTATIONS, COINS, EVENTS, SIGNED
from tallystick.reserve.vault import Vault
from tallystick.reserve.vault_tables import ADDRESSES
from tallystick.reserve.wallet import BRANCHES, VaultWallet

BY_WATCH: Final = "the watch"
SECONDS_A_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look found new: coins that came in, and transactions that nobody approved."""

    deposits: tuple[str, ...]
    strangers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    coin: tuple[str, int]
    sats: int
    script: str
    branch: int
    number: int
    height: int


def look(office: Office) -> Seen:
    """Bring every vault up to the tip; raise alarms for what should not be. Run it every block."""
    with office.using:
        with office.store.read() as tx:
            watched = vaults.vaults(tx)
        deposits: list[str] = []
        strangers: list[str] = []
        for vault in watched:
            try:
                came, went = _vault(office, vault)
            except ChainUnreachable:
                raise
            except Exception as error:  # whatever is wrong with one vault, the others are watched
                _unwatched(office, vault, error)
            else:
                deposits += came
                strangers += went
        tip = office.chain.tip()
        with office.store.transact() as tx:
            journal.lock(tx)
            _refreshes(tx, office, watched, tip)
            _silent_keys(tx, office, watched)
            _proof_due(tx, office)
            approve.expire(tx, office.clock)
            charter.tell(tx, office.clock)
        return Seen(tuple(deposits), tuple(strangers))


def _vault(office: Office, vault: Vault) -> tuple[list[str], list[str]]:
    """Look at one vault; return the coins that came in, and what nobody approved."""
    with office.store.read() as tx:
        wallet = office.wallet(tx, vault)
    office.chain.sync(wallet)
    with office.store.transact() as tx:
        journal.lock(tx)
        strangers = list(_spends(tx, office, vault, wallet))
        deposits = list(_arrivals(tx, office, vault, wallet))
        _gone(tx, office, vault, wallet)
        record.calm(tx, office.clock, "vault_unwatched", vault.id, BY_WATCH)
    return deposits, strangers


def _unwatched(office: Office, vault: Vault, error: Exception) -> None:
    """Say of one vault that it cannot be watched, and why; nothing of it was written down."""
    with office.store.transact() as tx:
        detail = f"{vault.name!r}: {error}"
        record.alarm(tx, office.clock, "vault_unwatched", vault.id, detail)


def _arrivals(tx: Tx, office: Office, vault: Vault, wallet: VaultWallet) -> Iterator[str]:
    """Write down confirmed coins that came from outside; ours are written when they settle."""
    known = {coin.name for coin in lots.coins(tx, vault.id, spent=True)}
    needed = office.policy.deep(vault.network)
    for found in _outputs(wallet):
        name = f"{found.coin[0]}:{found.coin[1]}"
        deep = wallet.height() - found.height + 1 >= needed
        if name in known or not deep or queries.payment(tx, found.coin[0]) is not None:
            continue
        if _spends_ours(tx, wallet, found.coin[0]):
            continue  # a stranger's transaction: its outputs are written with its alarm
        address = _address(tx, vault, found)
        place = (found.branch, found.number)
        lots.arrive(
            tx,
            office.clock,
            vault.id,
            found.coin,
            found.sats,
            address,
            str(place[0]),
            place[1],
            found.height,
        )
        if vault.state != "active":
            detail = f"{found.sats} sats came to an address of the retired vault {vault.name!r}"
            record.alarm(tx, office.clock, "deposit_to_retired", name, detail)
        yield name


def _outputs(wallet: VaultWallet) -> Iterator[_Found]:
    """Yield every confirmed output of a vault, spent or not."""
    for output in wallet.bdk.list_output():
        if not output.chain_position.is_confirmed():
            continue
        yield _Found(
            (str(output.outpoint.txid), output.outpoint.vout),
            output.txout.value.to_sat(),
            bytes(output.txout.script_pubkey.to_bytes()).hex(),
            BRANCHES[output.keychain],
            output.derivation_index,
            output.chain_position.confirmation_block_time.block_id.height,
        )


def _address(tx: Tx, vault: Vault, found: _Found) -> str:
    query = sa.select(ADDRESSES.c.address).where(ADDRESSES.c.script == found.script)
    known = tx.execute(query).scalar_one_or_none()
    return known or vaults.address_at(vault, found.branch, found.number)


def _spends_ours(tx: Tx, wallet: VaultWallet, txid: str) -> bool:
    raw = wallet.raw(txid)
    coins = [item.coin for item in parse(raw).inputs] if raw else []
    return any(_known(tx, coin) for coin in coins)


def _known(tx: Tx, coin: tuple[str, int]) -> bool:
    query = sa.select(COINS.c.vault).where(COINS.c.txid == coin[0], COINS.c.vout == coin[1])
    return tx.execute(query).first() is not None


def _spends(tx: Tx, office: Office, vault: Vault, wallet: VaultWallet) -> Iterator[str]:
    """Find spends of our coins that are none of our stored transactions, mined or waiting."""
    for known in wallet.bdk.transactions():
        txid = str(known.transaction.compute_txid())
        raw = bytes(known.transaction.serialize())
        spent = [i.coin for i in parse(raw).inputs if _known(tx, i.coin)]
        if not spent or queries.payment(tx, txid) is not None:
            continue
        place = known.chain_position
        height = place.confirmation_block_time.block_id.height if place.is_confirmed() else 0
        if _stranger(tx, office, vault, txid, raw, height):
            yield txid


def _stranger(tx: Tx, office: Office, vault: Vault, txid: str, raw: bytes, height: int) -> bool:
    where = f"in block {height}" if height else "not mined yet"
    detail = f"{txid} spends coins of {vault.name!r} and was never approved; {where}"
    fresh = record.alarm(tx, office.clock, "unexpected_spend", txid, detail)
    if fresh:
        charter.freeze(tx, office.clock, BY_WATCH, detail)
    unspent = [coin for coin in lots.coins(tx, vault.id) if _is_input(raw, coin.name)]
    if height and unspent:
        went = flow(tx, raw)
        apply(tx, office.clock, raw, txid, height, went)
        moved = books.moved(
            unspent[0].ledger.value, txid, "unapproved", vault.id, went.leaving, went.fee, {}
        )
        books.post(tx, moved, office.clock.now())
    return fresh


def _is_input(raw: bytes, name: str) -> bool:
    return any(f"{item.coin[0]}:{item.coin[1]}" == name for item in parse(raw).inputs)


def _gone(tx: Tx, office: Office, vault: Vault, wallet: VaultWallet) -> None:
    """Raise an alarm for a coin on record that the chain does not have: a reorganisation, or worse.

    The coin stays on record, since its transaction is as a rule mined again.
    """
    there = {f"{one.coin[0]}:{one.coin[1]}" for one in _outputs(wallet)}
    for coin in lots.coins(tx, vault.id, spent=True):
        if coin.name in there:
            record.calm(tx, office.clock, "coin_not_on_chain", coin.name, BY_WATCH)
        else:
            detail = f"{coin.sats} sats of {vault.name!r} are not on the chain any more"
            record.alarm(tx, office.clock, "coin_not_on_chain", coin.name, detail)


def refresh_due(vault: Vault, height: int, tip: int, margin: int) -> int | None:
    """Return in how many blocks a coin must be refreshed, below zero if overdue; None for never.

    The lock runs from the block that holds the coin (BIP-68): recovery keys can spend it in the
    block ``height + older_blocks``.
    """
    if not vault.older_blocks:
        return None
    return height + vault.older_blocks - margin - tip


def _refreshes(tx: Tx, office: Office, all_: list[Vault], tip: int) -> None:
    for vault in all_:
        for coin in lots.coins(tx, vault.id):
            left = refresh_due(vault, coin.height, tip, office.policy.refresh_margin_blocks)
            if left is None or left > 0:
                continue
            opens = coin.height + vault.older_blocks
            detail = f"recovery keys of {vault.name!r} can spend it from block {opens}; tip {tip}"
            kind = "recovery_open" if tip >= opens else "refresh_due"
            record.alarm(tx, office.clock, kind, coin.name, detail)
    open_ = [a for a in record.alarms(tx) if a["kind"] in ("refresh_due", "recovery_open")]
    unspent = {coin.name for coin in lots.coins(tx)}
    for one in open_:
        if one["subject"] not in unspent:
            record.calm(tx, office.clock, one["kind"], one["subject"], BY_WATCH)


def last_signed(tx: Tx, key: str) -> dt.datetime | None:
    """Return when a key last signed anything for us: a movement, or a proof of control."""
    query = sa.select(sa.func.max(SIGNED.c.at)).where(SIGNED.c.key == key)
    found = [at for at in (tx.execute(query).scalar(),) if at is not None]
    seen = sa.select(EVENTS.c.at).where(
        EVENTS.c.subject == f"key:{key}", EVENTS.c.kind == "key_alive"
    )
    found += list(tx.execute(seen).scalars())
    return max(found) if found else None


def _silent_keys(tx: Tx, office: Office, all_: list[Vault]) -> None:
    """A key that nobody has seen sign for long may be lost: ask for a proof before it is needed."""
    now, most = office.clock.now(), office.policy.key_silent_days_max
    for vault in all_:
        coins = lots.coins(tx, vault.id) if vault.state == "active" else []
        first = min((coin.day for coin in coins), default="")
        for key in vault.with_role("quorum") if first else []:
            seen = last_signed(tx, key.fingerprint)
            since = seen or dt.datetime.fromisoformat(first).replace(tzinfo=dt.UTC)
            subject = f"{vault.id}:{key.fingerprint}"
            if (now - since).total_seconds() > most * SECONDS_A_DAY:
                when = f"on {seen:%Y-%m-%d}" if seen else "never"
                detail = f"key {key.fingerprint} of {vault.name!r} last signed {when}"
                record.alarm(tx, office.clock, "key_silent", subject, detail)
            else:
                record.calm(tx, office.clock, "key_silent", subject, BY_WATCH)


def next_proof(tx: Tx) -> dt.date | None:
    """Return the day by which the mandate wants the next proof; None without such a duty."""
    held = charter.charter(tx)
    today = held.since
    days = [p.figures["days"] for p in held.mandate.of("report", today) if "days" in p.figures]
    first = min((coin.day for coin in lots.coins(tx, spent=True)), default="")
    if not days or not first:
        return None
    query = sa.select(sa.func.max(ATTESTATIONS.c.at)).where(ATTESTATIONS.c.state == "published")
    last = tx.execute(query).scalar()
    start = held.day(last) if last is not None else dt.date.fromisoformat(first)
    return start + dt.timedelta(days=min(days))


def _proof_due(tx: Tx, office: Office) -> None:
    try:
        due = next_proof(tx)
        today = charter.charter(tx).day(office.clock.now())
    except NoCharter:
        return
    if due is not None and today > due:
        record.alarm(tx, office.clock, "proof_overdue", "proof", f"a proof was due on {due}")
    else:
        record.calm(tx, office.clock, "proof_overdue", "proof", BY_WATCH)


def totals(tx: Tx) -> dict[str, int]:
    """Return what lies in the vaults of each ledger, in satoshis."""
    found = {ledger.value: 0 for ledger in Ledger}
    for coin in lots.coins(tx):
        found[coin.ledger.value] += coin.sats
    return found
