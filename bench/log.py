"""The public log: entries appended durably, proofs made and checked, and a log of any length.

Appending is measured beside a peer in the same run: a transaction on the same disk that writes one
row of the same bytes and nothing else. The long log is filled in bulk to the state that so many
appends leave, since appending is measured apart; publishing and checking it are the real ones, in
a process whose memory is read as it goes.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import sqlalchemy as sa

from bench.long_log import lengthen
from bench.report import Row
from bench.stage import Stage
from tallystick.core import journal
from tallystick.core.clock import SystemClock
from tallystick.core.store import Store
from tallystick.core.tlog import log, merkle
from tallystick.core.tlog.publish import Publisher, signer_of
from tallystick.core.tlog.reader import FolderSource, LogReader
from tallystick.core.tlog.walk import Walk

THREADS = 8
PROOFS = 500
ROUNDS = 5
PEER = sa.Table("bench_peer", sa.MetaData(), sa.Column("n", sa.Integer), sa.Column("x", sa.Text))


def measure(stage: Stage, options: argparse.Namespace) -> list[Row]:
    """Append on each database, then prove, then fill, publish and check the long log."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="ts-log-") as folder:
        urls = {"sqlite": f"sqlite:///{folder}/store.sqlite"}
        if "postgresql" in options.databases:
            urls["postgresql"] = stage.database("postgresql", Path(folder))
        for name in options.databases.split(","):
            rows += _appending(name, urls[name], options.seconds / 3)
        rows += _long(Path(folder) / "long", options.log_entries)
    return rows


def _appending(name: str, url: str, seconds: float) -> list[Row]:
    store = Store.open(url)
    store.migrate()
    with store.transact() as tx:
        PEER.create(tx, checkfirst=True)
    kinds = ((_append, 1), (_write, 1), (_append, THREADS))
    rounds = [
        [_rate(store, step, seconds / ROUNDS, threads) for step, threads in kinds]
        for _ in range(ROUNDS)  # in turns, so that all meet the same machine
    ]
    alone, peer, many = (statistics.median(found) for found in zip(*rounds, strict=True))
    store.close()
    how = "each entry its own transaction, synced"
    share = f"{alone / peer:.2f} of a bare row's {peer:,.0f}/s"
    return [
        Row(f"entries appended, {name}, one writer", f"{alone:,.0f}/s, {share}", "", how),
        Row(f"entries appended, {name}, {THREADS} writers", f"{many:,.0f}/s", "", how),
    ]


def _append(tx: object, clock: SystemClock) -> None:
    mark = clock.random_bytes(32).hex()
    journal.append(tx, "kiosk", "paid_in", mark, clock.now())  # type: ignore[arg-type]


def _write(tx: object, clock: SystemClock) -> None:
    values = {"n": 1, "x": clock.random_bytes(96).hex()}
    tx.execute(sa.insert(PEER), values)  # type: ignore[attr-defined]


def _rate(store: Store, step: object, seconds: float, threads: int) -> float:
    clock, counts, until = SystemClock(), [0] * threads, time.perf_counter() + seconds

    def work(at: int) -> None:
        while time.perf_counter() < until:
            with store.transact() as tx:
                step(tx, clock)  # type: ignore[operator]
            counts[at] += 1

    running = [threading.Thread(target=work, args=(at,)) for at in range(threads)]
    begun = time.perf_counter()
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return sum(counts) / (time.perf_counter() - begun)


def _long(folder: Path, entries: int) -> list[Row]:
    """Run the long log in a process of its own, so that its memory is its own."""
    folder.mkdir()
    command = [sys.executable, "-m", "bench.log", str(folder), str(entries)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = json.loads(said.splitlines()[-1])
    size = f"{entries:,} entries"
    disk = f"{found['database_mib']:,.0f} MiB of rows, {found['files_mib']:,.0f} MiB of files"
    return [
        Row(f"{size} published as tiles", f"{found['published']:,.0f}/s", "", disk),
        Row(f"{size} checked from the files", f"{found['checked']:,.0f}/s", "", "every entry"),
        Row("proofs made from the database", f"{found['made']:,.0f}/s", "", f"of {size}"),
        Row("proofs checked, with signature", f"{found['opened']:,.0f}/s", "", f"of {size}"),
        Row(
            "memory at a tenth, and at the end",
            f"{found['early_mib']:.0f} MiB, {found['late_mib']:.0f} MiB",
            "flat",
            f"most ever resident, publishing and checking {size}",
        ),
    ]


def resident_mib() -> float:
    """Return the most that this process ever held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def long_log(folder: Path, entries: int) -> dict[str, float]:
    """Fill, publish and check; return what was measured."""
    store, clock = Store.open(f"sqlite:///{folder}/store.sqlite"), SystemClock()
    store.migrate()
    signer = signer_of(store, folder / "log.key", "log.example/bench")
    publisher = Publisher(store, signer, folder / "log", clock)
    publishing, early = 0.0, 0.0
    (index,) = journal.ENTRIES.indexes
    index.drop(store.engine)  # filled first and made at the end, as bulk loads are
    for part in range(10):
        lengthen(store, entries // 10, clock.now().date().isoformat())
        begun = time.perf_counter()
        signed = publisher.step()
        publishing += time.perf_counter() - begun
        if part == 0:
            _check(folder / "log", signed)
            early = resident_mib()
        print(f"{signed.size:,} entries, {resident_mib():.0f} MiB", file=sys.stderr)
    begun = time.perf_counter()
    _check(folder / "log", signed)
    checking = time.perf_counter() - begun
    late = resident_mib()
    index.create(store.engine)
    made, opened = _proofs(store, signed, signer)
    store.close()
    files = sum(p.stat().st_size for p in (folder / "log").rglob("*") if p.is_file())
    return {
        "published": signed.size / publishing,
        "checked": signed.size / checking,
        "made": made,
        "opened": opened,
        "early_mib": early,
        "late_mib": late,
        "database_mib": (folder / "store.sqlite").stat().st_size / 2**20,
        "files_mib": files / 2**20,
    }


def _check(folder: Path, signed: log.Signed) -> None:
    from tallystick.core.tlog.checkpoint import Checkpoint

    seen = Checkpoint("log.example/bench", signed.size, signed.root)
    Walk(LogReader(FolderSource(folder), signed.size), seen).run(lambda done, total: None)


def _proofs(store: Store, signed: log.Signed, signer: object) -> tuple[float, float]:
    """Make and check proofs of entries all over the log; return both rates."""
    seqs = [1 + n * (signed.size - 1) // (PROOFS - 1) for n in range(PROOFS)]
    making, checking = [], []
    with store.read() as tx:
        for seq in seqs:
            begun = time.perf_counter()
            proof = log.receipt(tx, seq)
            making.append(time.perf_counter() - begun)
            entry = next(journal.read(tx, seq - 1, seq))[0]
            begun = time.perf_counter()
            proof.check(entry, signer.key)  # type: ignore[attr-defined]
            checking.append(time.perf_counter() - begun)
            assert merkle.leaf(entry) == journal.leaves(tx, seq - 1, seq)
    return 1 / statistics.mean(making), 1 / statistics.mean(checking)


if __name__ == "__main__":
    print(json.dumps(long_log(Path(sys.argv[1]), int(sys.argv[2]))))
