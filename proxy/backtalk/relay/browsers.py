"""Web pages do not spend our keys: calls that a key of ours pays come from programs, or from pages that are allowed.

A browser sends a page's cross-site POST whether or not the page may read the answer, and takes a name that a site
points at 127.0.0.1 for that site's own (DNS rebinding). In: calls. Out: the same, or a 403 that names the setting. The
one rule: what comes with a virtual key shows that it is meant to come, and passes.
"""

from backtalk.errors import RequestError
from backtalk.model.authority import check_host, is_loopback
from backtalk.model.exchange import ClientExchange, RequestHead
from backtalk.model.notes import CallNotes
from backtalk.relay.lane import Lane
from backtalk.settings import Settings


def from_programs(inner: Lane, settings: Settings) -> Lane:
    """A lane that pages of other sites do not reach; where no key of ours pays, the lane itself."""
    return FromPrograms(inner, settings).serve if _pays(settings) else inner


def _pays(settings: Settings) -> bool:
    """Whether a call without a credential may be paid: by a key that was set, or one that litellm finds by itself."""
    targets = settings.targets.values()
    own = any(t.api_key_env is not None or t.api_key_file is not None or t.lane == "litellm" for t in targets)
    return own or settings.upstream_api_key is not None


class FromPrograms:
    """A lane before another one."""

    def __init__(self, inner: Lane, settings: Settings) -> None:
        self._inner = inner
        self._origins = frozenset(origin.lower().rstrip("/").encode() for origin in settings.web.allowed_origins)
        self._hosts = frozenset(host.lower() for host in settings.web.allowed_hosts)
        self._on_loopback = is_loopback(settings.host)

    async def serve(self, client: ClientExchange, notes: CallNotes) -> None:
        """Pass a call on, or refuse it."""
        if not notes.key_id:
            client.head.once(self._check)
        await self._inner(client, notes)

    def _check(self, head: RequestHead) -> bool:
        """Raise where the call is not to be passed on."""
        host = head.known.get(b"host", b"")
        if self._on_loopback:
            check_host(host, self._hosts)
        origin = head.known.get(b"origin")
        if origin is not None and not self._allows(origin.lower(), host.lower()):
            message = "a page of another site may not make calls that a key of ours pays; allow web.allowed_origins"
            raise RequestError(message, code="origin_not_allowed", status=403)
        return True

    def _allows(self, origin: bytes, host: bytes) -> bool:
        return origin in self._origins or origin in (b"http://" + host, b"https://" + host)
