"""Ed25519 keys on disk and on the wire: how one is made, kept and read.

A private key is 32 raw bytes, base64url on one line, in a file that only its owner can read. It
is on disk before it is used, so that a power cut cannot leave a machine known by a key it lost.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import stat
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tallystick.core.identity.errors import BadKey, KeyFileUnsafe

KEY_BYTES: Final = 32
KEY_FILE_BYTES_MAX: Final = 64
FIELD_PRIME: Final = 2**255 - 19

_ALPHABET = re.compile(r"[A-Za-z0-9_-]+")

SMALL_ORDER_Y: Final = frozenset(
    int.from_bytes(bytes.fromhex(text), "little")
    for text in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
    )
)
"""The heights of the eight points under which anybody can sign (RFC 7748, section 7)."""


def b64url(data: bytes) -> str:
    """Return base64url without padding (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def from_b64url(text: str, bytes_max: int) -> bytes:
    """Read base64url without padding, in its one canonical spelling; raise `ValueError`."""
    if len(text) > (bytes_max * 4 + 2) // 3 or not _ALPHABET.fullmatch(text):
        raise ValueError("not base64url, or too long")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error
    if b64url(data) != text:
        raise ValueError("not the canonical base64url")
    return data


def public_text(key: Ed25519PublicKey) -> str:
    """Return a public key as it travels: its 32 raw bytes in base64url."""
    return b64url(key.public_bytes_raw())


def read_public(text: str) -> Ed25519PublicKey:
    """Read a public key; raise `BadKey` unless it is canonical and safe to trust."""
    try:
        raw = from_b64url(text, KEY_BYTES)
    except ValueError as error:
        raise BadKey(str(error)) from error
    if len(raw) != KEY_BYTES:
        raise BadKey(f"a key has {KEY_BYTES} bytes, not {len(raw)}")
    height = int.from_bytes(raw, "little") & (2**255 - 1)
    if height >= FIELD_PRIME or height in SMALL_ORDER_Y:
        raise BadKey("anybody could sign under this key")
    return Ed25519PublicKey.from_public_bytes(raw)


def load_or_make_key(path: Path) -> Ed25519PrivateKey:
    """Return the key in the file, making it first when the file is not there.

    Raises `KeyFileUnsafe` when others may read the file or it holds something else. A file is
    written whole under another name, fsynced and linked into place, so that two processes that
    start together end with one key.
    """
    path = Path(path)
    if not path.exists():
        _make(path)
    return load_key(path)


def load_key(path: Path) -> Ed25519PrivateKey:
    """Return the key in the file; raise `KeyFileUnsafe` (or `FileNotFoundError`)."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or about.st_mode & 0o077:
            raise KeyFileUnsafe(f"{path}: must be a file of mode 0600")
        if about.st_uid != os.geteuid():
            raise KeyFileUnsafe(f"{path}: belongs to another user")
        text = os.read(handle, KEY_FILE_BYTES_MAX + 1).decode("ascii", "replace")
    finally:
        os.close(handle)
    return _read_private(text, path)


def _read_private(text: str, path: Path) -> Ed25519PrivateKey:
    try:
        raw = from_b64url(text.strip(), KEY_BYTES)
        return Ed25519PrivateKey.from_private_bytes(raw)
    except ValueError as error:
        raise KeyFileUnsafe(f"{path}: does not hold a key") from error


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        text = b64url(Ed25519PrivateKey.generate().private_bytes_raw()) + "\n"
        os.write(handle, text.encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    _place(draft, path)


def _place(draft: Path, path: Path) -> None:
    """Give the draft its name unless another process was first, and fsync the folder."""
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
