"""Places between 0 and 1, by which users, sessions and groups of rows are told apart for ever.

In: a seed and a name. Out: a number. The one rule: nothing but the two decides it, so what comes later moves nobody.
"""

import hashlib


def place(seed: str, name: str) -> float:
    """A number from 0 to before 1 that only the seed and the name decide."""
    digest = hashlib.blake2b(f"{seed}\0{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
