"""OpenLineage events: as the specification's own schemas and ours say, the same every time, to a server or a file."""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import pytest

from backtalk.errors import SetupError
from backtalk.plugin import LineageEvent, RefusedError
from backtalk.plugin.discovery import LINEAGE_EXPORTERS, check, load_lineage_exporters
from backtalk.testing.annotation_door import annotation_door
from backtalk.testing.lineage_events import dataset, event, named, one_of_each, proposed, retired, run
from backtalk.testing.openlineage_rules import schemas as specified
from backtalk_openlineage import OpenLineage, OpenLineageSettings
from backtalk_openlineage.events import events_of

HERE: Final = Path(__file__).parent
OWN: Final = HERE.parents[1] / "plugins" / "backtalk_openlineage" / "facets.json"


def test_every_event_is_what_the_specification_says() -> None:
    """Each event, and each facet in it by the schema that it names, against what the specification requires."""
    schemas = _schemas()
    facets = 0
    for one in _events():
        schemas.check(one, one["schemaURL"])
        for facet in _facets(one):
            schemas.check(facet, facet["_schemaURL"])
            facets += 1
    assert facets > 50


@pytest.mark.parametrize(
    ("field", "value"), [("runId", "no-uuid"), ("rowCount", "twelve"), ("manifestSha256", "short"), ("parts", {"a": 1})]
)
def test_the_schemas_refuse_what_is_wrong(field: str, value: object) -> None:
    """A wrong value anywhere would be found, in a facet of the specification's and in one of ours."""
    schemas, found = _schemas(), False
    for one in _events():
        changed = json.loads(json.dumps(one))
        if _changed(changed, field, value):
            found = True
            parts = [(changed, changed["schemaURL"]), *((facet, facet["_schemaURL"]) for facet in _facets(changed))]
            assert any(not schemas.takes(*part) for part in parts)
    assert found


def test_a_build_reads_tables_and_writes_a_dataset() -> None:
    """A START and a COMPLETE of one run; tables in their versions go in, the dataset with its counts comes out."""
    began, ended = events_of(event(), "shop")
    assert (began["eventType"], ended["eventType"]) == ("START", "COMPLETE")
    assert began["run"] == ended["run"]
    assert ended["eventTime"] == "2025-11-26T00:00:00.123456Z"
    assert ended["job"]["name"] == "dataset.pairs"
    read = {one["name"]: one["facets"]["version"]["datasetVersion"] for one in ended["inputs"]}
    assert read == {"ledger.calls": "7", "ledger.feedback": "5", "ledger.signals": "6"}
    (written,) = ended["outputs"]
    assert (written["namespace"], written["name"]) == ("shop", "pairs")
    statistics = written["outputFacets"]["outputStatistics"]
    assert [statistics[name] for name in ("rowCount", "fileCount", "size")] == [12, 2, 11_000]
    assert written["facets"]["lifecycleStateChange"]["lifecycleStateChange"] == "CREATE"
    assert written["facets"]["version"]["datasetVersion"] == dataset().id
    again = events_of(event(dataset(is_first=False)), "shop")[1]["outputs"][0]
    assert again["facets"]["lifecycleStateChange"]["lifecycleStateChange"] == "OVERWRITE"


def test_only_columns_that_hold_the_same_values_have_a_lineage() -> None:
    """Ids come from the calls unchanged; of texts and row numbers no origin is claimed."""
    fields = events_of(event(), "shop")[1]["outputs"][0]["facets"]["columnLineage"]["fields"]
    assert list(fields) == ["trace_ids"]
    (source,) = fields["trace_ids"]["inputFields"]
    assert (source["namespace"], source["name"], source["field"]) == ("shop", "ledger.calls", "trace_id")


def test_a_training_writes_its_model_and_an_evaluation_reads_it() -> None:
    """The model is a dataset under its own address, in the version of its hash."""
    trained = events_of(event(run()), "shop")[1]
    judged = events_of(event(run(evaluates=True)), "shop")[1]
    (model,) = trained["outputs"]
    assert (model["namespace"], model["name"]) == ("s3://models", "tune-7")
    assert model["facets"]["version"]["datasetVersion"] == "e" * 64
    assert [one["name"] for one in trained["inputs"]] == ["pairs"]
    assert ([one["name"] for one in judged["inputs"]], judged["outputs"]) == (["pairs", "tune-7"], [])
    assert trained["run"]["facets"]["backtalk_metrics"]["metrics"] == {"loss": 0.41, "accuracy@1": 0.9}
    parameters = trained["run"]["facets"]["executionParameters"]["parameters"]
    assert {"key": "lr", "value": "2e-05"} in parameters


def test_a_name_is_a_dataset_whose_version_is_its_record() -> None:
    """What it means stands in a facet; the datasets it means are read."""
    ended = events_of(event(named(rolled_back_to=5), 9), "shop")[1]
    (written,) = ended["outputs"]
    assert (written["name"], written["facets"]["version"]["datasetVersion"]) == ("ref.production", "9")
    assert written["facets"]["backtalk_name"]["parts"]["route"] == "gold"
    assert written["facets"]["backtalk_name"]["rolledBackToRecord"] == 5
    assert [one["name"] for one in ended["inputs"]] == ["pairs"]


def test_a_proposal_reads_what_both_models_were_judged_on_and_writes_nothing() -> None:
    """How they compare stands in a facet; a no is a run of its own."""
    made, refused = (events_of(event(proposed(rejected=no), 7), "shop")[1] for no in (False, True))
    assert (made["job"]["name"], [one["name"] for one in made["inputs"]], made["outputs"]) == (
        "proposal.production",
        ["pairs"],
        [],
    )
    facets = [one["run"]["facets"]["backtalk_proposal"] for one in (made, refused)]
    assert [one["state"] for one in facets] == ["made", "rejected"]
    assert facets[0]["figures"]["gain"] == "0.11"


def test_an_erasure_drops_no_name() -> None:
    """The version is retired, with what replaced it; the name lives on, so there is no lifecycle change."""
    (gone,) = events_of(event(retired()), "shop")
    facets = gone["dataset"]["facets"]
    assert (facets["backtalk_retirement"]["erased"], facets["backtalk_retirement"]["replacedBy"]) == (True, "f" * 16)
    assert "lifecycleStateChange" not in facets


def test_a_run_has_the_same_id_every_time_and_no_other_records() -> None:
    """It follows from the record's hash alone."""
    first, again, other = (events_of(event(number=number), "shop")[0]["run"]["runId"] for number in (1, 1, 2))
    assert first == again != other


def test_a_server_gets_each_event_with_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the path that OpenLineage names; a no that is final is one."""
    monkeypatch.setenv("LINEAGE_TOKEN", "ol-1")
    with annotation_door() as door:
        exporter = OpenLineage(OpenLineageSettings(url=door.url, token_env="LINEAGE_TOKEN"))  # noqa: S106 -- a name
        exporter.export(event())
        assert door.lines() == ["POST /api/v1/lineage"] * 2
        assert {sent.headers["authorization"] for sent in door.sent} == {"Bearer ol-1"}
        assert [sent.body for sent in door.sent] == list(events_of(event(), "backtalk"))
        door.answer = lambda _: (422, {"error": "no"})
        with pytest.raises(RefusedError):
            exporter.export(event())


def test_a_file_gets_a_line_for_each_event(tmp_path: Path) -> None:
    """Behind what stands there."""
    file = tmp_path / "events.jsonl"
    exporter = OpenLineage(OpenLineageSettings(file=file, namespace="shop"))
    exporter.export(event())
    exporter.export(event(retired(), 2))
    exporter.close()
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert lines == [*events_of(event(), "shop"), *events_of(event(retired(), 2), "shop")]


def test_it_is_off_until_it_is_told_where_to_send() -> None:
    """To one place, not to two."""
    check(LINEAGE_EXPORTERS, "openlineage", OpenLineage)
    with pytest.raises(SetupError, match="set either url or file"):
        load_lineage_exporters(("openlineage",), {})
    both = {"openlineage": {"url": "http://127.0.0.1:1", "file": "events.jsonl"}}
    with pytest.raises(SetupError, match="set either url or file"):
        load_lineage_exporters(("openlineage",), both)


def _events() -> Iterator[dict[str, Any]]:
    told: tuple[LineageEvent, ...] = one_of_each()
    for one in told:
        yield from events_of(one, "shop")


def _facets(value: object) -> Iterator[dict[str, Any]]:
    """Everything in an event that names a schema."""
    document = cast("dict[str, Any]", value)
    if isinstance(value, dict) and "_schemaURL" in document:
        yield document
    for inner in _inner(document):
        yield from _facets(inner)


def _changed(value: object, field: str, other: object) -> bool:
    """Give the field another value wherever it stands; whether it stood anywhere."""
    inside = [_changed(inner, field, other) for inner in _inner(value)]
    here = isinstance(value, dict) and field in value
    if here:
        cast("dict[str, Any]", value)[field] = other
    return here or any(inside)


def _inner(value: object) -> list[Any]:
    """What stands in a list or an object."""
    if isinstance(value, dict):
        return list(cast("dict[str, Any]", value).values())
    found = cast("list[Any]", value)
    return found if isinstance(value, list) else []


class Schemas:
    """All schemas, by their ids; the library has no types, so it stands behind this one door."""

    def __init__(self, contents: list[Any]) -> None:
        referencing: Any = importlib.import_module("referencing")
        self._library: Any = importlib.import_module("jsonschema")
        resources = [referencing.Resource.from_contents(content) for content in contents]
        self._registry = resources @ referencing.Registry()

    def takes(self, document: object, schema: str) -> bool:
        """Whether a document is what the schema says, formats too."""
        return not list(self._validator(schema).iter_errors(document))

    def check(self, document: object, schema: str) -> None:
        """Raise where it is not."""
        self._validator(schema).validate(document)

    def _validator(self, schema: str) -> Any:
        draft = self._library.Draft202012Validator
        return draft({"$ref": schema}, registry=self._registry, format_checker=draft.FORMAT_CHECKER)


def _schemas() -> Schemas:
    return Schemas([json.loads(OWN.read_bytes()), *specified()])
