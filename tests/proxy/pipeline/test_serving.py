"""A trained model answers while it is measured."""

import json
import sys
from pathlib import Path

import openai
import pytest

from backtalk.errors import UpstreamError
from backtalk.pipeline.measuring import Served
from backtalk.pipeline.serving import filled, free_port, listens, serving
from backtalk.plugin import Trained
from backtalk.testing.pipelines import a_pipeline

PROVIDER = [sys.executable, "-m", "backtalk.testing.provider", "--port", "{port}"]
TRAINED = Trained("weights", None, "tuned")


def table(*words: str, **more: object) -> str:
    """A [serve] table with a command."""
    return f"[serve]\ncommand = {json.dumps(list(words))}\n" + "".join(
        f"{name} = {json.dumps(one)}\n" for name, one in more.items()
    )


def ask(served: Served) -> tuple[dict[str, str], str]:
    """Headers and text of an answer."""
    with openai.OpenAI(base_url=served.base_url, api_key="sk-test", max_retries=0) as client:
        raw = client.chat.completions.with_raw_response.create(
            model=served.model, messages=[{"role": "user", "content": "Hello there"}]
        )
    return dict(raw.headers), raw.parse().choices[0].message.content or ""


def test_a_model_that_a_route_leads_to_is_asked_where_it_is(tmp_path: Path) -> None:
    """Nothing is started; it is called as the trainer says, or as the pipeline does."""
    with serving(a_pipeline(evaluate='base_url = "http://b/v1"'), TRAINED, tmp_path) as served:
        assert served == ("http://b/v1", "tuned")
    with serving(a_pipeline(tables='[serve]\nmodel = "mine"'), TRAINED, tmp_path) as served:
        assert served.model == "mine"
    assert list(tmp_path.iterdir()) == []


def test_a_server_of_the_owners_answers_through_a_backtalk_of_the_runs_own(tmp_path: Path) -> None:
    """Its answers have trace ids; both are gone afterwards, and no text is left."""
    with serving(a_pipeline(tables=table(*PROVIDER)), TRAINED, tmp_path) as served:
        headers, text = ask(served)
        port = int(served.base_url.split(":")[2].split("/")[0])
        assert "x-trace-id" in headers
        assert "Hello there" in text
    assert not listens(port)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", "port"]


def test_a_server_at_a_port_is_asked_through_the_backtalk_whose_route_leads_there(tmp_path: Path) -> None:
    """It is started, and stopped again."""
    port = free_port()
    with serving(a_pipeline(tables=table(*PROVIDER, port=port)), TRAINED, tmp_path) as served:
        assert served.base_url == "http://127.0.0.1:8080/v1"
        assert listens(port)
        with pytest.raises(UpstreamError, match="is taken"):
            serving(a_pipeline(tables=table(*PROVIDER, port=port)), TRAINED, tmp_path).__enter__()
    assert not listens(port)


def test_a_server_that_ends_or_does_not_listen_is_said_with_its_last_words(tmp_path: Path) -> None:
    """Either way nothing is left."""
    dead = table(sys.executable, "-c", "print('no weights in {artefact}'); raise SystemExit(3)")
    with pytest.raises(UpstreamError, match="ended with status 3: no weights in weights"):
        serving(a_pipeline(tables=dead), TRAINED, tmp_path).__enter__()
    deaf = table(sys.executable, "-c", "import time; time.sleep(60)", ready_s=0.3)
    with pytest.raises(UpstreamError, match=r"after 0\.3 s"):
        serving(a_pipeline(tables=deaf), TRAINED, tmp_path).__enter__()


def test_only_named_places_of_a_command_are_filled() -> None:
    """Other braces are the command's own."""
    assert filled(["a={artefact}", "{x}", "{port}{port}"], {"artefact": "w", "port": "1"}) == ["a=w", "{x}", "11"]
