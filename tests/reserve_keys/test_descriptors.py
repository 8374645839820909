"""Descriptors and policies, against the vectors that the BIPs print."""

import json
from pathlib import Path

import pytest

from tallystick.bitcoin.descriptor import (
    DESCRIPTOR_LENGTH_MAX,
    body_of,
    branches_of,
    checksum_of,
    is_whole,
    normalise,
    parse_key,
    with_checksum,
)
from tallystick.bitcoin.errors import BadDescriptor, BadPolicy
from tallystick.bitcoin.policy388 import TEMPLATE_LENGTH_MAX, Policy388, check_template, policy_of

VECTORS = Path(__file__).parent.parent / "vectors"
DESCRIPTORS = json.loads((VECTORS / "bip380_389_descriptors.json").read_text("utf-8"))
POLICIES = json.loads((VECTORS / "bip388_policies.json").read_text("utf-8"))


@pytest.mark.parametrize("case", DESCRIPTORS["checksum"], ids=lambda c: c["name"])
def test_checksums(case: dict) -> None:
    if case["valid"]:
        assert with_checksum(body_of(case["descriptor"])) == case["descriptor"]
    else:
        with pytest.raises(BadDescriptor):
            body_of(case["descriptor"])


@pytest.mark.parametrize("case", DESCRIPTORS["key_expressions"], ids=lambda c: c["name"])
def test_key_expressions(case: dict) -> None:
    if case["valid"]:
        assert str(parse_key(case["key"])) == case["key"].replace("'", "h")
    else:
        with pytest.raises(BadDescriptor):
            parse_key(case["key"])


@pytest.mark.parametrize("case", DESCRIPTORS["multipath"], ids=lambda c: c["multipath"][:9])
def test_multipath_expands(case: dict) -> None:
    assert branches_of(case["multipath"]) == case["expands_to"]


@pytest.mark.parametrize("case", DESCRIPTORS["multipath_invalid"], ids=lambda c: c["name"])
def test_what_is_no_multipath_is_refused(case: dict) -> None:
    with pytest.raises(BadDescriptor):
        branches_of(case["descriptor"])


@pytest.mark.parametrize("case", POLICIES["valid"], ids=lambda c: c["name"])
def test_a_policy_and_its_descriptor_are_made_from_each_other(case: dict) -> None:
    policy = Policy388(case["template"], tuple(case["keys"]))
    assert policy.descriptor() == case["descriptor"]
    assert checksum_of(case["descriptor"]) == case["descriptor_checksum"]
    if "<2;3>" not in case["template"]:
        assert policy_of(case["descriptor"].replace("'", "h")).template == case["template"]


@pytest.mark.parametrize("case", POLICIES["invalid"], ids=lambda c: c["why"])
def test_a_template_against_the_rules_is_refused(case: dict) -> None:
    with pytest.raises(BadPolicy):
        check_template(case["template"])


def test_limits_and_wholeness() -> None:
    with pytest.raises(BadDescriptor, match="at most"):
        body_of("x" * (DESCRIPTOR_LENGTH_MAX + 1))
    with pytest.raises(BadPolicy, match="at most"):
        check_template("x" * (TEMPLATE_LENGTH_MAX + 1))
    printed = POLICIES["valid"][4]["descriptor"]
    whole = normalise(printed)
    assert is_whole(whole) and whole == with_checksum(printed.replace("'", "h"))
    assert not is_whole(with_checksum(printed)), "an apostrophe is written back as h"
