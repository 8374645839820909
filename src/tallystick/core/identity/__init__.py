"""People, machines and their keys: who speaks, and whether they may (Decision 8).

Machines sign each request with a key of their own (`signatures`, `machines`); people use passkeys
(`people`, `sessions`). Nothing here decides what money does: it only says who asked.
"""
