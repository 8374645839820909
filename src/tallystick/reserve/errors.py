"""What can go wrong in the reserve: numbered, and each says where the coins are.

8000 to 8199 are the mandate, lots, movements, watch and proofs; 8200 upwards the keys.
"""

from __future__ import annotations

from tallystick.core.errors import TallystickError


class ReserveError(TallystickError):
    """The reserve refuses this step; nothing was changed."""

    code, money, say = 8000, "where it was before this step", ""


class MandateUnreadable(ReserveError):
    """A mandate's file is missing or does not say what it must."""

    code, money = 8001, "in the vaults; nothing may move without a mandate"


class NoCharter(ReserveError):
    """The reserve has no mandate yet, or one under another name."""

    code, money = 8002, "in the vaults; nothing may move without a mandate"


class Unlawful(ReserveError):
    """The mandate refuses this step; the provisions that say so are named."""

    code, money = 8010, "in the vaults; the refusal is on record"


class NotSettledByLaw(ReserveError):
    """The mandate does not say whether this step is lawful: a person must find out."""

    code, money = 8011, "in the vaults; the question is on record"


class LotUnknown(ReserveError):
    """There is no such lot, or no such coin to accept."""

    code = 8020


class LotsDoNotAddUp(ReserveError):
    """The lots of a coin do not add up to the coin, or a label would be changed."""

    code = 8021


class LedgersMixed(ReserveError):
    """Coins of the reserve and other assets met in one step; they never mix."""

    code = 8022


class OriginIncomplete(ReserveError):
    """An origin leaves out what its kind must name, such as a forfeiture's case."""

    code = 8023


class MovementUnknown(ReserveError):
    """There is no such movement."""

    code = 8030


class WrongMovementState(ReserveError):
    """The movement is not where this step begins."""

    code = 8031


class CoinsTaken(ReserveError):
    """A coin is spent, unknown, without a lot, or bound to another movement."""

    code = 8032


class PlanDiffers(ReserveError):
    """What was brought is not what was approved; each difference is named."""

    code, money = 8033, "in the vaults; nothing was combined or sent"


class NotThisPerson(ReserveError):
    """This person may not do this: an official without the role, or one who holds a key."""

    code = 8034


class Frozen(ReserveError):
    """The reserve is frozen: nothing moves until enough officials thaw it."""

    code, money = 8035, "in the vaults, frozen"


class Unsigned(ReserveError):
    """Too few key holders have signed."""

    code = 8036


class TooManyInputs(ReserveError):
    """A movement has more inputs than its signers can take; it goes in parts."""

    code = 8037


class ProofRefused(ReserveError):
    """A proof of reserve does not hold; what is wrong is named."""

    code, money = 8040, "not moved by a proof, right or wrong"


class LiabilitiesRefused(ReserveError):
    """A statement of what is owed does not add up, or a share of it is negative."""

    code, money = 8041, "not moved by a proof, right or wrong"


class CodeRefused(ReserveError):
    """The person's code is not right, or none is set."""

    code = 8050


class BundleRefused(ReserveError):
    """What a key holder was given does not show that enough officials approved it."""

    code, money = 8051, "in the vaults; do not sign"
