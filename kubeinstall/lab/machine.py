"""One host's machine: started, found again, stopped, without a service manager around it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path

from kubeinstall.lab import cgroups
from kubeinstall.lab.disk import DATA
from kubeinstall.lab.errors import LabError
from kubeinstall.lab.plan import LabHost, LabPlan
from kubeinstall.lab.system import run, succeeds

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "TERM": os.environ.get("TERM", "dumb"),
}
"""What a program finds that is run in a host without a login."""

# Runs what comes after `--` in the cgroups before it, again as long as it ends with 133: that is
# nspawn's way to say that the host reboots.
_RUN = """\
while :; do
  (while [ "$1" != -- ]; do echo 0 > "$1/cgroup.procs" || exit 1; shift; done; shift; exec "$@")
  [ $? = 133 ] || exit
done"""
_NSPAWN = Path("/run/systemd/nspawn")


def start(host: LabHost, lab: LabPlan, binds: tuple[str, ...] = ()) -> None:
    """Boot the host, whose root is mounted; it goes on after this process.

    Args:
        binds: more of nspawn's ``--bind`` or ``--bind-ro`` options.

    Raises:
        LabError: it ended at once.
    """
    found = cgroups.layout()
    mode = cgroups.choose(lab.cgroup, found)
    groups = cgroups.folders(found, host.cgroup)
    cgroups.make(groups)
    shell = ("sh", "-c", _RUN, "kubeinstall-lab", *map(str, groups), "--")
    with host.console.open("wb") as log:
        process = subprocess.Popen(
            [*shell, *_nspawn(host, lab), *binds],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            env={**os.environ, **cgroups.environment(mode)},
        )
    _write_pid(host, process.pid)


def leader(host: LabHost) -> int | None:
    """The process id, here, of the host's own PID 1; None when it is not running."""
    loop = _loop(host)
    below = _children(loop) if loop is not None else []
    below += [pid for child in below for pid in _children(child)]
    return next((pid for pid in below if _is_init(pid)), None)


def is_alive(host: LabHost) -> bool:
    """Whether the host runs, or is about to."""
    return _loop(host) is not None


def inside(host: LabHost, *words: str, patience: float = 60) -> str:
    """Run a program on the host, as root and without ssh, and return its standard output.

    Args:
        patience: seconds that it may take.

    Raises:
        LabError: the host does not run, or the program failed or takes longer.
    """
    first = leader(host)
    if first is None:
        raise LabError("the host is not running", host=host.name)
    return run(*("nsenter", "-t", str(first), "-a", "--", *words), patience=patience)


def power_off(host: LabHost, patience: float = 30) -> None:
    """Shut the host down; what does not end is killed.

    Args:
        patience: seconds that its services have to stop.

    Raises:
        LabError: a process does not end.
    """
    first = leader(host)
    if first is not None:
        # For systemd as PID 1, this is `systemctl halt`; see "Signals" in systemd(1).
        with contextlib.suppress(ProcessLookupError):
            os.kill(first, signal.SIGRTMIN + 3)
        deadline = time.monotonic() + patience
        while is_alive(host) and time.monotonic() < deadline:
            time.sleep(0.05)
    stop(host)


def stop(host: LabHost) -> None:
    """Pull the plug: kill all that runs in the host, whatever state it is in.

    Raises:
        LabError: a process does not end.
    """
    loop = _loop(host)
    if loop is not None:
        os.kill(loop, signal.SIGKILL)
        cgroups.reap(loop)
    groups = cgroups.folders(cgroups.layout(), host.cgroup)
    if not cgroups.kill(groups):
        raise LabError(
            "the host has processes that do not exit",
            host=host.name,
            why=f"their ids are in {groups[0]}/cgroup.procs" if groups else "",
            next="run the same command again; if they remain, restart this machine",
        )
    cgroups.remove(groups)
    _forget(host)


def _nspawn(host: LabHost, lab: LabPlan) -> list[str]:
    return [
        "systemd-nspawn",
        "--quiet",
        "--boot",
        "--settings=no",
        # This machine's PID 1 need not be systemd.
        "--register=no",
        "--keep-unit",
        "--console=pipe",
        f"--machine={host.machine}",
        f"--hostname={host.name}",
        f"--directory={host.root}",
        f"--network-bridge={lab.bridge}",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        # Docker gives a privileged container all the kernel knows, and fails if one is missing.
        "--capability=all",
        "--system-call-filter=@known @privileged",
        *(f"--bind={host.folder / 'data' / name}:/var/lib/{name}" for name in DATA),
        *(f"--bind={device}" for device in ("/dev/kmsg", "/dev/fuse") if Path(device).exists()),
        # The machine's kernel is the hosts' kernel: they load its modules as any host does.
        *(f"--bind-ro={modules}" for modules in ("/usr/lib/modules",) if Path(modules).is_dir()),
    ]


def _forget(host: LabHost) -> None:
    """Remove what nspawn leaves behind when it is killed."""
    # The kernel removes it with the host's network namespace, which takes seconds on a busy
    # machine; until then, a host of that name does not start.
    cable = f"vb-{host.machine}"
    if Path("/sys/class/net", cable).exists():
        succeeds("ip", "link", "delete", cable)
    try:
        root = host.root.stat()
    except FileNotFoundError:
        return
    (_NSPAWN / "locks" / f"inode-{root.st_dev}:{root.st_ino}").unlink(missing_ok=True)
    propagate = _NSPAWN / "propagate" / host.machine
    if propagate.is_dir():
        propagate.rmdir()
    _pid_file(host).unlink(missing_ok=True)


def _pid_file(host: LabHost) -> Path:
    return host.folder / "nspawn.json"


def _write_pid(host: LabHost, pid: int) -> None:
    _pid_file(host).write_text(json.dumps({"pid": pid, "started": _started(pid)}))


def _loop(host: LabHost) -> int | None:
    """What runs nspawn, if the process of the noted id is still the one that was started."""
    try:
        noted = json.loads(_pid_file(host).read_text())
    except (OSError, ValueError):
        return None
    pid = int(noted["pid"])
    return pid if noted["started"] is not None and _started(pid) == noted["started"] else None


def _started(pid: int) -> str | None:
    """When a living process started (proc(5), field 22), with this boot's id; None for others."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return None if fields[0] in "ZX" else f"{boot}:{fields[19]}"


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in text.split()]


def _is_init(pid: int) -> bool:
    """Whether a process is PID 1 of a namespace of its own."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    ids = next(line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
    return len(ids) > 1 and ids[-1] == "1"
