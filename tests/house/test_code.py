"""Rules of the code that no linter has: state, names, waits and imports."""

import ast
import re
from collections.abc import Iterator

import pytest

BANNED_NAMES = frozenset({"utils", "util", "helpers", "helper", "manager", "common", "misc"})
MUTATORS = frozenset(
    {"append", "add", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "setdefault", "update"}
)
MAY_SLEEP = {
    "proxy/backtalk/testing/waiting.py": "the one place that waits for a condition",
    "tests/proxy/relay/test_raw_lane.py": "an upstream that speaks slowly; a flood that has come to rest",
    "tests/proxy/session/test_redis_store.py": "looks every 10 ms, with a deadline, at a Valkey that it stops",
    "tests/proxy/worker/test_run.py": "looks every 2 ms, with a deadline, at a worker that it kills at random moments",
}
PATCHED = {
    "tests/proxy/session/test_embedded.py": "a machine without the server; a shorter wait",
    "tests/proxy/spool/test_commit.py": "time that has passed",
    "tests/proxy/spool/test_intake.py": "time that has passed; another boot of the machine",
    "tests/proxy/spool/test_journal.py": "another boot of the machine",
}
LONG_RUNNING = ("tests/bench/", "tests/chaos/")
"""Load and kills happen over time: these may let it pass."""


def test_no_module_holds_state(product: dict[str, ast.Module]) -> None:
    """What lives as long as the process is made in `app.py`; a module's tables are final and never changed."""
    assert [finding for name, tree in product.items() for finding in _module_state(name, tree)] == []


@pytest.mark.parametrize(
    "text",
    [
        "known = {}",
        "known: dict[str, int] = {}",
        "KNOWN: Final = []\ndef f(): KNOWN.append(1)",
        "KNOWN: Final = {}\ndef f(): KNOWN['a'] = 1",
        "def f():\n    global known",
        "@functools.cache\ndef f(): return 1",
    ],
)
def test_state_in_a_module_is_noticed(text: str) -> None:
    """Each way of keeping state in a module is found."""
    assert list(_module_state("m.py", ast.parse(text))) != []


def test_final_tables_are_no_state() -> None:
    """A table that is final and only read is a constant."""
    text = "KNOWN: Final = {'a': 1}\n__all__ = ['KNOWN']\ndef f(): return KNOWN['a']"
    assert list(_module_state("m.py", ast.parse(text))) == []


def test_names_say_something(texts: dict[str, str]) -> None:
    """No module, package or folder is called by a word that fits anything."""
    words = {(word, name) for name in texts for word in name.removesuffix(".py").replace("/", "_").split("_")}
    assert {name for word, name in words if word in BANNED_NAMES} == set()


def test_tests_wait_for_conditions_not_for_time(trees: dict[str, ast.Module]) -> None:
    """No test sleeps: `backtalk.testing.waiting` returns as soon as a condition holds."""
    sleepers = {name for name, tree in trees.items() if _is_test(name) and any(_sleeps(tree))}
    assert sleepers <= set(MAY_SLEEP)


def test_sleeps_are_noticed() -> None:
    """A sleep is found however it is imported; giving way to other tasks is none."""
    assert len(list(_sleeps(ast.parse("time.sleep(1)\nasyncio.sleep(0.1)\nsleep(1)")))) == 3
    assert list(_sleeps(ast.parse("asyncio.sleep(0)"))) == []


def test_nothing_is_mocked(trees: dict[str, ast.Module]) -> None:
    """Tests use real servers and factories; only a limit, the time or the machine is ever replaced."""
    mocked = {name for name, tree in trees.items() if any("mock" in module for module in _imported(tree))}
    patched = {name for name, tree in trees.items() if _is_test(name) and "monkeypatch" in _arguments(tree)}
    assert mocked == set()
    assert {name for name in patched if _patches_attributes(trees[name])} == set(PATCHED)


def test_the_other_proxy_is_never_imported(trees: dict[str, ast.Module]) -> None:
    """`litellm.proxy` drags in a server of its own: nothing here imports it, under any name."""
    found = {name for name, tree in trees.items() if any(_is_litellm_proxy(module) for module in _imported(tree))}
    assert found == set()


def _module_state(name: str, tree: ast.Module) -> Iterator[str]:
    final: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and _is_mutable(node.value):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            label = ast.unparse(target)
            if label == "__all__":
                continue
            if isinstance(node, ast.AnnAssign) and "Final" in ast.unparse(node.annotation):
                final.add(label)
            else:
                yield f"{name}:{node.lineno} {label} is not Final"
    yield from (f"{name}:{line} changes {label}" for line, label in _changes(tree, final))
    for inner in ast.walk(tree):
        if isinstance(inner, ast.Global):
            yield f"{name}:{inner.lineno} global"
        decorators = inner.decorator_list if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) else []
        yield from (f"{name}:{one.lineno} cache" for one in decorators if _is_unbounded_cache(one))


def _is_unbounded_cache(decorator: ast.expr) -> bool:
    """Whether results are kept without a limit; the results of a pure function may be kept up to one."""
    text = ast.unparse(decorator).removeprefix("functools.")
    return text.partition("(")[0] in {"cache", "lru_cache"} and not re.fullmatch(r"lru_cache\(maxsize=\w+\)", text)


def _changes(tree: ast.Module, final: set[str]) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=label), attr=attr)) if attr in MUTATORS:
                changed = label
            case ast.Subscript(value=ast.Name(id=label), ctx=ast.Store() | ast.Del()):
                changed = label
            case _:
                continue
        if changed in final:
            yield node.lineno, changed


def _is_mutable(node: ast.expr | None) -> bool:
    if isinstance(node, ast.Call):
        return ast.unparse(node.func).rpartition(".")[2] in {"dict", "list", "set", "defaultdict", "deque", "Counter"}
    return isinstance(node, ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp | ast.SetComp)


def _is_test(name: str) -> bool:
    return name.startswith(("tests/", "proxy/backtalk/testing/waiting")) and not name.startswith(LONG_RUNNING)


def _sleeps(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "sleep":
            argument = node.args[0] if node.args else None
            if not (isinstance(argument, ast.Constant) and argument.value == 0):
                yield node


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_litellm_proxy(module: str) -> bool:
    return module == "litellm.proxy" or module.startswith("litellm.proxy.")


def _arguments(tree: ast.Module) -> set[str]:
    return {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


def _patches_attributes(tree: ast.Module) -> bool:
    """Whether `monkeypatch` replaces code, rather than a variable of the environment or the working directory."""
    return any(
        isinstance(node, ast.Attribute) and ast.unparse(node) in {"monkeypatch.setattr", "monkeypatch.setitem"}
        for node in ast.walk(tree)
    )
