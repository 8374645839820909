"""Notes, keys, checkpoints, cosignatures, proofs and policies agree with every published vector."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from tallystick.core.tlog import checkpoint, cosign, keys, note, policy, proof
from tallystick.core.tlog.checkpoint import Checkpoint
from tallystick.core.tlog.errors import BadProof, BadSignature, BadText
from vectors import load, raw

NOTES, CHECKPOINTS, LOG = load("signed_note"), load("checkpoints"), load("log_of_15_entries")
PROOFS, POLICIES = load("tlog_proof"), load("tlog_policy")


def name(case: dict[str, str]) -> str:
    return case["name"]


def test_verifier_keys() -> None:
    for case in NOTES["vkeys"]:
        key = keys.read(case["vkey"])
        assert (key.name, key.id.hex(), key.type) == (case["name"], case["id"], case["type"])
        assert str(key) == case["vkey"]
    for case in NOTES["bad_vkeys"]:
        with pytest.raises(BadText):
            keys.read(case["vkey"])


@pytest.mark.parametrize("case", [*NOTES["valid"], *CHECKPOINTS["valid"]], ids=name)
def test_what_holds(case: dict[str, list[str]]) -> None:
    found = note.read(str(case["note"]).encode())
    assert str(found) == case["note"]
    signed = keys.check(found, map(keys.read, case["vkeys"]))
    assert sorted(one.key.name for one in signed) == sorted(case["verified_by"])
    if "cosigned_at" in case:
        assert {one.key.name: one.time for one in signed if one.time} == case["cosigned_at"]
    if "origin" in case:
        said = checkpoint.read(found.text)
        assert said == Checkpoint(
            str(case["origin"]),
            int(str(case["size"])),
            raw(str(case["root"])),
            tuple(case["extension"]),
        )
        assert str(said) == found.text


@pytest.mark.parametrize("case", NOTES["reject"], ids=name)
def test_what_is_refused(case: dict[str, str]) -> None:
    with pytest.raises((BadText, BadSignature)):
        keys.check(note.read(base64.b64decode(case["note_base64"])), map(keys.read, case["vkeys"]))


def test_a_text_with_an_empty_line_is_split_at_the_last() -> None:
    case = NOTES["parse_only"][0]
    assert note.read(case["note"].encode()).text.endswith(case["text_ends_with"])


def test_signing_with_published_keys() -> None:
    go, zero = NOTES["signing"]
    seed = raw(go["go_secret_key"].split("+", 4)[4])[1:]
    for case, secret in ((go, seed), (zero, bytes.fromhex(zero["seed_hex"]))):
        private = Ed25519PrivateKey.from_private_bytes(secret)
        signer = keys.LogSigner(keys.read(case["vkey"]).name, private)
        assert str(signer.key) == case["vkey"]
        assert str(signer.sign(case["signs"])) == case["line"]


@pytest.mark.parametrize(
    "case", [*CHECKPOINTS["reject_text"], *CHECKPOINTS["derived_reject_text"]], ids=name
)
def test_texts_that_are_no_checkpoint(case: dict[str, str]) -> None:
    with pytest.raises(BadText):
        checkpoint.read(case["text"])


def test_the_published_logs_checkpoints_hold() -> None:
    key = keys.read(LOG["vkey"])
    for case in LOG["checkpoints"]:
        found = note.read(case["note"].encode())
        assert [one.key for one in keys.check(found, [key])] == [key]
        assert checkpoint.read(found.text).size == case["size"]
        spoiled = found.text.replace(f"\n{case['size']}\n", f"\n{case['size'] + 1}\n")
        with pytest.raises(BadSignature):
            keys.check(note.Note(spoiled, found.lines), [key])


def test_ml_dsa_44_cosignatures() -> None:
    case = load("mldsa_cosignature_derived")
    private = MLDSA44PrivateKey.from_seed_bytes(bytes.fromhex(case["seed_hex"]))
    cosigner = keys.Cosigner(keys.read(case["vkey"]).name, private)
    assert str(cosigner.key) == case["vkey"]
    both = note.read(case["checkpoint_with_both_signatures"].encode())
    signed = keys.check(both, [cosigner.key, keys.read(LOG["vkey"])])
    assert {one.key.type: one.time for one in signed} == {1: 0, 6: case["time"]}
    seen, part = checkpoint.read(both.text), case["subtree"]
    message = cosign.subtree_message(cosigner.key.name, case["time"], seen)
    assert message.hex() == case["cosigned_message_hex"]
    inner = Checkpoint(seen.origin, part["end"], raw(part["hash"]))
    message = cosign.subtree_message(cosigner.key.name, 0, inner, part["start"])
    assert message.hex() == part["cosigned_message_hex"]
    line = cosigner.cosign(both.text, 5)
    assert keys.check(note.Note(both.text, (line,)), [cosigner.key])[0].time == 5
    with pytest.raises(BadText):
        cosign.subtree_message("w", 7, inner, 8)


@pytest.mark.parametrize("case", PROOFS["format_only"], ids=name)
def test_proof_texts(case: dict[str, str]) -> None:
    found = proof.read(case["text"])
    assert str(found) == case["text"]
    assert (found.index, found.note) == (case["index"], case["checkpoint"])
    assert found.extra == (raw(case["extra"]) if "extra" in case else None)


@pytest.mark.parametrize("case", PROOFS["refuse"], ids=name)
def test_proof_texts_that_are_refused(case: dict[str, str]) -> None:
    with pytest.raises(BadText):
        proof.read(case["text"])


def test_whole_proofs_over_the_published_log() -> None:
    key = keys.read(PROOFS["vkey"])
    for case in PROOFS["derived"]:
        found = proof.read(case["tlog_proof"])
        if case["entry"] in LOG["entries"]:
            assert found.check(case["entry"].encode(), key).size == case["size"]
        with pytest.raises(BadProof):
            found.check(b"another", key)
    assert len(PROOFS["derived"]) == 18


@pytest.mark.parametrize("case", POLICIES["accept"], ids=name)
def test_policies(case: dict[str, str]) -> None:
    made = policy.read(case["text"])
    assert not made.satisfied([made.witnesses["w1"]])
    assert made.satisfied(made.witnesses.values())


@pytest.mark.parametrize(
    "case", [*POLICIES["refuse"], *POLICIES["formats_accepts_text_forbids"]], ids=name
)
def test_policies_that_are_refused(case: dict[str, str]) -> None:
    with pytest.raises(BadText):
        policy.read(case["text"])


def test_the_quorum_of_the_texts_example() -> None:
    members = [f"{side}{n}" for side in "XY" for n in (1, 2, 3)]
    made = {
        item: keys.Cosigner(item, Ed25519PrivateKey.from_private_bytes(item.encode() * 16)).key
        for item in members
    }
    lines = [f"witness {item} {key}" for item, key in made.items()]
    lines += ["group X 2 X1 X2 X3", "group Y any Y1 Y2 Y3", "group both all X Y", "quorum both"]
    found = policy.read("# trusted\n" + "\n".join(lines))
    for case in POLICIES["derived_quorum_of_the_text_example"]["cases"]:
        by = [made[item] for item in case["cosigned_by"]]
        assert found.satisfied(by) == case["quorum"], json.dumps(case)
