"""Check a published proof of reserve alone: from its file, the log, and the reader's own chain.

No database is read and nobody is asked but the chain source that the reader chose, and that one is
asked single questions: nothing is rewound. What is wrong is named; what cannot be shown is said.
`tallystick verify` runs this for every attestation that lies beside a log.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from tallystick.bitcoin import bip322
from tallystick.bitcoin.errors import BitcoinError
from tallystick.bitcoin.lookup import Lookup, open_lookup
from tallystick.bitcoin.transaction import script_of
from tallystick.core import journal
from tallystick.core.tlog import checkers, tiles
from tallystick.core.tlog.checkers import View
from tallystick.core.tlog.errors import BadProof, BadText, Unreadable
from tallystick.core.tlog.report import Caught, Fault
from tallystick.reserve import control, liabilities, record, vaults
from tallystick.reserve.errors import ProofRefused, ReserveError

FOLDER: Final = "artefacts/reserve"
INDEX: Final = f"{FOLDER}/attestations.json"
EVENTS: Final = f"{FOLDER}/events.json"
FORMAT: Final = "tallystick-reserve-attestation/1"
COINS_MAX: Final = 20_000
EVENTS_MAX: Final = 100_000
CLOSED_KINDS: Final = (
    *("vault_registered", "vault_retired", "vault_imported", "address_", "ceremony_"),
    *("advisory", "attestation"),
    *sorted(record.CLOSED),
)
"""Steps whose entries stay closed: of vaults and ceremonies, a proof's own, and those that
`record.CLOSED` names. Who agreed is opened with the step that was agreed to."""
NAMED_MAX: Final = 10
"""How many coins or movements a line of the report names."""
PROOFS_CHECKED_MAX: Final = 4
"""How many attestations, the newest first, are checked against the chain by one verification."""
EVERY_EVENT: Final = (
    "that every event is published after entry {last} too; steps of vaults and ceremonies stay "
    "closed"
)
OLDER: Final = (
    f"that the coins of {{count}} older proofs existed: only the newest {PROOFS_CHECKED_MAX} were "
    "checked against the chain"
)
Document = Mapping[str, Any]


def check(
    document: Document, chain: Lookup | None, gone: dict[str, int] | None = None
) -> list[str]:
    """Check one attestation; return what had to be assumed; raise `ProofRefused` saying what fails.

    Without a chain, that the coins exist and are unspent is assumed. ``gone`` takes each coin that
    was spent after the stated block, with the height (0 while it waits). The log is checked apart
    (`in_log`), since it needs the log's own files.
    """
    try:
        said = document["statement"]
        if document["format"] != FORMAT or said["format"] != FORMAT:
            raise ProofRefused(f"not of the form {FORMAT}")
        known = {vault["name"]: vault for vault in said["vaults"]}
        _sums(said)
        _signed(document, said, known)
        assumed = list(_scripts(said, known))
        if chain is None:
            return [*assumed, "that the coins exist and are unspent: no chain was asked"]
        _on_chain(said, chain, {} if gone is None else gone)
        return assumed
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ProofRefused(f"the attestation cannot be read: {error!r}"[:200]) from error


def _sums(said: Document) -> None:
    """Coins, parcels, lots and totals must add up, and each coin be named once."""
    coins = said["coins"]
    if len(coins) > COINS_MAX:
        raise ProofRefused(f"{len(coins)} coins; at most {COINS_MAX}")
    twice = [name for name, count in Counter(c["coin"] for c in coins).items() if count > 1]
    if twice:
        raise ProofRefused(f"coin {twice[0]} is counted twice")
    held: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    lot_ledger = {lot["id"]: lot["ledger"] for lot in said["lots"]}
    for coin in coins:
        _positive(coin["sats"], coin["coin"])
        if sum(sats for _, sats in coin["parcels"]) != coin["sats"]:
            raise ProofRefused(f"the lots of {coin['coin']} do not add up to it")
        totals[coin["ledger"]] += coin["sats"]
        for lot, sats in coin["parcels"]:
            _positive(sats, coin["coin"])
            held[lot] += sats
            if lot and lot_ledger.get(lot) != coin["ledger"]:
                raise ProofRefused(f"{coin['coin']} holds a lot of another ledger, or of none")
    for lot in said["lots"]:
        if held[lot["id"]] != lot["held_sats"]:
            raise ProofRefused(f"lot {lot['id']} holds {held[lot['id']]}, not what is stated")
    if dict(totals) != {ledger: sats for ledger, sats in said["totals"].items() if sats}:
        raise ProofRefused(f"the coins add up to {dict(totals)}, not to the totals stated")
    _one_ledger(coins)


def _positive(sats: object, name: str) -> None:
    if type(sats) is not int or sats <= 0:
        raise ProofRefused(f"{name}: {sats!r} is no sum of satoshis")


def _one_ledger(coins: Sequence[Document]) -> None:
    of: dict[str, str] = {}
    for coin in coins:
        if of.setdefault(coin["vault"], coin["ledger"]) != coin["ledger"]:
            raise ProofRefused(f"the vault {coin['vault']!r} holds coins of both ledgers")


def _signed(document: Document, said: Document, known: Mapping[str, Document]) -> None:
    """Each coin must be in one proof, signed by its vault's quorum, over this very message."""
    day = dt.datetime.fromisoformat(said["at"]).date().isoformat()
    proven: dict[str, int] = {}
    for proof in document["proofs"]:
        vault = known.get(proof["vault"])
        if vault is None:
            raise ProofRefused(f"a proof is by {proof['vault'][:60]!r}, which is no vault stated")
        message = control.message_of(
            vault["name"], said["height"], said["block"], document["log"]["root"], day
        )
        if proof["message"] != message:
            raise ProofRefused("a proof signs another height, block, log or day than is stated")
        script = vaults.script_of(
            vault["descriptor"], vault["network"], proof["branch"], proof["number"]
        )
        try:
            verdict = bip322.verify(message, script, proof["proof"])
        except BitcoinError as error:
            raise ProofRefused(f"{vault['name']!r}: {error}") from error
        for coin in verdict.proven:
            name = f"{coin.txid}:{coin.vout}"
            if name in proven:
                raise ProofRefused(f"{name} is proven twice")
            proven[name] = coin.sats
    stated = {coin["coin"]: coin["sats"] for coin in said["coins"]}
    for name in sorted(stated.keys() ^ proven.keys()):
        what = "is stated and not signed for" if name in stated else "is signed for and not stated"
        raise ProofRefused(f"{name} {what}")
    for name, sats in stated.items():
        if proven[name] != sats:
            raise ProofRefused(f"{name} holds {proven[name]}, not the {sats} stated")


def _scripts(said: Document, known: Mapping[str, Document]) -> Iterator[str]:
    """Each coin must lie where its vault's descriptor derives it; else the quorum means nothing."""
    for coin in said["coins"]:
        vault = known[coin["vault"]]
        place = (vault["descriptor"], vault["network"], coin["branch"], coin["number"])
        script = vaults.script_of(*place)
        if script_of(coin["address"], vault["network"]) != script:
            raise ProofRefused(f"{coin['coin']} is not at an address of {coin['vault']!r}")
    yield "that nobody else has copies of the keys"
    yield "that no promise about these coins was made outside this log"


def _on_chain(said: Document, chain: Lookup, gone: dict[str, int]) -> None:
    height = said["height"]
    block = chain.block_hash(height)
    if block != said["block"]:
        raise ProofRefused(f"block {height} is {block}, not the {said['block']} stated")
    known = {vault["name"]: vault for vault in said["vaults"]}
    for coin in said["coins"]:
        spent = _coin_on_chain(coin, known[coin["vault"]], chain, height)
        if spent is not None:
            gone[coin["coin"]] = spent


def _coin_on_chain(coin: Document, vault: Document, chain: Lookup, height: int) -> int | None:
    """Check a coin; return the height after the stated one at which it was spent, if it was."""
    txid, _, vout = coin["coin"].partition(":")
    found = chain.output(txid, int(vout))
    if found is None:
        raise ProofRefused(f"{coin['coin']} does not exist")
    place = (vault["descriptor"], vault["network"], coin["branch"], coin["number"])
    if (found.sats, found.script) != (coin["sats"], vaults.script_of(*place)):
        raise ProofRefused(f"{coin['coin']} is not what is stated: {found.sats} sats on the chain")
    if found.height is None or found.height > height:
        raise ProofRefused(f"{coin['coin']} is not in block {height} or before")
    spent = chain.spent(txid, int(vout), height)
    if spent is not None and 0 < spent <= height:
        raise ProofRefused(f"{coin['coin']} was spent in block {spent}")
    return spent


# Beside the log


def in_log(document: Document, view: View) -> None:
    """Find the statement in the log, and the log's root of that day in today's tree."""
    size, entry = int(document["log"]["size"]), int(document["entry"])
    if not 0 < entry <= size <= view.signed.size:
        raise ProofRefused(f"entry {entry} of a log of {size} is not in this log")
    commitment = journal.commit(bytes.fromhex(document["salt"]), document["statement"])
    if _commitment(view.entry(entry - 1)) != commitment:
        said = "the attestation published here was altered, or it is of another log"
        raise ProofRefused(f"{said}: entry {entry} commits to another statement")
    if view.root_at(size).hex() != document["log"]["root"]:
        raise ProofRefused(f"the quorum signed another log than this one at {size} entries")


def _commitment(entry: bytes) -> str:
    found = msgspec.json.decode(entry)
    return str(found.get("commitment", "")) if isinstance(found, dict) else ""


def events_in_log(rows: Sequence[Document], view: View) -> dict[str, list[Document]]:
    """Open every published event in the log; return them by subject. Raises `ProofRefused`."""
    if len(rows) > EVENTS_MAX:
        raise ProofRefused(f"{len(rows)} events; at most {EVENTS_MAX}")
    found: dict[str, list[Document]] = {}
    last = 0
    for row in rows:
        entry, content = int(row["entry"]), row["content"]
        if entry <= last:
            raise ProofRefused(f"event {entry} is out of order")
        last = entry
        commitment = journal.commit(bytes.fromhex(row["salt"]), content)
        if entry > view.signed.size or _commitment(view.entry(entry - 1)) != commitment:
            raise ProofRefused(f"event {entry} ({content.get('kind')}) is not what the log holds")
        found.setdefault(str(content["subject"]), []).append(content)
    return found


def lots_in_log(said: Document, events: Mapping[str, Sequence[Document]]) -> None:
    """Each lot must have been accepted under this label and day; raise `ProofRefused`."""
    for lot in said["lots"]:
        name = f"lot:{lot['id']}"
        accepted = [e for e in events.get(name, ()) if e["kind"] == "accepted"]
        if len(accepted) != 1:
            raise ProofRefused(f"lot {lot['id']} was accepted {len(accepted)} times in the log")
        for here, there in (
            ("origin", "origin"),
            ("deposited", "deposited"),
            ("ledger", "ledger"),
            ("came_in_sats", "sats"),
        ):
            if lot[here] != accepted[0][there]:
                raise ProofRefused(f"lot {lot['id']}: {here} is not what the log says")


def none_withheld(events: Sequence[Document], view: View) -> int:
    """Check that every step of the reserve up to the last one that is opened is opened too.

    Returns that last entry's number; raises `ProofRefused` naming the entry that was left out.
    """
    opened = {int(row["entry"]) for row in events}
    last, seq = min(max(opened), view.signed.size), 0
    while seq < last:
        width = tiles.width_of(0, seq // tiles.WIDTH, view.signed.size)
        for body in view.reader.bundle(seq // tiles.WIDTH, width):
            seq += 1
            if seq > last or seq in opened or b'"programme":"reserve"' not in body:
                continue
            kind = str(msgspec.json.decode(body)["kind"])
            if not kind.startswith(CLOSED_KINDS):
                raise ProofRefused(f"entry {seq} of the log ({kind}) is withheld from {EVENTS}")
    return last


class ReserveChecker:
    """Checks the proofs of reserve and the events that lie beside a log."""

    name = "reserve"

    def check(self, view: View) -> None:
        """Look for attestations and events; say what they prove, catch what is false."""
        events = _read(view, EVENTS, "events")
        index = _read(view, INDEX, "attestations")
        if events is None and index is None:
            return
        opened = _catching(lambda: events_in_log(events or (), view))
        if events:
            last = _catching(lambda: none_withheld(events, view))
            said = f"{len(events)} published events of the reserve are those in the log"
            view.report.prove("reserve-events", f"{said}, and none was withheld up to entry {last}")
            view.report.assume("reserve-events", EVERY_EVENT.format(last=last))
        chain = self._chain(view)
        with contextlib.closing(chain) if chain else contextlib.nullcontext():
            newest: Document | None = None
            for number, name in enumerate(index or ()):
                document = _read(view, f"{FOLDER}/{name}", None)
                if not isinstance(document, dict):
                    raise Caught(Fault.BAD_ARTEFACT, f"attestation {name} is missing")
                asked = chain if number < PROOFS_CHECKED_MAX else None
                self._one(document, view, opened, asked, number == 0)
                newest = newest or document
            if text := not_proved(events or (), newest):
                view.report.assume("reserve-unproved", text)
            if view.settings.get("claim"):
                _catching(lambda: view.report.prove("claim", claimed(view, newest)))
        older = len(index or ()) - PROOFS_CHECKED_MAX
        if chain is not None and older > 0:
            view.report.assume("reserve", OLDER.format(count=older))

    def _chain(self, view: View) -> Lookup | None:
        url = view.settings.get("chain", "")
        try:
            return open_lookup(url) if url else None
        except BitcoinError as error:
            raise Unreadable(str(error)) from error

    def _one(
        self,
        document: Document,
        view: View,
        opened: Mapping[str, Sequence[Document]],
        chain: Lookup | None,
        newest: bool,
    ) -> None:
        def run() -> list[str]:
            in_log(document, view)
            lots_in_log(document["statement"], opened)
            return check(document, chain, gone)

        gone: dict[str, int] = {}
        assumed = _catching(run)
        said, report = document["statement"], view.report
        where, coins = f"block {said['height']}", len(said["coins"])
        text = f"proved: {_sats(said['totals'])} in {coins} coins at {where}"
        text += ": the quorums signed for each"
        if chain is not None:
            text += ", and the reader's chain has each unspent at that block"
        report.prove("reserve", text)
        if newest and chain is not None:
            report.prove("reserve-now", _now(said, gone))
        for line in assumed if newest else ():
            report.assume("reserve", line)


def _sats(totals: Mapping[str, int]) -> str:
    """Return a sum with what it consists of: ``9 sats (reserve 8, other assets 1)``."""
    reserve, other = totals["reserve"], totals["other"]
    parts = f" (reserve {reserve:,}, other assets {other:,})" if other else ""
    return f"{reserve + other:,} sats{parts}"


def _now(said: Document, gone: Mapping[str, int]) -> str:
    """Return what became of the coins of the newest proof, by the reader's chain."""
    sats = {coin["coin"]: coin["sats"] for coin in said["coins"]}
    left = sum(sats.values()) - sum(sats[name] for name in gone)
    text = f"of these, still unspent today: {left:,} sats in {len(sats) - len(gone)} coins"
    if not gone:
        return f"{text}; spent since: nothing"
    names = [f"{name} ({f'block {at}' if at else 'not mined yet'})" for name, at in gone.items()]
    total = sum(sats[name] for name in gone)
    return f"{text}; spent since: {total:,} sats in {len(gone)} coins: {_some(names)}"


def _some(names: Sequence[str]) -> str:
    more = len(names) - NAMED_MAX
    return ", ".join(names[:NAMED_MAX]) + (f", and {more} more" if more > 0 else "")


class Claim(msgspec.Struct, forbid_unknown_fields=True):
    """What a creditor was given: the shares of their claim, and the root they were told of."""

    root: liabilities.Node
    shares: list[liabilities.Share]


def claimed(view: View, newest: Document | None) -> str:
    """Check a creditor's shares against the total that the newest proof states; say what it is.

    Raises `ProofRefused` if they are not in that total.
    """
    owed = newest["statement"]["owed"] if newest else None
    if owed is None:
        raise ProofRefused("the newest proof states no debts")
    try:
        given = msgspec.json.decode(view.settings["claim"], type=Claim)
        root = liabilities.Node(str(owed["root"]), int(owed["sats"]))
        sats = sum(share.sats for share in given.shares)
        liabilities.check(given.shares, sats, root)
    except (msgspec.MsgspecError, ReserveError) as error:
        raise ProofRefused(f"the claim is not in what the newest proof owes: {error}") from error
    return f"a claim of {sats:,} sats is in the {root.sats:,} sats that the newest proof owes"


def not_proved(events: Sequence[Document], newest: Document | None) -> str:
    """Say what the published events name and the newest proof does not: nothing if it is all.

    Coins that came in after it, and movements whose coins lie at new addresses since.
    """
    after = int(newest["entry"]) if newest else 0
    stated = {coin["coin"] for coin in newest["statement"]["coins"]} if newest else set()
    later = [row["content"] for row in events if int(row["entry"]) > after]
    came = {
        str(one["subject"]).removeprefix("coin:"): int(one["sats"])
        for one in later
        if one["kind"] == "arrived"
    }
    fresh = {name: sats for name, sats in came.items() if name not in stated}
    moved = [str(one["txid"]) for one in later if one["kind"] in ("settled", "cancelled")]
    parts = []
    if fresh:
        names = _some(list(fresh))
        parts.append(f"{sum(fresh.values()):,} sats in {len(fresh)} coins that came in: {names}")
    if moved:
        parts.append(f"what {len(moved)} movements left at new addresses: {_some(moved)}")
    since = f"since block {newest['statement']['height']}" if newest else "in this log, ever"
    return f"not proved, {since}: {'; '.join(parts)}" if parts else ""


def _catching(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except ProofRefused as error:
        raise Caught(Fault.BAD_ARTEFACT, str(error)) from error
    except (BadProof, BadText) as error:
        said = "what is published beside the log cannot be looked up in it"
        raise Caught(Fault.BAD_ARTEFACT, f"{said}: {error}") from error
    except BitcoinError as error:
        raise Unreadable(str(error)) from error


def _read(view: View, path: str, key: str | None) -> Any:
    """Return a JSON file beside the log, or None; raise `Caught` if it cannot be read."""
    body = view.file(path)
    if body is None:
        return None
    try:
        found = msgspec.json.decode(body)
        return found if key is None else found[key]
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise Caught(Fault.BAD_ARTEFACT, f"{path} cannot be read: {error}") from error


checkers.register("reserve", ReserveChecker)
