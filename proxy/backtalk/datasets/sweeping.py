"""Puts right what killed builds have left: half a build goes, a whole one is registered.

In: the announcements in the data directory. Out: paths that could not be removed. The one rule: behind it no texts lie
where no record leads, so that an erasure which sweeps first reaches all that builds have written.
"""

import hashlib
import shutil
from pathlib import Path

from backtalk.datasets.manifest import FILE, beside, manifest_sha256
from backtalk.errors import RequestError
from backtalk.lineage import builds, keeping, manifests
from backtalk.lineage.builds import Build


def sweep(data_dir: Path) -> tuple[str, ...]:
    """Finish all builds whose process is gone; raises `StoreError` where the lineage takes nothing."""
    remained: list[str] = []

    def finish(build: Build) -> bool:
        if build.manifest_sha256 is not None:
            _register(data_dir, build)
        shutil.rmtree(build.folder, ignore_errors=True)
        if build.folder.exists():
            remained.append(str(build.folder))
        return not build.folder.exists()

    builds.tidy(data_dir, finish)
    return tuple(remained)


def _register(data_dir: Path, build: Build) -> None:
    """Register what was put in place; its files may have been moved or written over since."""
    out = Path(build.out)
    manifest = beside(out) if build.is_file else out / FILE
    if build.is_file and _is_half_placed(build, out):
        (build.folder / FILE).replace(manifest)
    if manifest.is_file() and hashlib.sha256(manifest.read_bytes()).hexdigest() == build.manifest_sha256:
        keeping.register_dataset(data_dir, out, actor=build.actor, name=out.stem)


def _is_half_placed(build: Build, out: Path) -> bool:
    """Whether the file is in its place and its manifest is not yet."""
    if not (build.folder / FILE).is_file() or manifest_sha256(build.folder) != build.manifest_sha256:
        return False
    try:
        (file,) = manifests.Manifest(build.folder / FILE).head.all_files
        with out.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == file.sha256
    except (OSError, ValueError, RequestError):
        return False
