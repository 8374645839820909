"""Signed messages and proofs of funds, against the vectors of BIP-322 v2.0.0."""

import base64
import json
from pathlib import Path

import pytest

from tallystick.bitcoin import bip322
from tallystick.bitcoin.embedded.txs import sha256d
from tallystick.bitcoin.errors import BadMessageSignature
from tallystick.bitcoin.transaction import script_of

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "bip322.json").read_text("utf-8"))


@pytest.mark.parametrize("case", VECTORS["tx_hashes"], ids=lambda c: c["message"][:12] or "empty")
def test_hashes(case: dict) -> None:
    script = script_of(case["address"], "bitcoin")
    assert bip322.message_hash(case["message"]).hex() == case["message_hash"]
    spend = sha256d(bip322.to_spend(script, case["message"]))[::-1].hex()
    assert spend == case["to_spend_tx_hash"]
    assert sha256d(bip322.to_sign(script, case["message"]))[::-1].hex() == case["to_sign_tx_hash"]


@pytest.mark.parametrize("form", ["simple", "full", "proof_of_funds"])
def test_every_published_signature_is_valid(form: str) -> None:
    for case in VECTORS[form]:
        script = script_of(case["address"], "bitcoin")
        for signature, state in zip(case["bip322_signatures"], case["state"], strict=True):
            found = bip322.verify(case["message"], script, signature)
            assert f"valid at time {found.time} and age {found.age}" == state
            if form == "proof_of_funds":
                count = sum(len(group) for group in case["additional_inputs"])
                assert len(found.proven) == count > 0
                assert {one.sats for one in found.proven} == {345_678}


@pytest.mark.parametrize("case", VECTORS["error"], ids=lambda c: c["description"][:50])
def test_every_published_error_is_refused(case: dict) -> None:
    with pytest.raises(BadMessageSignature):
        bip322.verify(case["message"], script_of(case["address"], "bitcoin"), case["signature"])


def test_a_proof_is_refused_when_anything_of_it_is_changed() -> None:
    case = VECTORS["proof_of_funds"][2]
    script, signature = script_of(case["address"], "bitcoin"), case["bip322_signatures"][0]
    raw = base64.b64decode(signature[3:])
    refused = 0
    for at in range(5, len(raw), 97):
        spoilt = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        try:
            found = bip322.verify(
                case["message"], script, "pof" + base64.b64encode(spoilt).decode()
            )
        except BadMessageSignature:
            refused += 1
        else:
            assert found == bip322.verify(case["message"], script, signature), "a field beside it"
    assert refused > 5


def test_messages_that_devices_do_not_sign_are_refused() -> None:
    bip322.check_message("a" * bip322.MESSAGE_LENGTH_MAX)
    for bad in ("a", "a" * (bip322.MESSAGE_LENGTH_MAX + 1), "naïve", "line\nbreak"):
        with pytest.raises(BadMessageSignature):
            bip322.check_message(bad)
