"""What can be wrong with a log, or with what somebody claims to be part of one."""

from __future__ import annotations

from tallystick.core.errors import TallystickError


class LogError(TallystickError):
    """The transparency log, or a text about it, is not as it must be."""

    code, money, say = 1210, "as the ledger says; the log moves no money", ""


class BadText(LogError):
    """A note, checkpoint, key, policy or proof is not written as its format says."""

    code, money, say = 1211, "as the ledger says; the log moves no money", ""


class BadSignature(LogError):
    """A signature by a key that we know does not fit the text, or no key that we know signed."""

    code, money, say = 1212, "as the ledger says; the log moves no money", ""


class BadProof(LogError):
    """The hashes of a proof do not lead to the root."""

    code, money, say = 1213, "as the ledger says; the log moves no money", ""


class Unreadable(LogError):
    """A file of the log cannot be had, or is larger than such a file can be."""

    code, money, say = 1214, "as the ledger says; the log moves no money", ""


class NotPublished(LogError):
    """The log has no checkpoint of that size, or the entry is behind the newest checkpoint."""

    code, money, say = 1215, "as the ledger says; wait a second and ask again", ""


class LogForked(LogError):
    """Two signed checkpoints, or our rows and a signed checkpoint, cannot both be true."""

    code, money, say = 1216, "as the ledger says; publishing stopped, nothing was overwritten", ""


class OriginChanged(LogError):
    """The log was begun under another name or key; a log has one for ever."""

    code, money, say = 1217, "as the ledger says; nothing was published", ""


class PublisherNotAlone(LogError):
    """Another publisher changed the log's folder or rows meanwhile."""

    code, money, say = 1218, "as the ledger says; nothing was published", ""
