"""The steps that make the data: the evaluation, the training dataset without it, and the check of both.

In: the recipes that the pipeline names. Out: immutable folders, registered in lineage. The one rule: what is asked in
the evaluation is taught nowhere: users apart, texts apart, calls apart.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

from backtalk.datasets.making import make
from backtalk.datasets.manifest import FILE
from backtalk.datasets.progress import READING
from backtalk.datasets.recipe import Recipe, built_in, load_recipe
from backtalk.errors import RequestError, SetupError
from backtalk.lineage.keeping import register_dataset
from backtalk.lineage.records import DatasetBuilt
from backtalk.pipeline.counting import contents
from backtalk.pipeline.definition import Pipeline
from backtalk.pipeline.sections import FromRecipe
from backtalk.pipeline.validation import validate
from backtalk.pipeline.work import Say, StopError, Work

DATASETS: Final = "datasets"
"""The folder of a run in which its datasets lie."""
_EVERYBODY: Final = (0.0, 1.0)
_SAID_CALLS: Final = 10_000


def evaluation(work: Work) -> dict[str, Any]:
    """Find or build the dataset that models are measured on; note what the name to change means now."""
    asked = work.pipeline.evaluation
    known = work.catalogue
    before = known.refs.get(work.pipeline.context)
    base = None if before is None else before[0].number
    if isinstance(asked, FromRecipe):
        recipe = _part_of(recipe_of(work.pipeline, asked.recipe), 0.0, asked.share)
        return {**_built(work, recipe, f"{work.pipeline.name}-evaluation"), "base": base}
    entry = known.dataset(asked)
    if entry.retired is not None:
        message = f"the evaluation {asked} is retired ({entry.retired}): name another"
        raise RequestError(message, code="evaluation_retired")
    manifest = Path(entry.built.manifest)
    path = manifest.parent if manifest.name == FILE else manifest.with_name(manifest.name.removesuffix(f".{FILE}"))
    work.say(f"evaluation {entry.built.name} ({entry.built.dataset_id}): {entry.built.rows} rows")
    return {"dataset_id": entry.built.dataset_id, "path": str(path), "rows": entry.built.rows, "base": base}


def dataset(work: Work) -> dict[str, Any]:
    """Build what is to be trained on, without what the evaluation asks."""
    asked, found = work.pipeline.evaluation, work.outputs["evaluation"]
    recipe = recipe_of(work.pipeline, work.pipeline.recipe)
    if isinstance(asked, FromRecipe):
        recipe = _part_of(recipe, asked.share, 1.0)
    against = (*recipe.gates.decontaminate, str(found["path"]))
    gates = recipe.gates.model_copy(update={"decontaminate": against})
    noted = _noted(recipe, f"without what is asked in the dataset {found['dataset_id']}")
    return _built(work, noted._replace(gates=gates), work.pipeline.name)


def check(work: Work) -> dict[str, Any]:
    """Whether the dataset is what the pipeline asks for; ends the run where it is not."""
    paths = [Path(work.outputs[step]["path"]) for step in ("dataset", "evaluation")]
    checks = validate(work.pipeline.validate, contents(work.data_dir / "ledger", *paths))
    for one in checks:
        work.say(f"{'ok  ' if one.holds else 'FAIL'} {one.name}: {one.sentence}")
    outputs = {"checks": [one._asdict() for one in checks]}
    if wrong := [f"{one.name}: {one.sentence}" for one in checks if not one.holds]:
        raise StopError("not_valid", "; ".join(wrong), outputs)
    return outputs


def recipe_of(pipeline: Pipeline, name: str) -> Recipe:
    """A recipe that comes along, or the file of one, from the pipeline's folder."""
    return load_recipe(name if name in built_in() else str(pipeline.folder / name))


def _part_of(recipe: Recipe, begin: float, end: float) -> Recipe:
    if recipe.select.part != _EVERYBODY:
        message = f"the recipe {recipe.name} selects a part of the users, and so does the pipeline: let one of them"
        raise SetupError(message, code="bad_pipeline")
    select = recipe.select.model_copy(update={"part": (begin, end)})
    return _noted(recipe, f"of the users from {begin:g} to before {end:g}")._replace(select=select)


def _noted(recipe: Recipe, what: str) -> Recipe:
    """The recipe with a line that says what the pipeline changed of it, so that its hash is not another's."""
    return recipe._replace(text=f"{recipe.text.rstrip()}\n# A pipeline built this {what}.\n")


def _built(work: Work, recipe: Recipe, name: str) -> dict[str, Any]:
    """Build a folder and register it; one that an earlier attempt put in place is whole, and is taken."""
    out = work.run / DATASETS / name
    if out.exists():
        record = register_dataset(work.data_dir, out, actor=work.actor, name=name)
    else:
        record = make(work.data_dir, recipe, out, actor=work.actor, progress=_told(work.say)).record
    body = cast("DatasetBuilt", record.body)
    work.say(f"{name} ({body.dataset_id}): {body.rows} {body.format} rows, record {record.number}")
    return {"dataset_id": body.dataset_id, "path": str(out), "rows": body.rows, "record": record.number}


def _told(say: Say) -> Callable[[str, int, int], None]:
    """Progress of a build as lines: one for so many calls."""
    told: list[int] = []

    def progress(what: str, done: int, total: int) -> None:
        if what != READING:
            return
        if not told or done >= told[-1] + _SAID_CALLS or (done == total and told[-1] != done):
            told[:] = [done]
            say(f"{done} of {total} calls looked at")

    return progress


STEPS: Final[Mapping[str, Callable[[Work], dict[str, Any]]]] = {
    "evaluation": evaluation,
    "dataset": dataset,
    "validate": check,
}
"""By name, in their order."""
