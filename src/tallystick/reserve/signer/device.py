"""One software signer's folder: a key made with dice, registered vaults, and what was signed.

The words are readable by their owner only and leave the folder in nobody's request. Nothing is
signed but what was shown, computed from the bytes, and confirmed by its digest.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tallystick.bitcoin import psbt as psbts
from tallystick.bitcoin.address import NETWORKS
from tallystick.bitcoin.descriptor import branches_of, is_whole, keys_of, with_checksum
from tallystick.bitcoin.errors import BadPsbt
from tallystick.core.clock import Clock
from tallystick.reserve.dice import check_dice
from tallystick.reserve.key_errors import BadVault, SignerKeyUnusable
from tallystick.reserve.signer.bdk_way import BdkWay
from tallystick.reserve.signer.embit_way import EmbitWay
from tallystick.reserve.signer.view import Registered, check_confirmed, view_of
from tallystick.reserve.signer.way import Way, account_of

WAYS: Final[Mapping[str, type[Any]]] = {"bdk": BdkWay, "embit": EmbitWay}
ENTROPY_BYTES: Final = 32
ADDRESSES_MAX: Final = 1_000
VAULTS_MAX: Final = 50
NAME_LENGTH_MAX: Final = 60
MAKER: Final = "Tallystick software signer"


def make(folder: Path, network: str, implementation: str, dice: str, clock: Clock) -> Device:
    """Make a key from recorded dice and this machine's chance together; raise if there is one.

    The seed is SHA-256 over both, so it is no worse than the better of them. The ceremony's record
    gets a commitment to the dice under a nonce that stays here: it says which rolls were used to
    whoever is shown them, and nothing about the seed.
    """
    if network not in NETWORKS or implementation not in WAYS:
        raise SignerKeyUnusable(f"{network[:20]} by {implementation[:20]}: one is not known")
    check_dice(dice)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "key.json"
    if path.exists():
        raise SignerKeyUnusable(f"{folder.name} holds a key already")
    chance, nonce = clock.random_bytes(ENTROPY_BYTES), clock.random_bytes(ENTROPY_BYTES)
    seed = hashlib.sha256(b"tallystick/seed/1" + chance + dice.encode()).digest()
    commitment = hashlib.sha256(b"tallystick/dice/1" + nonce + dice.encode()).hexdigest()
    content = {
        "network": network,
        "implementation": implementation,
        "words": WAYS[implementation]().words(seed),
        "dice": {"rolls": len(dice), "commitment": commitment, "nonce": nonce.hex()},
        "vaults": {},
    }
    _write(path, content)
    return Device(folder)


def _write(path: Path, content: Mapping[str, Any]) -> None:
    draft = path.with_suffix(".new")
    number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(number, "w") as file:
        json.dump(content, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


class Device:
    """An opened signer."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "key.json"
        if not self.path.exists():
            raise SignerKeyUnusable(f"{folder.name} holds no key")
        if self.path.stat().st_mode & 0o077:
            raise SignerKeyUnusable("others may read the key file; its mode must be 0600")
        try:
            self.content: dict[str, Any] = json.loads(self.path.read_text())
            self.way: Way = WAYS[self.content["implementation"]]()
            self.network, self._words = self.content["network"], self.content["words"]
            self.account = self.way.account(self._words, self.network)
        except (ValueError, KeyError, TypeError) as error:
            raise SignerKeyUnusable("the key file is damaged") from error

    def describe(self) -> dict[str, Any]:
        """Return what a ceremony must know of this key; nothing secret is in it."""
        dice = self.content["dice"]
        return {
            "fingerprint": self.account.fingerprint,
            "origin": f"/{account_of(self.network)}",
            "xpub": self.account.xpub,
            "network": self.network,
            "maker": MAKER,
            "model": self.content["implementation"],
            "firmware": self.way.name.rpartition(" ")[2],
            "implementation": self.way.name,
            "dice": {"rolls": dice["rolls"], "commitment": dice["commitment"]},
        }

    def backup(self) -> dict[str, str]:
        """Return what the holder writes on paper: words, and the master key they stand for."""
        return {"words": self._words, "master": self.way.master(self._words, self.network)}

    def register(self, name: str, descriptor: str) -> dict[str, Any]:
        """Register a vault, once; raise `BadVault` unless it is whole and holds this very key."""
        known = self.content["vaults"]
        if not 0 < len(name) <= NAME_LENGTH_MAX or len(known) >= VAULTS_MAX:
            raise BadVault("a vault needs a name, and a signer takes 50 vaults")
        if not is_whole(descriptor):
            raise BadVault("the descriptor is not written in its one form")
        keys = [(k.fingerprint, k.origin, k.key) for k in keys_of(descriptor)]
        own = (self.account.fingerprint, f"/{account_of(self.network)}", self.account.xpub)
        if keys.count(own) != 1:
            raise BadVault("the descriptor does not hold this signer's key exactly once")
        if known.get(name, descriptor) != descriptor:
            raise BadVault(f"{name!r} is registered with another descriptor")
        known[name] = descriptor
        _write(self.path, self.content)
        return {"vault": name, "descriptor": descriptor, "first": self.addresses(name, 0, 1)}

    def _vault(self, name: str) -> str:
        try:
            return str(self.content["vaults"][name])
        except KeyError:
            raise BadVault(f"this signer has no vault {name[:60]!r} registered") from None

    def addresses(self, name: str, first: int, count: int) -> dict[str, Any]:
        """Derive a vault's receiving addresses, from the registered descriptor alone."""
        if first < 0 or not 0 < count <= ADDRESSES_MAX:
            raise BadVault(f"from 1 to {ADDRESSES_MAX} addresses at once")
        branch = with_checksum(branches_of(self._vault(name))[0])
        found = {
            str(n): self.way.derive(branch, self.network, n)[0] for n in range(first, first + count)
        }
        who = {"signer": self.account.fingerprint, "implementation": self.way.name}
        return {"vault": name, **who, "addresses": found}

    def show(self, given: str | bytes) -> dict[str, Any]:
        """Return what a PSBT would do; raise `BadPsbt`."""
        registered = Registered(self.content["vaults"], self.network, self.way)
        return view_of(psbts.read(given), registered)

    def sign(self, given: str | bytes, confirmed: str) -> str:
        """Sign what the holder saw and confirmed; return the PSBT with signatures and no more."""
        view = self.show(given)
        check_confirmed(view, confirmed)
        maps = psbts.read(given)
        for vault in sorted({one["vault"] for one in view["inputs"]}):
            signed = self.way.sign(maps.serialize(), self._words, self.network, self._vault(vault))
            for part, other in zip(maps.inputs, psbts.read(signed).inputs, strict=True):
                part.update({s.field: s.value for s in psbts.signatures_of(other)})
        hashes = psbts.Sighashes(psbts.read(given))
        for at, part in enumerate(maps.inputs):
            made = psbts.signatures_of(part)
            wrong = [text for one in made if (text := hashes.verify(at, one))]
            if wrong or not made:
                raise BadPsbt(f"input {at}: {wrong[0] if wrong else 'was not signed'}")
        return maps.text()
