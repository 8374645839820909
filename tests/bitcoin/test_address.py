"""A customer's code is paid only if it is an address of this network; else the screen says why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.bitcoin.address import (
    ADDRESS_LENGTH_MAX,
    NETWORKS,
    SCAN_LENGTH_MAX,
    check,
    from_scan,
)
from tallystick.bitcoin.errors import (
    BitcoinError,
    LightningInvoice,
    NotAnAddress,
    OtherCoin,
    WrongNetwork,
)

ADDRESSES = {
    "bitcoin": {
        "p2pkh": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "p2sh": "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
        "p2wpkh": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "p2wsh": "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3",
        "p2tr": "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
    },
    "testnet": {
        "p2pkh": "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
        "p2sh": "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc",
        "p2wpkh": "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
        "p2wsh": "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
    },
    "regtest": {
        "p2pkh": "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
        "p2wpkh": "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
    },
}
EVERY = [(net, kind, text) for net, kinds in ADDRESSES.items() for kind, text in kinds.items()]


@pytest.mark.parametrize(("network", "kind", "address"), EVERY)
def test_each_kind_is_taken_on_its_network(network: str, kind: str, address: str) -> None:
    for text in (address, f"  {address}\n", f"bitcoin:{address}", f"BITCOIN:{address}?amount=1"):
        found = check(from_scan(text), network)
        assert (found.address, found.kind) == (address, kind)
        assert bytes.fromhex(found.script_hex) == found.script


@pytest.mark.parametrize(("network", "kind", "address"), EVERY)
def test_the_same_address_is_refused_on_the_main_or_the_test_network(
    network: str, kind: str, address: str
) -> None:
    other = "regtest" if network == "bitcoin" else "bitcoin"
    with pytest.raises(WrongNetwork):
        check(from_scan(address), other)


def test_capitals_are_taken_and_mixed_case_is_not() -> None:
    address = ADDRESSES["bitcoin"]["p2wpkh"]
    assert from_scan(f"BITCOIN:{address.upper()}?AMOUNT=0.1&LABEL=X") == address
    assert check(from_scan(address.upper()), "bitcoin").address == address
    with pytest.raises(NotAnAddress):
        check(from_scan(address[:10] + address[10:].upper()), "bitcoin")


@pytest.mark.parametrize(("network", "kind", "address"), EVERY)
def test_one_wrong_letter_is_found(network: str, kind: str, address: str) -> None:
    for at in range(len(address)):
        wrong = "q" if address[at] != "q" else "p"
        with pytest.raises((NotAnAddress, WrongNetwork, OtherCoin)):
            check(address[:at] + wrong + address[at + 1 :], network)


@pytest.mark.parametrize(
    "text",
    [
        "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9",
        "LTC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KGMN4N9",
        "litecoin:LVg2kJoFNg45Nbpy53h7Fe1wKyeXVRhMH9",
        "LVg2kJoFNg45Nbpy53h7Fe1wKyeXVRhMH9",
        "ethereum:0x52908400098527886E0F7030069857D2E4169EE7",
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
        "qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
        "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L",
        "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8",
        "XpESxaUmonkq8RaLLp46Brx2K39ggQe226",
        "t1Rv4exT7bqhZqi2j7xz8bUHDMxwosrjADU",
        "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh",
        "monero:44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otX"
        "ft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3",
        "GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7",
    ],
)
def test_other_coins_are_named_as_such(text: str) -> None:
    with pytest.raises(OtherCoin):
        from_scan(text)


@pytest.mark.parametrize(
    "text",
    [
        "lnbc20m1pvjluezpp5qqqsyq",
        "LNBC20M1PVJLUEZPP5QQQSYQ",
        "lightning:lnbc20m1pvjluez",
        "LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV",
        "lno1pqps7sjqpgt",
        "bitcoin:?lightning=lnbc20m1pvjluez",
        "BITCOIN:?LNO=lno1pqps7sjqpgt",
    ],
)
def test_lightning_is_named_as_such(text: str) -> None:
    with pytest.raises(LightningInvoice):
        from_scan(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "bitcoin:",
        "bitcoin:?amount=1",
        "x" * (SCAN_LENGTH_MAX + 1),
        "a\x00b",
        "bc1q\u202e",
        "é",
        f"bitcoin:{ADDRESSES['bitcoin']['p2wpkh']}?req-somethingyoudontunderstand=50",
    ],
)
def test_codes_without_an_address_are_refused(text: str) -> None:
    with pytest.raises(NotAnAddress):
        from_scan(text)


def test_a_unified_code_pays_its_address_and_ignores_the_rest() -> None:
    address = ADDRESSES["bitcoin"]["p2tr"]
    assert from_scan(f"bitcoin:{address}?amount=20.3&lightning=lnbc1x&label=L%20u") == address


@pytest.mark.parametrize(
    "address",
    [
        "bc1pfeessrawgf",
        "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs",
        "bc1sw50qgdz25j",
        "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
        "x" * (ADDRESS_LENGTH_MAX + 1),
    ],
)
def test_what_anyone_could_spend_is_no_address(address: str) -> None:
    """Pay-to-anchor (BIP-433) and witness versions without rules: the coins would be gone."""
    with pytest.raises(NotAnAddress):
        check(address, "bitcoin")


@given(st.text(max_size=120), st.sampled_from(sorted(NETWORKS)))
def test_no_text_breaks_it(text: str, network: str) -> None:
    try:
        found = check(from_scan(text), network)
    except BitcoinError as error:
        assert error.say.startswith("scan.")
    else:
        assert found.script
