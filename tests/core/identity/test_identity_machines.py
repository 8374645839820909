import datetime as dt
import threading

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tallystick.core.clock import SeededClock
from tallystick.core.identity import errors, machines, tables
from tallystick.core.identity.keys import public_text
from tallystick.core.identity.signatures import sign_request
from tallystick.core.store import Store

ONE, TWO, THREE = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2, 3))


def text(key: Ed25519PrivateKey) -> str:
    return public_text(key.public_key())


def name(key: Ed25519PrivateKey) -> str:
    return machines.key_name(key.public_key())


def invited(store: Store, clock: SeededClock, **kwargs) -> str:
    with store.transact() as tx:
        return machines.invite_machine(tx, "Kiosk 0142", clock.now(), clock, **kwargs)


def paired(store: Store, clock: SeededClock, key=ONE, **kwargs) -> machines.Machine:
    token = invited(store, clock, **kwargs)
    with store.transact() as tx:
        return machines.pair(tx, token, text(key), clock.now(), clock)


def known(store: Store, key: Ed25519PrivateKey, now: dt.datetime) -> bool:
    with store.read() as tx:
        return machines.key_of(tx, name(key), now) is not None


def ask(store: Store, clock: SeededClock, key=ONE, nonce="n" * 20, now=None, body=b"{}"):
    headers = sign_request("POST", "/v1/x", {}, body, key, name(key), now or clock.now(), nonce)
    with store.transact() as tx:
        return machines.authenticate(tx, "POST", "/v1/x", headers, body, clock.now())


def test_a_paired_machine_is_known_by_its_signature(store: Store, clock: SeededClock):
    made = paired(store, clock, currency="CAD", day_cap_minor=500_000)
    assert (made.label, made.state, made.currency) == ("Kiosk 0142", "active", "CAD")
    assert made.day_cap_minor == 500_000
    assert ask(store, clock) == made
    with store.read() as tx:
        assert machines.machines(tx) == [made]


def test_the_token_is_not_stored(store: Store, clock: SeededClock):
    token = invited(store, clock)
    with store.read() as tx:
        row = repr(tx.execute(sa.select(tables.PAIRING_TOKENS)).all())
    assert "Kiosk 0142" in row
    assert token not in row


def test_a_token_pairs_one_machine(store: Store, clock: SeededClock):
    token = invited(store, clock)
    with store.transact() as tx:
        machines.pair(tx, token, text(ONE), clock.now(), clock)
    with store.transact() as tx, pytest.raises(errors.PairingRefused):
        machines.pair(tx, token, text(TWO), clock.now(), clock)
    assert not known(store, TWO, clock.now())


def test_a_lost_answer_may_be_asked_for_again(store: Store, clock: SeededClock):
    token = invited(store, clock)
    with store.transact() as tx:
        first = machines.pair(tx, token, text(ONE), clock.now(), clock)
    with store.transact() as tx:
        assert machines.pair(tx, token, text(ONE), clock.now(), clock) == first
    with store.read() as tx:
        assert len(machines.machines(tx)) == 1


def test_the_lost_answer_is_not_given_after_revocation(store: Store, clock: SeededClock):
    token = invited(store, clock)
    with store.transact() as tx:
        made = machines.pair(tx, token, text(ONE), clock.now(), clock)
        machines.revoke(tx, made.id, clock.now(), "stolen")
    with store.transact() as tx, pytest.raises(errors.PairingRefused):
        machines.pair(tx, token, text(ONE), clock.now(), clock)


@pytest.mark.parametrize(("after_s", "good"), [(3599, True), (3600, False)])
def test_a_token_ends(store: Store, clock: SeededClock, after_s: int, good: bool):
    token = invited(store, clock)
    clock.advance(after_s)
    with store.transact() as tx:
        if good:
            assert machines.pair(tx, token, text(ONE), clock.now(), clock)
        else:
            with pytest.raises(errors.PairingRefused):
                machines.pair(tx, token, text(ONE), clock.now(), clock)


@pytest.mark.parametrize("token", ["", "x" * 43, "x" * 100_000])
def test_a_token_nobody_made(store: Store, clock: SeededClock, token: str):
    with store.transact() as tx, pytest.raises(errors.PairingRefused):
        machines.pair(tx, token, text(ONE), clock.now(), clock)


def test_a_wrong_key_does_not_spend_the_token(store: Store, clock: SeededClock):
    token = invited(store, clock)
    with store.transact() as tx, pytest.raises(errors.BadKey):
        machines.pair(tx, token, "A" * 43, clock.now(), clock)
    with store.transact() as tx:
        assert machines.pair(tx, token, text(ONE), clock.now(), clock)


def test_two_machines_never_share_a_key(store: Store, clock: SeededClock):
    paired(store, clock)
    token = invited(store, clock)
    with pytest.raises(errors.BadKey), store.transact() as tx:
        machines.pair(tx, token, text(ONE), clock.now(), clock)
    with store.read() as tx:
        assert len(machines.machines(tx)) == 1


def test_new_hardware_ends_the_old_key_at_once(store: Store, clock: SeededClock):
    made = paired(store, clock)
    again = paired(store, clock, TWO, machine_id=made.id)
    assert again.id == made.id
    assert not known(store, ONE, clock.now())
    assert known(store, TWO, clock.now())


def test_a_new_key_is_good_at_once_and_the_old_one_for_a_day(store: Store, clock: SeededClock):
    made = paired(store, clock)
    with store.transact() as tx:
        machines.rotate_key(tx, made.id, text(TWO), clock.now())
    assert known(store, ONE, clock.now())
    assert known(store, TWO, clock.now())
    clock.advance(machines.KEY_GRACE_S)
    assert not known(store, ONE, clock.now())
    assert ask(store, clock, TWO).id == made.id
    with pytest.raises(errors.UnknownKey):
        ask(store, clock, ONE)


def test_rotating_twice_to_one_key_is_rotating_once(store: Store, clock: SeededClock):
    made = paired(store, clock)
    for _ in range(2):
        with store.transact() as tx:
            assert machines.rotate_key(tx, made.id, text(TWO), clock.now()) == name(TWO)


def test_an_ended_key_does_not_come_back(store: Store, clock: SeededClock):
    made = paired(store, clock)
    with store.transact() as tx:
        machines.rotate_key(tx, made.id, text(TWO), clock.now(), grace_s=0)
    with pytest.raises(errors.BadKey), store.transact() as tx:
        machines.rotate_key(tx, made.id, text(ONE), clock.now())
    assert not known(store, ONE, clock.now())


def test_a_machine_cannot_hoard_keys(store: Store, clock: SeededClock):
    made = paired(store, clock)
    spare = [
        Ed25519PrivateKey.from_private_bytes(bytes([40 + n]) * 32)
        for n in range(machines.KEYS_ALIVE_MAX)
    ]
    for key in spare[:-1]:
        with store.transact() as tx:
            machines.rotate_key(tx, made.id, text(key), clock.now())
    with pytest.raises(errors.BadKey), store.transact() as tx:
        machines.rotate_key(tx, made.id, text(spare[-1]), clock.now())


def test_a_revoked_machine_is_nobody(store: Store, clock: SeededClock):
    made = paired(store, clock)
    token = invited(store, clock, machine_id=made.id)
    with store.transact() as tx:
        machines.rotate_key(tx, made.id, text(TWO), clock.now())
        machines.revoke(tx, made.id, clock.now(), "stolen from the shop")
    for key in (ONE, TWO):
        assert not known(store, key, clock.now())
        with pytest.raises(errors.UnknownKey):
            ask(store, clock, key)
    for step in (
        lambda tx: machines.rotate_key(tx, made.id, text(THREE), clock.now()),
        lambda tx: machines.invite_machine(tx, "x", clock.now(), clock, machine_id=made.id),
        lambda tx: machines.pair(tx, token, text(THREE), clock.now(), clock),
    ):
        refused = (errors.MachineRevoked, errors.PairingRefused)
        with pytest.raises(refused), store.transact() as tx:
            step(tx)


def test_revoking_again_keeps_the_first_reason(store: Store, clock: SeededClock):
    made = paired(store, clock)
    with store.transact() as tx:
        machines.revoke(tx, made.id, clock.now(), "stolen")
        machines.revoke(tx, made.id, clock.now() + dt.timedelta(days=1), "again")
        assert machines.machine(tx, made.id).revoked_why == "stolen"
        assert machines.machine(tx, made.id).revoked_at == clock.now()


def test_a_request_is_heard_once(store: Store, clock: SeededClock):
    paired(store, clock)
    ask(store, clock)
    with pytest.raises(errors.Replayed):
        ask(store, clock)
    assert ask(store, clock, nonce="m" * 20)


def test_a_nonce_signed_again_at_another_moment_is_still_spent(store: Store, clock: SeededClock):
    paired(store, clock)
    ask(store, clock)
    clock.advance(5)
    with pytest.raises(errors.Replayed):
        ask(store, clock)


def together(count: int, step) -> list:
    """Run a step in threads that start together; return what each got, refusals too."""
    got, ready = [], threading.Barrier(count)

    def run(number: int) -> None:
        ready.wait()
        try:
            got.append(step(number))
        except errors.IdentityError as error:
            got.append(type(error))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


def test_many_machines_with_one_token_at_once(store: Store, clock: SeededClock):
    token = invited(store, clock)
    keys = [Ed25519PrivateKey.from_private_bytes(bytes([60 + n]) * 32) for n in range(6)]

    def step(number: int) -> str:
        with store.transact() as tx:
            return machines.pair(tx, token, text(keys[number]), clock.now(), clock).label

    got = together(6, step)
    assert got.count("Kiosk 0142") == 1
    assert got.count(errors.PairingRefused) == 5


def test_one_request_sent_many_times_at_once(store: Store, clock: SeededClock):
    paired(store, clock)
    got = together(6, lambda _: ask(store, clock).label)
    assert got.count("Kiosk 0142") == 1
    assert got.count(errors.Replayed) == 5


def test_a_step_that_failed_did_not_spend_its_nonce(store: Store, clock: SeededClock):
    paired(store, clock)
    headers = sign_request("GET", "/v1/x", {}, b"", ONE, name(ONE), clock.now(), "n" * 20)
    with pytest.raises(RuntimeError), store.transact() as tx:
        machines.authenticate(tx, "GET", "/v1/x", headers, b"", clock.now())
        raise RuntimeError
    with store.transact() as tx:
        assert machines.authenticate(tx, "GET", "/v1/x", headers, b"", clock.now())


def test_no_moment_exists_at_which_a_forgotten_nonce_is_good(store: Store, clock: SeededClock):
    """Replay a request at each second of its life, after as much sweeping as a day brings."""
    paired(store, clock)
    start = clock.now()
    headers = sign_request("GET", "/v1/x", {}, b"", ONE, name(ONE), start, "n" * 20)
    clock.advance(-300)
    with store.transact() as tx:
        machines.authenticate(tx, "GET", "/v1/x", headers, b"", clock.now())
    for _ in range(62):
        clock.advance(10)
        with store.transact() as tx:
            newest = clock.now() + dt.timedelta(seconds=300)
            machines.sweep_nonces(tx, newest - dt.timedelta(seconds=machines.NONCE_KEPT_S))
        with store.transact() as tx, pytest.raises((errors.Replayed, errors.StaleRequest)):
            machines.authenticate(tx, "GET", "/v1/x", headers, b"", clock.now())


def test_nonces_are_swept_by_use_alone(store: Store, clock: SeededClock):
    paired(store, clock)
    with store.transact() as tx:
        for n in range(2_000):
            clock.advance(10)
            machines.remember_nonce(tx, "k", f"nonce-of-some-length-{n}", clock.now())
        left = tx.execute(sa.select(sa.func.count()).select_from(tables.MACHINE_NONCES)).scalar()
    assert left < 600


def test_a_sweep_is_bounded(store: Store, clock: SeededClock):
    with store.transact() as tx:
        for n in range(20):
            machines.remember_nonce(tx, "k", f"{n:020}", clock.now() - dt.timedelta(days=1))
        assert machines.sweep_nonces(tx, clock.now(), most=5) == 5


def test_configuring_a_machine(store: Store, clock: SeededClock):
    made = paired(store, clock)
    with store.transact() as tx:
        changed = machines.configure(
            tx,
            made.id,
            label="Kiosk 7",
            currency="EUR",
            day_cap_minor=1,
            settings={"place": "Main St 1"},
        )
        assert machines.machine(tx, made.id) == changed
    assert changed.settings == {"place": "Main St 1"}


@pytest.mark.parametrize(
    "change",
    [
        {"label": ""},
        {"label": "x" * (machines.LABEL_CHARS_MAX + 1)},
        {"label": "a\x00b"},
        {"currency": "usd"},
        {"day_cap_minor": -1},
        {"day_cap_minor": machines.DAY_CAP_MINOR_MAX + 1},
        {"settings": {"x": "y" * machines.SETTINGS_BYTES_MAX}},
    ],
)
def test_texts_and_caps_have_limits(store: Store, clock: SeededClock, change):
    made = paired(store, clock)
    given = {"label": "K", "currency": "USD", "day_cap_minor": 1, "settings": {}} | change
    with pytest.raises(errors.MachineTextInvalid), store.transact() as tx:
        machines.configure(tx, made.id, **given)


def test_no_such_machine(store: Store, clock: SeededClock):
    for step in (
        lambda tx: machines.machine(tx, "x"),
        lambda tx: machines.revoke(tx, "x", clock.now(), ""),
        lambda tx: machines.rotate_key(tx, "x", text(ONE), clock.now()),
    ):
        with pytest.raises(errors.UnknownMachine), store.transact() as tx:
            step(tx)


def test_a_pairing_code_reads_back():
    code = machines.pairing_string("https://t.example:8443/m?a=1&b", ONE.public_key(), "tok-en_1")
    read = machines.read_pairing(code + "\r\n")
    assert (read.url, read.token) == ("https://t.example:8443/m?a=1&b", "tok-en_1")
    assert public_text(read.server_key) == text(ONE)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "tallystick:pair",
        "bitcoin:bc1q?amount=1",
        f"tallystick:pair?url=https://x&key={'A' * 43}&token=t",
        f"tallystick:pair?url=file:///etc&key={text(ONE)}&token=t",
        f"tallystick:pair?url=https://x&key={text(ONE)}",
        f"tallystick:pair?url=https://x&url=https://y&key={text(ONE)}&token=t",
        f"tallystick:pair?url=https://x&key={text(ONE)}&token={'t' * 512}",
    ],
)
def test_what_is_not_a_pairing_code(wrong: str):
    with pytest.raises(errors.PairingRefused):
        machines.read_pairing(wrong)
