"""A software signer that holds one key of a vault, in files and a process of its own (Decision 5).

It is for demonstrations, tests and rehearsals; it shows what a device must show, computed from the
bytes. Two implementations, BDK and embit, share no code below the reading of a PSBT.
"""
