"""Enough people agree: `propose` something by its digest, `approve` it, `use` the approval once."""

from tallystick.core.approvals.model import Approval, Proposal, Stage, Status
from tallystick.core.approvals.queries import get, history, listed, status
from tallystick.core.approvals.rule import Rule
from tallystick.core.approvals.steps import (
    approve,
    propose,
    seem_to_approve,
    use,
    veto,
    withdraw,
)

__all__ = [
    "Approval",
    "Proposal",
    "Rule",
    "Stage",
    "Status",
    "approve",
    "get",
    "history",
    "listed",
    "propose",
    "seem_to_approve",
    "status",
    "use",
    "veto",
    "withdraw",
]
