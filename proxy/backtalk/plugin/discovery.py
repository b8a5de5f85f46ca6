"""Finds plugins by entry point and refuses, in one sentence, what cannot run.

In: names from the settings, in their order, and the sections [plugin.<name>]. Out: ready plugins in that order.
Installed is not enabled: only named plugins are loaded. Built-ins enter by the same door as anybody's.
"""

import inspect
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, cast

from pydantic import BaseModel, ValidationError

from backtalk.errors import SetupError
from backtalk.plugin.lineage import LineageExporter
from backtalk.plugin.protocols import API_VERSION, Annotator, Detector, Exporter, Finder
from backtalk.plugin.samples import Redactor, SampleBuilder
from backtalk.plugin.training import Trainer, job_settings

DETECTORS: Final = "backtalk.detectors"
ANNOTATORS: Final = "backtalk.annotators"
EXPORTERS: Final = "backtalk.exporters"
FINDERS: Final = "backtalk.finders"
SAMPLE_BUILDERS: Final = "backtalk.sample_builders"
REDACTORS: Final = "backtalk.redactors"
TRAINERS: Final = "backtalk.trainers"
LINEAGE_EXPORTERS: Final = "backtalk.lineage_exporters"
_SPOKEN: Final = frozenset({API_VERSION, API_VERSION - 1} - {0})
_METHODS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    DETECTORS: {"observe": ("fact", "session")},
    ANNOTATORS: {"question": ("fact", "session"), "annotate": ("question",)},
    FINDERS: {"find": ("text",)},
    EXPORTERS: {"export": ("facts",), "close": ()},
    SAMPLE_BUILDERS: {"build": ("prompt",)},
    REDACTORS: {"redact": ("text",)},
    TRAINERS: {"train": ("job", "progress")},
    LINEAGE_EXPORTERS: {"export": ("event",), "close": ()},
}


def installed(group: str) -> dict[str, EntryPoint]:
    """Every plugin of a group that is installed, by name."""
    return {entry.name: entry for entry in entry_points(group=group)}


def load_detectors(names: Sequence[str], plugin_settings: Mapping[str, Mapping[str, Any]]) -> list[Detector]:
    """The named detectors, checked and constructed."""
    return [cast("Detector", _load(DETECTORS, name, plugin_settings)) for name in names]


def load_annotators(names: Sequence[str], plugin_settings: Mapping[str, Mapping[str, Any]]) -> list[Annotator]:
    """The named annotators, checked and constructed."""
    return [cast("Annotator", _load(ANNOTATORS, name, plugin_settings)) for name in names]


def load_finders(names: Sequence[str], plugin_settings: Mapping[str, Mapping[str, Any]]) -> list[Finder]:
    """The named finders, checked and constructed."""
    return [cast("Finder", _load(FINDERS, name, plugin_settings)) for name in names]


def load_exporters(names: Sequence[str], plugin_settings: Mapping[str, Mapping[str, Any]]) -> list[Exporter]:
    """The named exporters, checked and constructed."""
    return [cast("Exporter", _load(EXPORTERS, name, plugin_settings)) for name in names]


def load_sample_builders(names: Sequence[str], plugin_settings: Mapping[str, Mapping[str, Any]]) -> list[SampleBuilder]:
    """The named builders of samples, checked and constructed."""
    return [cast("SampleBuilder", _load(SAMPLE_BUILDERS, name, plugin_settings)) for name in names]


def load_redactors(names: Sequence[str], plugin_settings: Mapping[str, Mapping[str, Any]]) -> list[Redactor]:
    """The named redactors, checked and constructed."""
    return [cast("Redactor", _load(REDACTORS, name, plugin_settings)) for name in names]


def load_trainer(
    name: str, plugin_settings: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Any] | None = None
) -> Trainer:
    """The named trainer, checked and constructed; where the settings of a job are given, they are checked too."""
    trainer = cast("Trainer", _load(TRAINERS, name, plugin_settings))
    model = getattr(trainer, "job_settings_model", None)
    if settings is not None and model is not None:
        job_settings(name, model, settings)
    return trainer


def load_lineage_exporters(
    names: Sequence[str], plugin_settings: Mapping[str, Mapping[str, Any]]
) -> list[LineageExporter]:
    """The named exporters of lineage, checked and constructed."""
    return [cast("LineageExporter", _load(LINEAGE_EXPORTERS, name, plugin_settings)) for name in names]


def check(group: str, name: str, plugin: type) -> None:
    """Raise `SetupError` where a class is not a plugin of the group."""
    if not isinstance(plugin, type):  # pyright: ignore[reportUnnecessaryIsInstance]  # an entry point may name anything
        raise _refusal(name, "its entry point must name a class")
    for attribute, kind in (("name", str), ("api", int), ("version", str)):
        if not isinstance(getattr(plugin, attribute, None), kind):
            raise _refusal(name, f"its class must state {attribute} as {kind.__name__}")
    api = cast("Any", plugin).api
    if api not in _SPOKEN:
        spoken = " and ".join(str(version) for version in sorted(_SPOKEN))
        raise _refusal(name, f"it speaks version {api} of the plugin interface, and this Backtalk speaks {spoken}")
    for method, parameters in _METHODS[group].items():
        _check_method(name, plugin, method, parameters)


def _check_method(name: str, plugin: type, method: str, parameters: tuple[str, ...]) -> None:
    function = getattr(plugin, method, None)
    wanted = f"{method}({', '.join(('self', *parameters))})"
    if not callable(function):
        raise _refusal(name, f"it lacks the method {wanted}")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise _refusal(name, f"{method} must be a plain function, not an async one")
    found = tuple(inspect.signature(function).parameters)[1:]
    if found != parameters:
        raise _refusal(name, f"its method must be {wanted}, not {method}({', '.join(('self', *found))})")


def _load(group: str, name: str, plugin_settings: Mapping[str, Mapping[str, Any]]) -> object:
    known = installed(group)
    if name not in known:
        names = ", ".join(sorted(known)) or "none"
        raise SetupError(f"no plugin named {name} in {group}; installed are: {names}", code="unknown_plugin")
    try:
        plugin = known[name].load()
    except Exception as error:  # importing a stranger's module may raise anything
        raise _refusal(name, f"importing it failed: {error}") from error
    check(group, name, plugin)
    return _construct(name, plugin, plugin_settings.get(name, {}))


def _construct(name: str, plugin: type, section: Mapping[str, Any]) -> object:
    model = getattr(plugin, "settings_model", None)
    if model is None:
        if section:
            raise _refusal(name, f"it takes no settings, but [plugin.{name}] has some")
        return _call(name, plugin)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise _refusal(name, "its settings_model must be a pydantic model")
    try:
        settings = model.model_validate(dict(section))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = f"[plugin.{name}] {'.'.join(str(step) for step in first['loc'])}".rstrip()
        said = first["msg"].removeprefix("Value error, ")
        raise SetupError(f"{where}: {said}", code="bad_settings") from error
    return _call(name, plugin, settings)


def _call(name: str, plugin: type, *arguments: BaseModel) -> object:
    try:
        return plugin(*arguments)
    except Exception as error:  # a stranger's constructor may raise anything
        raise _refusal(name, f"constructing it failed: {error}") from error


def _refusal(name: str, why: str) -> SetupError:
    return SetupError(f"the plugin {name} cannot run: {why}", code="bad_plugin")
