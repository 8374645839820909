"""Roots, proofs and tiles agree with every published vector; what must be refused is."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tallystick.core.tlog import merkle, tiles
from tallystick.core.tlog.errors import BadProof, BadText
from tallystick.core.tlog.merkle import Frontier
from vectors import load, raw

ROOTS = load("merkle_roots")
LEAVES = [bytes.fromhex(text) for text in ROOTS["leaf_hashes"]]
SUBTREES = load("merkle_subtree_proofs")


def node(level: int, index: int) -> bytes:
    return merkle.root_of(LEAVES[index << level : (index + 1) << level])


def test_hashes_roots_and_full_subtrees() -> None:
    assert merkle.EMPTY.hex() == ROOTS["root_by_size"][0]
    assert [merkle.leaf(bytes.fromhex(x)) for x in ROOTS["leaf_inputs_hex"]] == LEAVES
    edge = Frontier()
    for size, root in enumerate(ROOTS["root_by_size"]):
        assert edge.root().hex() == root == merkle.range_root(node, 0, size).hex()
        again = Frontier.read(edge.size, edge.packed())
        assert (again.size, again.root()) == (size, edge.root())
        if size < len(LEAVES):
            edge.append(LEAVES[size])
    for level, row in enumerate(ROOTS["full_subtrees_by_level"]):
        assert [node(level, index).hex() for index in range(len(row))] == row


def test_every_path_up_to_eight_leaves() -> None:
    for case in ROOTS["derived_inclusion"]:
        made = merkle.inclusion(node, case["index"], case["size"])
        assert [item.hex() for item in made] == case["proof"]
    for case in ROOTS["derived_consistency"]:
        made = merkle.consistency(node, case["old"], case["new"])
        assert [item.hex() for item in made] == case["proof"]


def verdict(call: Any, *values: Any) -> bool:
    try:
        call(*values)
    except BadProof:
        return False
    return True


def one(case: dict[str, Any], *names: str) -> list[bytes]:
    return [raw(case[name]) for name in names]


@pytest.mark.parametrize("name", ["inclusion", "consistency"])
def test_published_proofs(name: str) -> None:
    seen = 0
    for case in load("merkle_proofs")[name]:
        proof = [raw(item) for item in case["proof"] or ()]
        if name == "inclusion":
            leaf, root = one(case, "leafHash", "root")
            good = verdict(
                merkle.check_inclusion, case["leafIdx"], case["treeSize"], leaf, proof, root
            )
        else:
            was, now = one(case, "root1", "root2")
            good = verdict(merkle.check_consistency, case["size1"], case["size2"], proof, was, now)
        assert good == (case["valid"] and "differs" not in case), case["file"]
        seen += 1
    assert seen == 98


@pytest.mark.parametrize(("name", "count"), [("inclusion", 204), ("consistency", 118)])
def test_published_subtree_proofs(name: str, count: int) -> None:
    assert len(SUBTREES[name]) == count
    for case in SUBTREES[name]:
        proof = [raw(item) for item in case["proof"] or ()]
        start, end = case["start"], case["end"]
        if name == "inclusion":
            leaf, root = one(case, "leafHash", "root")
            index = case["leafIdx"] - start
            good = merkle.is_subtree(start, end) and verdict(
                merkle.check_inclusion, index, end - start, leaf, proof, root
            )
        else:
            part, root = one(case, "root1", "root2")
            good = verdict(merkle.check, start, end, case["size"], proof, part, root)
        assert good == (case["valid"] and "differs" not in case), case["file"]


def test_a_subtree_proof_is_made_and_nothing_else_leads_to_the_root() -> None:
    for size in range(1, 9):
        root = merkle.root_of(LEAVES[:size])
        for start in range(size):
            for end in range(start + 1, size + 1):
                if not merkle.is_subtree(start, end):
                    assert not verdict(merkle.prove, node, start, end, size)
                    continue
                proof, part = merkle.prove(node, start, end, size), node_of(start, end)
                merkle.check(start, end, size, proof, part, root)
                for spoiled in ([*proof, root], proof[:-1], [*proof[:-1], bytes(32)]):
                    if spoiled != proof:
                        assert not verdict(merkle.check, start, end, size, spoiled, part, root)


def node_of(start: int, end: int) -> bytes:
    return merkle.root_of(LEAVES[start:end])


def test_tile_paths() -> None:
    paths = load("tile_paths")
    for case in paths["tile_path"]:
        tile = tiles.Tile(case["level"], case["index"], case["width"] or 256)
        assert tile.path == case["path"] and tiles.parse(case["path"]) == tile
    for case in paths["entry_bundle_path"]:
        assert tiles.of(-1, case["index"] // 256, case["size"]).path == case["path"]
    for case in paths["parse"]:
        tile = tiles.parse(f"tile/{case['level']}/{case['rest']}")
        assert (tile.index, tile.width % 256) == (case["index"], case["width"])
    for case in paths["refuse"]:
        with pytest.raises(BadText):
            tiles.parse(f"tile/{case['level']}/{case['rest']}")
    for path in ("tile/0/../../etc/passwd", "tile/0/000.p/0", "tile/00/000", "tile/0/x000/000"):
        with pytest.raises(BadText):
            tiles.parse(path)


def test_tiles_of_each_size() -> None:
    for case in load("tile_paths")["derived_tiles_by_size"]:
        size, found = case["size"], []
        for level in range(tiles.levels_of(size)):
            full, rest = divmod(size >> 8 * level, 256)
            assert tiles.width_of(level, full, size) == rest
            assert full == 0 or tiles.width_of(level, full - 1, size) == 256
            found.append({"level": level, "full": full, "partial": rest})
        assert found == case["levels"], size


@pytest.mark.parametrize(("old", "new"), [(0, 1), (0, 256), (5, 70_000), (256, 257), (511, 512)])
def test_the_new_tiles_are_those_of_the_new_size_without_those_of_the_old(
    old: int, new: int
) -> None:
    def all_of(size: int) -> set[tiles.Tile]:
        return {
            tiles.of(level, index, size)
            for level in range(-1, tiles.levels_of(size))
            for index in range(300)
            if tiles.width_of(level, index, size) > 0
        }

    made = list(tiles.new_tiles(old, new))
    assert set(made) == all_of(new) - all_of(old) and len(made) == len(set(made))
    assert 0 <= tiles.count_of(old, new) - len(made) <= tiles.levels_of(new) + 1


def test_a_published_log_of_fifteen_entries() -> None:
    log = load("log_of_15_entries")
    entries = [text.encode() for text in log["entries"]]
    assert base64.b64encode(tiles.bundle(entries)).decode() == log["bundle_000_p_15_base64"]
    assert tiles.entries_of(tiles.bundle(entries)) == entries
    tile = b"".join(map(merkle.leaf, entries))
    assert base64.b64encode(tile).decode() == log["leaf_tile_000_p_15_base64"]


def test_bundles_that_are_refused() -> None:
    for data in (b"\x00", b"\x00\x02a", b"\x00\x01a\x00", b"\x00\x00" * 257):
        with pytest.raises(BadText):
            tiles.entries_of(data)
    with pytest.raises(BadText):
        tiles.bundle([bytes(65_536)])
    assert tiles.entries_of(tiles.bundle([bytes(65_535), b""])) == [bytes(65_535), b""]
