"""One key holder of the demonstration: a process with one key, asked by lines of JSON.

It is `tallystick.reserve.signer` kept running: the key never leaves it, and it signs a movement
only with a bundle that its own pins accept, and only what it has shown (`reserve.bundle`). Lines in
on standard input, one answer a line on standard output.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from tallystick.core.clock import SystemClock
from tallystick.core.errors import TallystickError
from tallystick.reserve import bundle as bundles
from tallystick.reserve.bundle import Pins
from tallystick.reserve.errors import BundleRefused
from tallystick.reserve.signer.device import Device, make

ANSWER_CHARS_MAX: Final = 20_000_000


class HolderSays(TallystickError):
    """A key holder's process refused, and said why."""

    code, money, say = 6321, "in the vaults; nothing was signed", ""


class Holder:
    """What the process does for each line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def device(self) -> Device:
        """Open the key's folder."""
        return Device(self.folder)

    def make(self, implementation: str, dice: str) -> dict[str, Any]:
        """Make the key from recorded dice, unless the folder has one."""
        if (self.folder / "key.json").exists():
            return self.device.describe()
        return make(self.folder, "regtest", implementation, dice, SystemClock()).describe()

    def register(self, name: str, descriptor: str) -> dict[str, Any]:
        """Register a vault."""
        return self.device.register(name, descriptor)

    def addresses(self, name: str, first: int, count: int) -> dict[str, Any]:
        """Derive a vault's addresses alone."""
        return self.device.addresses(name, first, count)

    def pin(self, pins: dict[str, Any]) -> dict[str, Any]:
        """Write the officials' keys down, once: at the ceremony."""
        path = self.folder / "pins.json"
        if path.exists():
            raise BundleRefused("officials are pinned already; offer new ones")
        path.write_bytes(msgspec.json.encode(msgspec.convert(pins, Pins)))
        return {"pinned": len(pins["officials"])}

    def sign(self, bundle: str, which: str) -> dict[str, Any]:
        """Check who approved, compute what the bytes do, and sign."""
        found = bundles.read(bundle.encode())
        pins = msgspec.json.decode((self.folder / "pins.json").read_bytes(), type=Pins)
        agreed = bundles.check(found, pins)
        plan = found.stored.pay if which == "pay" else found.stored.cancel
        view = self.device.show(plan.psbt)
        if view["txid"] != plan.txid:
            raise BundleRefused("the bytes are not the transaction that was approved")
        psbt = self.device.sign(plan.psbt, view["digest"])
        return {"psbt": psbt, "agreed": agreed, "saw": view}

    def attest(self, psbt: str) -> dict[str, Any]:
        """Sign a proof of control; refuse anything that would move a coin."""
        view = self.device.show(psbt)
        if "signs_message" not in view:
            raise BundleRefused("this is a transaction, not a message")
        return {"psbt": self.device.sign(psbt, view["digest"]), "saw": view["signs_message"]}


VERBS: Final = ("make", "register", "addresses", "pin", "sign", "attest")


def main() -> None:
    """Answer lines until the input ends."""
    parser = argparse.ArgumentParser(description="One key holder of the demonstration.")
    parser.add_argument("--data", type=Path, required=True)
    holder = Holder(parser.parse_args().data)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if asked["verb"] not in VERBS:
                raise BundleRefused(f"no verb {asked['verb'][:20]!r}")
            call: Callable[..., Any] = getattr(holder, asked["verb"])
            said = {"ok": call(**asked["given"])}
        except TallystickError as error:
            said = {"refused": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


class HolderProcess:
    """A holder as the demo sees it: a process on the other side of two pipes."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        command = [sys.executable, "-m", "tallystick.cli.holder", "--data", str(folder)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, verb: str, **given: Any) -> dict[str, Any]:
        """Ask for one thing; raise `HolderSays` on a refusal."""
        pipes = self._process
        if pipes.stdin is None or pipes.stdout is None:
            raise HolderSays(f"{self.name} has no pipes")
        pipes.stdin.write(json.dumps({"verb": verb, "given": given}) + "\n")
        pipes.stdin.flush()
        line = pipes.stdout.readline(ANSWER_CHARS_MAX)
        if not line:
            raise HolderSays(f"{self.name} ended")
        said: dict[str, Any] = json.loads(line)
        if "ok" not in said:
            raise HolderSays(f"{self.name}: {said['refused']}")
        found: dict[str, Any] = said["ok"]
        return found

    def end(self) -> None:
        """Close the pipes and wait: the process ends with its input."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(10)
        if self._process.stdout is not None:
            self._process.stdout.close()


if __name__ == "__main__":
    main()
