"""Everything that can go wrong in knowing who speaks, numbered 1500 to 1599.

The texts say enough for an operator to act and nothing that tells a stranger which half of a
secret was right. A refused machine request leaves every note and coin where it was.
"""

from __future__ import annotations

from tallystick.core.errors import TallystickError


class IdentityError(TallystickError):
    """Somebody is not who they must be for this."""

    code = 1500


class RequestRefused(IdentityError):
    """A machine's request cannot be trusted, and nothing was done about it."""

    code, money = 1501, "where it was before the request"


class MissingSignature(RequestRefused):
    """The request carries no signature."""

    code = 1502


class MalformedSignature(RequestRefused):
    """The signature is not of the one form that machines use."""

    code = 1503


class UnknownKey(RequestRefused):
    """No machine in service has this key."""

    code = 1504


class BadSignature(RequestRefused):
    """The signature does not belong to this request."""

    code = 1505


class StaleRequest(RequestRefused):
    """The request was signed too long ago, or in the future: check the machine's clock."""

    code = 1506


class DigestMismatch(RequestRefused):
    """The body is not the one that was signed."""

    code = 1507


class Replayed(RequestRefused):
    """The request was seen before."""

    code = 1508


class BadKey(IdentityError):
    """This is not an Ed25519 key, or not one that may be used."""

    code = 1510


class KeyFileUnsafe(IdentityError):
    """The key file can be read by others, or does not hold a key."""

    code = 1511


class PairingRefused(IdentityError):
    """The pairing token is unknown, used or expired: make a new one on the server."""

    code = 1520


class UnknownMachine(IdentityError):
    """There is no such machine."""

    code = 1521


class MachineRevoked(IdentityError):
    """The machine was taken out of service for good; pair it anew."""

    code = 1522


class MachineTextInvalid(IdentityError):
    """A machine's label, currency or cap is not acceptable."""

    code = 1523


class InviteRefused(IdentityError):
    """The invitation is unknown, used or expired: ask for a new one."""

    code, say = 1530, "signin.invite_refused"


class UnknownPerson(IdentityError):
    """There is no such person."""

    code = 1531


class PersonTextInvalid(IdentityError):
    """A person's name is empty or too long."""

    code = 1532


class PasskeyRefused(IdentityError):
    """The passkey could not be accepted."""

    code, say = 1540, "signin.passkey_refused"


class ChallengeRefused(PasskeyRefused):
    """The question was answered before, or too late: begin again."""

    code, say = 1541, "signin.too_late"


class PasskeyCopied(PasskeyRefused):
    """The passkey's counter went backwards: somebody may hold a copy. It was removed."""

    code, say = 1542, "signin.passkey_copied"


class LastPasskey(IdentityError):
    """This is the only passkey of this person; invite them anew first."""

    code = 1543


class PasskeysFull(IdentityError):
    """This person has as many passkeys as allowed; remove one first."""

    code = 1544


class NotSignedIn(IdentityError):
    """The session is unknown, ended or expired: sign in."""

    code, say = 1550, "signin.again"


class TooManyAttempts(IdentityError):
    """Too many attempts: wait a few minutes."""

    code, say = 1551, "signin.wait"


class NotAllowed(IdentityError):
    """This person's role does not permit this."""

    code, say = 1552, "signin.not_allowed"


class GrantRefused(IdentityError):
    """This is not a role of a programme, or the person does not hold it."""

    code = 1553


class AssertionUnsound(IdentityError):
    """The kept signature is not of this passkey over this digest."""

    code = 1554


class SealedForAnother(IdentityError):
    """What was sealed is not for this server or this step, or the key to seal to is not its own."""

    code = 1560
