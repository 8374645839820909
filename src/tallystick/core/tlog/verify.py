"""Check a published log, alone: from its files, and what the reader already knows. No database.

What is checked: the log's signature under a key from elsewhere, enough witnesses, that it continues
what was seen last, every entry and tile up to the signed root, a receipt, and whatever a registered
checker knows. Each is named when proved; what could not be is named as assumed.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from tallystick.core.tlog import checkers, checkpoint, keys, last, note, receipts, rotation
from tallystick.core.tlog import policy as policies
from tallystick.core.tlog.checkers import View
from tallystick.core.tlog.checkpoint import Checkpoint
from tallystick.core.tlog.errors import BadProof, BadSignature, BadText
from tallystick.core.tlog.keys import Key, Signed
from tallystick.core.tlog.note import Note
from tallystick.core.tlog.policy import TrustPolicy
from tallystick.core.tlog.reader import LogReader, Source
from tallystick.core.tlog.report import Caught, Fault, Report
from tallystick.core.tlog.rotation import Link
from tallystick.core.tlog.walk import Walk

CLOCK_SKEW_S: Final = 300
VKEY_FILE: Final = "log.vkey"
WITNESSED_FILE: Final = "checkpoint.witnessed"


def quiet(done: int, total: int) -> None:
    """Tell nobody how far it is."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the reader knows and wants. Nothing of it comes from the log."""

    policy: TrustPolicy | None = None
    policy_text: str = ""
    """The policy as it is written, to be kept with what was seen last."""
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
    """The newest of the log's keys that signed it."""
    keys: tuple[Key, ...]
    """Every key that the log has or had, as far as the one we came with leads to them."""
    links: tuple[Link, ...]
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
    asked, signed = _with_pins(asked), seen.signed
    report.checkpoint = {"origin": signed.origin, "size": signed.size, "root": signed.root.hex()}
    before = report.attempt("last", lambda: _last(asked, seen, report))
    view = View(LogReader(source, signed.size), signed, report, asked.settings)
    report.attempt("keys", lambda: _announced(seen, view))
    report.attempt("witnesses", lambda: _witnesses(asked, seen, view))
    report.attempt("consistency", lambda: _consistent(before, seen, view))
    report.attempt("entries", lambda: _entries(asked, seen, view))
    report.attempt("time", lambda: _time(asked, seen, before, report, now))
    if asked.receipt:
        report.attempt("receipt", lambda: receipts.check(asked.receipt, seen.keys, view))
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
    links = rotation.read(source)
    chain = rotation.follow(key, links)
    policy = _with_pins(asked).policy
    try:
        by = keys.check(found, [*chain, *(policy.witnesses.values() if policy else ())])
    except (BadSignature, BadText) as error:
        raise _not_signed(found, chain, error) from error
    signers = [one for one in chain if any(line.key == one for line in by)]
    if not signers:
        raise _not_signed(found, chain, BadSignature("only witnesses signed it"))
    used = signers[-1]
    report.prove("signature", f"{used.name} (key {used.id.hex()}) signed {signed.size} entries")
    if why:
        report.assume("key", why)
    known = (*chain, *rotation.before(key, links))
    return _Seen(found, signed, used, known, tuple(links), by)


def _with_pins(asked: Asked) -> Asked:
    """Return what is asked, with the policy that was kept if none is given now."""
    kept = last.load(asked.last) if asked.last else None
    if kept is None or not kept.policy:
        return asked
    if asked.policy is None:
        pinned = policies.read(kept.policy)
        return dataclasses.replace(asked, policy=pinned, policy_text=kept.policy)
    if asked.policy_text and asked.policy_text != kept.policy:
        raise BadText(f"{asked.last} keeps another policy: change it with tallystick pins")
    return asked


def _announced(seen: _Seen, view: View) -> None:
    """Find each change of the log's key in the log as it is shown now."""
    for link in seen.links:
        was = link.proof.check(link.entry, link.old)
        receipts.still_there(link.proof, link.entry, was.size, was.root, view)
        said = f"key {link.new.id.hex()} follows {link.old.id.hex()}: entry {link.number}"
        view.report.prove("key", f"{said} announces it, in a tree that both signed")


def _not_signed(found: Note, chain: Sequence[Key], error: Exception) -> Caught:
    """Tell a false signature from one under another key."""
    named = {(key.name, key.id) for key in chain}
    same = any((line.name, line.id) in named for line in found.lines)
    if not same and any(line.name == chain[0].name for line in found.lines):
        known = ", ".join(key.id.hex() for key in chain)
        said = f"{chain[0].name} is signed with another key than {known}"
        return Caught(Fault.WRONG_KEY, f"{said}, and no announcement in the log leads to it")
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
    if before.vkey not in map(str, seen.keys):
        raise Caught(Fault.WRONG_KEY, f"seen last under {before.vkey}, now under {seen.key}")
    was = before.checkpoint()
    if was.size > seen.signed.size:
        said = f"{was.size} entries were shown before, now an older checkpoint of"
        raise Caught(Fault.ROLLBACK, f"{said} {seen.signed.size}")
    return before


def _witnesses(asked: Asked, seen: _Seen, view: View) -> None:
    report, policy = view.report, asked.policy
    if policy is None or policy.quorum == policies.NONE:
        said = "that the log shows everybody the same: no witness was asked for"
        report.assume("witnesses", said)
        return
    said = f"saw it grow only: quorum {policy.quorum!r}"
    if policy.satisfied(one.key for one in seen.by):
        report.prove("witnesses", f"{_names(seen.by, seen.keys)} {said}")
    else:
        size, by = _witnessed(policy, seen, view)
        report.prove("witnesses", f"{_names(by, seen.keys)} {said}, up to entry {size}")
        newer = f"{seen.signed.size - size} entries after entry {size}"
        report.assume("witnesses", f"that the {newer} are shown to everybody alike")
    report.assume("quorum", "that the witnesses of the quorum do not all act together")


def _names(by: Sequence[Signed], ours: Sequence[Key]) -> str:
    return ", ".join(one.key.name for one in by if one.key not in ours) or "nobody"


def _witnessed(policy: TrustPolicy, seen: _Seen, view: View) -> tuple[int, tuple[Signed, ...]]:
    """Find the quorum on a checkpoint a little behind; raise `Caught` unless it is the same log.

    Witnesses take their time, and the newest checkpoint waits for none of them.
    """
    said = f"witnessed by {_names(seen.by, seen.keys)}: not the quorum {policy.quorum!r}"
    data = view.file(WITNESSED_FILE, note.NOTE_BYTES_MAX)
    if data is None:
        raise Caught(Fault.QUORUM, said)
    try:
        found = note.read(data)
        was = checkpoint.read(found.text)
        by = keys.check(found, [*seen.keys, *policy.witnesses.values()])
    except (BadText, BadSignature) as error:
        raise Caught(Fault.QUORUM, f"{said}; {WITNESSED_FILE}: {error}") from error
    if not policy.satisfied(one.key for one in by):
        raise Caught(Fault.QUORUM, f"{said}, and {WITNESSED_FILE} has it no more")
    if was.origin != seen.signed.origin or was.size > seen.signed.size:
        raise Caught(Fault.ROLLBACK, f"{was.size} entries were witnessed, fewer are shown")
    if view.root_at(was.size) != was.root:
        raise Caught(Fault.FORK, f"the {was.size} entries that were witnessed are not these")
    seen.by = (*seen.by, *(one for one in by if one.key not in [x.key for x in seen.by]))
    return was.size, by


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
    kept = last.load(asked.last) or last.Last("", "")
    seen_now = {"vkey": str(seen.key), "note": str(seen.note), "times": seen.times}
    policy = asked.policy_text or kept.policy
    last.save(path, msgspec.structs.replace(kept, **seen_now, policy=policy, signed_by=""))


def as_json(report: Report) -> bytes:
    """Return the report as JSON with sorted keys."""
    text = msgspec.json.encode({"exit": report.exit_code, **msgspec.to_builtins(report)})
    return msgspec.json.format(text, indent=1)
