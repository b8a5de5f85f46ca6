"""What a person sees on the terminal."""

import io
from typing import Any

from rich.console import Console

from backtalk.commands import show

CALL: dict[str, Any] = {
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "span_id": "b7ad6b7169203331",
    "opened_ns": 1_700_000_000_000_000_000,
    "model": "small",
    "status": 200,
    "outcome": "completed",
    "session_id": "5e55",
    "session": {"session_id": "5e55", "rule": "next_turn"},
    "signals": [{"kind": "regeneration", "probability": 0.93}],
    "shows": [{"kind": "stop", "about": {"trace_id": "0", "span_id": "x"}}],
    "feedback": [{"kind": "rating", "value": False}],
}


def _seen(draw: Any, document: dict[str, Any]) -> str:
    screen = io.StringIO()
    draw(document, Console(file=screen, width=160))
    return screen.getvalue()


def test_list_shows_whole_trace_ids_and_what_was_noticed() -> None:
    """A trace id can be copied from the list; signals and feedback stand beside it."""
    text = _seen(show.traces, {"calls": [CALL]})

    assert all(word in text for word in (CALL["trace_id"], "small", "200", "regeneration", "rating"))


def test_empty_list_says_how_to_begin() -> None:
    """Nothing yet is not an empty screen."""
    assert "base_url" in _seen(show.traces, {"calls": []})


def test_what_strangers_wrote_is_shown_and_not_obeyed() -> None:
    """A model's name or a comment may hold markup, control characters and marks that turn text around."""
    evil = "[/bold][link=http://x]m\x1b]0;owned\x07\u202e"
    call = CALL | {"model": evil, "feedback": [{"kind": "comment", "value": evil}]}
    for text in (_seen(show.traces, {"calls": [call]}), _seen(show.trace, {"trace_id": "0", "calls": [call]})):
        assert "[/bold][link=http://x]m\ufffd]0;owned\ufffd\ufffd" in text


def test_call_cut_short_shows_its_outcome() -> None:
    """A stopped call does not look like a good one because its status was 200."""
    assert "client_disconnected" in _seen(show.traces, {"calls": [CALL | {"outcome": "client_disconnected"}]})


def test_trace_shows_session_signals_and_feedback() -> None:
    """One trace is shown with everything known of it."""
    text = _seen(show.trace, {"trace_id": CALL["trace_id"], "calls": [CALL]})

    assert all(word in text for word in ("next_turn", "regeneration", "p=0.93", "stop", "thumb down"))


def test_trace_shows_what_a_route_tried_and_what_it_cost() -> None:
    """Each attempt by its target and its end; a cost that is not known is not shown."""
    tried = [
        {"target": "here", "status": 529, "error": "status_529"},
        {"target": "there", "status": 200, "error": None},
    ]
    text = _seen(show.trace, {"calls": [CALL | {"attempts": tried, "cost_usd": 0.00215, "cache": "miss"}]})
    assert all(
        word in text for word in ("tried here: status_529", "tried there: 200", "cost 0.002150 USD", "cache miss")
    )
    assert "cost" not in _seen(show.trace, {"calls": [CALL]})


def test_nothing_is_cut_where_no_terminal_shows_it() -> None:
    """A list that goes to a file or another program keeps long names; a terminal's heads are whole."""
    named = CALL | {"model": "provider/a-model-with-a-long-name-indeed"}
    piped, terminal = io.StringIO(), io.StringIO()
    show.traces({"calls": [named]}, Console(file=piped, width=80))
    show.traces({"calls": [named]}, Console(file=terminal, width=100, force_terminal=True, no_color=True))
    assert named["model"] in piped.getvalue()
    assert all(head in terminal.getvalue() for head in ("trace id", "status", "session", "signals", "feedback"))


def test_null_is_shown_as_what_it_means() -> None:
    """Looked at and not known is an outcome's; what was erased says so, and so does its call."""
    assert show.said({"kind": "outcome", "value": None, "metric": "csat"}) == "outcome: not known (csat)"
    assert show.said({"kind": "comment", "value": None, "erased_ns": 7}) == "comment: erased"
    assert "erased: no words are kept" in _seen(show.trace, {"trace_id": "t", "calls": [CALL | {"erased_ns": 7}]})


def test_a_feedback_is_a_line_with_the_words_beside_it() -> None:
    """A thumb down is no `False`; a comment beside a score is seen; what does not count says why."""
    assert show.said({"kind": "rating", "value": False}) == "thumb down"
    assert show.said({"kind": "rating", "value": True, "comment": "neat"}) == "thumb up, neat"
    scored = {"kind": "score", "value": 0.0, "metric": "stars", "comment": "wrong year"}
    assert show.said(scored) == "score: 0.0 (stars), wrong year"
    assert show.said({"kind": "score", "value": 4.0, "range_low": 1.0, "range_high": 5.0}) == "score: 4.0 of 1 to 5"
    rejected = {"kind": "comment", "value": "x", "status": "rejected", "message": "there is no choice 3"}
    assert show.said(rejected) == "comment: x [rejected: there is no choice 3]"
    assert show.said({"kind": "rating", "value": True, "status": "replaced"}) == "thumb up [replaced]"
