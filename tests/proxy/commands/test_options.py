"""Options that several commands take."""

from pathlib import Path

import click
from click.testing import CliRunner

from backtalk.commands.options import settings_options


def test_commands_with_settings_take_file_and_directory() -> None:
    """Both are paths, and neither is needed."""

    @click.command()
    @settings_options
    def shown(config: Path | None, data_dir: Path | None) -> None:
        click.echo(f"{config!r} {data_dir!r}")

    assert CliRunner().invoke(shown, []).output == "None None\n"
    given = CliRunner().invoke(shown, ["--config", "a.toml", "--data-dir", "b"]).output
    assert given == f"{Path('a.toml')!r} {Path('b')!r}\n"
