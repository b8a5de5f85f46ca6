"""A later look at a stored response."""

import json
from typing import Any

import msgspec

from backtalk.model.chat import Response, Usage
from backtalk.model.facts import CallClosed
from backtalk.model.ids import CallKey
from backtalk.observe import understand
from backtalk.testing import factories
from backtalk.testing.dialogue import Stage

_DONE = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "model": "m",
    "output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Done."}]}],
    "usage": {"input_tokens": 3, "output_tokens": 4},
}


def _asks(stage: Stage, response: Response) -> CallKey:
    call = factories.opened("A long task.", at_s=stage.now_s, api="responses", path="/v1/responses")
    stage.open(call)
    stage.close(msgspec.structs.replace(factories.closed(call), response=response))
    return call.key


def _looks(stage: Stage, fields: dict[str, Any]) -> CallClosed:
    stage.now_s += 10
    path = "/v1/responses/resp_1"
    call = factories.opened(at_s=stage.now_s, method="GET", api="stored_responses", path=path)
    response = understand.response("stored_responses", 200, {}, json.dumps(fields).encode())
    stage.open(call)
    stage.close(msgspec.structs.replace(factories.closed(call), response=response))
    closed = stage.facts[-1]
    assert isinstance(closed, CallClosed)
    return closed


def test_a_look_that_brings_the_answer_completes_the_background_call() -> None:
    """A fact ties the two together; looks before that bring nothing, and none is a call's own response."""
    stage = Stage()
    asked = _asks(stage, Response(id="resp_1"))
    waiting = _looks(stage, {**_DONE, "status": "in_progress", "output": [], "usage": None})
    done = _looks(stage, _DONE)
    assert [(one.kind, one.about, one.shown_by) for one in stage.relations] == [("retrieval", asked, done.key)]
    assert (waiting.response.id, waiting.response.retrieved, done.response.id) == (None, "resp_1", None)
    assert (done.response.text, done.response.usage) == ("Done.", Usage(3, 4))
    assert stage.kinds == []


def test_tokens_of_a_finished_response_count_once() -> None:
    """Whoever reads it again used none."""
    stage = Stage()
    _asks(stage, Response(id="resp_1", choices=(factories.assistant("Done."),), finish_reasons=("stop",)))
    again = _looks(stage, _DONE)
    assert (stage.relations, again.response.usage, again.response.text) == ([], None, "Done.")
