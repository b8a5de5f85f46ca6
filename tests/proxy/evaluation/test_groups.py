"""Which cases belong together."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from backtalk.evaluation.cases import read_cases
from backtalk.evaluation.groups import grouped, joined
from backtalk.testing.exams import CAPITALS, build_exam


def test_cases_of_one_user_are_one_group(tmp_path: Path) -> None:
    """By the ledger; without one each trace stands for itself."""
    questions = list(CAPITALS)
    cases = read_cases(build_exam(tmp_path, users={questions[0]: "ann", questions[2]: "ann"})).cases
    places = [case.prompt[-1].text for case in cases]
    groups = dict(zip(places, grouped(cases, tmp_path / "ledger"), strict=True))
    assert groups[questions[0]] == groups[questions[2]]
    assert len(set(groups.values())) == 3
    assert grouped(cases, None) == grouped(cases, tmp_path / "nowhere") == [0, 1, 2, 3]


@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=3), max_size=12))
def test_sharing_is_passed_on(marks: list[list[str]]) -> None:
    """Two places are one group exactly where a chain of shared marks joins them; numbers come in order."""
    found = joined(marks)
    for place, ones in enumerate(marks):
        for other in range(place):
            if set(ones) & set(marks[other]):
                assert found[place] == found[other]
    for number in set(found):
        members = [set(marks[place]) for place in range(len(marks)) if found[place] == number]
        reached, left = members[0], members[1:]
        while (near := [one for one in left if one & reached]) and left:
            reached = reached.union(*near)
            left = [one for one in left if one not in near]
        assert left == []
    assert [number for place, number in enumerate(found) if number not in found[:place]] == list(range(len(set(found))))
