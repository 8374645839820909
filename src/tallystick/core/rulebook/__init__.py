"""Law as dated provisions: `load` a place, `ask` it a question, get a verdict that cites them."""

from tallystick.core.rulebook.ask import ask, binding, fee_most
from tallystick.core.rulebook.place import LAW_FOLDER, Jurisdiction, LawUnreadable, load
from tallystick.core.rulebook.provision import Provision
from tallystick.core.rulebook.verdict import Answer, Verdict

__all__ = [
    "LAW_FOLDER",
    "Answer",
    "Jurisdiction",
    "LawUnreadable",
    "Provision",
    "Verdict",
    "ask",
    "binding",
    "fee_most",
    "load",
]
