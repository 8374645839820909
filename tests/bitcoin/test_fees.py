"""A fee is bounded whatever the chain says, and never older than half an hour."""

import json
from collections.abc import Iterator

import pytest

from network import Network
from tallystick.bitcoin.errors import ChainUnreachable
from tallystick.bitcoin.fees import FRESH_S, STALE_S, TARGET_BLOCKS_MAX, Bounds, Fees
from tallystick.bitcoin.status import FEE_SAT_PER_KVB_MAX, FEE_SAT_PER_KVB_MIN, clamp_rate
from tallystick.core.clock import SeededClock


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    made = Network(tmp_path_factory.mktemp("f"))
    yield made
    made.stop()


def say(network: Network, sat_per_kvb: int) -> None:
    network.post("regtest/min-feerate", json.dumps({"sat_per_kvb": sat_per_kvb}))


@pytest.mark.parametrize(
    ("said", "paid"), [(0, 2_000), (1_999, 2_000), (3_141, 3_141), (50_000, 40_000)]
)
def test_what_the_chain_says_is_kept_within_bounds(network: Network, said: int, paid: int) -> None:
    say(network, said)
    fees = Fees(network.chain(), SeededClock(1), Bounds(2_000, 40_000))
    assert fees.fee_rate(3) == paid


def test_an_estimate_is_asked_for_once_in_a_while(network: Network) -> None:
    clock = SeededClock(1)
    fees = Fees(network.chain(), clock)
    say(network, 5_000)
    assert fees.fee_rate(3) == 5_000
    say(network, 6_000)
    assert fees.fee_rate(3) == 5_000
    clock.advance(FRESH_S + 1)
    assert fees.fee_rate(3) == 6_000


def test_the_last_word_serves_until_it_is_stale(network: Network) -> None:
    clock = SeededClock(1)
    fees = Fees(network.chain(), clock)
    say(network, 7_000)
    assert fees.fee_rate(3) == 7_000
    network.chain_process.kill()
    try:
        clock.advance(STALE_S)
        assert fees.fee_rate(3) == 7_000
        with pytest.raises(ChainUnreachable):
            fees.fee_rate(2)
        clock.advance(1)
        with pytest.raises(ChainUnreachable):
            fees.fee_rate(3)
    finally:
        network.chain_process.start()


@pytest.mark.parametrize("target", [-5, 0, 1, 2, TARGET_BLOCKS_MAX, 10**9])
def test_any_target_gets_a_rate(network: Network, target: int) -> None:
    say(network, 4_000)
    assert Fees(network.chain(), SeededClock(1)).fee_rate(target) == 4_000
    assert network.chain().fee_rate(target) == 4_000


@pytest.mark.parametrize(("floor", "ceiling"), [(0, 1_000), (5_000, 4_000), (-1, -1)])
def test_senseless_bounds_are_refused(floor: int, ceiling: int) -> None:
    with pytest.raises(ValueError, match="make no sense"):
        Bounds(floor, ceiling)


def test_no_chain_passes_the_ceiling_or_the_floor() -> None:
    assert clamp_rate(10**12) == FEE_SAT_PER_KVB_MAX
    assert clamp_rate(-100_000_000) == FEE_SAT_PER_KVB_MIN
