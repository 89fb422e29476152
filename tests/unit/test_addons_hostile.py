"""Addons of strangers: what their templates, links and files try on the machine of the operator."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import TemplateError
from pydantic import TypeAdapter, ValidationError

from kubeinstall import templates
from kubeinstall.addons import builder as building
from kubeinstall.addons import documents, kustomize
from kubeinstall.addons.builder import Build
from kubeinstall.addons.render import render_all
from kubeinstall.findings import Finding, Kind, KubeinstallError
from kubeinstall.inventory.catalogue.chosen import Chosen, chosen
from kubeinstall.inventory.catalogue.folders import OutsideError, UnreadableAddonError, find, inside
from kubeinstall.inventory.catalogue.model import Relative
from kubeinstall.templates import environment, filled
from tests.unit.addon_folders import folder, with_addons

pytestmark = pytest.mark.unit

SECRET = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {key: s3cret}\n"


def finding(top: Path) -> Finding:
    made = with_addons(top, shop={})
    with pytest.raises(KubeinstallError) as error:
        render_all(made, chosen(made))
    [found] = error.value.findings
    assert found.kind is Kind.INVENTORY
    assert "s3cret" not in str(found)
    return found


def manifest(top: Path, text: str) -> Finding:
    """What is reported of an addon with that manifest."""
    folder(top, "shop")
    (top / "shop" / "manifests" / "all.yaml").write_text(text)
    return finding(top)


@pytest.mark.parametrize(
    "expression",
    [
        "cycler.__init__.__globals__.os.popen('id').read()",
        "''.__class__.__mro__[1].__subclasses__()",
        "image.__globals__",
        "image.__closure__[0].cell_contents",
        "since.__code__.co_consts",
        "values.__class__.__base__.__subclasses__()",
        "self.__init__.__globals__",
        "self._TemplateReference__context.environment",
        "''|attr('__class__')|string",
        "'{0.__class__.__init__}'.format(values)",
        "'{x.__class__}'.format_map({'x': 1})",
        "(values|list).__class__",
        "values.update({'a': 1})",
        "cluster.addons.append('evil')",
        "cluster.hosts[0].clear()",
        "namespace.__class__.__name__",
        "to_yaml.__globals__",
        "lipsum.__globals__",
    ],
)
def test_a_template_reaches_nothing_of_python(tmp_path: Path, expression: str) -> None:
    marker = tmp_path / "ran"
    found = manifest(tmp_path / "top", f"{{{{ ({expression}) }}}}\n")
    assert found.where == f"{tmp_path}/top/shop/manifests/all.yaml:1"
    assert not marker.exists()


@pytest.mark.parametrize(
    "text",
    [
        "{% for i in range(10 ** 9) %}x{% endfor %}",
        "{% for i in range(50000) %}{% for j in range(50000) %}{% endfor %}{% endfor %}",
        "{{ 'x' * 10 ** 9 }}",
        "{{ 10 ** 9 * 'x' }}",
        "{{ [0] * 10 ** 9 }}",
        "{{ 2 ** 999999999 }}",
        "{{ 'x'.ljust(10 ** 9) }}",
        "{{ '1'.zfill(10 ** 9) }}",
        "{{ '\\t'.expandtabs(10 ** 9) }}",
        "{{ 'x'|center(10 ** 9) }}",
        "{{ 'x'|indent(10 ** 9) }}",
        "{{ 'x'|indent(width=10 ** 9) }}",
        "{{ []|slice(10 ** 9)|list }}",
        "{{ [1]|batch(10 ** 9, 'x')|list }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '%*d' % (10 ** 9, 1) }}",
        "{{ '{:1000000000}'.format(1) }}",
        "{{ '{:{}}'.format(1, 10 ** 9) }}",
        "{{ '{x:1000000000}'.format_map({'x': 1}) }}",
        "{% for i in range(99) %}{% for j in range(99) %}{{ 'x' * 99999 }}{% endfor %}{% endfor %}",
    ],
)
def test_what_a_template_makes_is_bounded(text: str) -> None:
    with pytest.raises((TemplateError, OverflowError, MemoryError)) as error:
        filled(environment(None).from_string(text), {})
    assert not isinstance(error.value, MemoryError)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("{{ 'ab' * 3 }}{{ 2 ** 10 }}{{ '%03d' % 7 }}", "ababab1024007"),
        ("{{ '{:>4}'.format('x') }}{{ 'x'.rjust(3) }}", "   x  x"),
        ("{% for i in range(3) %}{{ i }}{% endfor %}{{ 'a\nb'|indent(2) }}", "012a\n  b"),
        ("{{ 4 * 2000000 }}{{ 8589934592|default(1) }}", "80000008589934592"),
        ("{{ [3, 1]|sort|join(',') }}{{ [1, 2]|batch(1)|list }}", "1,3[[1], [2]]"),
    ],
)
def test_what_templates_do_by_day_still_works(text: str, made: str) -> None:
    assert filled(environment(None).from_string(text), {}) == made


def test_rounds_are_counted_for_each_template_by_itself() -> None:
    made = environment(None).from_string("{% for i in range(90000) %}{% endfor %}ok")
    for _ in range(15):
        assert filled(made, {}) == "ok"


@pytest.mark.parametrize(
    "text",
    [
        "{{ 1 / 0 }}",
        "{{ [][3] }}",
        "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{{ 1 + 'a' }}",
    ],
)
def test_what_a_template_calculates_wrongly_is_reported(tmp_path: Path, text: str) -> None:
    assert manifest(tmp_path, text).what == "addon shop cannot be rendered"


@pytest.mark.parametrize("target", ["{top}/secret.yaml", "../../secret.yaml", "/dev/zero"])
@pytest.mark.parametrize("place", ["manifests/all.yaml", "manifests"])
def test_a_link_leads_no_manifest_out_of_the_folder(
    tmp_path: Path, target: str, place: str
) -> None:
    top, outside = tmp_path / "top", tmp_path / "outside"
    folder(top, "shop", manifests=["manifests/all.yaml"])
    outside.mkdir()
    (outside / "all.yaml").write_text(SECRET)
    (top / "secret.yaml").write_text(SECRET)
    link = top / "shop" / place
    if link.is_dir():
        (link / "all.yaml").unlink()
        link.rmdir()
        link.symlink_to(outside)
    else:
        link.unlink()
        link.symlink_to(target.format(top=top))
    assert "it leads outside the addon's folder" in finding(top).why


@pytest.mark.parametrize("name", ["../../secret.yaml", "/{top}/secret.yaml", "secret.yaml"])
def test_a_template_takes_in_only_files_of_its_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.yaml").write_text(SECRET)
    folder(tmp_path, "shop")
    (tmp_path / "shop" / "secret.yaml").symlink_to(tmp_path / "secret.yaml")
    found = manifest(tmp_path, "{% include '" + name.format(top=tmp_path) + "' %}")
    assert "there is no file" in found.why or "leads outside" in found.why


def test_links_inside_the_folder_and_to_the_folder_are_followed(tmp_path: Path) -> None:
    folder(tmp_path / "real", "shop")
    manifests = tmp_path / "real" / "shop" / "manifests"
    (manifests / "all.yaml").rename(manifests / "all.txt")
    (manifests / "all.yaml").symlink_to("all.txt")
    (tmp_path / "top").mkdir()
    (tmp_path / "top" / "shop").symlink_to(tmp_path / "real" / "shop")
    made = with_addons(tmp_path / "top", shop={})
    assert [d["kind"] for d in render_all(made, chosen(made))[0].objects] == [
        "Namespace",
        "Deployment",
    ]


def test_a_link_is_no_addon_file(tmp_path: Path) -> None:
    folder(tmp_path / "other", "shop")
    (tmp_path / "top" / "shop").mkdir(parents=True)
    (tmp_path / "top" / "shop" / "addon.yaml").symlink_to(
        tmp_path / "other" / "shop" / "addon.yaml"
    )
    with pytest.raises(UnreadableAddonError, match="leads outside"):
        find("shop", [tmp_path / "top"])


def test_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "device").symlink_to("/dev/null")
    for name in ("none", "circle"):
        with pytest.raises(OSError):
            inside(tmp_path, name)
    for name in ("fifo", "device", ".", "..", "../.."):
        with pytest.raises(OutsideError):
            inside(tmp_path, name)


@pytest.mark.parametrize(
    "path",
    ["..", "a/../b", "a/..", "../a", "/etc", "a//b", "./a", "a/./b", "", "a\n", ".ssh/id"],
)
def test_a_path_of_an_addon_has_no_dots(path: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Relative).validate_python(path)


@pytest.mark.parametrize("path", ["a", "a/", "a/b.yaml", "a.b/c-d_e.yaml.j2", "_a/9"])
def test_other_paths_of_an_addon_are_taken(path: str) -> None:
    assert TypeAdapter(Relative).validate_python(path) == path


def kustomized(top: Path, text: str) -> Chosen:
    folder(top, "shop", kustomization="k/prod")
    (top / "shop" / "k" / "prod").mkdir(parents=True)
    (top / "shop" / "k" / "prod" / "kustomization.yaml").write_text(text)
    return chosen(with_addons(top, shop={}))[0]


@pytest.mark.parametrize("link", ["k/prod/secret.yaml", "k/secret.yaml", "k/prod/deep"])
def test_a_kustomization_packs_nothing_from_outside(tmp_path: Path, link: str) -> None:
    """A generator of a ConfigMap would carry it into the cluster."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "secret.yaml").write_text(SECRET)
    one = kustomized(tmp_path / "top", "configMapGenerator: [{name: x, files: [secret.yaml]}]")
    target = tmp_path / "out" if link.endswith("deep") else tmp_path / "out" / "secret.yaml"
    (one.addon.folder / link).symlink_to(target)
    with pytest.raises(KubeinstallError) as error:
        kustomize.build(with_addons(tmp_path / "top", shop={}), one, "k/prod")
    [found] = error.value.findings
    assert found.why == "it leads outside the addon's folder"
    assert found.where == str(one.addon.folder / link)


@pytest.mark.parametrize(
    "entry",
    [
        "github.com/evil/repo?ref=main",
        "git@github.com:evil/repo",
        "ssh://evil.example.org/repo",
        "../../../../../etc",
        "/etc/kubernetes",
    ],
)
@pytest.mark.parametrize(
    "field", ["resources", "bases", "components", "generators", "transformers", "validators"]
)
def test_a_kustomization_fetches_nothing(tmp_path: Path, field: str, entry: str) -> None:
    one = kustomized(tmp_path, f"{field}: ['{entry}']\n")
    with pytest.raises(KubeinstallError, match="it is not in the addon's folder"):
        kustomize.build(with_addons(tmp_path, shop={}), one, "k/prod")


def test_a_generator_that_is_written_out_is_no_path(tmp_path: Path) -> None:
    text = "generators:\n  - |-\n    apiVersion: builtin\n    kind: ConfigMapGenerator\n"
    one = kustomized(tmp_path, text)
    assert kustomize.build(with_addons(tmp_path, shop={}), one, "k/prod").files


def test_no_command_of_kustomize_runs_programs(tmp_path: Path) -> None:
    one = kustomized(tmp_path, "{}")
    made = kustomize.build(with_addons(tmp_path, shop={}), one, "k/prod")
    assert [list(c) for c in made.commands] == [
        ["kustomize", "build", "k/prod"],
        ["kubectl", "kustomize", "k/prod"],
    ]


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/x"])
def test_a_build_writes_only_into_its_folder(path: str) -> None:
    with pytest.raises(ValueError):
        Build("x", {path: b""}, [["true"]], "")


def test_programs_see_nothing_of_the_users_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Plugins of helm's and kustomize's, kubeconfigs and credentials of clouds."""
    for name in (
        "HELM_PLUGINS",
        "HELM_KUBETOKEN",
        "KUSTOMIZE_PLUGIN_HOME",
        "AWS_SECRET_ACCESS_KEY",
    ):
        monkeypatch.setenv(name, "mine")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    made = Build("x", {}, [["env"]], "")
    here = building.here(made)

    ended = subprocess.run(
        ["sh", "-c", building.script(made)],
        input=building.packed(made),
        capture_output=True,
        text=True,
        check=True,
    )
    for said in (here or "", ended.stdout):
        found = dict(line.partition("=")[::2] for line in said.splitlines())
        assert "mine" not in found.values()
        assert set(found) - {"PWD", "SHLVL", "_"} == {
            *("PATH", "HOME", "TMPDIR", "KUBECONFIG", "LC_ALL", "XDG_CONFIG_HOME"),
            *("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"),
        }
        assert found["XDG_CONFIG_HOME"] == f"{found['HOME']}/.config"


def test_aliases_of_aliases_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for n in range(1, 12):
        lines.append(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]")
    with pytest.raises(documents.NotObjectsError, match="more than"):
        list(documents.values("\n".join(lines)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "--kubeconfig=/x"),
        ("name", "-A"),
        ("name", "../secrets/x"),
        ("name", "a b"),
        ("name", "a\nb"),
        ("name", "$(id)"),
        ("name", ""),
        ("namespace", "--all"),
        ("namespace", "a/b"),
        ("namespace", "a\n"),
        ("namespace", 7),
        ("labels", ["x"]),
        ("annotations", "x"),
    ],
)
def test_an_identity_is_neither_an_option_nor_a_path(field: str, value: Any) -> None:
    """Names reach the command line of kubectl."""
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", field: value}}
    with pytest.raises(documents.NotObjectsError):
        list(documents.objects(yaml.safe_dump(document)))


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("v1", "--all"),
        ("v1", "a/b"),
        ("v1", "$(id)"),
        ("a b/v1", "X"),
        ("-x/v1", "X"),
        ("v1 ", "X"),
    ],
)
def test_a_kind_is_neither_an_option_nor_a_path(version: str, kind: str) -> None:
    document = {"apiVersion": version, "kind": kind, "metadata": {"name": "x"}}
    with pytest.raises(documents.NotObjectsError):
        list(documents.objects(yaml.safe_dump(document)))


@pytest.mark.parametrize("name", ["system:node", "v1.apps", "a.b-c", "x_y", "system:auth-d"])
def test_names_that_kubernetes_has_are_taken(name: str) -> None:
    document = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
    text = yaml.safe_dump({**document, "metadata": {"name": name, "namespace": None}})
    assert [d["metadata"]["name"] for d in documents.objects(text)] == [name]


def test_no_template_is_read_without_the_sandbox() -> None:
    """One door: nobody else makes an environment of Jinja2's."""
    root = Path(templates.__file__).parent
    makers = [
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if re.search(r"\bEnvironment\(|\bTemplate\(", path.read_text())
    ]
    assert makers == []
