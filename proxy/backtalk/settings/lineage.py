"""Where the record of what was built goes beside the data directory: the section `[lineage]`.

In: values from a file or a variable. Out: a frozen section. The one rule: by default nothing leaves.
"""

from pydantic import Field

from backtalk.settings.section import Section


class LineageSettings(Section):
    """Exporters of lineage; each reads its own section `[plugin.<name>]`."""

    exporters: tuple[str, ...] = Field(
        default=(), description="Exporters of lineage: told at the end of each build, run and ref, or by hand."
    )
    export_deadline_s: float = Field(
        default=10.0, gt=0, le=600, description="Longest time that a build, a run or a ref waits for them at its end."
    )
