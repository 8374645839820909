"""A vault: one descriptor, who holds its keys, and the ways out of it.

The descriptor says everything that the chain enforces; the rest is for people. Kinds are a closed
set, so that each can be tested whole: built, signed, finalised, and recovered from paper. The
default is ``wsh(sortedmulti)``, the one form that nearly every device signs. Policies: BIP-388.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from embit import bip32, ec
from embit.networks import NETWORKS as EMBIT_NETWORKS

from tallystick.bitcoin.descriptor import branch_of, with_checksum
from tallystick.bitcoin.policy388 import Policy388
from tallystick.reserve.key_errors import BadVault

KEYS_MAX: Final = 15
"""Most keys of one quorum: what the script of P2WSH and the devices take."""
NAME_LENGTH_MAX: Final = 60
OLDER_BLOCKS_MAX: Final = 65_535
"""A relative lock by blocks ends here, some 455 days (BIP-68)."""
INDEX_MAX: Final = 1_000_000
"""How far into a branch a vault's own addresses are looked for."""
NUMS: Final = bytes.fromhex("0250929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0")
"""A point whose logarithm nobody knows (BIP-341): a taproot vault has no key path."""
EXTERNAL, INTERNAL = 0, 1


class Kind(enum.StrEnum):
    """The forms of vault."""

    SORTEDMULTI = "sortedmulti"
    RECOVERY = "recovery"
    DECAYING = "decaying"
    TAPROOT = "taproot"
    TAPROOT_RECOVERY = "taproot-recovery"


class Path(enum.StrEnum):
    """The ways to spend: by quorum at any time, or by recovery once the lock is over."""

    QUORUM = "quorum"
    RECOVERY = "recovery"


LOCKED: Final = (Kind.RECOVERY, Kind.DECAYING, Kind.TAPROOT_RECOVERY)
OWN_RECOVERY_KEYS: Final = (Kind.RECOVERY, Kind.TAPROOT_RECOVERY)


@dataclass(frozen=True, slots=True)
class VaultKey:
    """One key: what the descriptor has of it, and what people must know about it.

    ``origin`` is such as ``/48h/1h/0h/2h``; ``role`` is ``quorum`` or ``recovery``;
    ``dice`` is how many recorded rolls went into the key.
    """

    fingerprint: str
    origin: str
    xpub: str
    maker: str = ""
    model: str = ""
    firmware: str = ""
    custodian: str = ""
    place: str = ""
    role: str = "quorum"
    dice: int = 0

    @property
    def expression(self) -> str:
        """Return the key with its origin, as a policy lists it."""
        return f"[{self.fingerprint}{self.origin}]{self.xpub}"


@dataclass(frozen=True, slots=True)
class Vault:
    """A registered vault. ``address_sats_max`` of 0 sets no limit; ``state`` is forming, active or
    retired: only an active vault gives out addresses.

    ``descriptor`` is multipath with its checksum; branch 0 receives, branch 1 is for change.
    """

    id: str
    name: str
    network: str
    kind: Kind
    quorum: int
    recovery_quorum: int
    older_blocks: int
    template: str
    descriptor: str
    keys: tuple[VaultKey, ...]
    address_sats_max: int = 0
    state: str = "active"

    def branch(self, number: int) -> str:
        """Return the descriptor of one branch, with checksum."""
        return branch_of(self.descriptor, number)

    def with_role(self, role: str) -> list[VaultKey]:
        """Return the keys of a role."""
        return [key for key in self.keys if key.role == role]

    def signatures_needed(self, path: Path) -> int:
        """Return how many signatures a way out needs."""
        return self.quorum if path is Path.QUORUM else self.recovery_quorum

    def sequence(self, path: Path) -> int:
        """Return the sequence of each input: replaceable (BIP-125), or the lock (BIP-68)."""
        return 0xFFFFFFFD if path is Path.QUORUM else self.older_blocks

    def policy_items(self, path: Path, count: int) -> list[int]:
        """Return which items of the descriptor's topmost choice a path takes (BDK's numbering)."""
        last = count - 1
        if self.kind is Kind.DECAYING:
            if path is Path.QUORUM:
                return list(range(self.quorum))
            return [*range(self.quorum - 1), last]
        first = 1 if self.kind in (Kind.TAPROOT, Kind.TAPROOT_RECOVERY) else 0
        return [first] if path is Path.QUORUM else [last]


def _places(first: int, count: int) -> str:
    return ",".join(f"@{number}/**" for number in range(first, first + count))


def template_of(
    kind: Kind, quorum: int, keys: int, recovery: int, recovery_keys: int, older: int
) -> str:
    """Return the BIP-388 template of a kind; raise `BadVault`."""
    _check_numbers(kind, quorum, keys, recovery, recovery_keys, older)
    if kind is Kind.SORTEDMULTI:
        return f"wsh(sortedmulti({quorum},{_places(0, keys)}))"
    if kind is Kind.DECAYING:
        rest = "".join(f",s:pk(@{number}/**)" for number in range(1, keys))
        return f"wsh(thresh({quorum},pk(@0/**){rest},sln:older({older})))"
    if kind is Kind.RECOVERY:
        later = f"v:multi({recovery},{_places(keys, recovery_keys)})"
        if recovery_keys == 1:
            later = f"v:pkh(@{keys}/**)"
        main = f"multi({quorum},{_places(0, keys)})"
        return f"wsh(or_d({main},and_v({later},older({older}))))"
    main = f"multi_a({quorum},{_places(1, keys)})"
    if kind is Kind.TAPROOT:
        return f"tr(@0/**,{main})"
    later = f"v:multi_a({recovery},{_places(keys + 1, recovery_keys)})"
    if recovery_keys == 1:
        later = f"v:pk(@{keys + 1}/**)"
    return f"tr(@0/**,{{{main},and_v({later},older({older}))}})"


def _check_numbers(
    kind: Kind, quorum: int, keys: int, recovery: int, recovery_keys: int, older: int
) -> None:
    if not 1 <= quorum <= keys <= KEYS_MAX:
        raise BadVault(f"{quorum} of {keys} keys: from 1 to {KEYS_MAX}")
    if kind in LOCKED and not 1 <= older <= OLDER_BLOCKS_MAX:
        raise BadVault(f"a lock of {older} blocks: from 1 to {OLDER_BLOCKS_MAX}")
    if kind not in LOCKED and (older or recovery or recovery_keys):
        raise BadVault(f"a {kind} vault has no recovery path")
    if kind in OWN_RECOVERY_KEYS and not 1 <= recovery <= recovery_keys <= KEYS_MAX:
        raise BadVault(f"{recovery} of {recovery_keys} recovery keys: from 1 to {KEYS_MAX}")
    if kind is Kind.DECAYING and (recovery != quorum - 1 or recovery < 1 or recovery_keys):
        raise BadVault("a decaying vault of m keys needs m - 1 of the same keys later")


def unspendable(keys: Sequence[VaultKey], network: str) -> str:
    """Return the internal key of a taproot vault, which nobody can sign with.

    The point is BIP-341's; the chain code is SHA-256 over the keys' public points in their order,
    so that anyone can make it again from the keys alone.
    """
    points = b"".join(bip32.HDKey.from_string(key.xpub).sec() for key in keys)
    kind = EMBIT_NETWORKS["main" if network == "bitcoin" else "regtest"]["xpub"]
    key = bip32.HDKey(ec.PublicKey.parse(NUMS), hashlib.sha256(points).digest(), version=kind)
    return str(key.to_base58())


def make(
    id: str,
    name: str,
    network: str,
    kind: Kind,
    quorum: int,
    keys: Sequence[VaultKey],
    recovery_quorum: int = 0,
    older_blocks: int = 0,
    address_sats_max: int = 0,
) -> Vault:
    """Return a vault from its keys, those of recovery last; raise `BadVault` or `BadPolicy`."""
    if not 0 < len(name) <= NAME_LENGTH_MAX:
        raise BadVault(f"a name of 1 to {NAME_LENGTH_MAX} characters")
    main = [key for key in keys if key.role == "quorum"]
    later = [key for key in keys if key.role == "recovery"]
    ordered = (*main, *later)
    template = template_of(kind, quorum, len(main), recovery_quorum, len(later), older_blocks)
    made = Vault(
        id=id,
        name=name,
        network=network,
        kind=kind,
        quorum=quorum,
        recovery_quorum=recovery_quorum,
        older_blocks=older_blocks,
        template=template,
        descriptor="",
        keys=ordered,
        address_sats_max=address_sats_max,
    )
    return dataclasses.replace(made, descriptor=written(made))


def written(vault: Vault) -> str:
    """Return the descriptor that a vault's template and keys stand for, with checksum."""
    sources = [key.expression for key in vault.keys]
    if vault.kind in (Kind.TAPROOT, Kind.TAPROOT_RECOVERY):
        sources = [unspendable(vault.keys, vault.network), *sources]
    return _written(vault.template, tuple(sources))


@functools.lru_cache(maxsize=256)
def _written(template: str, sources: tuple[str, ...]) -> str:
    return with_checksum(Policy388(template, sources).descriptor())
