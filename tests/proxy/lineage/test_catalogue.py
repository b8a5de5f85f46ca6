"""What holds now, from all records together."""

from collections.abc import Sequence

import pytest

from backtalk.errors import RequestError
from backtalk.lineage.catalogue import Catalogue
from backtalk.lineage.records import ORIGIN, Body, DatasetBuilt, DatasetRetired, RefSet, RunRegistered, read, sealed


def built(name: str, dataset_id: str) -> DatasetBuilt:
    """A dataset."""
    return DatasetBuilt(dataset_id, name, "dpo", "there", "0" * 64, 1, "0.1.0")


def catalogue(*bodies: Body) -> Catalogue:
    """The view of records with these bodies."""
    return Catalogue(
        read(sealed(body, number=number, at_ns=number, actor="ada", prev_hash=ORIGIN))
        for number, body in enumerate(bodies, 1)
    )


def ids(found: Catalogue) -> Sequence[str]:
    """The datasets' ids."""
    return [entry.built.dataset_id for entry in found.datasets]


def test_a_name_means_the_latest_dataset_and_an_id_one_for_ever() -> None:
    """Both were built as `pairs`."""
    found = catalogue(built("pairs", "aaaa1111"), built("pairs", "bbbb2222"), DatasetRetired("aaaa1111", "old"))
    assert ids(found) == ["aaaa1111", "bbbb2222"]
    assert found.dataset("pairs").built.dataset_id == "bbbb2222"
    assert found.dataset("aaaa1111").retired == "old"
    assert found.dataset("aaaa").built.dataset_id == "aaaa1111"
    assert found.dataset("bbbb").document["retired"] is None


def test_a_dataset_that_was_built_again_is_one_and_holds_its_place() -> None:
    """By its id there is one, and the place is of the record that named it last."""
    found = catalogue(built("pairs", "aaaa1111"), built("pairs", "bbbb2222"), built("pairs", "aaaa1111"))
    assert ids(found) == ["bbbb2222", "aaaa1111"]
    assert found.dataset("aaaa").record.number == 3
    assert found.places["there"][0].number == 3


def test_what_nothing_or_several_are_called_is_refused() -> None:
    """The message says what there is."""
    found = catalogue(built("pairs", "aaaa1111"), built("others", "aaaa2222"))
    with pytest.raises(RequestError, match=r"several datasets are called 'aaaa'; there are: pairs, others"):
        found.dataset("aaaa")
    with pytest.raises(RequestError, match=r"no dataset is called 'a'"):
        found.dataset("a")
    with pytest.raises(RequestError, match=r"no run is called 'x'; there are: none yet"):
        found.run("x")


def test_runs_and_refs_are_found_by_name() -> None:
    """A ref means what it was set to last, and its history stays."""
    run = RunRegistered("0123456789abcdef", "tune", "training", ("aaaa1111",))
    first, second = RefSet("production", {"run": "a"}, "begin"), RefSet("production", {"run": "b"}, "better", 2)
    found = catalogue(run, first, second)
    assert found.run("tune")[1] == found.run("0123")[1] == run
    assert found.refs["production"][1] == second
    assert [body for _, body in found.history("production")] == [first, second]
    with pytest.raises(RequestError, match="there are: production"):
        found.history("staging")


def test_a_meaning_names_what_was_erased_of_it() -> None:
    """Itself or through a run; what was retired without an erasure is none."""
    run = RunRegistered("0123456789abcdef", "tune", "training", ("aaaa1111", "cccc3333"))
    gone = DatasetRetired("aaaa1111", "erased", "order-1", "bbbb2222")
    known = catalogue(
        *(built(n, n) for n in ("aaaa1111", "bbbb2222", "cccc3333")), run, gone, DatasetRetired("cccc3333", "old")
    )
    told = {"aaaa1111": {"erased_by": "order-1", "replaced_by": "bbbb2222"}}
    assert known.erased_in({"dataset": "aaaa1111"}) == known.erased_in({"run": run.run_id}) == told
    assert known.erased_in({"dataset": "bbbb2222", "other": "cccc3333"}) == {}
    assert known.dataset("aaaa1111").document["replaced_by"] == "bbbb2222"
