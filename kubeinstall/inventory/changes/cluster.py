"""The fields of ``cluster``, in the model's order."""

from __future__ import annotations

from kubeinstall.inventory.changes.rows import Effect, row

CARRIED, REFUSED, REPORTED, NEXT = Effect
_PLAYED = "unit/test_changes.py::test_what_is_refused_names_both_values"
_WARNED = "unit/test_changes.py::test_what_is_reported_goes_on"

OF_CLUSTER = (
    row(
        "cluster.name",
        REFUSED,
        "kubeconfigs and kubeadm's own configuration use it",
        _PLAYED,
    ),
    row(
        "cluster.kubernetes",
        REFUSED,
        "higher or lower, including patch releases: kubeinstall does not upgrade clusters yet. If "
        "the API server does not answer, the version is read from its manifest and from the "
        "packages on the hosts",
        "unit/test_living.py::test_no_choice_of_phases_or_hosts_gets_round_the_version",
    ),
    row(
        "cluster.runtime.name",
        CARRIED,
        "nodes are drained, switched and uncordoned one at a time, workers first",
        "unit/test_phases_kubelets.py::test_nodes_with_another_runtime_are_moved_workers_first",
    ),
    row(
        "cluster.runtime.package cluster.runtime.repository.url cluster.runtime.repository.key",
        CARRIED,
        "the new package replaces the old one",
        "unit/test_runtime_packages.py::test_on_debian",
    ),
    row(
        "cluster.runtime.version",
        CARRIED,
        "the version is installed, older or newer",
        "unit/test_deploys_packages.py::test_a_version_there_is",
    ),
    row(
        "cluster.runtime.archive.file cluster.runtime.archive.url cluster.runtime.archive.sha256",
        CARRIED,
        "the new archive replaces the old one",
        "unit/test_containerd_archive.py::test_another_archive_takes_its_place",
    ),
    row(
        "cluster.runtime.archive.runc.file cluster.runtime.archive.runc.url "
        "cluster.runtime.archive.runc.sha256",
        CARRIED,
        "the program is replaced",
        "unit/test_containerd_archive.py::test_a_program_by_itself",
    ),
    row(
        "cluster.runtime.accelerators",
        CARRIED,
        "from the next pull on",
        "unit/test_deploys_runtime.py::test_accelerators_are_mirrors_of_docker_hub",
    ),
    row(
        "cluster.runtime.registries.*.mirrors cluster.runtime.registries.*.insecure",
        CARRIED,
        "from the next pull on; Docker reloads it without a restart",
        "unit/test_docker.py::test_docker_takes_registries_over_without_a_restart",
    ),
    row(
        "cluster.runtime.registries.*.username cluster.runtime.registries.*.password "
        "cluster.runtime.registries.*.ca",
        CARRIED,
        "from the next pull on; entries that are no longer in the inventory are removed",
        "unit/test_deploys_runtime.py::test_registries_that_are_no_longer_named_are_forgotten",
    ),
    row(
        "cluster.runtime.classes.*.type cluster.runtime.classes.*.package "
        "cluster.runtime.classes.*.binary cluster.runtime.classes.*.options",
        CARRIED,
        "for pods that start later",
        "unit/test_runtime_classes.py::test_containerds_handlers",
    ),
    row(
        "cluster.runtime.cri_dockerd.version cluster.runtime.cri_dockerd.url "
        "cluster.runtime.cri_dockerd.file cluster.runtime.cri_dockerd.sha256",
        CARRIED,
        "cri-dockerd is replaced and restarted; containers keep running",
        "unit/test_cri_dockerd.py::test_it_is_put_back_only_where_it_differs",
    ),
    row(
        "cluster.runtime.log_max_size cluster.runtime.log_max_files",
        CARRIED,
        "for containers that start later",
        "unit/test_deploys_runtime.py::test_daemon_json",
    ),
    row(
        "cluster.runtime.config",
        CARRIED,
        "the runtime is restarted if necessary; containers keep running",
        "unit/test_deploys_runtime.py::test_a_service_older_than_its_configuration_is_restarted",
    ),
    row(
        "cluster.network.plugin cluster.network.calico.install",
        REFUSED,
        "pods keep the addresses and routes that they were started with",
        _PLAYED,
    ),
    row(
        "cluster.network.pods",
        REFUSED,
        "nodes keep their pod CIDRs, and pods keep their addresses",
        _PLAYED,
    ),
    row(
        "cluster.network.services",
        REFUSED,
        "Services keep their addresses, including that of the cluster's DNS",
        _PLAYED,
    ),
    row(
        "cluster.network.dns_domain",
        REFUSED,
        "CoreDNS answers for the domain it was created with, and pods search that domain",
        _PLAYED,
    ),
    row(
        "cluster.network.flannel.backend cluster.network.flannel.direct_routing "
        "cluster.network.flannel.vni cluster.network.flannel.port cluster.network.flannel.mtu "
        "cluster.network.flannel.keepalive cluster.network.flannel.interface "
        "cluster.network.canal.backend cluster.network.canal.direct_routing "
        "cluster.network.canal.vni cluster.network.canal.port cluster.network.canal.mtu "
        "cluster.network.canal.keepalive cluster.network.canal.interface",
        CARRIED,
        "its pods restart one at a time; until the last has restarted, pods on different "
        "nodes may not reach each other",
        "render/test_networks.py::test_flannels_backend",
    ),
    row(
        "cluster.network.calico.encapsulation cluster.network.calico.bgp "
        "cluster.network.calico.nat_outgoing",
        CARRIED,
        "Calico changes its routes",
        "render/test_networks.py::test_calicos_pool_and_backend",
    ),
    row(
        "cluster.network.calico.as_number cluster.network.calico.route_reflectors "
        "cluster.network.calico.route_reflector_cluster_id",
        CARRIED,
        "Calico's nodes use the new peerings",
        "render/test_networks.py::test_a_full_mesh_or_route_reflectors",
    ),
    row(
        "cluster.network.calico.address_detection cluster.network.calico.mtu",
        CARRIED,
        "Calico's pods restart one at a time",
        "render/test_networks.py::test_how_calico_finds_a_nodes_address",
    ),
    row(
        "cluster.network.calico.wireguard",
        CARRIED,
        "in Calico's own configuration",
        "render/test_networks.py::test_wireguard_is_switched_in_calicos_own_configuration",
    ),
    row(
        "cluster.network.calico.block_size",
        REFUSED,
        "nodes have blocks of the size that the pool was created with",
        _PLAYED,
    ),
    row(
        "cluster.endpoint.host cluster.endpoint.port",
        REFUSED,
        "every kubelet and kubeconfig contains it, and so does the API server's certificate",
        _PLAYED,
    ),
    row(
        "cluster.source",
        REPORTED,
        "packages come from it from now on; the control plane's pods keep their images until an "
        "upgrade",
        _WARNED,
    ),
    row(
        "cluster.image_repository cluster.image_layout",
        REPORTED,
        "the control plane's pods keep their images until an upgrade",
        _WARNED,
    ),
    row(
        "cluster.images",
        CARRIED,
        "addons' pods are replaced",
        "unit/test_addons_compare.py::test_another_wish_is_applied",
    ),
    row(
        "cluster.addons.*.values cluster.addon_folders",
        CARRIED,
        "differences are applied",
        "unit/test_addons_compare.py::test_another_wish_is_applied",
    ),
    row(
        "cluster.addons.*.changes_by_others",
        CARRIED,
        "changes by others are reverted, or kept",
        "unit/test_addons_compare.py::test_what_others_took_can_be_left_to_them",
    ),
    row(
        "cluster.addons.*.timeout",
        NEXT,
        "how long `up` waits",
        "unit/test_phases_addons.py::test_what_is_not_ready_is_told_with_its_pod_and_stops_what_"
        "needs_it",
    ),
    row(
        "cluster.helm.file cluster.helm.url cluster.helm.sha256",
        CARRIED,
        "helm is replaced on the control planes",
        "unit/test_helm.py::test_only_when_the_inventory_names_an_archive",
    ),
    row(
        "cluster.packages.url",
        CARRIED,
        "the source is replaced; installed packages stay",
        "unit/test_deploys_packages.py::test_the_source_can_be_a_mirror",
    ),
    row(
        "cluster.packages.key cluster.packages.key_fingerprints",
        CARRIED,
        "a new key is accepted only if it is set here",
        "unit/test_signing_keys.py::test_another_key_is_taken_when_it_is_named",
    ),
    row(
        "cluster.packages.archive.file cluster.packages.archive.url "
        "cluster.packages.archive.sha256 cluster.packages.revision",
        CARRIED,
        "packages of the same Kubernetes version are replaced, and the kubelets restarted",
        "unit/test_deploys_packages.py::test_versions",
    ),
    row(
        "cluster.kubeadm.api_server_args cluster.kubeadm.controller_manager_args "
        "cluster.kubeadm.scheduler_args cluster.kubeadm.etcd_args",
        CARRIED,
        "one component at a time; one that does not come back gets its previous arguments",
        "unit/test_control_plane_arguments.py::test_a_new_argument_and_another_value",
    ),
    row(
        "cluster.kubeadm.cert_sans",
        REPORTED,
        "the warning lists the names that are not in the API server's certificate, and how to add "
        "them",
        _WARNED,
    ),
    row(
        "cluster.kubeadm.feature_gates cluster.kubeadm.certificate_validity",
        REPORTED,
        "kubeadm reads it when it creates or upgrades a cluster",
        _WARNED,
    ),
    row(
        "cluster.kubeadm.skip_phases",
        REPORTED,
        "an installed kube-proxy stays; other phases are skipped only in new clusters",
        _WARNED,
    ),
    row(
        "cluster.kubeadm.token_ttl",
        NEXT,
        "for the token of a new cluster; joins use other, short-lived tokens",
        "unit/test_kubeadm_join.py::test_a_join_gets_its_token_on_standard_input",
    ),
    row(
        "cluster.kubeadm.ignore_preflight_errors",
        NEXT,
        "by the next join",
        "unit/test_images.py::test_kubeadms_word_for_leaving_images_out",
    ),
    row(
        "cluster.kube_proxy.mode",
        REFUSED,
        "kube-proxy reads it when it starts, and the rules of the old mode stay behind",
        _PLAYED,
    ),
    row(
        "cluster.kube_proxy.config",
        REPORTED,
        "kubeadm applies it when it creates a cluster; the warning says how to change it by hand",
        _WARNED,
    ),
    row(
        "cluster.time.manage cluster.time.servers",
        CARRIED,
        "chrony is restarted; with `manage: false` it is left as it is",
        "unit/test_deploys_hosts.py::test_other_time_services_are_turned_off",
    ),
    row(
        "cluster.time.sync_timeout",
        NEXT,
        "how long `up` waits",
        "unit/test_deploys_hosts.py::test_clock",
    ),
    row(
        "cluster.firewall",
        CARRIED,
        "rules are added and removed, and a firewall that was turned off is turned on again",
        "unit/test_deploys_firewall.py::test_what_was_turned_off_is_on_again",
    ),
    row(
        "cluster.machine_ids",
        NEXT,
        "for hosts that are not nodes yet",
        "unit/test_changes.py::test_machine_ids_of_nodes_stay",
    ),
    row(
        "cluster.proxy.http cluster.proxy.https cluster.proxy.no_proxy",
        CARRIED,
        "the runtime and the kubelet are restarted, and the control plane's pods are replaced",
        "unit/test_proxy.py::test_pods_with_other_proxies_are_made_anew",
    ),
    row(
        "cluster.selinux",
        CARRIED,
        "permissive takes effect immediately; `keep` leaves the mode as it is",
        "unit/test_deploys_selinux.py::test_the_file_is_changed_and_kept",
    ),
    row(
        "cluster.sysctls",
        CARRIED,
        "applied immediately; one that is removed keeps its value until the host restarts",
        "unit/test_deploys_hosts.py::test_sysctls_live",
    ),
    row(
        "cluster.manage_etc_hosts",
        CARRIED,
        "names are written; with `false`, existing entries stay",
        "unit/test_deploys_hosts.py::test_hosts_file",
    ),
    row(
        "cluster.smoke.image cluster.smoke.timeout",
        NEXT,
        "by the next smoke test",
        "unit/test_smoke_app.py::test_the_smoke_app_is_removed_when_it_fails",
    ),
)
"""What a change of the cluster's settings does."""
