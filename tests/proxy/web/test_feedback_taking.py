"""What is taken: several at once, trials, retractions, and what a token may give."""

import json
from typing import Any

import msgspec
import pytest

from backtalk.clock import now
from backtalk.errors import StoreError
from backtalk.model import frames
from backtalk.model.meter import NoMeter
from backtalk.session.targets import Targets
from backtalk.settings import FeedbackSettings
from backtalk.settings.tokens import TokenSettings
from backtalk.testing.doors import CALL, SECRET, TENANT, Kept, ask, feedback_door, token

RATING = {"kind": "rating", "value": True, "trace_id": CALL.trace_id}


def body(**fields: Any) -> bytes:
    """A body."""
    return json.dumps(fields).encode()


def frame(payload: bytes) -> frames.Feedback:
    """What was kept."""
    kept = frames.decode(payload)
    assert isinstance(kept, frames.Feedback)
    return kept


class _Failing:
    """A disk that takes what does not say no."""

    async def put(self, payload: bytes) -> None:
        """Refuse some."""
        if b"no" in payload:
            raise StoreError("no room", code="spool_full")


@pytest.mark.anyio
async def test_several_are_taken_each_by_itself() -> None:
    """In their order: what is wrong with one costs no other; the answer is 207 where any was refused."""
    kept = Kept()
    items = [RATING, {**RATING, "value": 4}, {**RATING, "kind": "applause"}, 7, {**RATING, "value": False}]
    told = await ask(feedback_door(kept), body(items=items), authorization="Bearer k")
    assert (told.status, told.json["accepted"], told.json["refused"]) == (207, 2, 3)
    assert [one["http_status"] for one in told.json["items"]] == [202, 400, 400, 400, 202]
    assert [one.get("error", {}).get("param") for one in told.json["items"]] == [None, "value", "kind", "items", None]
    assert [frame(payload).feedback_id for payload in kept.payloads] == [
        told.json["items"][0]["feedback_id"],
        told.json["items"][4]["feedback_id"],
    ]


@pytest.mark.anyio
async def test_a_repeat_within_one_body_counts_once() -> None:
    """Also without Redis: the second under an id is told the first's result, another body is a conflict."""
    kept = Kept()
    items = [{**RATING, "id": "a"}, {**RATING, "id": "a"}, {**RATING, "id": "a", "value": False}]
    told = await ask(feedback_door(kept), body(items=items))
    assert [one["http_status"] for one in told.json["items"]] == [202, 200, 409]
    assert told.json["items"][1]["duplicate"] is True
    assert told.json["items"][1]["feedback_id"] == told.json["items"][0]["feedback_id"]
    assert len(kept.payloads) == 1


@pytest.mark.anyio
async def test_what_the_disk_refuses_is_said_of_each_and_of_all() -> None:
    """One of several: its own 503. All of them: the whole is a 503, so that nobody takes it for done."""
    door = feedback_door(_Failing())
    some = await ask(door, body(items=[RATING, {**RATING, "comment": "no"}]))
    assert [one["http_status"] for one in some.json["items"]] == [202, 503]
    every = await ask(door, body(items=[{**RATING, "comment": "no"}]))
    assert (every.status, every.code, every.headers["retry-after"]) == (503, "spool_full", "1")


@pytest.mark.anyio
async def test_one_key_does_not_stand_for_several() -> None:
    """The header names one feedback."""
    told = await ask(feedback_door(Kept()), body(items=[RATING]), idempotency_key="k")
    assert (told.status, told.json["error"]["param"]) == (400, "Idempotency-Key")


@pytest.mark.anyio
async def test_a_trial_says_what_would_happen_and_keeps_nothing(redis_url: str) -> None:
    """Valid or not, known or pending, repeat or conflict: nothing is recorded and no mark is set."""
    targets = Targets(redis_url, secret=SECRET, metrics=NoMeter(), lookup_ms=2000, mark_ttl_s=60)
    await targets.warm()
    kept = Kept()
    door = feedback_door(kept, targets)
    told = await ask(door, body(**RATING, id="a", dryrun=True))
    assert (told.status, told.json["status"], told.json["dryrun"]) == (200, "valid", True)
    assert (told.json["target_status"], told.json["duplicate"]) == ("pending", False)
    assert "Redis alone was asked" in told.json["message"]
    wrong = await ask(door, body(**{**RATING, "value": 4}, dryrun=True))
    several = await ask(door, body(items=[RATING, {**RATING, "value": 4}], dryrun=True))
    assert (wrong.status, several.status) == (400, 207)
    assert kept.payloads == []
    real = await ask(door, body(**RATING, id="a"))
    again = await ask(door, body(**RATING, id="a", dryrun=True))
    assert (real.status, again.status, again.json["duplicate"]) == (202, 200, True)
    assert again.json["feedback_id"] == told.json["feedback_id"] == real.json["feedback_id"]
    await targets.aclose()


@pytest.mark.anyio
async def test_a_retraction_is_a_fact_of_its_own() -> None:
    """202 once it is durable; it names what it takes back, and the same once more has the same id."""
    kept = Kept()
    door = feedback_door(kept)
    path = f"/v1/feedback/{'a' * 32}"
    told = await ask(door, method="DELETE", path=path, authorization="Bearer k")
    again = await ask(door, method="DELETE", path=path, authorization="Bearer k")
    other = await ask(door, method="DELETE", path=path, authorization="Bearer another")
    assert (told.status, told.json["retracts"]) == (202, "a" * 32)
    assert again.json["feedback_id"] == told.json["feedback_id"] != other.json["feedback_id"]
    assert msgspec.json.decode(frame(kept.payloads[0]).body) == {"kind": "retraction", "supersedes": "a" * 32}
    assert frame(kept.payloads[0]).tenant != frame(kept.payloads[2]).tenant


@pytest.mark.anyio
async def test_feedback_by_token_is_the_end_users_of_its_tenant() -> None:
    """Source, channel and tenant come from the token, whatever else is sent beside it."""
    kept = Kept()
    door = feedback_door(kept, source="reviewer")
    good = token(now_ns=now().wall_ns)
    sent = [
        await ask(door, body(kind="rating", value=True), x_feedback_token=good),
        await ask(door, body(kind="rating", value=True), authorization=f"Bearer {good}"),
        await ask(door, body(kind="rating", value=True, token=good), content_type="text/plain;charset=UTF-8"),
        await ask(door, body(kind="rating", value=True, token=good), authorization="Bearer the-apps-key"),
    ]
    assert [told.status for told in sent] == [202] * 4
    for payload in kept.payloads:
        said = frame(payload)
        assert (said.tenant, said.source, said.channel, said.key_id) == (TENANT, "end_user", "token", "")
        assert good.encode() not in payload


@pytest.mark.anyio
async def test_a_token_gives_so_much_in_its_life() -> None:
    """Several count as many; a trial counts nothing; what is refused by its form counts nothing."""
    settings = FeedbackSettings(tokens=TokenSettings(limit=3))
    kept = Kept()
    door = feedback_door(kept, settings=settings)
    good = token(now_ns=now().wall_ns)
    rating = {"kind": "rating", "value": True}
    assert (await ask(door, body(items=[rating, rating, {"kind": "x"}]), x_feedback_token=good)).status == 207
    assert (await ask(door, body(**rating, dryrun=True), x_feedback_token=good)).status == 200
    assert (await ask(door, body(**rating), x_feedback_token=good)).status == 202
    told = await ask(door, body(**rating), x_feedback_token=good)
    assert (told.status, told.code) == (429, "token_used_up")
    assert len(kept.payloads) == 3


@pytest.mark.anyio
async def test_a_token_takes_back_and_replaces_what_it_gave_and_nothing_else() -> None:
    """By the id alone, with nothing looked up."""
    kept = Kept()
    door = feedback_door(kept)
    good = token(now_ns=now().wall_ns)
    own = (await ask(door, body(kind="rating", value=True), x_feedback_token=good)).json["feedback_id"]
    apps = (await ask(door, body(**RATING), authorization="Bearer k")).json["feedback_id"]
    replaced = await ask(door, body(kind="rating", value=False, supersedes=own), x_feedback_token=good)
    taken_back = await ask(door, method="DELETE", path=f"/v1/feedback/{own}", x_feedback_token=good)
    assert (replaced.status, taken_back.status) == (202, 202)
    foreign = [
        await ask(door, body(kind="rating", value=False, supersedes=apps), x_feedback_token=good),
        await ask(door, method="DELETE", path=f"/v1/feedback/{apps}", x_feedback_token=good),
    ]
    assert [(told.status, told.code) for told in foreign] == [(403, "token_scope")] * 2
    assert len(kept.payloads) == 4


@pytest.mark.anyio
async def test_a_long_feedback_counts_as_several_of_its_token() -> None:
    """Else the holder of one token could fill what is read of its answer: a hundred corrections of a megabyte."""
    kept = Kept()
    door = feedback_door(kept, settings=FeedbackSettings(tokens=TokenSettings(limit=5)))
    good = token(now_ns=now().wall_ns)
    said = [
        await ask(door, body(kind="comment", value=text), x_feedback_token=good)
        for text in ("\x02" * 8_000, "short", "x" * 16_384, "short")
    ]
    assert [told.status for told in said] == [202, 202, 429, 202], "three of five, one, two more than are left, one"
    alone = await ask(
        door, body(kind="comment", value="x" * 65_000), x_feedback_token=token(now_ns=now().wall_ns + 1_000_000_000)
    )
    assert alone.status == 202, "what is longer than the whole limit uses it up"


@pytest.mark.anyio
async def test_what_a_page_took_back_the_app_can_take_back_too() -> None:
    """The app's key is told neither of a conflict nor that another's retraction was its own."""
    kept = Kept()
    door = feedback_door(kept)
    good = token(now_ns=now().wall_ns)
    given = (await ask(door, body(kind="rating", value=True), x_feedback_token=good)).json["feedback_id"]
    path = f"/v1/feedback/{given}"
    by_page = await ask(door, method="DELETE", path=path, x_feedback_token=good)
    by_app = await ask(door, method="DELETE", path=path, authorization="Bearer k")
    assert (by_page.status, by_app.status) == (202, 202)
    assert len({frame(payload).feedback_id for payload in kept.payloads}) == 3
