"""Programs for the engine's tests: runs of their own that are killed or stopped, and a login."""

from __future__ import annotations

# What a killed run leaves behind: a change that goes on on the host.
LEFT_BEHIND = """
import sys
from pathlib import Path
from pyinfra.api.deploy import deploy
from pyinfra.operations import server
from kubeinstall.engine.session import Session
from kubeinstall.engine.types import Step
from kubeinstall.inventory.load import load

@deploy("Slow")
def slow(inputs):
    server.shell(name="Slow", commands=["touch /run/begun; sleep 6; touch /run/ended"])

with Session(load(Path(sys.argv[1]))) as session:
    session.connect()
    session.lock()
    session.round("p", {"cp1": [Step(slow, None)]})
"""

# What a run does that is stopped, and goes on when it is awake again.
STOPPED = """
import sys
from pathlib import Path
from pyinfra.api.deploy import deploy
from pyinfra.operations import server
from kubeinstall.engine.session import Session
from kubeinstall.engine.types import Step
from kubeinstall.findings import KubeinstallError
from kubeinstall.inventory.load import load

@deploy("Change")
def change(inputs):
    server.shell(name="Change", commands=["echo x >>/run/changes"])

with Session(load(Path(sys.argv[1])), patience=3) as session:
    session.connect()
    session.lock()
    try:
        while True:
            session.round("p", {"cp1": [Step(change, None)]})
    except KubeinstallError as error:
        print(error)
        sys.exit(error.exit_code)
"""
CUT_OFF = """
import sys
from pathlib import Path
from kubeinstall.engine.connector import LiveConnector
from kubeinstall.engine.session import Session
from kubeinstall.inventory.load import load

with Session(load(Path(sys.argv[1]))) as session:
    session.connect()
    _, connection = session.open("cp1")
    connector = LiveConnector(None, None, connection, 600, lambda: None, None)
    connector.put_file(sys.argv[2], "/root/target")
"""
PROXY = "http://10.9.9.9:3128"
CHATTY = f"""
echo "Welcome to cp1!"; echo "It is late." >&2; printf 'LOCKED root free'
export http_proxy={PROXY} HTTPS_PROXY={PROXY} KUBECONFIG=/nowhere CDPATH=/tmp
head() {{ echo fooled; }}; env() {{ echo fooled; }}; export -f head env
alias sudo='echo sudo'; umask 077
"""
