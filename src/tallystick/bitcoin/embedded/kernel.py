"""Bitcoin Core's own consensus code (libbitcoinkernel), and a log that outlives its forgetting.

The kernel writes its databases when it closes and only rarely before: a kill loses every block
since. So each accepted block is in a log of ours before it is answered for, and what the kernel
has forgotten is told to it again at the next start.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pbk

from tallystick.bitcoin.embedded.log import Log
from tallystick.bitcoin.embedded.txs import HEADER_BYTES, sha256d
from tallystick.bitcoin.errors import ChainRejects


class Kernel:
    """The regtest chain in a folder, in memory and on disk."""

    def __init__(self, folder: Path) -> None:
        (folder / "blocks").mkdir(parents=True, exist_ok=True)
        self._verdict = ("", "")
        options = pbk.ContextOptions()
        options.set_chainparams(pbk.ChainParameters(pbk.ChainType.REGTEST))
        self._callbacks = pbk.ValidationInterfaceCallbacks(block_checked=self._checked)
        options.set_validation_interface(self._callbacks)
        self._context = pbk.Context(options)
        wanted = pbk.ChainstateManagerOptions(self._context, str(folder), str(folder / "blocks"))
        wanted.set_worker_threads_num(1)
        self._chain: Any = pbk.ChainstateManager(wanted)
        self._chain.import_blocks([])
        self._log = Log(folder / "blocks.bin")
        self._tell_again()

    def _checked(self, _: Any, block: Any, state: Any) -> None:
        self._verdict = (state.validation_mode.name, state.block_validation_result.name)

    def _tell_again(self) -> None:
        entries = self._chain.block_tree_entries
        for raw in self._log.records_at_open:
            if pbk.BlockHash(sha256d(raw[:HEADER_BYTES])) not in entries:
                self._chain.process_block(pbk.Block(raw))
        self._log.records_at_open = []

    def accept(self, raw: bytes, sync: bool = True) -> None:
        """Take a valid block, durably if ``sync``; raise `ChainRejects` if it is not valid."""
        self._verdict = ("", "")
        try:
            self._chain.process_block(pbk.Block(raw))
        except (pbk.ProcessBlockException, RuntimeError) as error:
            raise ChainRejects(self._verdict[1] or str(error)) from error
        if self._verdict[0] not in ("", "VALID"):
            raise ChainRejects(self._verdict[1])
        self._log.append(raw, sync)

    def sync(self) -> None:
        """Wait until every accepted block is on disk."""
        self._log.sync()

    def height(self) -> int:
        """Return the height of the best chain's last block."""
        return len(self._chain.get_active_chain().block_tree_entries) - 1

    def hash_at(self, height: int) -> str:
        """Return the hash of the best chain's block at a height."""
        return str(self._chain.get_active_chain().block_tree_entries[height].block_hash)

    def blocks_from(self, height: int) -> Iterator[bytes]:
        """Yield the best chain's blocks from a height upwards."""
        entries = self._chain.get_active_chain().block_tree_entries
        for at in range(height, len(entries)):
            yield bytes(self._chain.blocks[entries[at]])

    def close(self) -> None:
        """Have the kernel write its databases."""
        self._chain = None
        gc.collect()
        self._log.close()
