"""Why an approval is not given or not enough, numbered 1300 to 1329. Nothing moves on a refusal."""

from __future__ import annotations

from tallystick.core.errors import TallystickError


class ApprovalError(TallystickError):
    """This is not how approval is given."""

    code = 1300


class RuleUnsound(ApprovalError):
    """A rule that nobody could keep, or that would ask nobody."""

    code = 1301


class ProposalInvalid(ApprovalError):
    """A proposal's kind, subject, digest or words are not acceptable."""

    code = 1302


class ProposalUnknown(ApprovalError):
    """There is no such proposal."""

    code = 1303


class ProposalClosed(ApprovalError):
    """The proposal was used, vetoed or withdrawn, or its time is over."""

    code = 1304


class MakerIsChecker(ApprovalError):
    """Who proposed it, or is part of it, does not approve it."""

    code = 1305


class RoleMissing(ApprovalError):
    """This person does not hold the role, or the rule does not ask for it."""

    code = 1306


class ApprovedAlready(ApprovalError):
    """This person approved already: each counts once, whatever roles they hold."""

    code = 1307


class DigestDiffers(ApprovalError):
    """This is not what was proposed: the digests differ."""

    code = 1308


class NotApproved(ApprovalError):
    """Not enough people agree yet, or the delay is not over."""

    code = 1309


class BackDated(ApprovalError):
    """The clock stands before the proposal's last step: set it right first."""

    code = 1310


class TooManyProposals(ApprovalError):
    """This person has as many proposals open as one may: use or withdraw some."""

    code = 1311
