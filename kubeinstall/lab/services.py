"""What the lab's mirror host serves: packages, images, Debian's packages from a cache, the time."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from kubeinstall.lab.identity import enable, put
from kubeinstall.lab.mirror import MirrorTree
from kubeinstall.lab.network import resolv_conf, servers
from kubeinstall.lab.plan import LabHost, LabPlan, cache

PORTS = (80, 5000)
"""Where it serves packages and images."""

_PROXY_PORT = 3142
_TREE = "/srv/mirror"
_DEBS = "/var/cache/debs"
_WWW_DATA = 33  # in every Debian

_REGISTRY = f"""\
version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {_TREE}/registry}}
  maintenance:
    readonly: {{enabled: true}}
http: {{addr: ":5000"}}
"""

_NGINX = """\
server {{
  listen 80 default_server;
  root {tree}/apt;
  autoindex on;
}}
proxy_cache_path {debs} levels=2 keys_zone=debs:4m max_size=4g inactive=90d use_temp_path=off;
server {{
  listen {port};
  allow {subnet};
  deny all;
  resolver {resolvers} ipv6=off;
  proxy_http_version 1.1;
  proxy_set_header Host $http_host;
  proxy_set_header Connection "";
  location / {{
    proxy_pass http://$http_host$request_uri;
  }}
  # A package of one name never changes; everything else is requested again.
  location ~ \\.deb$ {{
    proxy_pass http://$http_host$request_uri;
    proxy_cache debs;
    proxy_cache_key $http_host$request_uri;
    proxy_cache_valid 200 90d;
    proxy_cache_lock on;
    proxy_ignore_headers Cache-Control Expires Set-Cookie Vary;
  }}
}}
"""

_CHRONY = """\
local stratum 8
allow {subnet}
driftfile /var/lib/chrony/chrony.drift
"""

_APT_PROXY = """\
#!/bin/bash
# apt asks for each source's proxy: the lab's cache if it answers, none for the mirror itself.
cache={mirror}:{port}
case "$1" in
  http://{mirror}/* | http://{mirror}:* | https://*) ;;
  *) timeout 1 bash -c "< /dev/tcp/${{cache/://}}" 2>/dev/null && exec echo "http://$cache" ;;
esac
echo DIRECT
"""


def write(root: Path, lab: LabPlan) -> None:
    """Write the services into the mirror host's mounted root."""
    put(root / "etc/docker/registry/config.yml", _REGISTRY)
    nginx = _NGINX.format(
        tree=_TREE,
        debs=_DEBS,
        port=_PROXY_PORT,
        subnet=lab.subnet,
        resolvers=" ".join(at for at in servers(resolv_conf()) if ":" not in at),
    )
    put(root / "etc/nginx/sites-enabled/default", nginx)
    put(root / "etc/chrony/chrony.conf", _CHRONY.format(subnet=lab.subnet))
    enable(root, "docker-registry", "nginx", "chrony")


def use(root: Path, mirror: LabHost) -> None:
    """Have apt in another host's mounted root take Debian's packages from the mirror's cache."""
    script = _APT_PROXY.format(mirror=mirror.address, port=_PROXY_PORT)
    put(root / "usr/local/sbin/lab-apt-proxy", script, 0o755)
    setting = 'Acquire::http::Proxy-Auto-Detect "/usr/local/sbin/lab-apt-proxy";\n'
    put(root / "etc/apt/apt.conf.d/90lab", setting)


def adopt(mirror: LabHost, tree: MirrorTree) -> None:
    """Give the mirror host its own links to a tree, which may be replaced in the cache."""
    shutil.copytree(tree.path, _served(mirror), copy_function=_link)


def binds(mirror: LabHost) -> tuple[str, ...]:
    """What of this machine the mirror host sees."""
    debs = cache() / "debs"
    debs.mkdir(parents=True, exist_ok=True)
    os.chown(debs, _WWW_DATA, _WWW_DATA)
    return (f"--bind-ro={_served(mirror)}:{_TREE}", f"--bind={debs}:{_DEBS}")


def publish_key(tree: MirrorTree, lab: LabPlan) -> None:
    """Put the packages' signing key where inventories look for it."""
    shutil.copyfile(tree.apt / tree.repository / "Release.key", lab.mirror_key)


def _served(mirror: LabHost) -> Path:
    return mirror.folder / "tree"


def _link(source: str, to: str) -> None:
    try:
        os.link(source, to)
    except OSError:  # the cache is on another file system
        shutil.copy2(source, to)
