import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tallystick.core.identity import keys
from tallystick.core.identity.errors import BadKey, KeyFileUnsafe


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path):
    path = tmp_path / "new" / "machine.key"
    first, again = keys.load_or_make_key(path), keys.load_or_make_key(path)
    assert first.private_bytes_raw() == again.private_bytes_raw()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["machine.key"]


def test_the_key_is_on_disk_before_it_has_its_name(tmp_path: Path):
    calls: list[str] = []

    def watch(frame, event: str, called) -> None:
        if event == "c_call" and called in (os.fsync, os.link):
            calls.append(called.__name__)

    sys.setprofile(watch)
    try:
        keys.load_or_make_key(tmp_path / "k")
    finally:
        sys.setprofile(None)
    assert calls == ["fsync", "link", "fsync"]


def test_processes_that_start_together_end_with_one_key(tmp_path: Path):
    code = (
        "import sys; from pathlib import Path; from tallystick.core.identity import keys;"
        "print(keys.load_or_make_key(Path(sys.argv[1])).private_bytes_raw().hex())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "k")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert len({process.communicate(timeout=30)[0] for process in started}) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["k"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_that_others_can_read_is_not_used(tmp_path: Path, mode: int):
    keys.load_or_make_key(tmp_path / "k")
    (tmp_path / "k").chmod(mode)
    with pytest.raises(KeyFileUnsafe):
        keys.load_or_make_key(tmp_path / "k")


@pytest.mark.parametrize("text", ["", "\n", "x", "A" * 42, "A" * 44, "A" * 5000, "é" * 20])
def test_a_file_without_a_key_is_refused_and_kept(tmp_path: Path, text: str):
    path = tmp_path / "k"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(KeyFileUnsafe):
        keys.load_or_make_key(path)
    assert path.read_text() == text


def test_a_link_to_a_key_is_not_followed(tmp_path: Path):
    keys.load_or_make_key(tmp_path / "k")
    (tmp_path / "l").symlink_to(tmp_path / "k")
    with pytest.raises(OSError):
        keys.load_key(tmp_path / "l")


def test_public_keys_travel_in_one_spelling():
    key = Ed25519PrivateKey.generate().public_key()
    text = keys.public_text(key)
    assert len(text) == 43
    assert keys.read_public(text).public_bytes_raw() == key.public_bytes_raw()
    for wrong in (text + "=", text[:-1], text + "A", " " + text, text.replace(text[5], "+"), ""):
        with pytest.raises(BadKey):
            keys.read_public(wrong)


def test_a_second_spelling_of_the_same_bytes_is_refused():
    text = keys.b64url(b"\x11" * 32)
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = text[:-1] + last[last.index(text[-1]) + 1]
    with pytest.raises(ValueError, match="canonical"):
        keys.from_b64url(twin, 32)


def is_small_order(y: int) -> bool:
    """Say whether 8 times the point of height y is the neutral point: arithmetic of RFC 8032."""
    p = keys.FIELD_PRIME
    d = -121665 * pow(121666, -1, p) % p
    x2 = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
    x = pow(x2, (p + 3) // 8, p)
    x = x if (x * x - x2) % p == 0 else x * pow(2, (p - 1) // 4, p) % p
    assert (x * x - x2) % p == 0, "not on the curve"
    for _ in range(3):
        k = d * x * x * y * y % p
        x, y = 2 * x * y * pow(1 + k, -1, p) % p, (y * y + x * x) * pow(1 - k, -1, p) % p
    return (x, y) == (0, 1)


@pytest.mark.parametrize("height", sorted(keys.SMALL_ORDER_Y))
@pytest.mark.parametrize("sign", [0, 1])
def test_keys_under_which_anybody_signs_are_refused(height: int, sign: int):
    assert is_small_order(height)
    with pytest.raises(BadKey):
        keys.read_public(keys.b64url((height | sign << 255).to_bytes(32, "little")))


@pytest.mark.parametrize("height", [keys.FIELD_PRIME, keys.FIELD_PRIME + 1, 2**255 - 1])
def test_keys_that_are_not_reduced_are_refused(height: int):
    with pytest.raises(BadKey):
        keys.read_public(keys.b64url(height.to_bytes(32, "little")))
