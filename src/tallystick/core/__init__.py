"""The core: money, time, storage, ledger, effects, law, journal and identity. No HTTP, no devices.

Every programme stands on these modules and adds nothing to them. They are synchronous and take
time, chance and identifiers by parameter (Decision 2).
"""
