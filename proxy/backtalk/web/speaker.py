"""Who speaks: tenant and source of a feedback, from its credential alone.

In: a request's headers. Out: a `Speaker`. The one rule: nothing of the body is asked.
"""

from collections.abc import Callable, Mapping, Sequence

from backtalk.feedback.admission import Speaker
from backtalk.observe.tenants import Tenants
from backtalk.settings.metrics import FeedbackSource
from backtalk.virtual_keys import VirtualKey, sent

Find = Callable[[str], VirtualKey | None]
"""The virtual key of a credential, None where it is none."""


class Speakers:
    """Names whoever sends feedback; `source` stands for credentials that are no virtual keys."""

    def __init__(self, tenants: Tenants, *, source: FeedbackSource = "end_user", find: Find | None = None) -> None:
        self._tenants = tenants
        self._source: FeedbackSource = source
        self._find = find

    def of(self, headers: Sequence[tuple[bytes, bytes]], known: Mapping[bytes, bytes] | None = None) -> Speaker:
        """The speaker; raises `RequestError` for a virtual key that is not to be taken any more.

        `known` are the same headers by name, where somebody has them so.
        """
        fields = dict(headers) if known is None else known
        tenant = self._tenants.of(headers, known=fields)
        credential = None if self._find is None else sent(fields)
        key = None if self._find is None or credential is None else self._find(credential)
        if key is None:
            return Speaker(tenant, self._source)
        return Speaker(tenant, key.feedback_source or self._source, key.id)
