"""Deploys on systems that are not here: pyinfra's scripted connector answers for them.

A file in ``recordings`` says what a system answers to commands: lines after ``>>> PATTERN``, a
regular expression. The first that is found in a command counts; a command without any is answered
by nothing.

None of them was recorded on a host of its system: there was none. They were written from the
systems' documentation and package lists, so they show what a host that is like that would be told,
and not that a real one is like that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyinfra.context
from pyinfra.api.config import Config
from pyinfra.api.deploy import add_deploy
from pyinfra.api.inventory import Inventory
from pyinfra.api.state import State, StateStage

from kubeinstall.inventory.model import Cluster

RECORDINGS = Path(__file__).parent / "recordings"


Answers = dict[re.Pattern[str], str]
"""What commands are answered, by patterns."""


def recording(name: str) -> Answers:
    """What a system answers."""
    text = (RECORDINGS / f"{name}.txt").read_text()
    blocks = (block.partition("\n") for block in text.split(">>> ")[1:])
    return {re.compile(pattern): answer for pattern, _, answer in blocks}


def commands(
    answers: Answers, cluster: Cluster, *deploys: Callable[[], object]
) -> dict[str, list[str]]:
    """What each operation of some deploys would run on the first control plane, by its name.

    They are handed nothing, as by the plain pyinfra command.
    """
    data = {
        "fake_responses": answers,
        "fake_delay": 0,
        "fake_delay_jitter": 0,
        "cluster": cluster,
        "node": cluster.first,
    }
    # pyinfra is only partly typed.
    make: Any = Inventory
    configuration: Any = Config
    inventory = make(([("@fake/cp1", data)], {}))
    state: Any = State(inventory, configuration())
    host = inventory.get_host("@fake/cp1")
    host.connect()
    state.activate_host(host)
    state.current_stage = StateStage.Prepare
    for deploy in deploys:
        add_deploy(state, deploy)
    contexts: Any = pyinfra.context
    with contexts.ctx_state.use(state), contexts.ctx_host.use(host):
        return {
            str(next(iter(state.op_meta[key].names))).rpartition(" | ")[2]: _texts(
                state.get_op_data_for_host(host, key).command_generator()
            )
            for key in host.op_hash_order
        }


def _texts(commands: Iterable[Any]) -> list[str]:
    return [one if isinstance(one, str) else one.get_raw_value() for one in commands]
