"""The signer: a process of its own with its own keys, policy and record (Decision 5).

It has no network and no access to the server's database. It signs what its policy allows, writes
down what it signs before the signature leaves, and says why when it refuses.
"""
