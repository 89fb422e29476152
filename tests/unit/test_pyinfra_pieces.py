"""The undocumented pieces of pyinfra, and what the engine relies on in each.

A new version of pyinfra that moves one of them fails here, with its name, before anything else.
"""

from __future__ import annotations

import ast
import inspect
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api.host import Host
from pyinfra.api.inventory import Inventory
from pyinfra.api.operation import OperationMeta, _wrap_operation
from pyinfra.api.state import State, StateStage

import kubeinstall
from kubeinstall.engine import state as door

pytestmark = pytest.mark.unit

TOP = Path(kubeinstall.__file__).parent

PIECES = {
    "pyinfra.api.arguments.all_global_arguments": "patched: cached, for it resolves the same type "
    "hints for every operation and fact",
    "pyinfra.api.arguments.CONNECTOR_ARGUMENT_KEYS": "which global arguments a command takes",
    "pyinfra.api.command.StringCommand": "commands, with secrets masked and not",
    "pyinfra.api.config.Config": "the defaults of a state",
    "pyinfra.api.exceptions.DeployError": "what a deploy raises of its host",
    "pyinfra.api.exceptions.FactError": "what a fact raises of its host",
    "pyinfra.api.exceptions.FactPreconditionError": "a fact that its host is not ready for",
    "pyinfra.api.exceptions.FactProcessError": "output that a fact cannot read",
    "pyinfra.api.exceptions.OperationError": "what an operation raises of its host",
    "pyinfra.api.facts.FactBase": "command, requires_command, default, process",
    "pyinfra.api.facts.SU_REGEXES": "what su prints for a user that is not there yet",
    "pyinfra.api.facts.ShortFactBase": "facts that are part of another",
    "pyinfra.api.host.Host": "subclassed: its facts come from what was read in bulk",
    "pyinfra.api.host.HostData": "subclassed: nothing is looked for where there is nothing",
    "pyinfra.api.inventory.Inventory": "subclassed: one host, no search for connectors",
    "pyinfra.api.state.State": "one for each host and round",
    "pyinfra.api.state.StateStage": "prepare, then execute",
    "pyinfra.api.util.get_kwargs_str": "how a fact's arguments are printed",
    "pyinfra.connectors.base.BaseConnector": "subclassed: a connection that is open already",
    "pyinfra.connectors.util.CommandOutput": "what an operation sees of its commands' output",
    "pyinfra.connectors.util.OutputLine": "a line of it",
    "pyinfra.connectors.util.make_unix_command": "environment, folder and user of a command",
    "pyinfra.facts.files": "facts that stat(1) and sha1sum(1) answer for many files at once",
    "pyinfra.context": "ctx_state, ctx_host, init_base_classes: what is worked on now, by thread",
}
"""Dotted name to what it is used for."""


@pytest.mark.parametrize("name", PIECES)
def test_it_is_there(name: str) -> None:
    module, _, piece = name.rpartition(".")
    try:
        import_module(name)
    except ModuleNotFoundError:
        assert hasattr(import_module(module), piece)


def test_the_engine_uses_no_other_and_nobody_else_does() -> None:
    """Operations and facts may use what pyinfra documents for those who write some."""
    documented = {
        "pyinfra.api.deploy.deploy",
        "pyinfra.api.exceptions.OperationError",
        "pyinfra.api.exceptions.OperationValueError",
        "pyinfra.api.operation.operation",
        "pyinfra.context.host",
    }
    used: dict[str, set[str]] = {}
    for path in TOP.rglob("*.py"):
        room = path.relative_to(TOP).parts[0]
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pyinfra"):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [a.name for a in node.names if a.name.startswith("pyinfra")]
            used.setdefault(room, set()).update(n.removesuffix(".*") for n in names)
    within = used.pop("engine")
    assert within <= {*PIECES, "pyinfra.api.arguments"}
    # Each is imported by its own name, or is part of a module that is.
    assert {piece for piece in PIECES if piece not in within} == {
        "pyinfra.api.arguments.all_global_arguments"
    }
    public = {
        *documented,
        "pyinfra.api.command.FileUploadCommand",
        "pyinfra.api.command.MaskString",
        "pyinfra.api.command.QuoteString",
        "pyinfra.api.command.StringCommand",
        "pyinfra.api.facts.FactBase",
    }
    others = set().union(*used.values())
    assert others - public - {n for n in others if n.startswith("pyinfra.operations.")} == set()


def test_now_is_by_thread() -> None:
    """``pyinfra.context`` keeps one container for all threads; the engine exchanges it."""
    assert isinstance(door._STATE.context._container, threading.local)
    seen: list[Any] = []
    door._STATE.set("mine")
    other = threading.Thread(target=lambda: seen.append(door._STATE.isset()))
    other.start()
    other.join()
    assert seen == [False]
    door._STATE.set(None)


def test_an_inventory_makes_its_hosts_in_one_method() -> None:
    assert list(inspect.signature(Inventory.make_hosts_and_groups).parameters) == [
        "self",
        "names",
        "groups",
    ]
    parameters = list(inspect.signature(Host.__init__).parameters)
    assert parameters == ["self", "name", "inventory", "groups", "connector_cls"]


def test_what_a_state_keeps_of_operations() -> None:
    inventory: Any = door._OneHost(([("h1", {})], {}))
    state: Any = door._State(inventory, door._Config())
    host = inventory.get_host("h1")
    assert state.ops[host] == {}
    assert state.op_meta == {}
    assert host.op_hash_order == []
    assert list(inspect.signature(State.set_op_data_for_host).parameters) == [
        "self",
        "host",
        "op_hash",
        "op_data",
    ]
    assert {"Prepare", "Execute"} <= {stage.name for stage in StateStage}
    assert {"is_executing", "current_stage"} <= set(vars(state)) | set(dir(State))


def test_an_operations_result() -> None:
    """``_maybe_is_change`` is what was predicted; ``set_complete`` says what came of it."""
    meta = OperationMeta("hash", is_change=True)
    assert meta._maybe_is_change is True
    parameters = list(inspect.signature(OperationMeta.set_complete).parameters)
    assert parameters[:4] == ["self", "success", "commands", "combined_output"]


def test_an_operations_function_is_known_to_what_makes_its_commands() -> None:
    """The id of an operation is its function's module and name."""
    code = _wrap_operation.__code__
    for name in ("decorated_func", "command_generator"):
        inner = [c for c in code.co_consts if inspect.iscode(c)]
        (code,) = [one for one in inner if one.co_name == name]
    assert "func" in code.co_freevars
