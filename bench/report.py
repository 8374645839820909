"""Rows of figures, printed as a table and saved as docs/reference/benchmarks.md."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BUSY = 1.5
"""Times its own processors' time: where more passed, something else was at work."""
PAGE = Path(__file__).parent.parent / "docs" / "reference" / "benchmarks.md"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: what was measured, the result with its unit, the aim if there is one, and how."""

    what: str
    result: str
    aim: str = ""
    how: str = ""


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def milliseconds(values: Sequence[float]) -> str:
    """Say seconds as the median and the 99th percentile, in milliseconds."""
    half, most = statistics.median(values), percentile(values, 99)
    return f"p50 {half * 1000:.0f} ms, p99 {most * 1000:.0f} ms"


def took(passed_s: float, used_s: float, threads: int = 1) -> tuple[str, str]:
    """Say how long something took: by the clock, or by its processors where others had them too.

    Returns the result, and what to say beside it where the machine was not its own.
    """
    own = used_s / threads
    if passed_s <= BUSY * own:
        return f"{passed_s:.2f} s", ""
    return f"{own:.2f} s", f"; by its processors, {passed_s:.1f} s passed on a busy machine"


def table(rows: Sequence[Row]) -> str:
    """Render rows as a Markdown table that also reads well in a terminal."""
    cells = [("what", "result", "aim", "how"), *((r.what, r.result, r.aim, r.how) for r in rows)]
    wide = [max(len(row[n]) for row in cells) for n in range(4)]
    lines = [
        "| " + " | ".join(cell.ljust(size) for cell, size in zip(row, wide, strict=True)) + " |"
        for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (size + 2) for size in wide) + "|")
    return "\n".join(lines)


def machine() -> str:
    """Say what this machine is, as far as it tells."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return f"{os.cpu_count()} × {model}, {pages * size // 2**30} GiB"


def save(rows: Sequence[Row], on: str, where: str, command: str, load: str) -> None:
    """Write the page, with what it takes to measure again."""
    PAGE.write_text(
        "# Benchmarks\n\n"
        "Written by the command below; run it again on your own machine. Real processes, real\n"
        "HTTP, each write synced to disk (SQLite `synchronous=FULL`, PostgreSQL `fsync=on`). The\n"
        "customers' machines run on the same processors as the server.\n\n"
        f"{_measured(rows, on, where, command, load)}",
        "utf-8",
    )


def save_parts(
    names: Sequence[str], rows: Sequence[Row], on: str, where: str, command: str, load: str
) -> None:
    """Write a section of its own for parts that were measured apart, in place of its former one."""
    title = f"## Measured apart: {', '.join(names)}"
    page, *sections = PAGE.read_text("utf-8").split("\n## Measured apart: ")
    others = [one for one in sections if f"## Measured apart: {one.splitlines()[0]}" != title]
    kept = "".join(f"\n## Measured apart: {one.strip()}\n" for one in others)
    section = f"\n{title}\n\n{_measured(rows, on, where, command, load)}"
    PAGE.write_text(f"{page.rstrip()}\n{kept}{section}", "utf-8")


def _measured(rows: Sequence[Row], on: str, where: str, command: str, load: str) -> str:
    return (
        f"{table(rows)}\n\n"
        f"- Date: {on}\n- Machine: {where}\n- Python: {platform.python_version()}\n"
        f"- Load before the start: {load}\n- Command: `{command}`\n"
    )
