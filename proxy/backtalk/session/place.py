"""What a rule of the session decision answers: a place for the call, before the session is named."""

from collections.abc import Mapping

import msgspec

from backtalk.model.facts import LinkRule, RelationKind, Scalar
from backtalk.session.store import Seen


class Place(msgspec.Struct, frozen=True):
    """Under `parent`, beside `sibling`, by `rule`."""

    rule: LinkRule
    confidence: float
    parent: Seen | None = None
    sibling: Seen | None = None
    relation: RelationKind | None = None
    evidence: Mapping[str, Scalar] = {}
    joins_sibling: bool = True
    """Whether the sibling's session is the call's too."""
    resolved: bool = True
