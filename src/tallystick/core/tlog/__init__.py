"""The transparency log: C2SP tiles, notes, checkpoints, cosignatures, proofs, witness, verifier.

What a stranger needs in order to check us (all but `log` and `publish`) reads no database of ours
and imports none, so that the verifier stays alone and small. Formats: github.com/C2SP/C2SP at
5ba5ee8 (2026-07-22), RFC 6962 section 2.1, draft-ietf-plants-merkle-tree-certs section 4.
"""
