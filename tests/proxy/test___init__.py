"""The package: what `import backtalk` gives, and what it costs."""

import subprocess
import sys

ASKED = "import sys, backtalk; print(backtalk.open.__name__, [n for n in sys.modules if n in ('deltalake', 'arro3')])"


def test_importing_the_package_loads_no_ledger() -> None:
    """`backtalk.open` is there, and brings its libraries when it is called: a proxy needs none of them."""
    found = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, check=True)
    assert found.stdout == "open []\n"
