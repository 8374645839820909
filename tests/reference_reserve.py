"""The reference pages of the reserve: states and events of movements, alarms, and the checks."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

from tallystick.reserve import record
from tallystick.reserve.model import NEXT, State
from tallystick.web.reserve.sayings import ALARMS, KINDS

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "tallystick" / "reserve"
KEYS_OWN = {"vaults.py", "ceremony.py", "rotation.py", "imported.py", "advisories.py"}
"""Files whose events are on the page of the keys."""
STATES_TITLE = "States of a movement"
CHECKS_TITLE = "A sceptic's fifteen checks"
Table = Callable[[str, list[tuple[object, ...]]], list[str]]

STATES = {
    "refused": "The mandate forbids it; the provision is on record, and nobody was asked. The end.",
    "referred": "The mandate does not say; a person must find out. The end of this proposal.",
    "proposed": "Lawful; officials and the public notice are awaited.",
    "approved": "Quorum and notice are complete, and the mandate permitted it again; keys sign.",
    "signed": "Movement and cancel are signed and stored; nobody has heard of them.",
    "sent": "The network has the movement.",
    "settled": "In a block, and in the books. The end.",
    "cancelling": "A veto after signing: the cancel is sent against it; the chain decides.",
    "cancelled": "The cancel was mined; the coins are back, their lots whole. The end.",
    "vetoed": "One official stopped it. The end.",
    "expired": "Nobody finished it in time. The end.",
    "withdrawn": "Who proposed it took it back. The end.",
}
CHECKS = {
    1: "Without our server, the paper, a quorum of seeds and bitcoind alone sweep a vault, by "
    "quorum and by recovery once it is open.",
    2: "A locked lot is refreshed before recovery could act, keeps its day of deposit and spends "
    "no budget; if nobody refreshes, an alarm comes well before.",
    3: "Each field of a PSBT that is altered after approval is refused at combining, and named.",
    4: "Thousands of coins are swept in parts that no device rejects, each lawful by itself.",
    5: "An output with our fingerprints and another script is a payment to a stranger.",
    6: "The ceremony refuses keys that are one key in two guises, and what does not round-trip.",
    7: "No address is given out before two implementations derived it; none twice.",
    8: "The ceremony refuses missing dice, a quorum within one maker, firmware below the floor; a "
    "new advisory flags vaults.",
    9: "A server in false hands, one official and all but one of a quorum move nothing, and cannot "
    "weaken the rules faster than the delay.",
    10: "A hundred small movements at once, over midnight, a reorganisation and a restart, never "
    "pass the budget.",
    11: "One veto inside the delay stops a movement; a signed one is beaten by its cancel.",
    12: "A fee bump changes fee and rest alone, within the bound; two versions never both pay.",
    13: "After a rotation a deposit to an old address alarms and can still be moved; history and "
    "lots stay whole.",
    14: "A proof that is replayed, doubled, short of a signature or of another height is rejected "
    "by the reader's own chain, without rewinding it.",
    15: "An unapproved spend alarms within a block; a log entry dropped, altered, reordered or "
    "forked is named.",
}


def kinds() -> set[str]:
    """Every kind of event that the code of movements, lots and watch writes."""
    found = {state.value for state in State} | {record.ANSWERED}
    for path in SOURCE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if name in ("record.event", "event") and path.name not in KEYS_OWN:
                kind = node.args[3]  # type: ignore[attr-defined]
                found |= {kind.value} if isinstance(kind, ast.Constant) else set()
    return found


def alarms() -> set[str]:
    """Every kind of alarm that the code raises."""
    found: set[str] = set()
    for path in SOURCE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("record.alarm", "alarm"):
                kind = node.args[2]
                found |= {kind.value} if isinstance(kind, ast.Constant) else set()
    return found | {"refresh_due", "recovery_open"}


def checks() -> dict[int, list[tuple[str, str]]]:
    """The tests of each check: file, and the sentence that the test's name says."""
    found: dict[int, list[tuple[str, str]]] = {number: [] for number in CHECKS}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name[:6] == "test_c":
                number, _, words = node.name[6:].partition("_")
                if number.isdigit() and int(number) in found:
                    found[int(number)].append((path.name, words.replace("_", " ")))
    return found


def states_page(table: Table) -> list[str | list[str]]:
    """The page of states, events and alarms."""
    arrows = ["```mermaid", "stateDiagram-v2", "    [*] --> proposed", "    [*] --> refused"]
    arrows.append("    [*] --> referred")
    for state, following in NEXT.items():
        arrows += [f"    {state} --> {other}" for other in sorted(following)]
        arrows += [] if following else [f"    {state} --> [*]"]
    rows: list[tuple[object, ...]] = [
        (f"`{state}`", STATES[state], ", ".join(sorted(NEXT[state])) or "nothing")
        for state in State
    ]
    events: list[tuple[object, ...]] = [(f"`{k}`", KINDS[k]) for k in sorted(kinds())]
    alarm_rows: list[tuple[object, ...]] = [(f"`{k}`", ALARMS[k][1]) for k in sorted(alarms())]
    return [
        "From the one table `NEXT` in `src/tallystick/reserve/model.py`.",
        [*arrows, "```", ""],
        table("state, what it means, may become", rows),
        "## Events",
        "Each is written in the transaction that makes it true, committed to in the log, and\n"
        "published with its salt.",
        table("kind, what it says", events),
        "## Alarms",
        table("kind, what it says", alarm_rows),
    ]


def checks_page(table: Table) -> list[str | list[str]]:
    """The page of checks."""
    rows: list[tuple[object, ...]] = []
    for number, tests in checks().items():
        told = "<br>".join(f"{words} (`{file}`)" for file, words in tests)
        rows.append((f"C{number}", CHECKS[number], told))
    return [
        "What somebody who believes nothing would try, and the tests that try it: each fails when\n"
        'the guarantee is taken out. Run them with `make test ARGS="-k test_c"`.',
        table("check, what must hold, tests", rows),
    ]
