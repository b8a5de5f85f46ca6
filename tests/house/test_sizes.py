"""Sizes: small modules, small functions. What is larger is listed with its size, and may only shrink."""

import ast
import statistics

import pytest

SOFT_LINES = 250
HARD_LINES = 400
TEST_LINES = 500
FUNCTION_LINES = 40
MEDIAN_FUNCTION_LINES = 10

LARGE_MODULES: dict[str, int] = {}
LARGE_TESTS: dict[str, int] = {}
LARGE_FUNCTIONS: dict[str, int] = {}


def test_modules_are_small_and_large_ones_shrink(texts: dict[str, str]) -> None:
    """A shipped module has at most 250 lines; one that has more is listed with its size."""
    sizes = {name: len(text.splitlines()) for name, text in texts.items() if name.endswith(".py")}
    shipped = {name: size for name, size in sizes.items() if not name.startswith("tests/")}
    large = {name: size for name, size in shipped.items() if size > SOFT_LINES}
    assert {name: size for name, size in large.items() if size > LARGE_MODULES.get(name, 0)} == {}
    assert max(shipped.values()) <= HARD_LINES


def test_test_modules_stay_readable(texts: dict[str, str]) -> None:
    """A test module has at most 500 lines."""
    tests = {name: text for name, text in texts.items() if name.startswith("tests/") and name.endswith(".py")}
    large = {name: size for name, text in tests.items() if (size := len(text.splitlines())) > TEST_LINES}
    assert {name: size for name, size in large.items() if size > LARGE_TESTS.get(name, 0)} == {}


def test_functions_are_small_and_large_ones_shrink(product: dict[str, ast.Module]) -> None:
    """A function has at most 40 lines; one that has more is listed with its size."""
    large = {name: size for name, size in _function_lines(product).items() if size > FUNCTION_LINES}
    assert {name: size for name, size in large.items() if size > LARGE_FUNCTIONS.get(name, 0)} == {}


def test_the_usual_function_is_short(product: dict[str, ast.Module]) -> None:
    """Half of all functions have at most 10 lines."""
    assert statistics.median(_function_lines(product).values()) <= MEDIAN_FUNCTION_LINES


@pytest.mark.parametrize(
    ("text", "lines"), [("def f():\n    return 1\n", 2), ('def f():\n    """A.\n\n    B.\n    """\n', 1)]
)
def test_docstrings_are_no_code(text: str, lines: int) -> None:
    """A function's size is that of its code: explaining it costs nothing."""
    assert list(_function_lines({"m.py": ast.parse(text)}).values()) == [lines]


def _function_lines(trees: dict[str, ast.Module]) -> dict[str, int]:
    return {
        f"{name}:{node.name}": _lines(node)
        for name, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    said = node.body[0] if ast.get_docstring(node, clean=False) is not None else None
    explained = (said.end_lineno or said.lineno) - said.lineno + 1 if said else 0
    return (node.end_lineno or node.lineno) - node.lineno + 1 - explained
