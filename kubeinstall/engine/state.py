"""The door to pyinfra's state: one for each host and round, in the host's own thread.

pyinfra's own executor prepares hosts one after another and merges operations of different hosts.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import cache
from inspect import getclosurevars
from typing import Any

import pyinfra.api.arguments
import pyinfra.context
from pyinfra.api.config import Config
from pyinfra.api.host import Host, HostData
from pyinfra.api.inventory import Inventory
from pyinfra.api.state import State, StateStage

from kubeinstall.engine.bulk import Facts
from kubeinstall.engine.connector import LiveConnector
from kubeinstall.engine.requests import Request

# pyinfra is only partly typed.
_STATE: Any = pyinfra.context.ctx_state
_HOST: Any = pyinfra.context.ctx_host
_Host: Any = Host
_Inventory: Any = Inventory
_Config: Any = Config
_State: Any = State

# pyinfra keeps the state of "now" in one global; every thread needs its own.
_STATE.context._container = threading.local()
pyinfra.context.init_base_classes()
# It resolves the same type hints for every operation and fact: half of a prepare's time.
pyinfra.api.arguments.all_global_arguments = cache(pyinfra.api.arguments.all_global_arguments)
# What it would print is told by our events.
logging.getLogger("pyinfra").setLevel(logging.CRITICAL + 1)


class _LiveHost(_Host):  # type: ignore[misc]
    """A host whose facts come from what has been read in bulk."""

    facts: Facts

    def get_fact(self, name_or_cls: Any, *args: Any, **kwargs: Any) -> Any:
        return self.facts.get(self.state, self, name_or_cls, args, kwargs)


class _Data(HostData):
    """A host's data: our hosts have none, but for what a deploy or an operation brings along.

    pyinfra looks in six places for each of 30 arguments of each operation.
    """

    def __getattr__(self, key: str) -> Any:
        if self.override_datas or self.host.get_deploy_data():
            return super().__getattr__(key)
        raise AttributeError(f"there is no data {key}")


class _OneHost(_Inventory):  # type: ignore[misc]
    """An inventory of one host, without a search for connectors."""

    def make_hosts_and_groups(self, names: Any, groups: Any) -> None:  # noqa: ARG002
        [(name, data)] = names
        self.host_data[name] = data
        self.hosts = {name: _LiveHost(name, self, [], connector_cls=_no_connector)}


def _no_connector(state: Any, host: Any) -> None:
    """The live one is set when the state is made."""


class HostState:
    """One host's operations in one round, in order, and the facts each of them asked for.

    Args:
        connector: makes the connector of a state and a host.
    """

    def __init__(
        self,
        name: str,
        facts: Facts,
        connector: Callable[[Any, Any], LiveConnector],
    ) -> None:
        inventory = _OneHost(([(name, {})], {}))
        self.state: Any = _State(inventory, _Config())
        self.host: Any = inventory.get_host(name)
        self.host.facts = facts
        self.host.data = _Data(self.host, *self.host.data.datas)
        self.connector = connector(self.state, self.host)
        self.host.connector = self.connector
        self.host.connected = True
        self.state.activate_host(self.host)
        self.state.current_stage = StateStage.Prepare
        self._facts = facts
        self._asked: dict[str, list[Request]] = {}
        self._current: dict[Request, None] = {}
        self.asked_by: dict[Any, list[Request]] = {}
        facts.asked.clear()
        facts.doubtful = False
        self._add = self.state.set_op_data_for_host
        self.state.set_op_data_for_host = self._added

    def __enter__(self) -> HostState:
        """Make it pyinfra's "now" in this thread (its own way does not survive an exception)."""
        _STATE.set(self.state)
        _HOST.set(self.host)
        return self

    def __exit__(self, *_: object) -> None:
        _STATE.set(None)
        _HOST.set(None)

    def start(self) -> None:
        """From preparing to executing."""
        self.state.is_executing = True
        self.state.current_stage = StateStage.Execute

    @property
    def operations(self) -> list[Operation]:
        """In the order they are executed."""
        return [
            Operation(self._name(key), key, self.state.ops[self.host][key], self._asked[key])
            for key in self.host.op_hash_order
        ]

    def _name(self, key: str) -> str:
        """Its name without the deploys around it; pyinfra adds arguments to a name it made."""
        meta = self.state.op_meta[key]
        given = meta.global_arguments.get("name")
        if given:
            return str(given)
        name = str(next(iter(meta.names))).rpartition(" | ")[2]
        return f"{name} ({', '.join(meta.args)})" if meta.args else name

    def deploy_ends(self, deploy: Any) -> None:
        """What was asked for since the last one ended, ``deploy`` asked for."""
        self._take_asked()
        self.asked_by[deploy] = list(self._current)
        self._current.clear()

    def _added(self, host: Any, key: str, data: Any) -> None:
        self._asked[key] = self._take_asked()
        self._add(host, key, data)

    def _take_asked(self) -> list[Request]:
        asked = list(self._facts.asked)
        self._current.update(self._facts.asked)
        self._facts.asked.clear()
        return asked


class Operation:
    """A prepared operation.

    Args:
        asked: the facts it was decided with.
    """

    def __init__(self, name: str, key: str, data: Any, asked: list[Request]) -> None:
        self.name = name
        self.key = key
        self.data = data
        self.arguments: dict[str, Any] = data.global_arguments
        self.asked = asked
        # pyinfra has the function itself only inside of what makes the commands.
        function = getclosurevars(data.command_generator).nonlocals["func"]
        self.id = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
        """Module and function, e.g. ``kubeadm.join``."""

    @property
    def predicted(self) -> bool:
        """Whether it would change something, as far as could be told when it was prepared."""
        return bool(self.data.operation_meta._maybe_is_change)

    @property
    def settled(self) -> bool:
        """Whether it has nothing to do, for as long as the host is as it was when prepared.

        It ran to its end then without a command; to run it again would ask the same and be told
        the same.
        """
        found = self.data.operation_meta._maybe_is_change is False
        return found and not (self.conditional or self.arguments.get("_retries"))

    @property
    def conditional(self) -> bool:
        """Whether it depends on what an earlier operation does."""
        return bool(self.arguments.get("_if"))

    def commands(self) -> Any:
        """Its commands, each made when it is asked for."""
        return self.data.command_generator()
