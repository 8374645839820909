import contextlib

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from soft_authenticator import DOMAIN, ORIGIN, PRESENT, SoftAuthenticator

from tallystick.core.clock import SeededClock
from tallystick.core.identity import errors, passkeys, people, sessions, tables
from tallystick.core.identity.people import Role
from tallystick.core.store import Store

PARTY = passkeys.Party(DOMAIN, "Tallystick", (ORIGIN,))


class Desk:
    """Steps as the console takes them: what was written is committed, refused or not."""

    def __init__(self, store: Store, clock: SeededClock):
        self.store, self.clock = store, clock

    def do(self, step):
        with self.store.transact() as tx:
            try:
                return step(tx)
            except errors.IdentityError as error:
                refusal = error
        raise refusal

    @property
    def now(self):
        return self.clock.now()

    def invite(self, name="Ada", role=Role.ADMIN) -> str:
        return self.do(lambda tx: people.invite(tx, name, role, self.now, self.clock))

    def invited(self, token):
        return self.do(lambda tx: people.invited(tx, token, self.now))

    def register(self, device, person, **kwargs):
        question = self.ask_register(person)
        return self.finish_register(person, question, device.create(question.options, **kwargs))

    def ask_register(self, person):
        return self.do(
            lambda tx: passkeys.begin_registration(tx, PARTY, person, self.now, self.clock)
        )

    def finish_register(self, person, question, answer):
        return self.do(
            lambda tx: passkeys.finish_registration(
                tx, PARTY, person, question.handle, answer, "Phone", self.now
            )
        )

    def ask(self):
        return self.do(lambda tx: passkeys.begin_sign_in(tx, PARTY, self.now, self.clock))

    def finish(self, question, answer):
        return self.do(
            lambda tx: passkeys.finish_sign_in(
                tx, PARTY, question.handle, answer, self.now, self.clock
            )
        )

    def sign_in(self, device, **kwargs):
        question = self.ask()
        return self.finish(question, device.get(question.options, **kwargs))

    def find(self, cookie):
        with self.store.read() as tx:
            return sessions.find(tx, cookie, self.now)


@pytest.fixture
def desk(store: Store, clock: SeededClock) -> Desk:
    return Desk(store, clock)


@pytest.fixture
def ada(desk: Desk):
    token = desk.invite("Ada")
    return desk.do(lambda tx: people.spend_invite(tx, token, desk.now))


@pytest.fixture
def device(desk: Desk, ada) -> SoftAuthenticator:
    made = SoftAuthenticator()
    desk.register(made, ada)
    return made


def test_a_link_is_for_one_person_once(desk: Desk):
    token = desk.invite("Grace", Role.AUDITOR)
    assert desk.invited(token).name == "Grace"
    spent = desk.do(lambda tx: people.spend_invite(tx, token, desk.now))
    assert (spent.name, spent.role) == ("Grace", Role.AUDITOR)
    with pytest.raises(errors.InviteRefused):
        desk.do(lambda tx: people.spend_invite(tx, token, desk.now))


@pytest.mark.parametrize(("after_s", "good"), [(1799, True), (1800, False)])
def test_a_link_ends(desk: Desk, after_s: int, good: bool):
    token = desk.invite()
    desk.clock.advance(after_s)
    if good:
        assert desk.invited(token)
    else:
        with pytest.raises(errors.InviteRefused):
            desk.invited(token)


@pytest.mark.parametrize("token", ["", "x", "é\udcff", "x" * 100_000])
def test_a_link_nobody_made(desk: Desk, token: str):
    with pytest.raises(errors.InviteRefused):
        desk.invited(token)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * (people.NAME_CHARS_MAX + 1)])
def test_names_have_limits(desk: Desk, name: str):
    with pytest.raises(errors.PersonTextInvalid):
        desk.invite(name)


def test_no_secret_is_in_the_database(desk: Desk, device):
    token, cookie, question = desk.invite(), desk.sign_in(device).cookie, desk.ask()
    data = everything(desk.store)
    for secret in (token, cookie, question.handle, sessions.csrf_of(cookie)):
        assert secret not in data


def everything(store: Store) -> str:
    kept = [table for table in vars(tables).values() if isinstance(table, sa.Table)]
    with store.read() as tx:
        return repr([tx.execute(sa.select(table)).all() for table in kept])


def test_a_registered_passkey_signs_in(desk: Desk, ada, device):
    signed_in = desk.sign_in(device)
    assert signed_in.person == ada
    assert desk.find(signed_in.cookie).person == ada


def test_a_question_is_answered_once(desk: Desk, device):
    question = desk.ask()
    answer = device.get(question.options)
    desk.finish(question, answer)
    with pytest.raises(errors.ChallengeRefused):
        desk.finish(question, answer)


def test_a_refused_answer_spends_its_question_too(desk: Desk, device):
    question = desk.ask()
    with pytest.raises(errors.PasskeyRefused):
        desk.finish(question, device.get(question.options, kind="webauthn.create"))
    with pytest.raises(errors.ChallengeRefused):
        desk.finish(question, device.get(question.options))


def test_a_question_ends(desk: Desk, device):
    question = desk.ask()
    desk.clock.advance(passkeys.CHALLENGE_TTL_S)
    with pytest.raises(errors.ChallengeRefused):
        desk.finish(question, device.get(question.options))


def test_an_answer_to_another_question(desk: Desk, device):
    mine, other = desk.ask(), desk.ask()
    with pytest.raises(errors.PasskeyRefused):
        desk.finish(mine, device.get(other.options))


def test_an_answer_from_another_browser(desk: Desk, device):
    question = desk.ask()
    stolen = passkeys.Question(question.options, "another handle")
    with pytest.raises(errors.ChallengeRefused):
        desk.finish(stolen, device.get(question.options))


def test_a_registrations_question_signs_nobody_in(desk: Desk, ada, device):
    question = desk.ask_register(ada)
    with pytest.raises(errors.ChallengeRefused):
        desk.finish(question, device.get(question.options))


def test_one_persons_question_registers_nothing_for_another(desk: Desk, ada):
    token = desk.invite("Mallory", Role.AUDITOR)
    question = desk.ask_register(desk.invited(token))
    with pytest.raises(errors.ChallengeRefused):
        desk.finish_register(ada, question, SoftAuthenticator(5).create(question.options))


WRONGS = {
    "origin": {"origin": "https://console.example.evil.example"},
    "subdomain": {"origin": "https://x.console.example"},
    "plain http": {"origin": "http://console.example"},
    "domain": {"domain": "evil.example"},
    "owner not verified": {"flags": PRESENT},
    "nobody present": {"flags": 0},
}


@pytest.mark.parametrize("wrong", WRONGS)
def test_a_sign_in_that_is_wrong_in_one_thing(desk: Desk, device, wrong: str):
    for name, value in WRONGS[wrong].items():
        setattr(device, name, value)
    with pytest.raises(errors.PasskeyRefused):
        desk.sign_in(device)


@pytest.mark.parametrize("wrong", WRONGS)
def test_a_registration_that_is_wrong_in_one_thing(desk: Desk, ada, wrong: str):
    with pytest.raises(errors.PasskeyRefused):
        desk.register(SoftAuthenticator(3, **WRONGS[wrong]), ada)
    with desk.store.read() as tx:
        assert people.passkeys(tx, ada.id) == []


def test_another_key_under_the_same_name(desk: Desk, device):
    device.key = SoftAuthenticator(9).key
    with pytest.raises(errors.PasskeyRefused):
        desk.sign_in(device)


def test_a_passkey_that_names_another_person(desk: Desk, device):
    device.user = "c29tZWJvZHkgZWxzZQ"
    with pytest.raises(errors.PasskeyRefused):
        desk.sign_in(device)


def test_a_counter_that_does_not_grow_is_noticed(desk: Desk, ada, device):
    desk.sign_in(device)
    device.count -= 1
    with pytest.raises(errors.PasskeyCopied):
        desk.sign_in(device)
    with desk.store.read() as tx:
        assert people.passkeys(tx, ada.id)[0].suspect_at == desk.now


def test_a_forged_counter_casts_no_suspicion(desk: Desk, ada, device):
    """A low counter without the key's signature proves nothing about a copy."""
    desk.sign_in(device)
    thief = SoftAuthenticator()
    thief.key, thief.user, thief.count = SoftAuthenticator(9).key, device.user, 0
    with pytest.raises(errors.PasskeyRefused):
        desk.sign_in(thief)
    with desk.store.read() as tx:
        assert people.passkeys(tx, ada.id)[0].suspect_at is None


def test_passkeys_without_a_counter_sign_in_again_and_again(desk: Desk, ada):
    device = SoftAuthenticator(2, counting=False)
    desk.register(device, ada)
    for _ in range(3):
        assert desk.sign_in(device)


def test_a_passkey_belongs_to_one_person(desk: Desk, device):
    other = desk.invited(desk.invite("Grace"))
    with pytest.raises(errors.PasskeyRefused):
        desk.register(SoftAuthenticator(), other)


def test_passkeys_have_a_limit(desk: Desk, ada):
    for number in range(1, passkeys.PASSKEYS_PER_PERSON_MAX + 1):
        desk.register(SoftAuthenticator(number), ada)
    with pytest.raises(errors.PasskeysFull):
        desk.ask_register(ada)


def test_too_many_questions_at_once_are_refused_and_pass(desk: Desk):
    with desk.store.transact() as tx:
        for _ in range(passkeys.CHALLENGES_OPEN_MAX):
            passkeys.begin_sign_in(tx, PARTY, desk.now, desk.clock)
    with pytest.raises(errors.TooManyAttempts):
        desk.ask()
    desk.clock.advance(passkeys.CHALLENGE_TTL_S)
    assert desk.ask()


def fail(desk: Desk, device) -> None:
    device.flags = PRESENT
    with pytest.raises(errors.PasskeyRefused):
        desk.sign_in(device)
    device.flags = SoftAuthenticator().flags


def test_a_person_rests_after_too_many_failures(desk: Desk, device):
    for _ in range(people.FAILURES_MAX):
        fail(desk, device)
    with pytest.raises(errors.TooManyAttempts):
        desk.sign_in(device)
    desk.clock.advance(people.FAILURES_WINDOW_S)
    assert desk.sign_in(device)


def test_a_success_forgets_the_failures(desk: Desk, device):
    for _ in range(2):
        for _ in range(people.FAILURES_MAX - 1):
            fail(desk, device)
        assert desk.sign_in(device)


def test_a_session_ends_when_idle(desk: Desk, device):
    cookie = desk.sign_in(device).cookie
    desk.clock.advance(sessions.IDLE_S - 1)
    assert desk.find(cookie).stale
    desk.clock.advance(1)
    with pytest.raises(errors.NotSignedIn):
        desk.find(cookie)
    desk.do(lambda tx: sessions.touch(tx, cookie, desk.now))
    with pytest.raises(errors.NotSignedIn):
        desk.find(cookie)


def test_a_session_in_use_ends_after_half_a_day(desk: Desk, device):
    cookie = desk.sign_in(device).cookie
    for _ in range(sessions.ABSOLUTE_S // 1800 - 1):
        desk.clock.advance(1800)
        assert desk.find(cookie).stale
        desk.do(lambda tx: sessions.touch(tx, cookie, desk.now))
        assert not desk.find(cookie).stale
    desk.clock.advance(1800)
    with pytest.raises(errors.NotSignedIn):
        desk.find(cookie)


def test_signing_out(desk: Desk, device):
    mine, other = desk.sign_in(device).cookie, desk.sign_in(device).cookie
    desk.do(lambda tx: sessions.end(tx, mine, desk.now))
    with pytest.raises(errors.NotSignedIn):
        desk.find(mine)
    assert desk.find(other)


def test_a_role_counts_from_the_next_request(desk: Desk, ada, device):
    cookie = desk.sign_in(device).cookie
    desk.do(lambda tx: people.change_role(tx, ada.id, Role.AUDITOR))
    assert desk.find(cookie).person.role is Role.AUDITOR


def test_a_removed_person_is_out_at_once(desk: Desk, ada, device):
    cookie = desk.sign_in(device).cookie
    link = desk.do(lambda tx: people.invite_again(tx, ada.id, desk.now, desk.clock, lost=False))
    desk.do(lambda tx: people.remove(tx, ada.id, desk.now, "left"))
    for step in (
        lambda: desk.find(cookie),
        lambda: desk.sign_in(device),
        lambda: desk.invited(link),
        lambda: desk.do(lambda tx: people.invite_again(tx, ada.id, desk.now, desk.clock)),
    ):
        with pytest.raises(errors.IdentityError):
            step()


def test_a_lost_device_is_out_at_once_and_its_owner_comes_back(desk: Desk, ada, device):
    cookie = desk.sign_in(device).cookie
    token = desk.do(lambda tx: people.invite_again(tx, ada.id, desk.now, desk.clock))
    with pytest.raises(errors.NotSignedIn):
        desk.find(cookie)
    with pytest.raises(errors.PasskeyRefused):
        desk.sign_in(device)
    again = desk.do(lambda tx: people.spend_invite(tx, token, desk.now))
    fresh = SoftAuthenticator(2)
    desk.register(fresh, again)
    assert desk.sign_in(fresh).person == ada


def test_a_new_link_ends_the_one_before(desk: Desk, ada):
    first, second = (
        desk.do(lambda tx: people.invite_again(tx, ada.id, desk.now, desk.clock)) for _ in range(2)
    )
    with pytest.raises(errors.InviteRefused):
        desk.invited(first)
    assert desk.invited(second)


def test_another_device_keeps_the_first(desk: Desk, ada, device):
    desk.do(lambda tx: people.invite_again(tx, ada.id, desk.now, desk.clock, lost=False))
    assert desk.sign_in(device)


def test_removing_a_passkey_ends_its_sessions_only(desk: Desk, ada, device):
    second = SoftAuthenticator(2)
    first_id, second_id = people_keys(desk, ada)[0], desk.register(second, ada)
    mine, other = desk.sign_in(device).cookie, desk.sign_in(second).cookie
    desk.do(lambda tx: people.remove_passkey(tx, ada.id, first_id, desk.now))
    with pytest.raises(errors.NotSignedIn):
        desk.find(mine)
    assert desk.find(other)
    with pytest.raises(errors.PasskeyRefused):
        desk.sign_in(device)
    with pytest.raises(errors.LastPasskey):
        desk.do(lambda tx: people.remove_passkey(tx, ada.id, second_id, desk.now))


def people_keys(desk: Desk, person) -> list[str]:
    with desk.store.read() as tx:
        return [key.id for key in people.passkeys(tx, person.id)]


def test_nobody_removes_anothers_passkey(desk: Desk, ada, device):
    desk.register(SoftAuthenticator(2), ada)
    grace = desk.invited(desk.invite("Grace"))
    desk.do(lambda tx: people.remove_passkey(tx, grace.id, people_keys(desk, ada)[0], desk.now))
    assert len(people_keys(desk, ada)) == 2


def test_old_sessions_are_forgotten(desk: Desk, device):
    for _ in range(3):
        desk.sign_in(device)
    desk.clock.advance(sessions.KEPT_S + sessions.ABSOLUTE_S + 1)
    desk.sign_in(device)
    with desk.store.read() as tx:
        count = sa.select(sa.func.count()).select_from(tables.SIGN_IN_SESSIONS)
        assert tx.execute(count).scalar() == 1


def test_each_session_has_its_own_word(desk: Desk, device):
    one, two = desk.sign_in(device).cookie, desk.sign_in(device).cookie
    assert sessions.csrf_fits(one, sessions.csrf_of(one))
    assert not sessions.csrf_fits(one, sessions.csrf_of(two))
    assert not sessions.csrf_fits(one, "")
    assert not sessions.csrf_fits(one, "é\udcff")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.integers(0, 2_000), value=st.binary(min_size=1, max_size=3))
def test_a_damaged_answer_is_refused_and_nothing_worse(desk: Desk, device, place, value):
    question = desk.ask()
    answer = bytearray(device.get(question.options))
    place %= len(answer)
    answer[place : place + len(value)] = value
    with contextlib.suppress(errors.IdentityError):
        desk.finish(question, bytes(answer))
    desk.do(lambda tx: people.forget_failures(tx, _only(tx)))


def _only(tx) -> str:
    return people.people(tx)[0].id


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"id": 7}',
        b'{"id": "\\u0000"}',
        b'{"id": "AAAA", "response": null}',
        b"[" * 5_000,
        b'{"id":"' + b"A" * passkeys.ANSWER_BYTES_MAX + b'"}',
    ],
)
def test_an_answer_that_no_browser_sends(desk: Desk, ada, device, answer: bytes):
    with pytest.raises(errors.PasskeyRefused):
        desk.finish(desk.ask(), answer)
    with pytest.raises(errors.PasskeyRefused):
        desk.finish_register(ada, desk.ask_register(ada), answer)
