"""What a key must be before a vault may rest on it: made with dice, and unlike every other.

A key counts once, whatever fingerprint or path it is dressed in; no one maker's failure reaches a
quorum; and a descriptor is refused that any reader would write back differently.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from bdkpython import bdk
from embit import bip32
from embit.base import EmbitError
from embit.descriptor import Descriptor as EmbitDescriptor

from tallystick.bitcoin.descriptor import is_whole, keys_of, normalise, parse_key
from tallystick.bitcoin.errors import BadDescriptor, BadPolicy
from tallystick.bitcoin.policy388 import policy_of
from tallystick.reserve.advisories import Advisory, same, version
from tallystick.reserve.dice import DICE_MIN
from tallystick.reserve.signer.way import account_of
from tallystick.reserve.vault import Path, Vault, VaultKey


def refuse_key(key: VaultKey, network: str, against: Sequence[Advisory]) -> list[str]:
    """Return why one key may not be in a vault; an empty list means that it may."""
    who = f"key {key.fingerprint}"
    if not re.fullmatch(r"[0-9a-f]{8}", key.fingerprint) or key.fingerprint == "00000000":
        return [f"{who}: a fingerprint is 8 hex digits, and not all zero"]
    try:
        found, parsed = parse_key(key.expression), _parsed(key.xpub)
    except (BadDescriptor, ValueError, EmbitError) as error:
        return [f"{who}: its public key cannot be read: {error}"]
    reasons: list[str] = []
    prefix = "xpub" if network == "bitcoin" else "tpub"
    if parsed.is_private:
        return [f"{who}: A PRIVATE KEY WAS GIVEN. It is burnt: make another, show it to nobody"]
    if not key.xpub.startswith(prefix):
        reasons.append(f"{who}: {key.xpub[:4]} is not {prefix}, the form for {network}")
    if found.suffix:
        reasons.append(f"{who}: a path is written behind the key")
    steps = found.origin.split("/")[1:]
    if steps != account_of(network).split("/"):
        path, given = account_of(network), found.origin or "/"
        reasons.append(f"{who}: made for m{given}, another script type or coin than m/{path}")
    if parsed.depth != len(steps) or (steps and parsed.child_number != _number(steps[-1])):
        reasons.append(f"{who}: the key is not at the depth that its path says")
    reasons += [
        f"{who}: {key.maker} {key.firmware or 'of unknown firmware'} is below the floor"
        f" {one.below or '(not known)'}: {one.say}"
        for one in against
        if one.touches(key, key.dice)
    ]
    if not version(key.firmware):
        reasons.append(f"{who}: its firmware is not written down")
    if not same(key.maker):
        reasons.append(f"{who}: its maker is not written down")
    if key.dice < DICE_MIN:
        reasons.append(f"{who}: {key.dice} recorded dice; at least {DICE_MIN} are rolled for a key")
    return reasons


def _parsed(xpub: str) -> Any:
    return bip32.HDKey.from_string(xpub)


def point_of(xpub: str) -> bytes:
    """Return a key's public point (33 bytes) and chain code (32); raise `ValueError`."""
    parsed = _parsed(xpub)
    return bytes(parsed.sec() + parsed.chain_code)


def _number(step: str) -> int:
    return int(step.rstrip("h")) + (1 << 31 if step.endswith("h") else 0)


def refuse_set(vault: Vault) -> list[str]:
    """Return why keys may not be together in a vault. Public points and chain codes are compared.

    A key counts once under whatever fingerprint, path or version it comes; and no one maker's
    failure may reach a quorum.
    """
    reasons = []
    points: dict[bytes, str] = {}
    prints: set[str] = set()
    for key in vault.keys:
        if key.fingerprint in prints:
            reasons.append(f"fingerprint {key.fingerprint} comes twice")
        prints.add(key.fingerprint)
        point = point_of(key.xpub)
        for known, other in points.items():
            if known[:33] == point[:33]:
                reasons.append(f"{key.fingerprint} is the same key as {other}, dressed otherwise")
        points[point] = key.fingerprint
    if len({key.origin for key in vault.keys}) > 1:
        reasons.append("keys of different paths: mixed script types")
    for path in Path:
        reasons += _one_maker(vault, path)
    return reasons


def _one_maker(vault: Vault, path: Path) -> list[str]:
    recovery = path is Path.RECOVERY
    if recovery and not vault.older_blocks:
        return []
    keys = (recovery and vault.with_role("recovery")) or vault.with_role("quorum")
    needed = vault.signatures_needed(path)
    counts = Counter(same(key.maker) for key in keys)
    return [
        f"{count} keys by one maker ({maker}) reach the {path}'s {needed} signatures"
        for maker, count in sorted(counts.items())
        if count >= needed
    ]


def refuse_descriptor(text: str) -> list[str]:
    """Return why a descriptor may not be a vault's: it must survive every reader byte for byte."""
    try:
        if not is_whole(text):
            return ["the descriptor is not written in its one form: h for hardened, and a checksum"]
        keys = keys_of(text)
        policy = policy_of(text)
    except (BadDescriptor, BadPolicy) as error:
        return [str(error)]
    reasons = []
    if len({key.suffix for key in keys}) != 1 or keys[0].suffix != "/<0;1>/*":
        found = ", ".join(sorted({key.suffix or "nothing" for key in keys}))
        reasons.append(f"the keys' suffixes are not all /<0;1>/*: {found}")
    points = Counter(_parsed(key.key).sec() for key in keys)
    if any(count > 1 for count in points.values()):
        reasons.append("a key comes twice, dressed otherwise")
    prints = Counter(key.fingerprint for key in keys if key.fingerprint)
    reasons += [f"fingerprint {one} comes twice" for one, n in prints.items() if n > 1]
    if not re.match(r"wsh\(|tr\(", text):
        reasons.append("a vault is wsh(…) or tr(…)")
    if reasons:
        return reasons
    for name, write in READERS.items():
        try:
            written = write(text)
        except (bdk.DescriptorError, EmbitError, ValueError, AssertionError) as error:
            reasons.append(f"{name} cannot read the descriptor: {error}")
            continue
        if normalise(written).partition("#")[0] != text.partition("#")[0]:
            reasons.append(f"{name} reads another descriptor in it: {written[:80]}…")
    return reasons or ([] if policy.descriptor() == text.partition("#")[0] else ["no policy"])


def _by_bdk(text: str) -> str:
    kind = bdk.NetworkKind.MAIN if "xpub" in text else bdk.NetworkKind.TEST
    return str(bdk.Descriptor(text, kind))


def _by_embit(text: str) -> str:
    return str(EmbitDescriptor.from_string(text.partition("#")[0]))


READERS: Final = {"BDK": _by_bdk, "embit": _by_embit}
"""Implementations that must each write a descriptor back as it stands."""
