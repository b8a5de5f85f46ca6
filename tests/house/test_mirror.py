"""Tests stand where one looks for them: every module has its test file, and every test file its module."""

import ast

BY_THEIR_USERS = {
    "proxy/backtalk/testing/": "the kit is what the other tests are made of",
    "proxy/backtalk/demo/": "the mark `demo` runs the whole of it",
}


def test_every_module_has_its_test_file(texts: dict[str, str], trees: dict[str, ast.Module]) -> None:
    """`proxy/backtalk/<room>/<module>.py` is tested by `tests/proxy/<room>/test_<module>.py`."""
    modules = [name for name in trees if name.startswith("proxy/backtalk/") and _has_code(trees[name])]
    untested = {name for name in modules if _test_of(name) not in texts and not name.startswith(tuple(BY_THEIR_USERS))}
    assert untested == set()


def test_every_plugin_has_its_test_file(texts: dict[str, str]) -> None:
    """`plugins/backtalk_<what>` is tested by `tests/plugins/test_<what>.py`, or in the suite that all share."""
    plugins = {name.split("/")[1].removeprefix("backtalk_") for name in texts if name.startswith("plugins/backtalk_")}
    shared = texts.get("tests/plugins/test_detectors.py", "")
    untested = {what for what in plugins if f"tests/plugins/test_{what}.py" not in texts}
    assert {what for what in untested if f"backtalk_{what}" not in shared} == set()


def test_every_test_file_has_its_module(texts: dict[str, str]) -> None:
    """A test file outlives its module by nothing; a module may have more of them, `test_<module>_<aspect>.py`."""
    mirrored = {_test_of(name) for name in texts if name.startswith("proxy/backtalk/")}
    mirrored |= {
        f"tests/plugins/test_{name.split('/')[1].removeprefix('backtalk_')}.py" for name in texts if "/" in name
    }
    mirrored |= {"tests/plugins/test_detectors.py"}
    tests = {name for name in texts if name.startswith(("tests/proxy/", "tests/plugins/")) and "/test_" in name}
    assert {test for test in tests if not _shorter_names(test) & mirrored} == set()


def _shorter_names(test: str) -> set[str]:
    """The test file's name, and what is left of it without its last words."""
    words = test.removesuffix(".py").split("_")
    return {"_".join(words[:count]) + ".py" for count in range(1, len(words) + 1)}


def _test_of(module: str) -> str:
    room, _, name = module.removeprefix("proxy/backtalk/").rpartition("/")
    return f"tests/proxy/{room}/test_{name}" if room else f"tests/proxy/test_{name}"


def _has_code(tree: ast.Module) -> bool:
    """Whether a module is more than a docstring, re-exports and constants."""
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for node in ast.walk(tree))
