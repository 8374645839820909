"""A whole regtest chain in one process: Bitcoin Core's own consensus code behind Esplora's API.

For the demo and the tests only: libbitcoinkernel's binding is an alpha, so it is kept out of every
other network's path. What the kernel refuses, this chain refuses.
"""
