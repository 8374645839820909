"""The vault's keys: master keys in one file, a wrapped key for each subject in its own.

None is in the database. Destroying a subject's file ends every copy of what was sealed under it,
backups too; so back the folder up as a mirror, never as a history. Wrapping is AES-256-GCM (NIST
SP 800-38D) bound to the subject and the master key's name; files are written whole and synced.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import os
import re
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tallystick.core.clock import Clock
from tallystick.core.identity.keys import b64url, from_b64url
from tallystick.core.vault.errors import KeyGone, MasterKeyUnusable, SealBroken, VaultInvalid

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
FILE_BYTES_MAX: Final = 65_536
MASTERS_MAX: Final = 8
MASTER_FILE: Final = "master.key"
LOCK_FILE: Final = "lock"
KEYS_FOLDER: Final = "keys"
_SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,63}")


class Ring(msgspec.Struct, frozen=True):
    """The master key file: named keys, which of them wraps new ones, and the key of blind links."""

    current: str
    masters: dict[str, str]
    links: str


class Wrapped(msgspec.Struct, frozen=True):
    """A subject's key file: which master key wrapped it, the nonce, the wrapped key."""

    master: str
    nonce: str
    sealed: str


class Keys:
    """The keys of one vault, in one folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Read the master keys, making them when there is no vault yet.

        Raises `MasterKeyUnusable`, also when subjects' keys are there and their master is not.
        """
        self.folder, self._clock = Path(folder), clock
        self._master_path = self.folder / MASTER_FILE
        self._lock = threading.Lock()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._master_path.exists():
            self._begin()
        self._ring = _read_ring(self._master_path)

    def _begin(self) -> None:
        if next(self._paths(), None) is not None:
            raise MasterKeyUnusable(f"{self._master_path} is gone, and keys wrapped by it are here")
        ring = Ring("1", {"1": self._fresh()}, self._fresh())
        _write(self._master_path, msgspec.json.encode(ring), replace=False)

    def _fresh(self) -> str:
        return b64url(self._clock.random_bytes(KEY_BYTES))

    def _paths(self) -> Iterator[Path]:
        return (self.folder / KEYS_FOLDER).glob("??/*")

    def _path(self, subject: str) -> Path:
        if not _SUBJECT.fullmatch(subject):
            raise VaultInvalid("a subject is 8 to 64 letters, digits, - or _, and nobody's name")
        shelf = hashlib.sha256(subject.encode()).hexdigest()[:2]
        return self.folder / KEYS_FOLDER / shelf / subject

    def make(self, subject: str) -> bytes:
        """Make a subject's key, synced to disk before it is used; keep the one already there."""
        path = self._path(subject)
        with self._alone():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(path, self._wrap(subject, self._clock.random_bytes(KEY_BYTES)), replace=False)
        return self.get(subject)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Write alone, in this process and among processes, with the master keys read afresh."""
        with self._lock, (self.folder / LOCK_FILE).open("ab") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            self._ring = _read_ring(self._master_path)
            yield

    def get(self, subject: str) -> bytes:
        """Return a subject's key; raise `KeyGone` once it is destroyed, `SealBroken` if swapped."""
        try:
            kept = msgspec.json.decode(_read(self._path(subject)), type=Wrapped)
        except FileNotFoundError as error:
            raise KeyGone from error
        except msgspec.DecodeError as error:
            raise SealBroken("a subject's key file is damaged") from error
        master = self._ring.masters.get(kept.master)
        if master is None:
            self._ring = _read_ring(self._master_path)
            master = self._ring.masters.get(kept.master)
        if master is None:
            raise KeyGone("the master key that wrapped this key is gone")
        try:
            sealed, nonce = from_b64url(kept.sealed, 256), from_b64url(kept.nonce, NONCE_BYTES)
            return _cipher(master).decrypt(nonce, sealed, _bound(subject, kept.master))
        except (InvalidTag, ValueError) as error:
            raise SealBroken("this key is not that of this subject") from error

    def has(self, subject: str) -> bool:
        """Say whether a subject's key is there."""
        return self._path(subject).exists()

    def destroy(self, subject: str) -> None:
        """Overwrite and remove a subject's key; once more changes nothing.

        Some disks keep what was overwritten; the wrapping's end is then the rotation of the master.
        """
        path = self._path(subject)
        with self._alone(), contextlib.suppress(FileNotFoundError):
            handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.write(handle, bytes(os.fstat(handle).st_size))
                os.fsync(handle)
            finally:
                os.close(handle)
            path.unlink()
            _sync_folder(path.parent)

    def rotate(self) -> int:
        """Wrap every subject's key under a new master key, then destroy the old; return how many.

        Safe to run again after it was interrupted: until the last step both masters are kept.
        """
        with self._alone():
            return self._rotate()

    def _rotate(self) -> int:
        name = str(max(map(int, self._ring.masters)) + 1)
        if len(self._ring.masters) >= MASTERS_MAX:
            name = self._ring.current
        masters = {**self._ring.masters}
        masters.setdefault(name, self._fresh())
        self._keep(Ring(name, masters, self._ring.links))
        count = 0
        for path in self._paths():
            if not path.name.startswith("."):
                _write(path, self._wrap(path.name, self.get(path.name)), replace=True)
                count += 1
        self._keep(Ring(name, {name: masters[name]}, self._ring.links))
        return count

    def _keep(self, ring: Ring) -> None:
        _write(self._master_path, msgspec.json.encode(ring), replace=True)
        self._ring = ring

    def _wrap(self, subject: str, key: bytes) -> bytes:
        name, nonce = self._ring.current, self._clock.random_bytes(NONCE_BYTES)
        sealed = _cipher(self._ring.masters[name]).encrypt(nonce, key, _bound(subject, name))
        return msgspec.json.encode(Wrapped(name, b64url(nonce), b64url(sealed)))

    def link(self, kind: str, text: str) -> str:
        """Return a blind link: HMAC-SHA256 of a text of a kind, under a key that stays for ever.

        Equal texts give equal links; without the key file nobody can try out texts against them.
        """
        key = from_b64url(self._ring.links, KEY_BYTES)
        return hmac.digest(key, f"{kind}\n{text}".encode(), "sha256").hex()


def _cipher(text: str) -> AESGCM:
    return AESGCM(from_b64url(text, KEY_BYTES))


def _bound(subject: str, master: str) -> bytes:
    return f"tallystick vault key\n{master}\n{subject}".encode()


def _read_ring(path: Path) -> Ring:
    try:
        ring = msgspec.json.decode(_read(path), type=Ring)
        keys = [from_b64url(text, KEY_BYTES) for text in (*ring.masters.values(), ring.links)]
    except (msgspec.DecodeError, ValueError) as error:
        raise MasterKeyUnusable(f"{path} does not hold master keys") from error
    if ring.current not in ring.masters or any(len(key) != KEY_BYTES for key in keys):
        raise MasterKeyUnusable(f"{path} does not hold master keys")
    return ring


def _read(path: Path) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or about.st_mode & 0o077:
            raise MasterKeyUnusable(f"{path}: must be a file of mode 0600")
        return os.read(handle, FILE_BYTES_MAX)
    finally:
        os.close(handle)


def _write(path: Path, data: bytes, *, replace: bool) -> None:
    """Write a file whole, synced, and give it its name; without ``replace`` the first one stays."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)
    if replace:
        draft.replace(path)
    else:
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
