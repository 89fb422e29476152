"""The fields of hosts; added and removed hosts and addons; changes by others."""

from __future__ import annotations

from kubeinstall.inventory.changes.rows import Effect, Row, row

CARRIED, REFUSED, REPORTED, NEXT = Effect
_PLAYED = "unit/test_changes.py::test_what_is_refused_of_a_host_names_both_values"

OF_HOSTS = (
    row(
        "host.ssh.user host.ssh.port host.ssh.key host.ssh.key_passphrase host.ssh.password "
        "host.ssh.bastion host.ssh.bastion_key host.ssh.bastion_key_passphrase "
        "host.ssh.bastion_password host.ssh.known_hosts host.ssh.host_keys host.ssh.sudo_password",
        NEXT,
        "how kubeinstall reaches the host; a new user gets a kubeconfig",
        "unit/test_kubeadm_init.py::test_kubeconfig_of_a_login",
    ),
    row(
        "host.labels",
        CARRIED,
        "those removed from the inventory are removed; those set by others stay",
        "unit/test_node_settings.py::test_what_is_taken_out_goes_and_others_stay",
    ),
    row(
        "host.taints.*.key host.taints.*.value host.taints.*.effect",
        CARRIED,
        "those removed from the inventory are removed; those set by others stay",
        "unit/test_node_settings.py::test_a_control_planes_own_taint_goes_and_comes_back",
    ),
    row(
        "host.kubelet.extra_args host.kubelet.config host.kubelet.allowed_unsafe_sysctls "
        "host.kubelet.kube_reserved host.kubelet.system_reserved host.kubelet.eviction_hard "
        "host.kubelet.max_pods",
        CARRIED,
        "kubelets are restarted one at a time; the run stops if one does not come back",
        "unit/test_phases_kubelets.py::test_kubelets_are_changed_one_by_one_until_one_fails",
    ),
    row(
        "host.kubelet.cpu_manager_policy host.kubelet.memory_manager_policy "
        "host.kubelet.topology_manager_policy",
        CARRIED,
        "the node is drained first",
        "unit/test_kubelet_settings.py::test_what_a_kubelet_is_restarted_for",
    ),
    row(
        "host.address",
        REFUSED,
        "if it is also the node's address; with node_ip, only ssh uses it, and it can change",
        _PLAYED,
    ),
    row(
        "host.node_ip",
        REFUSED,
        "a node keeps the address it joined with, which is in files and certificates on other "
        "hosts",
        _PLAYED,
    ),
    row(
        "host.hostname",
        REFUSED,
        "a node keeps its name; with another one, it would join a second time",
        _PLAYED,
    ),
    row(
        "lab.subnet lab.cgroup lab.suite lab.mirror lab.users lab.nat lab.bastion",
        NEXT,
        "by `kubeinstall lab up`",
        "unit/test_lab_plan.py::test_hosts_of_the_inventory_and_of_the_lab",
    ),
    row(
        "vagrant.box vagrant.cpus vagrant.memory vagrant.hosts.*.box vagrant.hosts.*.cpus "
        "vagrant.hosts.*.memory",
        NEXT,
        "by `vagrant up`",
        "host/test_vagrant.py::test_the_machines_are_the_inventorys",
    ),
)
"""Effects of changes of host settings, and of settings for local machines."""

MEMBERS = (
    Row(
        ("a host is added",),
        CARRIED,
        "it joins, and the other hosts get its route, name and firewall rules",
        "unit/test_kubeadm_join.py::test_decide",
    ),
    Row(
        ("a worker is removed",),
        REPORTED,
        "its node stays, and the other hosts keep its route, name and firewall rules, until you "
        "remove the node from the cluster",
        "unit/test_living.py::test_a_worker_that_is_no_longer_in_the_inventory_keeps_what_it_needs",
    ),
    Row(
        ("a host moves to another group",),
        REFUSED,
        "etcd and the API server cannot move",
        "unit/test_living.py::test_a_host_does_not_change_its_role",
    ),
    Row(
        ("an addon is removed",),
        CARRIED,
        "its objects are removed",
        "unit/test_phases_addons.py::test_addons_that_are_named_no_more_go_those_that_need_others_"
        "first",
    ),
    Row(
        ("a runtime class is removed",),
        CARRIED,
        "its RuntimeClass is deleted, and its handler is removed",
        "unit/test_runtime_classes.py::test_only_ours_are_deleted",
    ),
)
"""Effects of adding to the inventory, and removing from it."""

KEPT = (
    Row(
        ("labels and taints of the inventory",),
        CARRIED,
        "restored",
        "unit/test_node_settings.py::test_new_ones_are_noted_before_they_are_set",
    ),
    Row(
        ("a Node that was deleted",),
        CARRIED,
        "its host joins again",
        "unit/test_kubeadm_join.py::test_decide",
    ),
    Row(
        ("the ConfigMap kubelet-config",),
        CARRIED,
        "the fields in the inventory are restored, other fields stay",
        "unit/test_kubelet_settings.py::test_what_is_taken_out_for_all_goes_from_the_cluster",
    ),
    Row(
        ("the configuration of a node's kubelet",),
        CARRIED,
        "restored",
        "unit/test_kubelet_settings.py::test_a_nodes_configuration",
    ),
    Row(
        ("arguments in the control plane's manifests",),
        CARRIED,
        "restored; arguments set by others stay",
        "unit/test_control_plane_arguments.py::test_an_argument_that_was_taken_out_of_a_manifest_"
        "is_put_back",
    ),
    Row(
        ("an addon's objects",),
        CARRIED,
        "reverted and reported, unless changes_by_others is keep",
        "unit/test_phases_addons.py::test_what_others_changed_is_told_and_taken_back",
    ),
    Row(
        ("a RuntimeClass with another handler",),
        REPORTED,
        "it cannot be changed, only deleted and created again",
        "unit/test_runtime_classes.py::test_another_handler_of_that_name_is_told",
    ),
    Row(
        ("routes to other nodes' pods",),
        CARRIED,
        "restored",
        "unit/test_network_deploys.py::test_routes",
    ),
    Row(
        ("firewall rules",),
        CARRIED,
        "added again",
        "unit/test_deploys_firewall.py::test_chains_are_opened_again_when_they_are_not",
    ),
    Row(
        ("all CoreDNS pods are on a node that is down",),
        CARRIED,
        "they are replaced on other nodes",
        "unit/test_phases_ready.py::test_coredns_leaves_a_node_that_is_off",
    ),
    Row(
        ("a node with another version than the cluster",),
        REFUSED,
        "a worker is left out of the run; drain it and change its version by hand",
        "unit/test_living.py::test_a_single_node_of_another_version_is_left_out",
    ),
)
"""Changes by others in the cluster or on hosts, and what ``up`` does about them."""
