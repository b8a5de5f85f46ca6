"""Answers kept to be given again: exact requests only, of one caller only, bounded in bytes and in time.

In: requests and the answers they got. Out: an answer, or the reason why there is none. The one rule: who asks the same
thing again wants another answer, so whoever has had an answer within `repeat_s` gets a fresh one.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from backtalk.model.exchange import ClientExchange, Fields, RequestHead
from backtalk.relay.good_answer import is_good
from backtalk.relay.lane import Passing

CACHE: Final = b"x-backtalk-cache"
AGE: Final = b"age"
ENTRY_BYTES: Final = 1 << 20
"""Largest answer that is kept."""
ASKERS: Final = 64
"""How many of those who had an answer are remembered with it; beyond that the first are forgotten."""
_KEPT: Final = frozenset((b"content-type", b"content-encoding"))
_SESSIONS: Final = (b"session-id", b"x-session-id", b"x-conversation-id")
_OTHER_EACH_TIME: Final = frozenset(
    (
        *(b"connection", b"content-length", b"date", b"expect", b"host", b"keep-alive", b"priority", b"user-agent"),
        *(b"cache-control", b"pragma", b"forwarded", b"via", b"x-real-ip", b"idempotency-key"),
        *(b"x-request-id", b"x-client-request-id", b"x-correlation-id"),
        *(b"traceparent", b"tracestate", b"baggage", b"b3", b"sentry-trace", b"x-amzn-trace-id"),
        *(b"x-cloud-trace-context", b"uber-trace-id"),
    )
)
_OTHER_PREFIXES: Final = (b"x-stainless-", b"x-backtalk-", b"x-forwarded-", b"x-b3-", b"x-datadog-")
"""Fields that tell calls, hops and clients apart, and shape no answer. Any other field does, known or not."""
_OVERHEAD_BYTES: Final = 1024

Result = Literal["hit", "miss", "bypass"]
"""`hit`: a kept answer. `miss`: none was kept. `bypass`: a fresh one was wanted, by a repeat or by `cache-control`."""


class Answer(NamedTuple):
    """A whole answer. `kept_s` is loop time; `askers` are who has had it, and when last."""

    fields: Fields
    body: bytes
    kept_s: float
    askers: Mapping[bytes, float]


class Question(NamedTuple):
    """A request as the cache sees it: what which caller asks, in which session, and what `cache-control` says."""

    key: bytes
    asker: bytes
    fresh: bool = False
    """No kept answer is wanted."""
    kept: bool = True
    """The answer may be kept."""


class ResponseCache:
    """The answers of one process, the ones used last kept longest."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._bytes = 0
        self._answers: OrderedDict[bytes, Answer] = OrderedDict()

    @property
    def size_bytes(self) -> int:
        """What is kept."""
        return self._bytes

    def look_up(
        self, question: Question, *, ttl_s: float, repeat_s: float, now_s: float
    ) -> tuple[Result, Answer | None]:
        """The answer to a question, or why there is none."""
        answer = self._answers.get(question.key)
        if answer is not None and now_s - answer.kept_s >= ttl_s:
            self._drop(question.key)
            answer = None
        result = decide(answer, question, repeat_s=repeat_s, now_s=now_s)
        if answer is None or result != "hit":
            return result, None
        self._keep(question.key, answer._replace(askers=_asked(answer.askers, question.asker, now_s)))
        return result, answer

    def keep(self, question: Question, fields: Fields, body: bytes, *, now_s: float) -> None:
        """Keep what is an answer, in place of an older one; who had that one is remembered."""
        before = self._answers.get(question.key)
        askers = _asked({} if before is None else before.askers, question.asker, now_s)
        kept = [field for field in fields if field[0] in _KEPT]
        if is_good(dict(kept), body):
            self._keep(question.key, Answer(kept, body, now_s, askers))

    def clear(self) -> None:
        """Forget every answer."""
        self._answers.clear()
        self._bytes = 0

    def _keep(self, key: bytes, answer: Answer) -> None:
        self._drop(key)
        self._answers[key] = answer
        self._bytes += _size(answer)
        while self._bytes > self._limit_bytes:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: bytes) -> None:
        answer = self._answers.pop(key, None)
        if answer is not None:
            self._bytes -= _size(answer)


class Recording(Passing):
    """A client's exchange whose answer is copied on its way, as far as it may be kept."""

    def __init__(self, client: ClientExchange, result: Result) -> None:
        super().__init__(client)
        self.fields: Fields = []
        self.pieces: list[bytes] = []
        self.whole = False
        self._result = result
        self._keeps = False
        self._size = 0

    def start(self, status: int, fields: Fields) -> None:
        """Begin the response; it says that it was not kept before."""
        self.fields = fields
        self._keeps = status == 200 and b"no-store" not in dict(fields).get(b"cache-control", b"").lower()
        own = [field for field in fields if field[0] not in (CACHE, AGE)]
        self._client.start(status, [*own, (CACHE, self._result.encode())])

    def write(self, piece: bytes, *, more: bool) -> None:
        """Send a piece and keep it."""
        self._size += len(piece)
        self._keeps = self._keeps and self._size <= ENTRY_BYTES
        if self._keeps:
            self.pieces.append(piece)
        else:
            self.pieces.clear()
        self.whole = self._keeps and not more
        self._client.write(piece, more=more)


def decide(answer: Answer | None, question: Question, *, repeat_s: float, now_s: float) -> Result:
    """Whether a kept answer is given."""
    if question.fresh:
        return "bypass"
    if answer is None:
        return "miss"
    had_s = answer.askers.get(question.asker)
    return "bypass" if had_s is not None and now_s - had_s < repeat_s else "hit"


def question_of(head: RequestHead, body: bytes, *, key_id: str, session_header: bytes) -> Question:
    """What a request asks. Callers are told apart by their credential, sessions by their name or else their address."""
    known = head.known
    digest = hashlib.sha256()
    sessions = (session_header, *_SESSIONS)
    shaping = sorted(
        field
        for field in head.fields
        if field[0] not in _OTHER_EACH_TIME and field[0] not in sessions and not field[0].startswith(_OTHER_PREFIXES)
    )
    address = (key_id.encode(), head.method.encode(), head.raw_path, head.query)
    for part in (*address, *(b": ".join(field) for field in shaping), body):
        digest.update(b"%d:" % len(part) + part)
    named = [known[name] for name in sessions if name in known]
    asker = hashlib.sha256(b"\0".join(named) if named else b"\1" + head.client.encode()).digest()[:16]
    said = known.get(b"cache-control", b"").lower()
    no_store = b"no-store" in said
    return Question(digest.digest(), asker, no_store or b"no-cache" in said, not no_store)


def give(client: ClientExchange, answer: Answer, *, now_s: float) -> None:
    """Answer with what was kept, and say so."""
    age = (AGE, b"%d" % max(0, int(now_s - answer.kept_s)))
    length = (b"content-length", b"%d" % len(answer.body))
    client.start(200, [*answer.fields, length, age, (CACHE, b"hit")])
    client.write(answer.body, more=False)


def _asked(askers: Mapping[bytes, float], asker: bytes, now_s: float) -> Mapping[bytes, float]:
    others = [(one, when) for one, when in askers.items() if one != asker]
    return dict([*others[1 - ASKERS :], (asker, now_s)])


def _size(answer: Answer) -> int:
    return len(answer.body) + _OVERHEAD_BYTES + 128 * len(answer.askers)
