"""Threads, one for each host at work, and a clean end when they are interrupted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

from kubeinstall.engine.lock import LockLost
from kubeinstall.findings import Finding, Kind, KubeinstallError, listed

_PATIENCE = 20.0


class Pool:
    """Works on hosts in parallel.

    Args:
        forks: how many at once.
        interrupt: makes whatever threads are waiting for end soon.
        may_go_on: raises KubeinstallError when no work may be done any more.
    """

    def __init__(
        self,
        forks: int,
        interrupt: Callable[[], None],
        may_go_on: Callable[[], None] = lambda: None,
    ) -> None:
        self._executor = ThreadPoolExecutor(forks, thread_name_prefix="host")
        self._interrupt = interrupt
        self._may_go_on = may_go_on
        self._doing: dict[str, str] = {}
        self.stopped = threading.Event()

    def each(self, names: Iterable[str], work: Callable[[str], object], doing: str) -> None:
        """Do it for every host, in parallel.

        Args:
            doing: what a host is doing until its thread says otherwise.

        Raises:
            KubeinstallError: interrupted, or nothing may be done any more.
            Exception: a fault of ours; what has begun elsewhere has ended, and nothing more begins.
        """

        def one(name: str) -> None:
            if self.stopped.is_set():
                return
            with self.doing(name, doing):
                try:
                    work(name)
                except KubeinstallError:
                    raise
                except Exception as error:
                    # A fault of ours, it ends the run: nothing more is begun anywhere.
                    self.stopped.set()
                    error.add_note(f"host {name}: {self._doing[name]}")
                    raise

        futures: list[Future[None]] = []
        try:
            futures += [self._executor.submit(one, name) for name in names]
            for future in futures:
                future.result()
        except KeyboardInterrupt:
            raise self._interrupted(futures) from None
        except LockLost:
            # It ends the run: the others end by the same.
            wait(futures, _PATIENCE)
            raise
        except KubeinstallError:
            raise
        except Exception:
            wait(futures)
            raise
        self._may_go_on()

    @contextmanager
    def doing(self, name: str, what: str) -> Iterator[None]:
        """Note what a host is at, for the one who interrupts it.

        Raises:
            KubeinstallError: interrupted, when not in one of our threads.
        """
        before = self._doing.get(name)
        self._doing[name] = what
        try:
            yield
        except KeyboardInterrupt:
            raise self._interrupted([]) from None
        finally:
            if before is None:
                self._doing.pop(name, None)
            else:
                self._doing[name] = before

    def now_at(self, name: str, what: str) -> None:
        """Note what a host goes on with."""
        self._doing[name] = what

    @property
    def busy(self) -> dict[str, str]:
        """Host to what it is doing now."""
        return dict(self._doing)

    def close(self) -> None:
        """Start nothing more."""
        self.stopped.set()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _interrupted(self, futures: list[Future[None]]) -> KubeinstallError:
        running = dict(self._doing)
        self.stopped.set()
        for future in futures:
            future.cancel()
        self._interrupt()
        wait(futures, _PATIENCE)
        return KubeinstallError(
            Finding(
                Kind.INTERRUPTED,
                "interrupted",
                hosts=tuple(running),
                why=f"may still be running: {_told(running)}" if running else "",
                next="run the same command again: it waits for commands that still run, then "
                "continues",
            )
        )


def _told(running: Mapping[str, str]) -> str:
    """Hosts and what they are doing; those that do the same together.

    Args:
        running: host to what it is doing.
    """
    hosts: dict[str, list[str]] = {}
    for name, what in running.items():
        hosts.setdefault(what, []).append(name)
    return "; ".join(f"{listed(names)}: {what}" for what, names in hosts.items())
