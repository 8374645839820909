"""Errors of the reserve's keys: vaults, ceremony, signing and recovery. Each says where coins are.

8200 to 8399 are the keys'; 8000 to 8199 the programme's above them.
"""

from __future__ import annotations

from tallystick.core.errors import TallystickError


class KeysError(TallystickError):
    """Something about the reserve's keys went wrong."""

    code, money = 8200, "in the vaults, not moved"


class NoSuchVault(KeysError):
    """No vault of this name or number."""

    code, money = 8201, "in the vaults, not moved"


class BadVault(KeysError):
    """A vault that cannot be: too few keys, a quorum of nobody, a lock that never ends."""

    code, money = 8202, "not touched; the vault is not made"


class AddressDiffers(KeysError):
    """A signer derives another address than this server says: the server may be tampered with."""

    code, money = 8203, "not deposited; the address was not published"


class NotPublished(KeysError):
    """An address that two signers of different implementation have not derived yet."""

    code, money = 8204, "not deposited; the address was not published"


class NoSuchCoin(KeysError):
    """A coin to spend that the vault does not hold, or that does not pay its own script."""

    code, money = 8211, "in the vaults, not moved"


class BadPlan(KeysError):
    """A movement that cannot be built: sums, limits, or more inputs than a signer takes."""

    code, money = 8212, "in the vaults, not moved"


class Differs(KeysError):
    """A signed transaction differs from what was approved; each difference is named."""

    code, money = 8213, "in the vaults, not moved; nothing was combined"

    def __init__(self, detail: str = "", differences: tuple[str, ...] = ()) -> None:
        super().__init__(detail or "; ".join(differences))
        self.differences = differences


class NotEnoughSignatures(KeysError):
    """Fewer signatures than the vault's path needs."""

    code, money = 8214, "in the vaults, not moved"


class CeremonyRefuses(KeysError):
    """The ceremony refuses a key, a quorum or a step; each reason is named."""

    code, money = 8221, "not touched; no address was published"

    def __init__(self, detail: str = "", reasons: tuple[str, ...] = ()) -> None:
        super().__init__(detail or "; ".join(reasons))
        self.reasons = reasons


class SignerKeyUnusable(KeysError):
    """The signer's own key file is damaged, open to others, or there is none."""

    code, money = 8231, "in the vaults; this key cannot sign until it is restored"


class HolderMustConfirm(KeysError):
    """What the holder confirmed is not what the bytes say."""

    code, money = 8232, "in the vaults, not moved; nothing was signed"


class UsbSignerRefuses(KeysError):
    """A device on USB is not there, locked, refuses, or HWI, which speaks to it, fails."""

    code, money = 8233, "in the vaults, not moved; nothing was signed"
