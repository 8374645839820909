"""The demo of a reserve as anyone runs it: one command, its own processes, and its exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

STEPS = (
    *("mandate and people", "vault", "deposits", "unlawful proposals refused", "lawful movement"),
    *("refresh", "proof of reserve", "published", "tallystick verify"),
)


def test_the_command_plays_the_whole_life_and_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tallystick.cli", "reserve", "demo", "--json"]
    run = subprocess.run(
        [*command, "--data", str(tmp_path / "life")], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout)
    assert said["all_held"] and tuple(step["step"] for step in said["steps"]) == STEPS
    refused = said["steps"][3]
    assert refused["provision"] == "DEMO/hold" and "20 years" in refused["says"]
    proved = {line["name"] for line in said["verified"]["proved"]}
    assert {"signature", "entries", "reserve", "reserve-events"} <= proved
    assert not said["verified"]["caught"]
    shown = Path(said["folder"])
    assert shown == tmp_path / "life" / "log" and (shown / "checkpoint").exists()
    holders = sorted(path.name for path in (tmp_path / "life" / "holders").iterdir())
    assert holders == [f"holder-{number}" for number in range(1, 8)]
    again = subprocess.run(
        [*command, "--data", str(tmp_path / "life")], capture_output=True, text=True, check=False
    )
    assert again.returncode == 2 and "begins once" in again.stderr
