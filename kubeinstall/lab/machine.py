"""One host's machine: started, found again, stopped, without a service manager around it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from kubeinstall.lab import cgroups
from kubeinstall.lab.disk import DATA
from kubeinstall.lab.plan import LabError, LabHost, LabPlan

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "TERM": os.environ.get("TERM", "dumb"),
}
"""What a program finds that is run in a host without a login."""


def start(host: LabHost, lab: LabPlan, binds: tuple[str, ...] = ()) -> None:
    """Boot the host under systemd-nspawn; it goes on after this process.

    Args:
        binds: more of nspawn's ``--bind-ro=`` values.

    Raises:
        LabError: nspawn ended at once.
    """
    found = cgroups.layout()
    mode = cgroups.choose(lab.cgroup, found)
    groups = cgroups.folders(found, mode, _cgroup_name(host, lab))
    cgroups.make(groups)
    data = host.folder / "data"
    argv = [
        "systemd-nspawn",
        "--quiet",
        "--boot",
        "--register=no",
        "--keep-unit",
        "--console=pipe",
        f"--machine={host.machine}",
        f"--hostname={host.name}",
        f"--directory={host.root}",
        f"--network-bridge={lab.bridge}",
        "--capability=all",
        "--system-call-filter=@known @privileged",
        *(f"--bind={data / name}:/var/lib/{name}" for name in DATA),
        "--bind=/dev/kmsg",
        *(f"--bind={device}" for device in ("/dev/fuse",) if Path(device).exists()),
        *(f"--bind-ro={bind}" for bind in binds),
    ]
    with (host.folder / "console.log").open("ab") as log:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, **cgroups.environment(mode)},
            preexec_fn=lambda: cgroups.enter(groups),
        )
    _write_pid(host, process.pid)
    time.sleep(0.2)
    if process.poll() is not None:
        raise LabError(
            "the host did not start",
            where=host.name,
            why=(host.folder / "console.log").read_text(errors="replace").strip()[-800:],
        )


def leader(host: LabHost) -> int | None:
    """The process id, here, of the host's own PID 1; None when it is not running."""
    supervisor = _supervisor(host)
    if supervisor is None:
        return None
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children")
    try:
        pids = [int(pid) for pid in children.read_text().split()]
    except OSError:
        return None
    return pids[-1] if pids else None


def stop(host: LabHost, lab: LabPlan) -> None:
    """Pull the plug: what the host holds is thrown away, so nothing is asked to end in peace."""
    for pid in (leader(host), _supervisor(host)):
        if pid is not None:
            _kill(pid)
    deadline = time.monotonic() + 20
    while _supervisor(host) is not None:
        if time.monotonic() > deadline:
            raise LabError("the host does not stop", where=host.name, next="run it again")
        time.sleep(0.05)
    found = cgroups.layout()
    name = _cgroup_name(host, lab)
    every = (*found.v1, *((found.v2,) if found.v2 else ()))
    cgroups.remove(tuple(top / name for top in every))
    _pid_file(host).unlink(missing_ok=True)


def _cgroup_name(host: LabHost, lab: LabPlan) -> str:
    return f"kubeinstall.{lab.name}.{host.name}"


def _pid_file(host: LabHost) -> Path:
    return host.folder / "nspawn.json"


def _write_pid(host: LabHost, pid: int) -> None:
    _pid_file(host).write_text(json.dumps({"pid": pid, "started": _started(pid)}))


def _supervisor(host: LabHost) -> int | None:
    """nspawn's own process id, if the process of that id is still the one that was started."""
    try:
        noted = json.loads(_pid_file(host).read_text())
    except (OSError, ValueError):
        return None
    pid = int(noted["pid"])
    return pid if noted["started"] is not None and _started(pid) == noted["started"] else None


def _started(pid: int) -> str | None:
    """When a living process started, in ticks since boot (proc(5)), and which boot."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return None if fields[0] in "ZX" else f"{boot}:{fields[19]}"


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
