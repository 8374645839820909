"""Imports go downwards only: the tool is asked, and shown a floor that breaks the rule."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def lint(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(tool), "--no-cache", *more],
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(folder)},
    )


def test_imports_go_downwards_only() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


def test_every_floor_is_under_the_contract() -> None:
    found = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    layers = found["tool"]["importlinter"]["contracts"][0]["layers"]
    named = {
        name.strip().removeprefix("tallystick.") for line in layers for name in line.split("|")
    }
    packages = {path.parent.name for path in ROOT.glob("src/tallystick/*/__init__.py")}
    assert packages <= named, "name the new package in pyproject.toml's layers"


def test_an_import_upwards_is_found(tmp_path: Path) -> None:
    for name, text in (("core", "import tower.web\n"), ("web", "")):
        (tmp_path / "tower" / name).mkdir(parents=True)
        (tmp_path / "tower" / name / "__init__.py").write_text(text)
    (tmp_path / "tower/__init__.py").write_text("")
    (tmp_path / "rules.toml").write_text(
        '[tool.importlinter]\nroot_package = "tower"\n[[tool.importlinter.contracts]]\n'
        'name = "down"\ntype = "layers"\nlayers = ["tower.web", "tower.core"]\n'
    )
    done = lint(tmp_path, "--config", "rules.toml")
    assert done.returncode == 1 and "tower.core is not allowed to import tower.web" in done.stdout
