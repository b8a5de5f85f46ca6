"""How well signals are noticed: `signals.py DATA [--compare FILE]`, DATA a folder of labelled files, any absent.

`traffic.jsonl` goes through a real worker and Redis in the order of its times; texts are judged as the detectors judge
them. Rows that the shipped model has learned from are scored by models fitted without their fold, but for traffic: the
worker has the shipped model, and most edits in the development traffic were made of pairs that it has learned from, so
that `edit_reformulation` says less there than on traffic of other texts. Turns that were made up for this bench
(`turns_made_up.jsonl`) are scored apart: the rules were written while looking at some (`tuned`) and not at others
(`blind`), by one hand. Out: a table with 95% intervals, beside an earlier output what changed, and a line of JSON
per figure.
"""

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Final

from backtalk.errors import SetupError
from backtalk.session.embedded import EmbeddedServer
from backtalk.settings import load
from backtalk.testing.signals.compare import change, gone, read_last
from backtalk.testing.signals.cost import costs
from backtalk.testing.signals.measures import Figure, auc, figure, rates, recall_at_precision
from backtalk.testing.signals.pairs import Models, Seen, fifth, models, read_seen, scores
from backtalk.testing.signals.turns import CLASSES, FEEDBACK, PRECISE, Judged, decided, is_negative, judge
from backtalk.testing.traffic.drive import in_order
from backtalk.testing.traffic.records import read
from backtalk.testing.traffic.score import score
from backtalk.testing.traffic.worker import through_worker
from backtalk.text.embedding import SentenceEncoder
from backtalk.text.pair_model import Embed
from backtalk.text.platt import expected_error, fit, log_odds
from backtalk.training.rows import FILES, Pair, read_pairs

_KINDS: Final = (
    ("correction", "correction_complaint", attrgetter("correction")),
    ("reformulation", "reformulation", attrgetter("reformulation")),
    ("acceptance", "acceptance", attrgetter("acceptance")),
)
SEEN: Final = Path(__file__).parent / "pairs_seen.bin"
MADE_UP: Final = Path(__file__).parent / "turns_made_up.jsonl"


def main() -> int:
    """Print the table and the lines."""
    parser = argparse.ArgumentParser(description="Scores the signals on labelled files.")
    parser.add_argument("data", nargs="?", type=Path, default=Path("../shared/signals/dev"))
    parser.add_argument("--compare", type=Path, metavar="FILE", help="output of an earlier run")
    options = parser.parse_args()
    last = read_last(options.compare) if options.compare else {}
    embed = _embedding()
    figures = [*_texts(options.data, embed), *_traffic(options.data / "traffic.jsonl")]
    if not figures:
        say(f"no labelled files in {options.data}: skipped")
        return 0
    _print([*figures, *_made_up(embed), *costs()], last)
    return 0


def _print(figures: list[Figure], last: Mapping[str, float]) -> None:
    out = sys.stdout.write
    for found in figures:
        interval = f"[{found.low:.3f}, {found.high:.3f}]" if found.low < found.high else ""
        out(f"{found.metric:56}{found.value:9.3f}  {interval:18}{found.rows:7d}  {change(found, last)}".rstrip() + "\n")
    for metric in gone(figures, last):
        out(f"{metric:56}     gone\n")
    out("\n")
    for found in figures:
        out(json.dumps({"metric": found.metric, "value": round(found.value, 4)}) + "\n")


def say(text: str) -> None:
    """A remark for people, apart from the figures."""
    sys.stderr.write(text + "\n")


def _embedding() -> Embed | None:
    """The encoder, loaded: that is no part of what a turn costs."""
    try:
        encoder = SentenceEncoder()
    except SetupError as error:
        say(f"without the embedding step: {error}")
        return None
    encoder("load")
    return encoder


def _texts(data: Path, embed: Embed | None) -> Iterator[Figure]:
    pairs = {name: read_pairs(data / name) for name in FILES if (data / name).is_file()}
    chosen = models([pair for part in pairs.values() for pair in part], read_seen(SEEN), embed, say)
    if edits := pairs.get(FILES[0]):
        yield from _edits(edits, chosen, embed)
    if translated := pairs.get(FILES[1]):
        yield from _translated(translated, chosen, embed)
    if followups := sorted(data.glob("followup*.jsonl")):
        yield from _turns(followups, chosen, embed)
    if (data / "satisfaction.jsonl").is_file():
        rated, _ = judge([data / "satisfaction.jsonl"], chosen, embed)
        yield figure("satisfaction.auc", [(row.dissatisfied, row.label == "dissatisfied") for row in rated], auc)


def _turns(paths: list[Path], chosen: Models, embed: Embed | None) -> Iterator[Figure]:
    judged, cpu_s = judge(paths, chosen, embed)
    if not judged:
        say("no follow-up turn that some model has not seen: without edit_pairs.jsonl, none can be fitted")
        return
    yield from _followups("followup", judged)
    for path in paths[: len(paths) if len(paths) > 1 else 0]:
        yield from _followups(f"by_file.{path.stem}", [row for row in judged if row.file == path.stem], parts=False)
    for source in sorted({_family(row) for row in judged}):
        yield from _followups(f"by_source.{source}", [r for r in judged if _family(r) == source], parts=False)
    yield _plain("cost.cpu_ms_per_turn", 1e3 * cpu_s / len(judged), len(judged))
    yield _plain("cost.turns_per_s_per_core", len(judged) / cpu_s, len(judged))


def _made_up(embed: Embed | None) -> Iterator[Figure]:
    judged, _ = judge([MADE_UP], Models({}, {}, Seen()), embed)
    for source in sorted({row.source for row in judged}):
        yield from _followups(source, [row for row in judged if row.source == source], parts=False)


def _family(row: Judged) -> str:
    """The data set that a row is from."""
    return row.source.partition("_")[0] or row.file


def _edits(pairs: list[Pair], chosen: Models, embed: Embed | None) -> Iterator[Figure]:
    scored = scores(pairs, chosen, embed)
    yield figure("edit_pairs.auc", scored, auc)
    yield figure("edit_pairs.recall_at_p90", scored, partial(recall_at_precision, precision=0.9))
    yield figure("edit_pairs.f1", [(p >= 0.5, true) for p, true in scored], lambda rows: rates(rows).f1)
    people = [row for row, pair in zip(scored, pairs, strict=True) if pair.source != "afqmc_zh"]
    if len(people) < len(scored):
        yield figure("edit_pairs.without_duplicate_questions.auc", people, auc)
        at_90 = partial(recall_at_precision, precision=0.9)
        yield figure("edit_pairs.without_duplicate_questions.recall_at_p90", people, at_90)
        f1 = figure(
            "edit_pairs.without_duplicate_questions.f1", [(p >= 0.5, t) for p, t in people], lambda r: rates(r).f1
        )
        yield f1
    calibrated = [(pair.a, p, true) for pair, (p, true) in zip(pairs, scored, strict=True)]
    yield _plain("calibration.edit_pairs.ece", _error(calibrated), len(pairs))


def _translated(pairs: list[Pair], chosen: Models, embed: Embed | None) -> Iterator[Figure]:
    scored = scores(pairs, chosen, embed)
    rows = [(pair.languages, p, true) for pair, (p, true) in zip(pairs, scored, strict=True)]
    same = [row for row in rows if "-" not in row[0]]
    if same:
        yield figure("multilingual.auc", same, _mean_auc)
    if len(same) < len(rows):
        yield figure("crosslingual.auc", [(p, true) for name, p, true in rows if "-" in name], auc)


def _mean_auc(rows: Sequence[tuple[str, float, bool]]) -> float:
    """The mean over languages of the area within each."""
    by_language: dict[str, list[tuple[float, bool]]] = {}
    for language, probability, true in rows:
        by_language.setdefault(language, []).append((probability, true))
    areas = [auc(part) for part in by_language.values()]
    return sum(areas) / len(areas)


def _followups(name: str, judged: list[Judged], *, parts: bool = True) -> Iterator[Figure]:
    once = [row for row in judged if row.label != "verbatim_repeat"]
    negative = [(is_negative(row), row.label in CLASSES[:2]) for row in once]
    feedback = [(is_negative(row) or decided(row.turn) == "acceptance", row.label in FEEDBACK) for row in once]
    precise = [(is_negative(row, PRECISE), row.label in CLASSES[:2]) for row in once]
    for what, rows in (("negative", negative), ("any_feedback", feedback), ("negative_precise", precise)):
        yield figure(f"{name}.{what}.precision", rows, lambda part: rates(part).precision)
        yield figure(f"{name}.{what}.recall", rows, lambda part: rates(part).recall)
        yield figure(f"{name}.{what}.f1", rows, lambda part: rates(part).f1)
    if not parts:
        return
    for kind in CLASSES:
        rows = [(decided(row.turn) == kind, row.label == kind) for row in judged]
        yield figure(f"{name}.{kind}.f1", rows, lambda part: rates(part).f1)
    for kind, label, probability in _KINDS:
        claims = [(row.text, probability(row.turn), row.label == label) for row in once]
        yield _plain(f"calibration.{name}.{kind}.ece", _error(claims), len(claims))


def _error(rows: list[tuple[str, float, bool]]) -> float:
    """The expected calibration error after Platt scaling, fitted without the fifth that a row is in."""
    probabilities: list[float] = []
    outcomes: list[bool] = []
    for part in range(5):
        kept = [(log_odds(p), true) for text, p, true in rows if fifth(text) != part]
        if not 0 < sum(true for _, true in kept) < len(kept):
            continue
        curve = fit([p for p, _ in kept], [true for _, true in kept])
        held = [(curve(p), true) for text, p, true in rows if fifth(text) == part]
        probabilities += [p for p, _ in held]
        outcomes += [true for _, true in held]
    return expected_error(probabilities, outcomes)


def _traffic(path: Path) -> Iterator[Figure]:
    if not path.is_file():
        return
    records, truths = read(path)
    with _redis() as url, tempfile.TemporaryDirectory(prefix="backtalk-signals-") as directory:
        facts, cpu_s = through_worker(in_order(records), Path(directory) / "data", url)
    found = score(records, truths, facts)
    yield _plain("stitching.b3_f1", found.sessions.f1, len(records))
    yield _plain("stitching.b3_precision", found.sessions.precision, len(records))
    yield _plain("stitching.b3_recall", found.sessions.recall, len(records))
    yield _plain("stitching.parent_accuracy", found.parent_accuracy, len(records))
    for event, measured in found.events.items():
        yield _plain(f"{event}.precision", measured.precision, measured.cases)
        yield _plain(f"{event}.recall", measured.recall, measured.cases)
        yield _plain(f"{event}.f1", measured.f1, measured.cases)
    yield _plain("cost.worker_cpu_ms_per_call", 1e3 * cpu_s / len(records), len(records))


def _plain(metric: str, value: float, rows: int) -> Figure:
    return Figure(metric, value, value, value, rows)


@contextlib.contextmanager
def _redis() -> Generator[str]:
    """The server that REDIS_URL names, or one of our own."""
    if named := load().redis_url:
        yield named.get_secret_value()
        return
    with tempfile.TemporaryDirectory(prefix="backtalk-redis-") as directory:
        server = EmbeddedServer(Path(directory))
        process = server.start()
        try:
            while not server.answers():
                process.poll()
            yield server.url
        finally:
            server.stop(process)


if __name__ == "__main__":
    sys.exit(main())
