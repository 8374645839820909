"""Errors of the bitcoin floor. Each says where the coins are."""

from __future__ import annotations

from tallystick.core.errors import TallystickError


class BitcoinError(TallystickError):
    """Something about bitcoin went wrong."""

    code, money, say = 3000, "where the chain says", ""


class NotAnAddress(BitcoinError):
    """These letters are not a bitcoin address."""

    code, money, say = 3001, "not taken", "scan.unreadable"


class WrongNetwork(BitcoinError):
    """A bitcoin address, but of another network."""

    code, money, say = 3002, "not taken", "scan.wrong_network"


class OtherCoin(BitcoinError):
    """An address of a different coin."""

    code, money, say = 3003, "not taken", "scan.other_coin"


class LightningInvoice(BitcoinError):
    """A lightning invoice; this machine pays to addresses."""

    code, money, say = 3004, "not taken", "scan.lightning"


class ChainUnreachable(BitcoinError):
    """The chain did not answer: what was sent may or may not have arrived. Ask before repeating."""

    code, money = 3101, "unknown until the chain answers; nothing is repeated"


class BroadcastRejected(BitcoinError):
    """A node refused the transaction, and said why."""

    code, money = 3102, "not sent"


class BadChainUrl(BitcoinError):
    """A chain URL of no known form."""

    code, money = 3103, "not touched"


class WrongChain(BitcoinError):
    """The chain at this URL is of another network than the wallet, or a false one."""

    code, money = 3104, "not touched"


class InsufficientCoins(BitcoinError):
    """The hot wallet holds too few coins for this payment and its fee."""

    code, money = 3201, "owed to the customer, not sent"


class WalletRefuses(BitcoinError):
    """The wallet cannot build or finish this transaction."""

    code, money = 3202, "owed to the customer, not sent"


class SignerUnreachable(BitcoinError):
    """The signer did not answer; asking again for the same transaction is harmless."""

    code, money = 3301, "owed to the customer, not sent"


class SignerRefused(BitcoinError):
    """The signer's own policy forbids this transaction.

    ``reason`` names the rule; ``limit`` and ``would_be`` are its satoshis, where it has any.
    """

    code, money = 3302, "owed to the customer, not sent"

    def __init__(
        self,
        detail: str = "",
        reason: str = "",
        limit: int | None = None,
        would_be: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.reason, self.limit, self.would_be = reason, limit, would_be


class NotSignable(BitcoinError):
    """The signer cannot make sense of the request, or it spends what is not ours."""

    code, money = 3303, "owed to the customer, not sent"


class SignerKeysUnusable(BitcoinError):
    """The signer's seed is damaged, or open to others. It does not start."""

    code, money = 3304, "in the wallet, out of reach until the seed is restored"


class ChainRejects(BitcoinError):
    """The embedded chain refuses a transaction or a block."""

    code, money = 3401, "not sent"


class BadDescriptor(BitcoinError):
    """A descriptor or key expression that does not follow its form, or has a wrong checksum."""

    code, money = 3501, "not touched; nothing was derived from it"


class BadPolicy(BitcoinError):
    """A wallet policy that BIP-388 does not allow."""

    code, money = 3502, "not touched; nothing was derived from it"


class BadPsbt(BitcoinError):
    """Not a partially signed transaction that can be read."""

    code, money = 3511, "not moved; the stored transaction is unchanged"


class BadFrames(BitcoinError):
    """Frames of an animated code that do not belong together, or are damaged."""

    code, money = 3521, "not moved; nothing was taken from the camera"


class BadMessageSignature(BitcoinError):
    """A signed message or proof of funds that does not follow BIP-322."""

    code, money = 3531, "not touched; the proof says nothing"
