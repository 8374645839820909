"""A round of signing: plan, PSBT, two signers of two implementations, comparison, final bytes.

A 2-of-3 vault, a movement of 1 to 250 inputs. The two implementations do the same work in the same
run; no device is in it, so what a holder waits for a device comes on top.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bdkpython import bdk

from bench.report import Row
from bench.stage import Stage
from tallystick.bitcoin.embedded.txs import compact
from tallystick.core.clock import SeededClock
from tallystick.reserve import signing, vaults
from tallystick.reserve.plan import draft, own_place
from tallystick.reserve.signer.device import Device, make
from tallystick.reserve.vault import Kind, Vault, VaultKey
from tallystick.reserve.vault import make as make_vault
from tallystick.reserve.wallet import VaultWallet

INPUTS = (1, 20, 100, 250)
ADDRESSES = 50


def devices(folder: Path) -> list[Device]:
    """Make three software signers, two of BDK and one of embit."""
    made = []
    for number, way in enumerate(("bdk", "embit", "bdk")):
        clock = SeededClock(number + 1)
        rolls = "".join(str(byte % 6 + 1) for byte in clock.random_bytes(99))
        made.append(make(folder / f"signer{number}", "regtest", way, rolls, clock))
    return made


def vault_of(signers: list[Device]) -> Vault:
    """Return their vault, and have each register it."""
    said = [one.describe() for one in signers]
    keys = [VaultKey(one["fingerprint"], one["origin"], one["xpub"]) for one in said]
    vault = make_vault("bench", "bench", "regtest", Kind.SORTEDMULTI, 2, keys)
    for one in signers:
        one.register(vault.name, vault.descriptor)
    return vault


def crowded(path: Path, vault: Vault, count: int) -> VaultWallet:
    """Return a wallet that holds so many coins, each in a transaction of its own."""
    wallet = VaultWallet(path, vault)
    wallet.reveal(ADDRESSES - 1, 0)
    seen = []
    for at in range(count):
        script = vaults.script_at(vault, 0, at % ADDRESSES)
        raw = b"\2\0\0\0\1" + at.to_bytes(32, "big") + b"\1\0\0\0\0" + b"\xff" * 4
        raw += b"\1" + (100_000).to_bytes(8, "little") + compact(len(script)) + script + bytes(4)
        seen.append(bdk.UnconfirmedTx(tx=bdk.Transaction(raw), last_seen=1))
    wallet.bdk.apply_unconfirmed_txs(seen)
    return wallet


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return seconds and the result."""
    start = time.perf_counter()
    found = call()
    return time.perf_counter() - start, found


def ms(seconds: float) -> str:
    """Say seconds in milliseconds."""
    return f"{seconds * 1000:,.0f} ms"


def measure(stage: Stage, options: argparse.Namespace) -> list[Row]:
    """Measure a round for each number of inputs."""
    folder = stage.new_folder()
    signers = devices(folder)
    vault = vault_of(signers)
    wallet = crowded(folder / "wallet.sqlite", vault, max(INPUTS))
    back = own_place(vault, 1, 0)
    rows = []
    for count in INPUTS:
        coins = wallet.coins()[:count]
        plan = draft(vault, coins, (), back, 2_000, 2_000_000)
        built, psbt = timed(lambda plan=plan: wallet.psbt(plan))  # type: ignore[misc]
        plan = dataclasses.replace(plan, psbt=psbt)
        times, signed = [], []
        for one in signers[:2]:
            seconds, text = timed(
                lambda one=one, psbt=psbt: one.sign(psbt, one.show(psbt)["digest"])  # type: ignore[misc]
            )
            times.append(seconds)
            signed.append(text)
        joined, raw = timed(
            lambda plan=plan, signed=signed: signing.finalise(  # type: ignore[misc]
                plan, signing.combine(plan, signed), wallet
            )
        )
        total = built + sum(times) + joined
        what = f"a reserve's movement of {count} input{'s' if count > 1 else ''}, 2 of 3 sign"
        how = f"PSBT {ms(built)}; shown and signed by BDK {ms(times[0])}, by embit {ms(times[1])};"
        how += f" compared, joined, finalised, scripts run {ms(joined)}; {len(raw):,} bytes"
        rows.append(Row(what, ms(total), how=how))
    return rows
