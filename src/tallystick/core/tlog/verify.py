"""Check a published log, alone: from its files, and what the reader already knows. No database.

What is checked: the log's signature under a key from elsewhere, enough witnesses, that it continues
what was seen last, every entry and tile up to the signed root, a receipt, and whatever a registered
checker knows. Each is named when proved; what could not be is named as assumed.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from tallystick.core.tlog import checkers, checkpoint, keys, last, note, receipts
from tallystick.core.tlog import policy as policies
from tallystick.core.tlog.checkers import View
from tallystick.core.tlog.checkpoint import Checkpoint
from tallystick.core.tlog.errors import BadProof, BadSignature, BadText
from tallystick.core.tlog.keys import Key, Signed
from tallystick.core.tlog.note import Note
from tallystick.core.tlog.policy import TrustPolicy
from tallystick.core.tlog.reader import LogReader, Source
from tallystick.core.tlog.report import Caught, Fault, Report
from tallystick.core.tlog.walk import Walk

CLOCK_SKEW_S: Final = 300
VKEY_FILE: Final = "log.vkey"


def quiet(done: int, total: int) -> None:
    """Tell nobody how far it is."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the reader knows and wants. Nothing of it comes from the log."""

    policy: TrustPolicy | None = None
    key: Key | None = None
    last: Path | None = None
    receipt: str = ""
    entries: bool = True
    """Read every entry. Else only what the other checks need."""
    age_s_max: int = 0
    """Refuse a checkpoint whose newest cosignature is older; 0 asks for none."""
    settings: Mapping[str, str] = field(default_factory=dict)
    progress: Callable[[int, int], None] = quiet


@dataclass(slots=True)
class _Seen:
    """What the checkpoint turned out to be."""

    note: Note
    signed: Checkpoint
    key: Key
    by: tuple[Signed, ...]
    walked: Walk | None = None

    @property
    def times(self) -> dict[str, int]:
        return {str(one.key): one.time for one in self.by if one.time}


def verify(source: Source, asked: Asked, now: dt.datetime) -> Report:
    """Check a log; return the report. Raises nothing for what is wrong with the log itself."""
    report = Report(source.where)
    seen = report.attempt("checkpoint", lambda: _checkpoint(source, asked, report))
    if seen is None:
        return report
    signed = seen.signed
    report.checkpoint = {"origin": signed.origin, "size": signed.size, "root": signed.root.hex()}
    before = report.attempt("last", lambda: _last(asked, seen, report))
    view = View(LogReader(source, signed.size), signed, report, asked.settings)
    report.attempt("witnesses", lambda: _witnesses(asked, seen, report))
    report.attempt("consistency", lambda: _consistent(before, seen, view))
    report.attempt("entries", lambda: _entries(asked, seen, view))
    report.attempt("time", lambda: _time(asked, seen, before, report, now))
    if asked.receipt:
        report.attempt("receipt", lambda: receipts.check(asked.receipt, seen.key, view))
    for name, make in checkers.CHECKERS.items():
        report.attempt(name, functools.partial(_beside, name, make(), view))
    _keep(asked, seen, report)
    return report


def _beside(name: str, checker: checkers.Checker, view: View) -> None:
    """Run a checker; whatever it cannot make sense of is caught, not passed on."""
    try:
        checker.check(view)
    except (BadText, BadProof, BadSignature) as error:
        raise Caught(Fault.BAD_ARTEFACT, f"{name}: {error}") from error


def _checkpoint(source: Source, asked: Asked, report: Report) -> _Seen:
    data = LogReader(source, 0).checkpoint()
    try:
        found = note.read(data)
        signed = checkpoint.read(found.text)
    except BadText as error:
        raise Caught(Fault.BAD_CHECKPOINT, f"the checkpoint cannot be read: {error}") from error
    key, why = _key(source, asked, signed.origin)
    witnesses = asked.policy.witnesses.values() if asked.policy else ()
    try:
        by = keys.check(found, [key, *witnesses])
    except (BadSignature, BadText) as error:
        raise _not_signed(found, key, error) from error
    if all(one.key != key for one in by):
        raise _not_signed(found, key, BadSignature("only witnesses signed it"))
    report.prove("signature", f"{key.name} (key {key.id.hex()}) signed {signed.size} entries")
    if why:
        report.assume("key", why)
    return _Seen(found, signed, key, by)


def _not_signed(found: Note, key: Key, error: Exception) -> Caught:
    """Tell a false signature from one under another key."""
    same = any(line.name == key.name and line.id == key.id for line in found.lines)
    if not same and any(line.name == key.name for line in found.lines):
        said = f"{key.name} is signed with another key than {key.id.hex()}"
        return Caught(Fault.WRONG_KEY, said)
    return Caught(Fault.BAD_SIGNATURE if same else Fault.WRONG_KEY, f"the checkpoint: {error}")


def _key(source: Source, asked: Asked, origin: str) -> tuple[Key, str]:
    """Return the log's key, and why it had to be believed if it came from nobody else."""
    if asked.policy and asked.policy.logs:
        if origin not in asked.policy.logs:
            raise Caught(Fault.WRONG_KEY, f"the policy lists no log called {origin}")
        return asked.policy.logs[origin], ""
    if asked.key:
        return asked.key, ""
    before = last.load(asked.last) if asked.last else None
    if before:
        return keys.read(before.vkey), ""
    text = source.get(VKEY_FILE, keys.VKEY_CHARS_MAX).decode("utf-8", "replace").strip()
    try:
        found = keys.read(text)
    except BadText as error:
        raise Caught(Fault.WRONG_KEY, f"{VKEY_FILE} holds no key: {error}") from error
    return found, f"that {found} is the log's own key: it was read beside the log itself"


def _last(asked: Asked, seen: _Seen, report: Report) -> last.Last | None:
    before = last.load(asked.last) if asked.last else None
    if before is None:
        report.assume("history", "that nothing was changed before: no earlier checkpoint is known")
        return None
    if before.vkey != str(seen.key):
        raise Caught(Fault.WRONG_KEY, f"seen last under {before.vkey}, now under {seen.key}")
    was = before.checkpoint()
    if was.size > seen.signed.size:
        said = f"{was.size} entries were shown before, now an older checkpoint of"
        raise Caught(Fault.ROLLBACK, f"{said} {seen.signed.size}")
    return before


def _witnesses(asked: Asked, seen: _Seen, report: Report) -> None:
    by = [one.key.name for one in seen.by if one.key != seen.key]
    if asked.policy is None or asked.policy.quorum == policies.NONE:
        said = "that the log shows everybody the same: no witness was asked for"
        report.assume("witnesses", said)
        return
    if not asked.policy.satisfied(one.key for one in seen.by):
        said = f"witnessed by {', '.join(by) or 'nobody'}: not the quorum {asked.policy.quorum!r}"
        raise Caught(Fault.QUORUM, said)
    report.prove("witnesses", f"{', '.join(by)} saw it grow only: quorum {asked.policy.quorum!r}")
    report.assume("quorum", "that the witnesses of the quorum do not all act together")


def _consistent(before: last.Last | None, seen: _Seen, view: View) -> None:
    """Find the tree seen last inside this one; a fork is said only where it is proved."""
    if before is None:
        return
    was, now = before.checkpoint(), seen.signed
    try:
        root = now.root if was.size == now.size else view.root_at(was.size)
    except BadProof as error:
        said = f"the tiles do not lead to the signed root: {error}"
        raise Caught(Fault.TAMPERED_TILE, said) from error
    if root != was.root:
        said = f"{now.size} entries do not continue the {was.size} that were seen last"
        raise Caught(Fault.FORK, f"{said}: both are signed, keep them")
    view.report.prove("consistency", f"it continues the {was.size} entries that were seen last")


def _entries(asked: Asked, seen: _Seen, view: View) -> None:
    if not asked.entries:
        view.report.assume("entries", "that every entry is there: they were not read")
        return
    walk = Walk(view.reader, seen.signed)
    walk.run(asked.progress)
    seen.walked = walk
    said = f"all {seen.signed.size} entries, and every tile, lead to the signed root"
    view.report.prove("entries", said)
    if walk.ours < seen.signed.size:
        view.report.assume("form", f"{seen.signed.size - walk.ours} entries are not of our form")


def _time(
    asked: Asked, seen: _Seen, before: last.Last | None, report: Report, now: dt.datetime
) -> None:
    """Compare what is dated: the witnesses' times, the entries' days, and the reader's clock."""
    present = int(now.timestamp())
    for vkey, time in seen.times.items():
        who = keys.read(vkey).name
        if time > present + CLOCK_SKEW_S:
            raise Caught(Fault.BACK_DATED, f"{who} signed at {_moment(time)}, which is to come")
        if before and time < before.times.get(vkey, 0):
            said = f"{who} signed at {_moment(time)}, before what was seen last"
            raise Caught(Fault.BACK_DATED, said)
    newest = seen.walked.newest if seen.walked else None
    begun = int(dt.datetime.combine(newest, dt.time(), dt.UTC).timestamp()) if newest else 0
    if begun > present + CLOCK_SKEW_S:
        raise Caught(Fault.BACK_DATED, f"an entry is dated {newest}, which is to come")
    for vkey, time in seen.times.items():
        if time < begun - CLOCK_SKEW_S:
            who = keys.read(vkey).name
            said = f"{who} signed at {_moment(time)} what holds an entry of {newest}"
            raise Caught(Fault.BACK_DATED, said)
    _age(asked, max(seen.times.values(), default=0), present, report)


def _age(asked: Asked, newest: int, present: int, report: Report) -> None:
    if not newest:
        report.assume("time", "when it was signed: a checkpoint itself holds no time")
        return
    report.prove("time", f"a witness saw it at {_moment(newest)}")
    if asked.age_s_max and present - newest > asked.age_s_max:
        raise Caught(Fault.STALE, f"the newest cosignature is of {_moment(newest)}")


def _moment(time: int) -> str:
    return dt.datetime.fromtimestamp(min(time, 253402300799), dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


def _keep(asked: Asked, seen: _Seen, report: Report) -> None:
    """Keep the checkpoint as the one seen last, if all held; else keep it as evidence."""
    if asked.last is None:
        return
    if report.caught:
        path = asked.last.with_name(f"{asked.last.name}.refused")
    elif report.unread:
        return
    else:
        path = asked.last
    last.save(path, last.Last(str(seen.key), str(seen.note), seen.times))


def as_json(report: Report) -> bytes:
    """Return the report as JSON with sorted keys."""
    text = msgspec.json.encode({"exit": report.exit_code, **msgspec.to_builtins(report)})
    return msgspec.json.format(text, indent=1)
