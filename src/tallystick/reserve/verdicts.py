"""A verdict as plain values: what is stored with a step, shown on a page and printed as JSON."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from tallystick.core.rulebook.provision import Provision
from tallystick.core.rulebook.verdict import Verdict


def plain(mandate: str, question: str, on: dt.date, said: Verdict) -> dict[str, Any]:
    """Return a verdict with its provisions in words; ``left_sats`` is what a budget leaves."""

    def items(given: Iterable[Provision]) -> list[dict[str, Any]]:
        return [
            {"id": p.id, "kind": p.kind, "say": p.say, "cite": p.cite, "read": p.read}
            for p in given
        ]

    return {
        "mandate": mandate,
        "question": question,
        "on": on.isoformat(),
        "answer": said.answer.value,
        "because": items(said.because),
        "left_sats": said.left_minor,
        "missing": list(said.missing),
        "must": items(said.must),
    }
