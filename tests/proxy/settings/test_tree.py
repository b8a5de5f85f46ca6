"""Settings come from file, environment and command line; what is unknown or wrong is refused by name."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import SecretStr

from backtalk import settings
from backtalk.errors import SetupError
from backtalk.settings import Settings, load

FIELDS = [(path, default) for path, _, default in settings.fields() if path not in settings.TABLES]
TOP_LEVEL = [(path, default) for path, default in FIELDS if len(path) == 1]
OF_TYPE: dict[str, Any] = {
    "redis_url": "redis://other",
    "upstream": "http://127.0.0.1:9/v1",
    "log_level": "debug",
    "feedback.source": "system",
    "capture.mode": "none",
    "detect.detectors": ["stop"],
    "annotate.annotators": ["judge"],
    "lineage.exporters": ["openlineage"],
    "telemetry.exporters": ["otlp", "other"],
    "telemetry.semconv": "latest",
    "telemetry.content": "reference",
    "telemetry.late_content": "event",
    "telemetry.call_share": 0.5,
    "telemetry.content_share": 0.25,
    "feedback.allowed_origins": ["https://app.example"],
    "feedback.tokens.kinds": ["rating", "event"],
    "feedback.audit.shares": ["gpt-*=0.1", "cheap=0.5"],
    "redact.kinds": ["email", "card"],
    "redact.patterns": ["staff=E-[0-9]{6}", "badge=B[0-9]+"],
    "redact.finders": ["other"],
    "web.allowed_hosts": ["proxy.example"],
    "web.allowed_origins": ["https://app.example", "https://other.example"],
}


@pytest.mark.parametrize(("path", "default"), FIELDS, ids=[".".join(path) for path, _ in FIELDS])
class TestEveryField:
    """Each field can be set in each way, and is what was set."""

    def test_set_in_the_file(self, tmp_path: Path, path: tuple[str, ...], default: Any) -> None:
        """`section.field = value`."""
        value = _other(path, default)
        file = tmp_path / "b.toml"
        file.write_text(f"{'.'.join(path)} = {json.dumps(value)}\n", encoding="utf-8")
        assert _plain(_get(load({}, file=file), path)) == value

    def test_set_by_its_variable(self, path: tuple[str, ...], default: Any) -> None:
        """`BACKTALK_SECTION_FIELD=value`."""
        value = _other(path, default)
        text = _as_text(value)
        assert _plain(_get(load({settings.variable(path): text}), path)) == value

    def test_variable_wins_over_the_file(self, tmp_path: Path, path: tuple[str, ...], default: Any) -> None:
        """The environment is nearer to the process than a file is."""
        file = tmp_path / "b.toml"
        file.write_text(f"{'.'.join(path)} = {json.dumps(_plain(default) or '')}\n", encoding="utf-8")
        value = _other(path, default)
        text = _as_text(value)
        assert _plain(_get(load({settings.variable(path): text}, file=file), path)) == value

    def test_has_a_sentence_and_its_own_variable(self, path: tuple[str, ...], default: Any) -> None:
        """Every field says what it is, ends in its unit where it has one, and shares its variable with no other."""
        sentences = {one: sentence for one, sentence, _ in settings.fields()}
        assert sentences[path].endswith(".")
        assert [settings.variable(one) for one, _ in FIELDS].count(settings.variable(path)) == 1
        if isinstance(default, float):
            assert path[-1].endswith(("_s", "_ms", "share"))


@pytest.mark.parametrize(("path", "default"), TOP_LEVEL, ids=[path[0] for path, _ in TOP_LEVEL])
def test_command_line_wins_over_everything(path: tuple[str, ...], default: Any) -> None:
    """An override beats the variable; one that was not given (None) leaves it alone."""
    value = _other(path, default)
    environ = {settings.variable(path): str(_plain(default) or "")}
    assert _plain(_get(load(environ, overrides={path[0]: value}), path)) == value
    assert _get(load(environ, overrides={path[0]: None}), path) == _get(load(environ), path)


def test_nothing_set_gives_the_defaults() -> None:
    """No file and no variable are fine."""
    assert load({}) == Settings()


def test_file_in_the_working_directory_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`backtalk.toml` beside the caller counts without being named."""
    (tmp_path / "backtalk.toml").write_text("port = 1234", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load({}).port == 1234


def test_file_named_by_variable_is_read(tmp_path: Path) -> None:
    """`BACKTALK_CONFIG` names the file where the command line does not."""
    file = tmp_path / "other.toml"
    file.write_text("port = 1234", encoding="utf-8")
    assert load({"BACKTALK_CONFIG": str(file)}).port == 1234


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("prot = 1", "unknown setting prot (did you mean port?)"),
        ("[relay]\nidle_timeout = 1", "unknown setting relay.idle_timeout (did you mean relay.idle_timeout_s?)"),
        ("[nonsense]\nx = 1", "unknown setting nonsense"),
        ("relay = 3", "relay:"),
        ("port = 70000", "port: Input should be less than or equal to 65535"),
        ("upstream = 'ftp://x'", "upstream: must start with http:// or https://"),
        ("upstream = 'http://'", "upstream: must be like https://host[:port][/path]"),
        ("upstream = 'http://x:y/v1'", "upstream: must be like https://host[:port][/path]"),
        ("upstream = 'http://u:canary@x/v1'", "upstream: must be like https://host[:port][/path], without a user"),
        ("upstream = 'http://x/v1?key=canary'", "upstream: must be like https://host[:port][/path], without a user"),
        ("port = ", "is not TOML"),
        ("[relay]\nidle_timeout_s = inf", "relay.idle_timeout_s: Input should be a finite number"),
    ],
)
def test_wrong_file_is_refused_by_name(tmp_path: Path, text: str, says: str) -> None:
    """The message names the key and what is allowed."""
    file = tmp_path / "b.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SetupError) as caught:
        load({}, file=file)
    assert says in caught.value.message
    assert "canary" not in caught.value.message


def test_every_wrong_key_is_named_at_once(tmp_path: Path) -> None:
    """One run shows all that is to be mended."""
    file = tmp_path / "b.toml"
    file.write_text("prot = 1\nworkers = 0", encoding="utf-8")
    with pytest.raises(SetupError, match=r"(?s)workers.*unknown setting prot|unknown setting prot.*workers"):
        load({}, file=file)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("BACKTALK_PROT", "BACKTALK_PORT"), ("BACKTALK_RELAY_IDLE_TIMEOUT", "BACKTALK_RELAY_IDLE_TIMEOUT_S")],
)
def test_unknown_variable_is_refused_with_the_nearest(name: str, nearest: str) -> None:
    """A typing error in a variable never passes in silence."""
    with pytest.raises(SetupError, match=rf"unknown variable {name} \(did you mean {nearest}\?\)"):
        load({name: "1"})


def test_variable_over_a_wrong_section_is_refused(tmp_path: Path) -> None:
    """A section that is no table is said to be wrong, also where a variable would fill it."""
    file = tmp_path / "b.toml"
    file.write_text("relay = 3", encoding="utf-8")
    with pytest.raises(SetupError, match="relay:"):
        load({"BACKTALK_RELAY_IDLE_TIMEOUT_S": "1"}, file=file)


def test_missing_file_that_was_named_is_refused(tmp_path: Path) -> None:
    """Only the default file may be absent."""
    with pytest.raises(SetupError, match="cannot read the settings file"):
        load({}, file=tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("text", "detectors"),
    [("", ()), ("stop", ("stop",)), ("stop, regeneration", ("stop", "regeneration")), ("stop,", ("stop",))],
)
def test_list_is_written_with_commas(text: str, detectors: tuple[str, ...]) -> None:
    """Blanks around items do not count, and an empty variable is an empty list."""
    assert load({"BACKTALK_DETECT_DETECTORS": text}).detect.detectors == detectors


def test_empty_variable_counts_as_unset() -> None:
    """A variable that a compose file passes on empty is no key."""
    assert load({"BACKTALK_UPSTREAM_API_KEY": "", "BACKTALK_PORT": "", "REDIS_URL": ""}) == Settings()


def test_redis_url_is_honoured(tmp_path: Path) -> None:
    """The customary variable beats the file; our own beats both."""
    file = tmp_path / "b.toml"
    file.write_text("redis_url = 'redis://file'", encoding="utf-8")
    assert _plain(load({"REDIS_URL": "redis://a"}, file=file).redis_url) == "redis://a"
    both = {"REDIS_URL": "redis://a", "BACKTALK_REDIS_URL": "redis://b"}
    assert _plain(load(both, file=file).redis_url) == "redis://b"


def test_secrets_are_never_shown() -> None:
    """Neither the tree's text nor an error about it holds a key."""
    tree = load({"BACKTALK_UPSTREAM_API_KEY": "sk-hidden", "BACKTALK_ADMIN_TOKEN": "sk-hidden"})
    assert "sk-hidden" not in repr(tree) + str(tree)
    with pytest.raises(SetupError) as caught:
        load({}, overrides={"upstream_api_key": {"sk-hidden": 1}})
    assert "sk-hidden" not in f"{caught.value} {caught.value.__cause__}"


def test_child_inherits_exactly_these_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a parent hands over is what its child loads, secrets included, whatever the environment said before."""
    monkeypatch.setenv("BACKTALK_PORT", "1")
    monkeypatch.setenv("REDIS_URL", "redis://before")
    tree = load({}, overrides={"upstream_api_key": "sk-1", "port": 9, "plugin": {"stop": {"window_s": 3}}})
    environ = settings.environ_for(tree)
    assert "BACKTALK_PORT" not in environ
    assert "REDIS_URL" not in environ
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    inherited = settings.load_inherited()
    assert inherited == tree
    assert _plain(inherited.upstream_api_key) == "sk-1"


def test_telemetry_variables_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exporter sees the standard variables and nothing else."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
    passed = settings.otel_environ()
    assert passed["OTEL_SERVICE_NAME"] == "mine"
    assert all(name.startswith("OTEL_") for name in passed)


def test_upstream_loses_its_last_slash() -> None:
    """Paths are appended to it."""
    assert load({"BACKTALK_UPSTREAM": "http://x/v1/"}).upstream == "http://x/v1"


def _get(tree: Settings, path: tuple[str, ...]) -> Any:
    value: Any = tree
    for step in path:
        value = getattr(value, step)
    return value


def _plain(value: Any) -> Any:
    match value:
        case SecretStr():
            return value.get_secret_value()
        case Path():
            return str(value)
        case tuple():
            return list(cast("tuple[object, ...]", value))
        case _:
            return value


def _as_text(value: Any) -> str:
    """The value as a variable holds it."""
    return ",".join(map(str, cast("list[object]", value))) if isinstance(value, list) else str(value)


def _other(path: tuple[str, ...], default: Any) -> Any:
    """A valid value that is not the default."""
    if ".".join(path) in OF_TYPE:
        return OF_TYPE[".".join(path)]
    match default:
        case bool():
            return not default
        case int():
            return default + 1
        case float():
            return default * 2
        case _:
            return f"other-{path[-1]}"


def test_a_program_of_others_gets_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it needs in order to start, and nothing that is named a key."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("BACKTALK_UPSTREAM_API_KEY", "sk-canary")
    given = settings.bare_environ()
    assert "PATH" in given
    assert "sk-canary" not in given.values()


@pytest.mark.parametrize("text", ["ledger.content = false", 'capture.mode = "none"'])
def test_no_text_goes_to_a_model_where_none_is_kept(tmp_path: Path, text: str) -> None:
    """An annotator is refused there, not left without a word."""
    file = tmp_path / "b.toml"
    file.write_text(f'annotate.annotators = ["judge"]\n{text}\n', encoding="utf-8")
    with pytest.raises(SetupError, match="annotators send texts to a model"):
        load({}, file=file)
