"""The command `backtalk-train-detectors`: fits the pair model anew and writes its files.

    backtalk-train-detectors DATA --out FOLDER [--seen FILE]

DATA holds `edit_pairs.jsonl` and `edit_pairs_multilingual.jsonl`; rows of sources without an open licence are left out.
"""

from pathlib import Path

import click
import msgspec

from backtalk.text.embedding import SentenceEncoder
from backtalk.text.pair_model import PairModel
from backtalk.training.fit import fit_pair_model
from backtalk.training.rows import FILES, digest, is_open, read_pairs


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the files.")
@click.option(
    "--seen", type=click.Path(dir_okay=False, path_type=Path), help="File for digests of the rows learned from."
)
def main(data: Path, out: Path, seen: Path | None) -> None:
    """Fit the detectors' models on DATA."""
    pairs = [pair for name in FILES if (data / name).is_file() for pair in read_pairs(data / name) if is_open(pair)]
    if not pairs:
        raise click.ClickException(f"no pairs under an open licence in {data}: expected {' or '.join(FILES)}")
    out.mkdir(parents=True, exist_ok=True)
    write(fit_pair_model(pairs, SentenceEncoder()), out)
    if seen is not None:
        seen.write_bytes(b"".join(sorted({digest(pair.a, pair.b) for pair in pairs})))
    click.echo(f"{len(pairs)} pairs learned from; files in {out}")


def write(model: PairModel, folder: Path) -> None:
    """The model's files, as `read_pair_model` reads them."""
    for name, part in (("words", model.words), ("meaning", model.meaning), ("cosine", model.cosine)):
        (folder / f"pair_{name}.json").write_bytes(msgspec.json.encode(part) + b"\n")
