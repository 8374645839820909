"""A small log of ours: a real database, a key, a folder; it grows and publishes when told."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import databases
from tallystick.core import journal
from tallystick.core.clock import SeededClock
from tallystick.core.store import Store
from tallystick.core.tlog import ask, keys, log, receipts, verify
from tallystick.core.tlog.log import Signed
from tallystick.core.tlog.proof import Proof
from tallystick.core.tlog.publish import Cosign, Publisher, nobody, nothing
from tallystick.core.tlog.reader import FolderSource
from tallystick.core.tlog.report import Line, Report
from tallystick.core.tlog.verify import Asked

NAME = "log.example/kiosk"


def signer(seed: int = 1, name: str = NAME) -> keys.LogSigner:
    return keys.LogSigner(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


@dataclass
class LogScene:
    """``grow`` appends, ``publish`` publishes, ``verify`` is the stranger."""

    store: Store
    folder: Path
    clock: SeededClock = field(default_factory=lambda: SeededClock(5))
    cosign: Cosign = nobody

    def grow(self, count: int, kind: str = "paid_in") -> None:
        with self.store.transact() as tx:
            for _ in range(count):
                content = {"kind": kind, "at": self.clock.now()}
                commitment = journal.commit(self.clock.random_bytes(16), content)
                journal.append(tx, "kiosk", kind, commitment, self.clock.now())

    def publish(self, seed: int = 1) -> Signed:
        given = (self.store, signer(seed), self.folder, self.clock, self.cosign)
        publisher = Publisher(*given, wanting=getattr(self.cosign, "wanting", nothing))
        signed = publisher.step()
        if isinstance(self.cosign, ask.Witnesses):
            self.cosign.settle()
            signed = publisher.step()
        return signed

    def receipt(self, seq: int, salt: str = "", content: str = "") -> Proof:
        with self.store.read() as tx:
            entry = next(journal.read(tx, seq - 1, seq))[0]
            return log.receipt(tx, seq, receipts.opening(entry, salt, content))

    def verify(self, asked: Asked | None = None, now: dt.datetime | None = None) -> Report:
        asked = asked or Asked(key=signer().key)
        return verify.verify(FolderSource(self.folder), asked, now or self.clock.now())


def open_scene(folder: Path, url: str = "") -> LogScene:
    store = databases.opened(url or f"sqlite:///{folder}/store.sqlite")
    return LogScene(store, folder / "log")


def names(lines: list[Line]) -> list[str]:
    return [line.name for line in lines]
