"""Propose a movement: which coins, to whom, why; the law's answer, and what must be approved.

The law is asked before anything is planned. A refusal is written down with the provisions that say
so, binds no coin and asks nobody. What is lawful becomes the very transaction, with the cancel that
could still beat it, and one digest over all of it, which officials sign.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.bitcoin.anchor import anchor_output
from tallystick.bitcoin.transaction import script_of
from tallystick.core import approvals, journal
from tallystick.core.approvals import Rule
from tallystick.core.clock import new_id, reference
from tallystick.core.identity import grants
from tallystick.core.rulebook.provision import Provision
from tallystick.core.rulebook.verdict import Answer, Verdict
from tallystick.core.store import Tx, insert_once
from tallystick.core.tlog import log
from tallystick.reserve import lots, queries, record, vaults, verdicts, words
from tallystick.reserve.ask import QUESTION_OF, ask, duties
from tallystick.reserve.charter import APPROVING, VETOING, Charter, charter
from tallystick.reserve.errors import (
    CoinsTaken,
    LedgersMixed,
    NotThisPerson,
    ReserveError,
    TooManyInputs,
)
from tallystick.reserve.facts import Facts
from tallystick.reserve.lots import Coin
from tallystick.reserve.mandate import INWARD, Mandate
from tallystick.reserve.model import Ledger, State, by_lot, follow
from tallystick.reserve.office import Office
from tallystick.reserve.plan import (
    DUST_SATS,
    Own,
    Plan,
    PlanOutput,
    VaultCoin,
    digest_of,
    draft,
    own_place,
)
from tallystick.reserve.queries import Movement, Stored
from tallystick.reserve.tables import HOLDS, MOVEMENTS
from tallystick.reserve.vault import INTERNAL, Vault

ORDER_CHARS_MAX: Final = 200
PAYS_MAX: Final = 50
EXPIRES_S_MAX: Final = 120 * 86_400
OFFICIALS_MIN: Final = 2
"""Where a mandate names no number, so many officials must agree."""
CANCEL_RATE_FACTOR: Final = 3
"""A cancel pays so many times the rate of what it stops, so that every node takes it (BIP-125)."""
DIGEST_TAG: Final = b"tallystick/reserve/movement/1\n"


class Pay(msgspec.Struct, frozen=True):
    """One payment to somebody outside the reserve."""

    address: str
    sats: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an official wants done. ``coins`` in the order in which they shall go in."""

    act: str
    vault: str
    coins: tuple[str, ...] = ()
    """``txid:vout``; left out, coins are chosen: for a payment the oldest lots first."""
    pays: tuple[Pay, ...] = ()
    orders: tuple[tuple[str, str], ...] = ()
    """A release: each lot with the court's order that gives it away."""
    why: str = ""
    to_vault: str = ""
    """A rotation: the vault under new keys."""


def propose(office: Office, wanted: Wanted, maker: str) -> Movement:
    """Propose a movement and return it: proposed, refused or referred by the law.

    Raises `NotThisPerson`, `CoinsTaken`, `LedgersMixed`, `TooManyInputs` or `BadPlan` for what
    could not be done at all.
    """
    with office.using, office.store.transact() as tx:
        journal.lock(tx)
        check_words(wanted)
        check_proposer(tx, maker)
        vault = vaults.vault(tx, wanted.vault)
        coins = _choose(tx, office, vault, wanted)
        held_by, ledger = charter(tx), lots.ledger_of(tx, vault.id)
        on = held_by.day(office.clock.now())
        leaving = _leaving(tx, coins, wanted)
        facts = _facts(tx, held_by, vault, wanted, coins, leaving, on)
        said = judge(held_by.mandate, ledger, facts, on)
        if said.answer is not Answer.PERMIT or wanted.act == "encumber":
            return _refused(tx, office, wanted, vault, held_by, said, on, maker)
        stored = _plan(tx, office, vault, wanted, coins, leaving, held_by.mandate, on)
        return _proposed(tx, office, wanted, vault, held_by, said, on, maker, stored)


def judge(mandate: Mandate, ledger: Ledger, facts: Facts, on: dt.date) -> Verdict:
    """Ask the mandate about a movement.

    Other assets are not the reserve's, so that no hold or budget binds them; approvals, notice and
    a freeze do.
    """
    act = facts.act or ""
    if ledger is Ledger.RESERVE:
        return ask(mandate, QUESTION_OF.get(act, act), facts, on)
    if facts.frozen is not False:
        return Verdict(Answer.REFER, (), missing=("the reserve is frozen",))
    return Verdict(Answer.PERMIT, (), must=duties(mandate, act, facts.sats or 0, on))


def check_proposer(tx: Tx, maker: str) -> None:
    """Raise `NotThisPerson` unless this is an official who may propose, and holds no key."""
    held = grants.held(tx, maker)
    if "reserve.keyholder" in held:
        raise NotThisPerson("officials and key holders are different people")
    if not held & VETOING:
        raise NotThisPerson(f"{maker} may not propose movements of this reserve")


def check_words(wanted: Wanted) -> None:
    """Raise `ReserveError` for a wish that says too little, or more than may be published."""
    if wanted.act not in QUESTION_OF or wanted.act in ("purchase", "accept"):
        raise ReserveError(f"{wanted.act[:40]!r} is no movement")
    words.public(wanted.why, "why")
    for _, order in wanted.orders:
        words.public(order, "the order", ORDER_CHARS_MAX)
    inward = wanted.act in INWARD
    if bool(wanted.pays) is inward or len(wanted.pays) > PAYS_MAX:
        raise ReserveError(
            f"{wanted.act} pays {'nobody outside' if inward else f'from 1 to {PAYS_MAX} addresses'}"
        )
    if (wanted.act == "rotate") is not bool(wanted.to_vault):
        raise ReserveError("a rotation, and nothing else, names another vault")


def _choose(tx: Tx, office: Office, vault: Vault, wanted: Wanted) -> list[Coin]:
    """Return the coins, in their order; each unspent, of this vault, and bound to no movement."""
    free = {coin.name: coin for coin in queries.free(tx, vault.id)}
    if wanted.coins:
        absent = [name for name in wanted.coins if name not in free]
        if absent or len(set(wanted.coins)) != len(wanted.coins):
            raise CoinsTaken(f"{', '.join(absent)[:200] or 'a coin named twice'}: not free")
        chosen = [free[name] for name in wanted.coins]
    else:
        chosen = _oldest(tx, list(free.values()), wanted)
    if not chosen:
        raise CoinsTaken(f"the vault {vault.name!r} has no free coins for this")
    if len(chosen) > office.policy.inputs_max:
        raise TooManyInputs(
            f"{len(chosen)} coins; the signers take {office.policy.inputs_max}: move in parts"
        )
    return chosen


def _oldest(tx: Tx, free: list[Coin], wanted: Wanted) -> list[Coin]:
    """Choose coins: those whose lots were deposited first, until the payments are covered."""
    known = {one.id: one.deposited for one in lots.lots(tx)}

    def age(coin: Coin) -> tuple[dt.date, int, str]:
        held = [known.get(p.lot, dt.date.max) for p in lots.parcels(tx, (coin.txid, coin.vout))]
        return max(held), coin.height, coin.name

    ordered = {name for name, _ in wanted.orders}
    if ordered:
        free = [
            coin
            for coin in free
            if any(p.lot in ordered for p in lots.parcels(tx, (coin.txid, coin.vout)))
        ]
    needed, chosen, total = sum(pay.sats for pay in wanted.pays), list[Coin](), 0
    for coin in sorted(free, key=age):
        if needed and total > needed + DUST_SATS:
            break
        chosen.append(coin)
        total += coin.sats
    return chosen


def _leaving(tx: Tx, coins: Sequence[Coin], wanted: Wanted) -> dict[str, int]:
    """Return how much of each lot the payments take: they are the first outputs."""
    inputs = [lots.parcels(tx, (coin.txid, coin.vout)) for coin in coins]
    outputs, _ = follow(inputs, [pay.sats for pay in wanted.pays])
    return by_lot([parcel for parcels in outputs for parcel in parcels])


def _facts(
    tx: Tx,
    held_by: Charter,
    vault: Vault,
    wanted: Wanted,
    coins: Sequence[Coin],
    leaving: dict[str, int],
    on: dt.date,
) -> Facts:
    sats = sum(pay.sats for pay in wanted.pays)
    rest = sum(coin.sats for coin in coins) - sats
    cap = cap_of(held_by.mandate, vault, on)
    return Facts(
        act=wanted.act,
        sats=sats,
        lots=queries.lot_facts(tx, leaving, dict(wanted.orders)),
        sold=queries.sold(tx, on),
        held=queries.held(tx),
        largest_address_sats=min(rest, cap) if cap else rest,
        reused_addresses=0,
        sites=len({key.place for key in vault.with_role("quorum") if key.place}) or None,
        frozen=held_by.told,
    )


def cap_of(mandate: Mandate, vault: Vault, on: dt.date) -> int:
    """Return the most satoshis that one address of a vault may hold; 0 for no limit."""
    caps = [p.figures["sats"] for p in mandate.of("address-cap", on) if "sats" in p.figures]
    caps += [vault.address_sats_max] if vault.address_sats_max else []
    return min(caps) if caps else 0


# The transaction


def _plan(
    tx: Tx,
    office: Office,
    vault: Vault,
    wanted: Wanted,
    coins: Sequence[Coin],
    leaving: dict[str, int],
    mandate: Mandate,
    on: dt.date,
) -> Stored:
    """Plan the transaction and the cancel that beats it; both spend these coins and no others."""
    inputs = [_input(vault, coin) for coin in coins]
    home = vaults.vault(tx, wanted.to_vault) if wanted.to_vault else vault
    if lots.ledger_of(tx, home.id) is not lots.ledger_of(tx, vault.id):
        raise LedgersMixed("the two vaults belong to different ledgers")
    pays = [PlanOutput(script_of(p.address, vault.network).hex(), p.sats) for p in wanted.pays]
    total = sum(coin.sats for coin in coins)
    paid = sum(pay.sats for pay in pays)
    pays += _spread(tx, office, home, total - paid, cap_of(mandate, home, on))
    pays += _anchor(tx, office)
    rate, take = office.policy.fee_sat_per_kvb, office.policy.inputs_max
    dear = office.policy.fee_sats_max
    first = draft(vault, inputs, pays, _fresh(tx, office, home), rate, dear, inputs_max=take)
    most = first.fee_sats * office.policy.fee_factor_max
    pay = dataclasses.replace(first, fee_sats_max=most)
    stop = _cancel(tx, office, vault, pay, cap_of(mandate, vault, on))
    wallet = office.wallet(tx, vault)
    return Stored(
        dataclasses.replace(pay, psbt=wallet.psbt(pay)),
        dataclasses.replace(stop, psbt=wallet.psbt(stop)),
        leaving,
        dict(wanted.orders),
    )


def _spread(tx: Tx, office: Office, home: Vault, left: int, cap: int) -> list[PlanOutput]:
    """Return own outputs of a full address each, until the rest fits into one more."""
    found = []
    while cap and left > cap:
        script, own = _fresh(tx, office, home)
        found.append(PlanOutput(script, cap, own))
        left -= cap
    return found


def _anchor(tx: Tx, office: Office) -> list[PlanOutput]:
    """Return the output that anchors the log, if one is due: approved and signed like the rest."""
    due = log.to_anchor(tx, office.clock.now()) if office.policy.anchor else None
    if due is None:
        return []
    script, sats = anchor_output(due.size, due.root)
    return [PlanOutput(script.hex(), sats)]


def _cancel(tx: Tx, office: Office, vault: Vault, pay: Plan, cap: int) -> Plan:
    """Plan what beats a payment: the same coins, all back to fresh addresses, a higher fee."""
    total = sum(coin.sats for coin in pay.inputs)
    return draft(
        vault,
        pay.inputs,
        _spread(tx, office, vault, total, cap),
        _fresh(tx, office, vault),
        office.policy.fee_sat_per_kvb * CANCEL_RATE_FACTOR,
        pay.fee_sats_max * CANCEL_RATE_FACTOR,
        pay.path,
        pay.locktime,
        office.policy.inputs_max,
    )


def _input(vault: Vault, coin: Coin) -> VaultCoin:
    branch = int(coin.keychain)
    script = vaults.script_at(vault, branch, coin.place).hex()
    return VaultCoin(coin.txid, coin.vout, coin.sats, script, branch, coin.place, coin.height)


def _fresh(tx: Tx, office: Office, vault: Vault) -> tuple[str, Own]:
    given = vaults.issue_change(tx, vault.id, "movement", office.clock)
    return own_place(vault, INTERNAL, given.number)


def digest_for(act: str, vault: str, stored: Stored, why: str, said: dict[str, Any]) -> str:
    """Return what officials sign for a movement: both transactions, its lots, and the verdict."""
    content = {
        "act": act,
        "vault": vault,
        "pay": digest_of(stored.pay),
        "cancel": digest_of(stored.cancel),
        "leaving": stored.leaving,
        "orders": stored.orders,
        "why": why,
        "verdict": said,
    }
    return hashlib.sha256(DIGEST_TAG + journal.canonical(content)).hexdigest()


# Writing it down


def _refused(
    tx: Tx,
    office: Office,
    wanted: Wanted,
    vault: Vault,
    held_by: Charter,
    said: Verdict,
    on: dt.date,
    maker: str,
) -> Movement:
    state = State.REFUSED if said.answer is Answer.REFUSE else State.REFERRED
    row = _row(tx, office, wanted, vault, held_by, said, on, maker) | {"state": state.value}
    tx.execute(sa.insert(MOVEMENTS).values(row))
    content = {"act": wanted.act, "sats": row["sats"], "by": maker, "why": wanted.why}
    verdict = msgspec.json.decode(row["verdict"])
    record.event(tx, office.clock, row["id"], state.value, {**content, "verdict": verdict})
    return queries.movement(tx, row["id"])


def _row(
    tx: Tx,
    office: Office,
    wanted: Wanted,
    vault: Vault,
    held_by: Charter,
    said: Verdict,
    on: dt.date,
    maker: str,
) -> dict[str, Any]:
    now, question = office.clock.now(), QUESTION_OF[wanted.act]
    verdict = verdicts.plain(held_by.mandate.code, question, on, said)
    return {
        "id": new_id(office.clock),
        "reference": reference(office.clock),
        "act": wanted.act,
        "vault": vault.id,
        "ledger": lots.ledger_of(tx, vault.id).value,
        "sats": sum(pay.sats for pay in wanted.pays),
        "fee_sats": 0,
        "fee_sats_max": 0,
        "plan": "",
        "digest": "",
        "verdict": journal.canonical(verdict).decode(),
        "why": wanted.why,
        "maker": maker,
        "made_at": now,
        "moved_at": now,
        "ready_at": None,
        "expires_at": None,
        "proposal": "",
        "settled_on": "",
    }


def _proposed(
    tx: Tx,
    office: Office,
    wanted: Wanted,
    vault: Vault,
    held_by: Charter,
    said: Verdict,
    on: dt.date,
    maker: str,
    stored: Stored,
) -> Movement:
    row = _row(tx, office, wanted, vault, held_by, said, on, maker)
    verdict = msgspec.json.decode(row["verdict"])
    digest = digest_for(wanted.act, vault.id, stored, wanted.why, verdict)
    rule = rule_of(tx, office, said.must)
    made = approvals.propose(tx, office.clock, "movement", row["id"], digest, rule, maker)
    row |= {
        "state": State.PROPOSED.value,
        "fee_sats": stored.pay.fee_sats,
        "fee_sats_max": stored.pay.fee_sats_max,
        "plan": msgspec.json.encode(stored).decode(),
        "digest": digest,
        "proposal": made.id,
        "expires_at": made.expires_at,
    }
    tx.execute(sa.insert(MOVEMENTS).values(row))
    for coin in stored.pay.inputs:
        bound = {"txid": coin.txid, "vout": coin.vout, "movement": row["id"]}
        if not insert_once(tx, HOLDS, bound):
            raise CoinsTaken(f"{coin.name} is bound to another movement")
    content = {
        "act": wanted.act,
        "sats": row["sats"],
        "fee_sats_max": row["fee_sats_max"],
        "by": maker,
        "why": wanted.why,
        "digest": digest,
        "txid": stored.pay.txid,
        "leaving": stored.leaving,
        "orders": stored.orders,
        "verdict": verdict,
    }
    record.event(tx, office.clock, row["id"], "proposed", content)
    return queries.movement(tx, row["id"])


def rule_of(tx: Tx, office: Office, must: Sequence[Provision]) -> Rule:
    """Return what agreement a movement needs: by what the mandate demands of it."""
    needs = dict.fromkeys(APPROVING, 0)
    quorum, hours = OFFICIALS_MIN, 0
    for item in must:
        if item.kind == "approvals":
            quorum = max(quorum, item.figures["officials"])
            for role, count in item.terms.get("roles", {}).items():
                needs[f"reserve.{role}"] = max(count, needs.get(f"reserve.{role}", 0))
        elif item.kind == "notice":
            hours = max(hours, item.figures["hours"])
    return Rule(
        needs=needs,
        quorum=quorum,
        excluded=frozenset(grants.holders(tx, "reserve.keyholder")),
        proposers=VETOING,
        vetoes=VETOING,
        delay_s=hours * 3_600,
        expires_s=min(hours * 3_600 + office.policy.sign_within_s, EXPIRES_S_MAX),
    )


def in_parts(office: Office, wanted: Wanted, maker: str) -> list[Movement]:
    """Propose a refresh or rotation of more coins than signers take at once, in lawful parts.

    Each part is a movement by itself: judged, approved and signed by itself. Raises
    `ReserveError` for an act that pays somebody, which is one decision and not several.
    """
    if wanted.act not in INWARD:
        raise ReserveError("only a refresh or a rotation goes in parts")
    with office.store.read() as tx:
        free = [coin.name for coin in queries.free(tx, wanted.vault)]
    names, take = wanted.coins or tuple(free), office.policy.inputs_max
    if not names:
        raise CoinsTaken("the vault has no free coins for this")
    groups = [names[at : at + take] for at in range(0, len(names), take)]
    return [propose(office, dataclasses.replace(wanted, coins=part), maker) for part in groups]
