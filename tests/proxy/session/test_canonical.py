"""Canonical histories: what makes two requests the same conversation, and what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.model.chat import Message, ToolCall
from backtalk.session.canonical import TEXT_CHARS, Hasher, History, cap, clean, typed
from backtalk.testing import factories

HASHER = Hasher(b"a secret")


def _history(
    *messages: Message | str, tenant: str = "t", end_user: str | None = None, session: str | None = None
) -> History:
    return HASHER.history(factories.opened(*messages, tenant=tenant, end_user=end_user, session=session))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Hi  there\n",), ("Hi there",)),
        (("caf\u00e9",), ("cafe\u0301",)),
        ((factories.system("At 10:01."), "Hi"), (factories.system("At 10:02."), "Hi")),
        ((Message(role="developer", text="x"), "Hi"), ("Hi",)),
    ],
)
def test_what_users_do_not_notice_changes_nothing(one: tuple[Message | str, ...], other: tuple[Message, ...]) -> None:
    """White space, Unicode form and instructions are no part of a history."""
    assert _history(*one).whole == _history(*other).whole


def test_the_order_of_keys_in_tool_arguments_changes_nothing() -> None:
    """Libraries parse and write them again."""
    one = Message(role="assistant", tool_calls=(ToolCall("1", "f", '{"a": 1, "b": 2}'),))
    other = Message(role="assistant", tool_calls=(ToolCall("1", "f", '{"b":2,"a":1}'),))
    assert _history("x", one).whole == _history("x", other).whole


def test_arguments_that_are_no_json_still_count() -> None:
    """A model may produce anything."""
    one = Message(role="assistant", tool_calls=(ToolCall("1", "f", '{"a": '),))
    other = Message(role="assistant", tool_calls=(ToolCall("1", "f", '{"b": '),))
    assert _history("x", one).whole != _history("x", other).whole


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.text()), min_size=1, max_size=4), st.data())
def test_other_words_are_another_history(spoken: list[tuple[str, str]], data: st.DataObject) -> None:
    """Roles, order and boundaries of messages all count."""
    messages = [Message(role=role, text=text) for role, text in spoken]
    place = data.draw(st.integers(0, len(messages) - 1))
    other = [*messages]
    other[place] = Message(role=messages[place].role, text=messages[place].text + "x")
    assert _history(*messages).whole != _history(*other).whole
    assert _history(*messages, "").whole != _history(*messages).whole


def test_the_frontier_of_a_request_is_what_its_parent_will_have_produced() -> None:
    """The parent's history, extended by its answer, is the child's history up to that answer."""
    parent = _history("Why?")
    answer = factories.assistant("Because of the moon and the sun together.")
    child = _history("Why?", answer, "Really?")
    assert child.frontier == HASHER.extend(parent.whole, answer)
    assert child.before == parent.whole
    assert child.answer == HASHER.answer(parent.scope, answer, parent.user_text)
    assert child.asked == parent.said


def test_a_short_answer_is_known_only_with_its_question() -> None:
    """Many conversations contain "Yes."."""
    yes = factories.assistant("Yes.")
    assert _history("Is it?", yes, "Go on").answer != _history("Was it?", yes, "Go on").answer


def test_scopes_share_no_digest() -> None:
    """Tenant, end user and declared session each separate everything."""
    scopes = [_history("Hi"), _history("Hi", tenant="u"), _history("Hi", end_user="a"), _history("Hi", session="a")]
    assert len({history.whole for history in scopes}) == len(scopes)


def test_another_installation_has_other_digests() -> None:
    """Hashes of short texts could be guessed; the secret prevents it."""
    call = factories.opened("Hi")
    assert HASHER.history(call).whole != Hasher(b"another secret").history(call).whole


@pytest.mark.parametrize(
    ("prompt", "line"),
    [
        ("Use the context.\nContext: rain.\n\nQuestion: Why does it rain?", "Why does it rain?"),
        ("Why does it rain?", "Why does it rain?"),
        ("Use the context.\nQuestion: Why does it rain?\nAnswer:", "Why does it rain?"),
        ("<doc>\nrain\n</doc>\n<question>\nWhy does it rain?\n</question>", "Why does it rain?"),
        ("Instructions:\n\nContext:", "Instructions: Context:"),
        ("", ""),
    ],
)
def test_the_typed_part_is_the_last_line_without_its_label(prompt: str, line: str) -> None:
    """An app wraps context around what a person typed; a label or a tag alone was not typed."""
    assert typed(prompt) == line


@given(st.text(max_size=3 * TEXT_CHARS))
def test_capping_and_cleaning_are_bounded_and_stable(text: str) -> None:
    """Twice is once."""
    assert len(cap(text)) <= TEXT_CHARS
    assert cap(cap(text)) == cap(text)
    assert clean(clean(text)) == clean(text)


def test_a_run_of_marks_that_no_script_knows_is_left_as_it_is() -> None:
    """Putting such a run in order takes quadratic time: a message of a few kilobytes would stop the worker."""
    endless = "a" + "\u0300\u0316" * 100_000
    assert clean(endless) == endless
    assert clean("a" + "\u0300\u0316" * 10) == "\u00e0" + "\u0316" * 10 + "\u0300" * 9


def test_arguments_that_are_too_deep_are_a_text() -> None:
    """What the model produced need not be readable."""
    deep = Message(role="assistant", tool_calls=(ToolCall("1", "f", "[" * 100_000),))
    assert _history("x", deep).whole != _history("x").whole
