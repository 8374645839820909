"""Why something is not kept in, or read from, the vault, numbered 1350 to 1379."""

from __future__ import annotations

from tallystick.core.errors import TallystickError


class VaultError(TallystickError):
    """The vault does not do this."""

    code = 1350


class VaultInvalid(VaultError):
    """What is to be kept, or the words about it, are not acceptable."""

    code = 1351


class RecordUnknown(VaultError):
    """There is no such record; it was erased, or its time was over."""

    code = 1352


class KeyGone(VaultError):
    """The subject's key was destroyed: nobody can read this, in any copy."""

    code = 1353


class SealBroken(VaultError):
    """The sealed bytes are not those that were kept in this place: altered, swapped, or damaged."""

    code = 1354


class MasterKeyUnusable(VaultError):
    """The master key file can be read by others, holds no keys, or is not the one of this vault."""

    code = 1355


class VaultFull(VaultError):
    """A subject has as many records as one may."""

    code = 1356
