"""The canonical form of a feedback."""

from backtalk.model.feedback import FeedbackBody, canonical, read, sha256_of, value_json


def test_the_same_words_have_one_canonical_form() -> None:
    """Order of fields and absent fields make no difference; values are sorted too."""
    one = FeedbackBody(kind="correction", value={"role": "assistant", "content": "é"}, response_id="r")
    two = FeedbackBody(response_id="r", value={"content": "é", "role": "assistant"}, kind="correction")
    assert canonical(one) == canonical(two)
    assert canonical(one) == (
        '{"kind":"correction","response_id":"r","value":{"content":"é","role":"assistant"}}'.encode()
    )
    assert sha256_of(canonical(one)) == sha256_of(canonical(two))


def test_a_canonical_form_reads_back() -> None:
    """Nothing is lost on the way through the spool."""
    body = FeedbackBody(kind="score", value=0.25, trace_id="a" * 32, metric="m", comment="c", rater="r")
    assert read(canonical(body)) == body
    assert value_json(body) == "0.25"
