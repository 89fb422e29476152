"""Known causes: packages and where they come from. Patterns are from apt, dnf and our own words."""

from __future__ import annotations

from collections.abc import Sequence

from kubeinstall.diagnose.cause import Cause

_NAME = r"([A-Za-z0-9][A-Za-z0-9.-]*)"

PACKAGES: Sequence[Cause] = (
    Cause(
        "apt's lock",
        r"apt's lock has been held for (\d+) s by process (\d+) \(([^)\n]*)\)",
        "process {2} ({3}) is installing packages and has not finished within {1} s",
        "ps -fp {2}; when it has finished, run the same command again",
    ),
    Cause(
        "apt lock",
        r"Could not get lock \S+?[.,]? It is held by process (\d+)(?: \(([^)\n]*)\))?",
        "process {1} ({2}) is installing packages",
        "ps -fp {1}; when it has finished, run the same command again",
    ),
    Cause(
        "apt lock of nobody known",
        r"Could not get lock \S+|dpkg frontend lock",
        "another program is installing packages",
        "lslocks | grep -E 'dpkg|apt'; when it has finished, run the same command again",
    ),
    Cause(
        "dpkg interrupted",
        r"dpkg was interrupted, you must manually run",
        "an earlier installation of packages was interrupted",
        "dpkg --configure -a",
    ),
    Cause(
        "two keys for a source",
        r"Conflicting values set for option (?:Signed-By|Trusted) regarding source (\S+)[^\n]*",
        "two of the host's files configure the package source {1} with different keys",
        "grep -rn '{1}' /etc/apt/sources.list /etc/apt/sources.list.d; remove one of them",
    ),
    Cause(
        "another signing key",
        r"the signing key at \S+ is [0-9A-F]{40}[^\n]*, not [^\n]*",
        "{0}",
        "ask the maintainers of the package source; if it is theirs, set it in "
        "cluster.packages.key_fingerprints "
        "(for a package source other than Kubernetes': remove the old key file on the host)",
    ),
    Cause(
        "signing key cannot be fetched",
        r"the signing key could not be downloaded from [^\n]*",
        "{0}",
        "use another cluster.source, or save the key to a file and set cluster.packages.key to it",
    ),
    Cause(
        "signing key",
        r"(NO_PUBKEY \w+|EXPKEYSIG[^\n]*|BADSIG[^\n]*|REVKEYSIG[^\n]*|is not signed)",
        "apt does not trust the package source: {1}",
        "set cluster.packages.key to the package source's current signing key",
    ),
    Cause(
        "signing key (dnf)",
        r"(repomd\.xml GPG signature verification error[^\n]*|GPG check FAILED|"
        r"Public key for \S+ is not installed)",
        "dnf does not trust the package source: {1}",
        "set cluster.packages.key to the package source's current signing key",
    ),
    Cause(
        "metadata",
        r"Failed to download metadata for repo '?([^':\s]+)'?: ([^\n]*)",
        "dnf cannot read the package source {1}: {2}",
        "dnf repoinfo {1}; try its address from this host",
    ),
    Cause(
        "proxy login",
        r"407 +Proxy Authentication Required",
        "the proxy requires a login, or rejects the current one",
        "set cluster.proxy.http and https to http://LOGIN:PASSWORD@PROXY:PORT",
    ),
    Cause(
        "proxy",
        r"proxyconnect tcp: dial tcp ([^\s:]+:\d+)[^\n]*",
        "the proxy {1} cannot be reached",
        "check cluster.proxy; add hosts of your own network to cluster.proxy.no_proxy",
    ),
    Cause(
        "release expired",
        r"Release file[^\n]* is (?:expired|not valid yet)",
        "the package source's Release file is out of date, or the host's clock is wrong",
        "timedatectl; if the clock is right, tell the maintainers of the package source",
    ),
    Cause(
        "version not offered",
        r"package (\S+) (\S+?)(?:-\*)? is in none of this host's package sources; they have: (.*)",
        "the package sources do not have {1} {2}, only {3}",
        "set cluster.kubernetes to one of those, or cluster.packages.url to a package source that "
        "has it",
    ),
    Cause(
        "dependency",
        r"nothing provides (.+?) needed by (\S+)",
        "no enabled package source has {1}, which {2} needs",
        "dnf repolist --all; enable the one that has it",
    ),
    Cause(
        "no such version",
        r"Version '([^']+)' for '([^']+)' was not found",
        "the package source has no {2} {1}",
        "apt-cache madison {2}",
    ),
    Cause(
        "no such package",
        r"Unable to locate package (\S+)|Package '?([^\s']+)'? has no installation candidate",
        "no configured package source has {1}{2}",
        "apt-cache policy {1}{2}; check cluster.packages.url",
    ),
    Cause(
        "name resolution",
        rf"Temporary failure resolving '{_NAME}'|Could not resolve(?: host:)? '?{_NAME}|"
        rf"lookup {_NAME}(?: on [^\n]*?)?: (?:[^\n]*: )?(?:no such host|server misbehaving|"
        r"i/o timeout|Temporary failure)|Failed to resolve (?:host )?'?{}'?".replace("{}", _NAME),
        "the host cannot resolve {1}{2}{3}{4}",
        "getent hosts {1}{2}{3}{4} || cat /etc/resolv.conf",
    ),
    Cause(
        "no name resolution",
        r"Temporary failure in name resolution",
        "the host cannot resolve names",
        "cat /etc/resolv.conf; resolvectl status",
    ),
    Cause(
        "source unreachable",
        r"Could not connect to ([\w.-]+):(\d+)|Cannot initiate the connection to ([\w.-]+):(\d+)",
        "the package source {1}{3}:{2}{4} cannot be reached",
        "bash -c '</dev/tcp/{1}{3}/{2}{4}'; grep -rn '{1}{3}' /etc/apt/sources.list.d",
    ),
    Cause(
        "source fails",
        r"Failed to fetch (https?://([\w.-]+)[^\s'\"]*)([^\n]*)",
        "the package source {1} cannot be read:{3}",
        "apt-get update 2>&1 | grep -A2 '^Err'; grep -rn '{2}' /etc/apt/sources.list.d",
    ),
)
