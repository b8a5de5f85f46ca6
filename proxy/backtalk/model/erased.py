"""The tombstone: a fact that says that somebody's texts were erased, and everything of it but the texts."""

from typing import Literal

import msgspec

ErasedBy = Literal["session", "user", "rater", "trace"]
"""By what a person's texts are named when they are to be erased."""


class Erased(msgspec.Struct, frozen=True, tag="erased", omit_defaults=True):
    """The texts of a person were ordered to be erased at `erased_ns`, which is unlike any other order's.

    Calls and feedback whose `erased_ns` is the same lost their texts by this order. `subject` is a trace id as it is,
    or a keyed hash of the session, user or rater that was named.
    """

    erasure_id: str
    by: ErasedBy
    subject: str
    erased_ns: int
    actor: str
    reason: str
    tenant: str | None = None
    """Only this tenant's; None for all."""
