"""PSBTs over the air gap: BBQr and uniform resources, against the published vectors."""

import hashlib
import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import cbor2
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tallystick.bitcoin import animate, bbqr, bytewords, fountain, ur
from tallystick.bitcoin.errors import BadFrames

FOLDER = Path(__file__).parent.parent / "vectors"
BBQR = json.loads((FOLDER / "bbqr.json").read_text("utf-8"))
UR = json.loads((FOLDER / "ur.json").read_text("utf-8"))
PSBT = bytes.fromhex(BBQR["psbt_1in2out_hex"])


def noise(count: int, seed: bytes = b"Wolf") -> bytes:
    source = fountain.Xoshiro(seed)
    return bytes(source.between(0, 255) for _ in range(count))


def test_the_real_scan_is_read_in_the_order_it_was_scanned() -> None:
    scan, seen = BBQR["real_scan"], bbqr.Frames()
    done = [seen.take(scan["parts_in_order"][n]) for n in scan["order_scanned"]]
    assert done[-1] and not done[0]
    found = seen.file()
    assert seen.kind == scan["file_type"]
    assert hashlib.sha256(found).hexdigest() == scan["decoded_sha256"]


def test_every_derived_split_is_joined_in_both_orders() -> None:
    for split in BBQR["derived_parts_of_1in2out"]:
        assert bbqr.join(split["parts"]) == PSBT == bbqr.join(split["parts"][::-1])


@settings(max_examples=25, deadline=None)
@given(st.binary(min_size=1, max_size=4_000), st.integers(40, 400))
def test_bbqr_carries_any_file(data: bytes, room: int) -> None:
    frames = bbqr.encode(data, frame_characters=room)
    assert bbqr.join(frames[::-1]) == data
    assert len({len(frame) for frame in frames[:-1]}) <= 1
    assert all(re.fullmatch(r"B\$[2Z]P[0-9A-Z]+", frame) for frame in frames)


def test_bbqr_refuses_what_does_not_belong_together() -> None:
    frames = bbqr.encode(noise(2_000), frame_characters=200)
    other = bbqr.encode(noise(900, b"other"), frame_characters=200)
    cases = {
        "not a BBQr": [["BX2P0100AA"]],
        "another animation": [[frames[0], other[0]]],
        "frame 5 of 1": [["B$2P0105AA"]],
        "unknown encoding": [["B$XP0100AA"]],
        "came twice": [[frames[0], frames[0][:-8] + "AAAAAAAA"]],
        "is damaged": [["B$HP0100ZZ"], ["B$ZP0100MFRGGMFRGG"]],
        "1 of": [[frames[0]]],
    }
    for why, groups in cases.items():
        for group in groups:
            with pytest.raises(BadFrames, match=why):
                bbqr.join(group)
    with pytest.raises(BadFrames, match="a file of 1"):
        bbqr.encode(bytes(bbqr.FILE_BYTES_MAX + 1))
    with pytest.raises(BadFrames, match="more than"):
        bbqr.encode(noise(20_000), frame_characters=20)
    import zlib

    squeezer = zlib.compressobj(9, wbits=-bbqr.WINDOW_BITS)
    bomb = squeezer.compress(bytes(bbqr.FILE_BYTES_MAX + 100)) + squeezer.flush()
    with pytest.raises(BadFrames, match="larger than"):
        bbqr.inflate(bomb)


def test_bytewords() -> None:
    assert len(set(bytewords.WORDS)) == len(set(bytewords.MINIMAL)) == 256
    for case in UR["bytewords"]:
        for style in ("standard", "uri", "minimal"):
            if style not in case:
                continue
            assert bytewords.encode(bytes.fromhex(case["hex"]), style) == case[style]
            assert bytewords.decode(case[style], style).hex() == case["hex"]
    for case in UR["bytewords_refuse"]:
        with pytest.raises(BadFrames):
            bytewords.decode(case["text"], case["style"])


def test_the_generator_the_sampler_and_the_shuffle() -> None:
    source = fountain.Xoshiro(b"Wolf")
    assert [source.next() % 100 for _ in range(100)] == UR["xoshiro"]["next_mod_100"]
    source = fountain.Xoshiro(b"Wolf")
    assert [source.between(1, 10) for _ in range(100)] == UR["xoshiro"]["int_1_to_10"]
    sampler, source = fountain.Sampler(UR["sampler"]["weights"]), fountain.Xoshiro(b"Wolf")
    assert [sampler.draw(source) for _ in range(500)] == UR["sampler"]["samples"]
    source = fountain.Xoshiro(b"Wolf")
    found = [fountain.shuffled(UR["shuffle"]["of"], source) for _ in range(10)]
    assert found == UR["shuffle"]["results"]


def test_pieces_degrees_and_choices() -> None:
    for length, _, high, expected in UR["nominal_fragment_length"]:
        assert fountain.piece_length(length, high) == expected
    message = noise(1_024)
    encoder = fountain.Encoder(message, 100)
    assert [one.hex() for one in encoder.pieces] == UR["fragments_of_make_1024"]
    count = len(encoder.pieces)
    for number, expected in enumerate(UR["fragments_chosen_make_1024"], 1):
        assert sorted(fountain.chosen(number, count, encoder.checksum)) == expected
    degrees = [
        fountain.degree(count, fountain.Xoshiro(f"Wolf-{n}".encode())) for n in range(1, 201)
    ]
    assert degrees == UR["degrees_seed_Wolf-n"]


def test_parts_and_resources_are_written_as_published() -> None:
    encoder = fountain.Encoder(noise(256), 30)
    for number, expected in enumerate(UR["part_cbor_make_256_max_30"], 1):
        assert encoder.part(number).to_cbor().hex() == expected
        assert fountain.Part.from_cbor(bytes.fromhex(expected)) == encoder.part(number)
    whole = cbor2.dumps(noise(50))
    assert ur.encode_one(whole, "bytes") == UR["ur_bytes_make_50"]
    encoder = fountain.Encoder(cbor2.dumps(noise(256)), 30)
    for number, expected in enumerate(UR["ur_bytes_make_256_max_30"], 1):
        assert ur.encode_part(encoder.part(number), "bytes") == expected
    psbt = bytes.fromhex(UR["ur_psbt"]["psbt_hex"])
    assert ur.encode_one(cbor2.dumps(psbt), "psbt") == UR["ur_psbt"]["ur"]
    reader = ur.Reader()
    assert reader.take(UR["ur_psbt"]["ur"].upper()) and reader.psbt() == psbt
    seed = ur.Reader()
    seed.take(UR["ur_seed"]["ur"])
    assert seed.cbor().hex() == UR["ur_seed"]["cbor_hex"]
    with pytest.raises(BadFrames, match="not a PSBT"):
        seed.psbt()


@settings(max_examples=15, deadline=None)
@given(st.integers(300, 3_000), st.data())
def test_a_message_comes_whole_from_any_parts_mixed_ones_too(length: int, data) -> None:
    message = noise(length, length.to_bytes(4, "big"))
    frames = ur.frames(message, 100)
    order = data.draw(st.permutations(frames))
    reader = ur.Reader()
    needed = next(n for n, frame in enumerate(order, 1) if reader.take(frame) or n == len(order))
    assert reader.psbt() == message and needed <= len(frames)


def test_mixed_parts_alone_make_the_message() -> None:
    encoder, decoder = fountain.Encoder(noise(1_000), 100), fountain.Decoder()
    count = len(encoder.pieces)
    number = count + 1
    while not decoder.take(encoder.part(number)):
        number += 1
        assert number < count * 20
    assert decoder.message() == noise(1_000)


def test_resources_refuse_what_is_damaged_or_another_ones() -> None:
    frames = ur.frames(noise(900), 100)
    others = ur.frames(noise(1_900), 100)
    reader = ur.Reader()
    reader.take(frames[0])
    part = fountain.Encoder(cbor2.dumps(noise(900)), 100).part(3)
    for bad, why in (
        ("ur:", "not a uniform"),
        (others[0], "another message"),
        (frames[1].replace("UR:PSBT", "UR:SEED"), "the others are of psbt"),
        (frames[1][:-2] + "ZM", "checksum|no byteword"),
        (ur.encode_part(part, "psbt").replace("/3-", "/4-"), "written before it"),
        ("ur:psbt/1-1/" + bytewords.encode(b"\x80"), "not a part"),
    ):
        with pytest.raises(BadFrames, match=why):
            reader.take(bad)
    with pytest.raises(BadFrames, match="missing"):
        reader.psbt()
    for values in (
        [1, 5_000, 10, 0, b"x"],
        [0, 1, 1, 0, b"x"],
        [1, 1, 9, 0, b"x"],
        [1, 1, 1, 0, 5],
    ):
        with pytest.raises(BadFrames):
            fountain.Part.from_cbor(cbor2.dumps(values))
    with pytest.raises(BadFrames, match="a message of"):
        fountain.Encoder(bytes(fountain.MESSAGE_BYTES_MAX + 1), 200)
    with pytest.raises(BadFrames, match="pieces"):
        fountain.Encoder(noise(30_000), 11)


def test_the_picture_shows_every_frame_within_limits() -> None:
    frames = ur.frames(noise(500), 200)
    text = animate.picture(frames, "Transaction <1> & more")
    assert text.count("<animate") == len(frames) == text.count("<g ")
    assert "&lt;1> &amp; more" in text and "<script" not in text
    assert "<animate" not in animate.picture(frames[:1], "one")
    for bad in ([], ["A"] * (animate.FRAMES_MAX + 1), ["A" * 5_000]):
        with pytest.raises(BadFrames):
            animate.picture(bad, "x")


@pytest.mark.browser
def test_a_camera_before_the_moving_picture_reads_the_whole_psbt(chromium: Any) -> None:
    """Screenshots of the picture as it moves by itself, without script, are all that is read."""
    page = chromium.new_page(viewport={"width": 520, "height": 520}, java_script_enabled=False)
    psbt = noise(500)
    frames = ur.frames(psbt, 200)
    for form, shown in (("ur", frames), ("bbqr", bbqr.encode(psbt, frame_characters=300))):
        page.set_content(animate.picture(shown, form, frame_ms=150))
        seen: ur.Reader | bbqr.Frames = ur.Reader() if form == "ur" else bbqr.Frames()
        for _ in range(60):
            image = Image.open(BytesIO(page.screenshot()))
            found = zxingcpp.read_barcodes(image)
            if found and seen.take(found[0].text):
                break
        assert (seen.psbt() if isinstance(seen, ur.Reader) else seen.file()) == psbt
    page.close()
