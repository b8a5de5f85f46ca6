"""Facts become what the session store takes: an arrival from an opened call, a completion from a closed one."""

from collections.abc import Iterable
from typing import Final

import msgspec

from backtalk.model.chat import Message
from backtalk.model.facts import CallClosed, CallOpened
from backtalk.session.canonical import Hasher, cap, clean
from backtalk.session.store import Arrival, Completion

CHOICES: Final = 8
"""Most choices of one answer that can be continued."""
NAME_CHARS: Final = 200
"""Longest name that is stored of what a client or a provider calls by one: models and finish reasons."""
_SPOKEN: Final = frozenset({"chat", "responses", "completions", "messages", "ollama_chat", "ollama_generate"})


def is_dialogue(fact: CallOpened) -> bool:
    """Whether the call is part of a conversation that can be followed; one with a purpose of its own is no user's."""
    return fact.api in _SPOKEN and bool(fact.request.messages) and fact.request.purpose is None


def arrival_of(fact: CallOpened, hasher: Hasher) -> Arrival:
    """What the store is told of an opened call."""
    history = hasher.history(fact)
    first = history.frontier is None
    return Arrival(
        call=fact.key,
        opened_ns=fact.opened_ns,
        history=history,
        client_hash=fact.client_hash,
        stream=fact.request.stream,
        offers_tools=fact.request.tools_json is not None,
        retry_count=fact.retry_count,
        recent=hasher.recent(history, fact.client_hash, by_instructions=True) if first else None,
        recent_any=hasher.recent(history, fact.client_hash, by_instructions=False) if first else None,
        declared=fact.request.declared_session,
        user=fact.request.user,
        model=_name(fact.request.model),
    )


def _name(text: str | None) -> str | None:
    return text and text[:NAME_CHARS]


def completion_of(fact: CallClosed, arrival: Arrival, hasher: Hasher) -> Completion:
    """What the store is told of a closed call; only what a user was shown can be continued."""
    history = arrival.history
    choices = tuple(_shown(fact)) if _is_continuable(fact) else ()
    held = tuple(_held(fact, hasher, history.scope)) if _is_continuable(fact) else ()
    return Completion(
        call=fact.key,
        scope=history.scope,
        tenant=fact.opened.tenant,
        closed_ns=fact.closed_ns,
        status=fact.status,
        outcome=fact.outcome,
        answer_text=cap(clean(fact.response.text)),
        finish_reason=_name(next(iter(fact.response.finish_reasons), None)),
        response_id=fact.response.id,
        frontiers=(*(hasher.extend(history.whole, choice) for choice in choices), *held),
        answers=tuple(hasher.answer(history.scope, choice, history.user_text) for choice in choices),
    )


def _held(fact: CallClosed, hasher: Hasher, scope: bytes) -> Iterable[bytes]:
    """Where a later call may go on that leaves the history to the provider."""
    if fact.opened.api != "responses":
        return
    if fact.response.id is not None:
        yield hasher.response(scope, fact.response.id)
    if fact.opened.request.conversation is not None:
        yield hasher.conversation(scope, fact.opened.request.conversation)


def _is_continuable(fact: CallClosed) -> bool:
    succeeded = 200 <= fact.status < 300  # HTTP's class of success
    return succeeded and fact.outcome in {"completed", "client_disconnected"}


def _shown(fact: CallClosed) -> Iterable[Message]:
    for choice in fact.response.choices[:CHOICES]:
        if choice.text or choice.tool_calls or choice.refusal:
            yield choice if choice.role == "assistant" else msgspec.structs.replace(choice, role="assistant")
