"""From a model's name to its route: pure look-ups in the settings.

In: `[routes]` and `[targets]`. Out: the route of a name. The one rule: an exact name goes before patterns; among
patterns the first in the file goes before the others.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from backtalk.settings.routes import RouteSettings, TargetSettings

_GENERATING: Final = (
    "/chat/completions",
    "/completions",
    "/responses",
    "/embeddings",
    "/moderations",
    "/messages",
    "/images/generations",
    "/images/edits",
    "/images/variations",
    "/audio/speech",
    "/audio/transcriptions",
    "/audio/translations",
    "/rerank",
)


class Route(NamedTuple):
    """One route: its name, and how it was set."""

    name: str
    settings: RouteSettings

    @property
    def targets(self) -> tuple[str, ...]:
        """Every target that may answer, those that share the calls first."""
        return self.settings.targets + self.settings.fallbacks


class Routes:
    """All routes, ready to be looked up."""

    def __init__(self, routes: Mapping[str, RouteSettings]) -> None:
        self._exact: dict[str, Route] = {}
        self._patterns: list[tuple[re.Pattern[str], Route]] = []
        for name, settings in routes.items():
            for model in settings.models or (name,):
                if "*" in model:
                    self._patterns.append((_pattern(model), Route(name, settings)))
                else:
                    self._exact[model] = Route(name, settings)

    @property
    def models(self) -> Mapping[str, Route]:
        """The models that are named in full."""
        return self._exact

    def of(self, model: str) -> Route | None:
        """The route of a model; None where it has none."""
        found = self._exact.get(model)
        if found is not None:
            return found
        return next((route for pattern, route in self._patterns if pattern.fullmatch(model)), None)


def upstream_model(target: TargetSettings, asked: str) -> str:
    """What a target calls the model."""
    return asked if target.model is None else target.model.replace("*", asked)


def repeats_safely(path: str) -> bool:
    """Whether a call may be sent again though the first target may have worked on it.

    That is so where a call generates an answer and leaves nothing else behind; a job that is created twice is two jobs.
    """
    return path.rstrip("/").endswith(_GENERATING)


def _pattern(model: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, model.split("*"))), re.DOTALL)
