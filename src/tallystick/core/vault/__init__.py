"""Personal data and evidence: sealed under a key for each subject, read on record, erasable."""

from tallystick.core.vault.model import Access, Erasure, Held, Opened
from tallystick.core.vault.vault import Vault

__all__ = ["Access", "Erasure", "Held", "Opened", "Vault"]
