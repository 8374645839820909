"""Judging, recording and signing one request after another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from bdkpython import bdk

from tallystick.bitcoin.address import check
from tallystick.bitcoin.anchor import is_anchor, is_data
from tallystick.bitcoin.errors import BitcoinError, NotSignable, SignerRefused
from tallystick.bitcoin.signer import policy as policies
from tallystick.bitcoin.signer.policy import Policy
from tallystick.bitcoin.signer.record import Record
from tallystick.bitcoin.signer.request import Request, read
from tallystick.bitcoin.signer.vault import open_keys, sync_folder
from tallystick.core.clock import Clock

NAME_LENGTH_MAX: Final = 64
HOUR: Final = dt.timedelta(hours=1)
DAY: Final = dt.timedelta(days=1)
SPENDING: Final = ("hour", "day", "machine_hour")
"""Refusals that do not touch a transaction whose signature may be out already."""

Refusals = Iterator[SignerRefused]


class Desk:
    """One signer: keys, policy, record. Not thread-safe: its owner holds a lock."""

    def __init__(self, folder: Path, network: str, clock: Clock) -> None:
        self.network, self.clock, self.folder = network, clock, folder
        self.keys = open_keys(folder, network, clock)
        self._policy_path = folder / "policy.toml"
        if not self._policy_path.exists():
            self._policy_path.write_text(policies.SAMPLE)
        self.record = Record(folder / "signed.sqlite")
        self._pause_path = folder / "paused"

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer one request; a refusal is an answer with ``refused``."""
        try:
            return self._answer(asked)
        except SignerRefused as refusal:
            return {
                "refused": refusal.reason,
                "why": str(refusal),
                "limit": refusal.limit,
                "would_be": refusal.would_be,
            }
        except NotSignable as error:
            return {"error": str(error)}

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        match asked.get("do"):
            case "public":
                return {
                    "external": self.keys.external,
                    "internal": self.keys.internal,
                    "fingerprint": self.keys.fingerprint,
                }
            case "status":
                return self._status()
            case "pause":
                self._pause_path.touch()
            case "resume":
                self._pause_path.unlink(missing_ok=True)
            case "sign":
                return self._sign(asked)
            case other:
                raise NotSignable(f"unknown request {str(other)[:20]!r}")
        sync_folder(self.folder)
        return self._status()

    def _status(self) -> dict[str, Any]:
        policy, trouble = policies.read(self._policy_path)
        now = self.clock.now()
        return {
            "paused": policy.paused or self._pause_path.exists(),
            "trouble": trouble,
            "per_transaction_sats_max": policy.per_transaction_sats_max,
            "hour_sats_max": policy.hour_sats_max,
            "day_sats_max": policy.day_sats_max,
            "machine_hour_sats_max": policy.machine_hour_sats_max,
            "hour_sats": self.record.spent_since(now - HOUR),
            "day_sats": self.record.spent_since(now - DAY),
        }

    def _sign(self, asked: dict[str, Any]) -> dict[str, Any]:
        machine, purpose = _name(asked, "machine"), _name(asked, "purpose")
        request = read(asked.get("psbt"), self.keys)
        anchor, charged = self.record.anchor(request.coins)
        counted = max(request.out - charged, 0)
        again = self.record.known(request.txid)
        for refusal in self._refusals(request, counted, machine):
            if not (again and refusal.reason in SPENDING):
                raise refusal
        try:
            whole = self.keys.sign(request.psbt)
        except bdk.SignerError as error:
            raise NotSignable(f"cannot sign: {error!r}") from error
        if not whole:
            raise NotSignable("the transaction spends coins that are not this signer's")
        self.record.write(
            request.txid,
            self.clock.now(),
            machine=machine,
            purpose=purpose,
            sats=request.out,
            counted=counted,
            anchor=anchor,
        )
        return {"psbt": request.psbt.serialize(), "txid": request.txid, "counted": counted}

    def _refusals(self, request: Request, counted: int, machine: str) -> Refusals:
        policy, trouble = policies.read(self._policy_path)
        if policy.paused or self._pause_path.exists():
            yield SignerRefused(trouble or "the signer is paused", "paused")
        yield from _over_at_once(policy, request)
        yield from _foreign_data(request)
        now, record = self.clock.now(), self.record
        hour, day = record.spent_since(now - HOUR), record.spent_since(now - DAY)
        yield from _over("hour", "sats within an hour", hour + counted, policy.hour_sats_max)
        yield from _over("day", "sats within a day", day + counted, policy.day_sats_max)
        if machine:
            spent = record.spent_since(now - HOUR, machine) + counted
            limit = policy.machine_hour_sats_max
            yield from _over("machine_hour", f"sats within an hour for {machine}", spent, limit)
        if policy.allow_list:
            yield from self._not_listed(request, policy.allow_list)

    def _not_listed(self, request: Request, allowed: tuple[str, ...]) -> Refusals:
        scripts = set()
        for address in allowed:
            try:
                scripts.add(check(address, self.network).script)
            except BitcoinError:
                words = f"the allow list holds {address[:20]!r}, which is no address"
                yield SignerRefused(words, "allow_list")
        for script, sats in request.leaves:
            if script not in scripts and not is_anchor(script, sats):
                words = f"{sats} sats to an address that is not on the allow list"
                yield SignerRefused(words, "allow_list")


def _over_at_once(policy: Policy, request: Request) -> Refusals:
    limit = policy.per_transaction_sats_max
    yield from _over("transaction", "sats at once", request.out, limit)
    yield from _over("fee", "sats as a fee", request.fee, policy.fee_sats_max)
    rate = request.fee * 1000 // request.vsize
    yield from _over("fee_rate", "sats of fee per kvB", rate, policy.fee_rate_sat_per_kvb_max)


def _foreign_data(request: Request) -> Refusals:
    """Refuse what nobody could ever spend, but for one anchor of the log."""
    data = [(script, sats) for script, sats in request.leaves if is_data(script)]
    if len(data) > 1 or not all(is_anchor(script, sats) for script, sats in data):
        yield SignerRefused("an output that nobody can spend, and that is no anchor", "data")


def _over(reason: str, what: str, would_be: int, limit: int | None) -> Refusals:
    if limit is not None and would_be > limit:
        words = f"{would_be} {what}; at most {limit}"
        yield SignerRefused(words, reason, limit=limit, would_be=would_be)


def _name(asked: dict[str, Any], key: str) -> str:
    found = asked.get(key, "")
    if not isinstance(found, str) or len(found) > NAME_LENGTH_MAX:
        raise NotSignable(f"{key}: text of at most {NAME_LENGTH_MAX} letters")
    return found
