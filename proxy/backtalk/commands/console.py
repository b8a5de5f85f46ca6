"""`backtalk console`: the address of the page a person looks at, with the token that opens it.

Settings come in, an address goes out. The token stands behind the `#`, which a browser never sends and no log sees.
"""

from pathlib import Path

import click

from backtalk.commands.options import settings_options
from backtalk.settings import load


@click.command()
@click.option("--open", "open_browser", is_flag=True, help="Open it in the browser.")
@settings_options
def console(open_browser: bool, config: Path | None, data_dir: Path | None) -> None:
    """Print the console's address: traces, coverage and reviews in a browser."""
    from backtalk.admin_client import AdminClient  # noqa: PLC0415 -- loaded when used

    client = AdminClient.from_settings(load(file=config, overrides={"data_dir": data_dir}))
    client.get("/v1/traces", limit=1)
    address = f"{client.url}/#token={client.token}"
    click.echo(address)
    if open_browser:
        click.launch(address)
