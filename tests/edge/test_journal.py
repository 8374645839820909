"""The machine's journal on a real disk: torn, damaged, full, shared, long."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tallystick.edge import journal as journals
from tallystick.edge.book import replay
from tallystick.edge.errors import JournalDamaged, JournalInUse, JournalUnwritable
from tallystick.edge.journal import Journal, line_of, read_line
from tallystick.edge.log import Log

OPENED = {"kind": "opened", "purchase": "P", "address": "a", "language": "en"}


def note(name: str) -> dict[str, object]:
    facts = {"purchase": "P", "seq": 1, "minor": 2_000, "currency": "USD", "quote": "0" * 64}
    return {"kind": "escrow", "note": name, **facts}


def test_what_was_appended_is_there_after_opening_again(tmp_path: Path) -> None:
    held = Journal(tmp_path / "j")
    assert [held.append({"kind": "x", "n": n}) for n in range(3)] == [1, 2, 3]
    held.close()
    again = Journal(tmp_path / "j")
    assert [record["n"] for _, record in again.records] == [0, 1, 2]
    assert again.append({"kind": "x", "n": 3}) == 4
    again.close()


@pytest.mark.parametrize("kept", range(1, 30))
def test_a_last_line_torn_anywhere_is_cut_off(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "j"
    whole, torn = line_of(1, {"kind": "x"}), line_of(2, {"kind": "y", "long": "z" * 20})
    path.write_bytes(whole + torn[:kept])
    held = Journal(path)
    assert [seq for seq, _ in held.records] == [1]
    assert held.append({"kind": "y"}) == 2
    held.close()
    assert Journal(path).seq == 2


@pytest.mark.parametrize("at", [0, 9, 15])
def test_damage_before_the_end_stops_the_machine_and_changes_nothing(
    tmp_path: Path, at: int
) -> None:
    path = tmp_path / "j"
    data = bytearray(line_of(1, {"kind": "x"}) + line_of(2, {"kind": "y"}))
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(JournalDamaged, match="byte 0"):
        Journal(path)
    assert path.read_bytes() == bytes(data)


def test_a_missing_record_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(line_of(1, {"kind": "x"}) + line_of(3, {"kind": "y"}) + line_of(4, {}))
    with pytest.raises(JournalDamaged, match="record 3 follows 1"):
        Journal(path)


def test_two_processes_do_not_share_a_journal(tmp_path: Path) -> None:
    held = Journal(tmp_path / "j")
    with pytest.raises(JournalInUse):
        Journal(tmp_path / "j")
    held.close()


def test_a_record_that_is_too_long_is_refused_and_the_next_is_not(tmp_path: Path) -> None:
    held = Journal(tmp_path / "j")
    with pytest.raises(JournalUnwritable, match="at most"):
        held.append({"kind": "x" * journals.LINE_BYTES_MAX})
    assert held.append({"kind": "y"}) == 1
    held.close()


FULL = """
import resource, signal, sys
from pathlib import Path
from tallystick.edge.errors import JournalUnwritable
from tallystick.edge.journal import Journal
held = Journal(Path(sys.argv[1]))
held.append({"kind": "x"})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (60, resource.RLIM_INFINITY))
try:
    held.append({"kind": "long", "text": "z" * 200})
except JournalUnwritable as error:
    print(error.code)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(held.append({"kind": "y"}))
"""


def test_a_full_disk_refuses_the_record_and_keeps_the_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "j"
    said = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == ["5002", "2"]
    assert [record["kind"] for _, record in Journal(path).records] == ["x", "y"]


FAILING = """
import os, sys
from pathlib import Path
from tallystick.edge import journal
from tallystick.edge.errors import JournalUnwritable
class Disk:
    def __getattr__(self, name):
        return getattr(os, name)
    def fdatasync(self, handle):
        raise OSError(5, "Input/output error")
held = journal.Journal(Path(sys.argv[1]))
held.append({"kind": "x"})
journal.os = Disk()
for kind in ("y", "z"):
    try:
        held.append({"kind": kind})
    except JournalUnwritable as error:
        print(error)
    journal.os = os
"""


def test_after_a_failed_sync_nothing_more_is_written(tmp_path: Path) -> None:
    path = tmp_path / "j"
    said = subprocess.run(
        [sys.executable, "-c", FAILING, str(path)], capture_output=True, text=True, check=True
    )
    first, second = said.stdout.splitlines()
    assert "Input/output" in first
    assert "restart" in second
    assert [record["kind"] for _, record in Journal(path).records] == ["x"]


def test_a_log_is_shortened_once_everything_is_told_and_the_box_stays(tmp_path: Path) -> None:
    log = Log(tmp_path / "j", compact_at=500)
    log.write(**OPENED)
    for name in ("A", "B"):
        log.write(**note(name))
        log.write("stacking", note=name)
        log.write("stacked", note=name, recovered=False)
    log.write("close", purchase="P", how="keep", reason="test")
    log.tidy("")
    assert log.journal.bytes > 500, "what is untold is not forgotten"
    for told in list(log.book.untold.values()):
        log.told(told, 0)
    log.tidy("")
    assert log.journal.bytes < 500
    log.journal.close()
    again = Log(tmp_path / "j")
    assert (again.book.box_notes, again.book.box_minor) == (2, 4_000)
    assert again.book.stacked_ever
    again.journal.close()


def test_what_the_server_must_hear_comes_back_in_order_until_it_is_told(tmp_path: Path) -> None:
    log = Log(tmp_path / "j")
    log.write(**OPENED)
    log.write(**note("A"))
    log.write("stacking", note="A")
    log.write("stacked", note="A", recovered=False)
    log.journal.close()
    again = Log(tmp_path / "j")
    assert [told.kind for told in again.book.untold.values()] == ["escrow", "stacked"]
    again.told(next(iter(again.book.untold.values())), 0)
    again.journal.close()
    third = Log(tmp_path / "j")
    assert [told.kind for told in third.book.untold.values()] == ["stacked"]
    third.journal.close()


def test_a_book_is_the_same_from_any_replay() -> None:
    records = [OPENED, note("A"), {"kind": "stacking", "note": "A"}]
    found = replay(list(enumerate(records, 1)))
    assert found.open_note is not None
    assert found.open_note.state == "stacking"
    lines = [read_line(line_of(seq, record).rstrip(b"\n")) for seq, record in enumerate(records, 1)]
    assert replay(lines).open_note == found.open_note
