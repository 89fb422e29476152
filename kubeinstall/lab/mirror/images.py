"""The images of a mirror: made, written as docker archives and pushed one by one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from kubeinstall.lab.mirror import archives, elf, roots
from kubeinstall.lab.mirror.apt import Apt
from kubeinstall.lab.mirror.layers import Image, Layer, pack
from kubeinstall.lab.mirror.model import Progress
from kubeinstall.lab.mirror.names import ImageName, upstream_of, version_in
from kubeinstall.lab.mirror.plan import DEMO, Material, Planned, plan
from kubeinstall.lab.mirror.programs import OPTIONAL, REQUIRED, Programs
from kubeinstall.lab.mirror.registry import push, serving
from kubeinstall.lab.mirror.shell import run

_ENTRYPOINTS = {"pause": "/pause", "coredns": "/coredns"}


@dataclass(frozen=True)
class Pushed:
    """What is in the registry now.

    Args:
        images: the names pushed.
        missing: the names kubeadm asks for and nobody had.
    """

    images: tuple[str, ...]
    missing: tuple[str, ...]


class Workshop:
    """Makes a mirror's images out of programs and Debian's packages."""

    def __init__(
        self, programs: Programs, apt: Apt, scratch: Path, architecture: str, progress: Progress
    ) -> None:
        self._programs = programs
        self._apt = apt
        self._scratch = scratch
        self._architecture = architecture
        self._progress = progress

    @cached_property
    def given(self) -> tuple[archives.Given, ...]:
        """The images in the folder's archives."""
        return tuple(
            image for archive in self._programs.archives for image in archives.read(archive)
        )

    @cached_property
    def planned(self) -> tuple[Planned, ...]:
        """What will be made; asking for it early finds a missing etcd before the long steps."""
        return plan(self._programs.images(), self._material())

    def fill(self, storage: Path) -> Pushed:
        """Make every image and push it into a registry's storage."""
        planned = self.planned
        program = self._apt.unpack("docker-registry", self._scratch) / "usr/bin/docker-registry"
        made: list[str] = []
        with serving(program, storage, self._scratch) as registry:
            for image in self.given:
                made += self._push_given(image, registry)
            for item in planned:
                if item.origin not in ("archive", "nowhere"):
                    made += self._push_made(self._image(item), registry)
            made += self._push_made(self._demo(), registry)
        return Pushed(tuple(made), self._missing())

    def _missing(self) -> tuple[str, ...]:
        missing = [item for item in self.planned if item.origin == "nowhere"]
        for item in missing:
            self._progress(
                f"skipped: {item.names[0]}, which is not available here; "
                f"put {item.program} or its image archive into a folder for --from-binaries"
            )
        return tuple(str(name) for item in missing for name in item.names)

    def _material(self) -> Material:
        programs = self._programs
        has_etcd = programs.has("etcd")
        return Material(
            folder=frozenset(name for name in (*REQUIRED, *OPTIONAL) if programs.has(name)),
            archived=frozenset(image.name for image in self.given),
            debian_etcd=upstream_of(self._apt.version("etcd-server")),
            folder_etcd=version_in(run([programs.path("etcd"), "--version"])) if has_etcd else "",
        )

    def _image(self, item: Planned) -> Image:
        program = self._program(item)
        at = _ENTRYPOINTS.get(item.program, f"/usr/local/bin/{item.program}")
        root = roots.program_root(program, at, self._scratch / f"root-{item.program}")
        return Image(
            names=tuple(str(name) for name in item.names),
            layers=(*self._base(item.program, program), self._pack(root)),
            entrypoint=(at,) if item.program in _ENTRYPOINTS else (),
            command=() if item.program in _ENTRYPOINTS else (at,),
        )

    def _program(self, item: Planned) -> Path:
        if item.origin == "debian":
            return self._apt.unpack("etcd-server", self._scratch) / "usr/bin/etcd"
        if item.origin == "compiled":
            return self._compile_pause()
        return self._programs.path(item.program)

    def _base(self, name: str, program: Path) -> tuple[Layer, ...]:
        if name == "kube-proxy":
            return (self._proxy_layer,)
        return () if elf.is_static(program) else (self._libc_layer,)

    def _compile_pause(self) -> Path:
        program = self._scratch / "pause"
        source = Path(__file__).with_name("pause.c")
        run(["gcc", "-Os", "-Wall", "-static", "-s", "-o", program, source])
        return program

    def _demo(self) -> Image:
        root = roots.busybox_root(self._apt, self._scratch, self._scratch / "root-demo")
        return Image(
            names=(str(DEMO),), layers=(self._libc_layer, self._pack(root)), command=("sh",)
        )

    @cached_property
    def _libc_layer(self) -> Layer:
        return self._pack(roots.libc_root(self._apt, self._scratch / "root-libc"))

    @cached_property
    def _proxy_layer(self) -> Layer:
        return self._pack(roots.proxy_root(self._apt, self._scratch / "root-proxy-base"))

    def _pack(self, root: Path) -> Layer:
        return pack(root, self._scratch / f"{root.name}.tar")

    def _push_made(self, image: Image, registry: str) -> tuple[str, ...]:
        archive = self._scratch / "image.tar"
        image.write(archive, self._architecture)
        for name in image.names:
            self._progress(f"image {name}")
            push(f"docker-archive:{archive}:{image.names[0]}", registry, name)
        archive.unlink()
        return image.names

    def _push_given(self, image: archives.Given, registry: str) -> tuple[str, ...]:
        names = tuple(str(name) for name in archives.names_for(image, self._asked()))
        for name in names:
            self._progress(f"image {name}, from {image.archive.name}")
            push(image.source, registry, name)
        return names

    def _asked(self) -> tuple[ImageName, ...]:
        return tuple(name for item in self.planned for name in item.names)
