# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of stack files that break a rule of the engine, and parts that just keep it.

The unit tests hold what we say of each; the scenario ``stack`` asks a real engine whether it agrees.
"""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """Keys of the service ``a``, further sections of the file, and what we say of them after the name of the file."""

    service: str
    message: str
    more: str = ""

    def stack(self, image: str = "i") -> str:
        """The file, in YAML: modes keep the digits that they are written with."""
        given = "".join(f"    {line}\n" for line in self.service.splitlines())
        return f"services:\n  a:\n    image: {image}\n{given}{self.more}\n"

    def __str__(self) -> str:
        return f"{self.service} {self.more}".strip()


_SECRET = "secrets: {s: {environment: SECRET}}"
_CONFIG = "configs: {c: {content: hello}}"
_PATTERN = "expected a text such as node.role == manager"

REFUSED = (
    Case("deploy: {mode: global, replicas: 2}", "services.a.deploy.replicas: replicas of mode global; expected mode replicated"),
    Case("deploy: {mode: replicated-job, update_config: {}}", "services.a.deploy.update_config: a job has no update_config"),
    Case(
        "deploy: {restart_policy: {condition: unless-stopped}}",
        "services.a.deploy.restart_policy.condition: found 'unless-stopped'; expected none, on-failure or any; condition",
    ),
    Case("deploy: {restart_policy: {delay: -5s}}", "services.a.deploy.restart_policy.delay: found -5s; expected zero or more"),
    Case("deploy: {restart_policy: {window: -1ms}}", "services.a.deploy.restart_policy.window: found -1ms; expected zero or more"),
    Case("deploy: {update_config: {delay: -1s}}", "services.a.deploy.update_config.delay: found -1s; expected zero or more"),
    Case("deploy: {update_config: {monitor: -1s}}", "services.a.deploy.update_config.monitor: found -1s; expected zero or more"),
    Case(
        "deploy: {update_config: {max_failure_ratio: 1.5}}", "update_config.max_failure_ratio: found 1.5; expected a fraction from 0 to 1"
    ),
    Case("deploy: {endpoint_mode: dns}", "services.a.deploy.endpoint_mode: found 'dns'; expected vip or dnsrr"),
    Case("deploy: {placement: {constraints: [\"node.labels.jobs == ''\"]}}", f"constraints: found \"node.labels.jobs == ''\"; {_PATTERN}"),
    Case(
        "deploy: {placement: {constraints: [\"node.labels.zone == 'eu'\"]}}", f"constraints: found \"node.labels.zone == 'eu'\"; {_PATTERN}"
    ),
    Case("deploy: {placement: {constraints: ['node.labels.zone == \"eu\"']}}", f"found 'node.labels.zone == \"eu\"'; {_PATTERN}"),
    Case('deploy: {placement: {constraints: ["node.labels.zone == eu,us"]}}', f"found 'node.labels.zone == eu,us'; {_PATTERN}"),
    Case('deploy: {placement: {constraints: ["node.labels.mail == a@b"]}}', f"found 'node.labels.mail == a@b'; {_PATTERN}"),
    Case('deploy: {placement: {constraints: ["node.labels.x == a=b"]}}', f"found 'node.labels.x == a=b'; {_PATTERN}"),
    Case('deploy: {placement: {constraints: ["node.labels.town == zürich"]}}', f"found 'node.labels.town == zürich'; {_PATTERN}"),
    Case('deploy: {placement: {constraints: ["node.labels.gpu =="]}}', f"found 'node.labels.gpu =='; {_PATTERN}"),
    Case('deploy: {placement: {constraints: ["node.role=manager"]}}', f"found 'node.role=manager'; {_PATTERN}"),
    Case('deploy: {placement: {constraints: ["n == x"]}}', f"found 'n == x'; {_PATTERN}"),
    Case('deploy: {placement: {constraints: ["node.label.zone == eu"]}}', "found 'node.label.zone == eu'; expected node.id, node.hostname"),
    Case('deploy: {resources: {limits: {cpus: "0.0001"}}}', "deploy.resources.limits.cpus: found 0.0001; expected at least 0.001"),
    Case('deploy: {resources: {limits: {cpus: "-1"}}}', "deploy.resources.limits.cpus: found -1; expected at least 0.001"),
    Case('deploy: {resources: {reservations: {cpus: "0.0009"}}}', "resources.reservations.cpus: found 0.0009; expected at least 0.001"),
    Case("deploy: {resources: {limits: {memory: 5m}}}", "deploy.resources.limits.memory: found 5m; expected at least 6m"),
    Case("deploy: {resources: {reservations: {memory: 3m}}}", "deploy.resources.reservations.memory: found 3m; expected at least 4m"),
    Case(
        "healthcheck: {test: ['true']}",
        "services.a.healthcheck.test: found ['true']; expected CMD with words, CMD-SHELL with a command, or",
    ),
    Case("healthcheck: {test: [CMD]}", "services.a.healthcheck.test: found ['CMD']; expected CMD with words"),
    Case("healthcheck: {test: x, interval: 999us}", "services.a.healthcheck.interval: found 999us; expected 0, or 1ms and more"),
    Case("healthcheck: {test: x, timeout: 5us}", "services.a.healthcheck.timeout: found 5us; expected 0, or 1ms and more"),
    Case("healthcheck: {test: x, start_period: -1s}", "services.a.healthcheck.start_period: found -1s; expected 0, or 1ms and more"),
    Case("healthcheck: {test: x, start_interval: 1ns}", "services.a.healthcheck.start_interval: found 1ns; expected 0, or 1ms and more"),
    Case("stop_grace_period: -1s", "services.a.stop_grace_period: found -1s; expected zero or more"),
    Case(f"hostname: {'h' * 64}", f"services.a.hostname: found '{'h' * 64}'; expected at most 64 characters, and 63 between two dots"),
    Case(f"hostname: {'h' * 40}.{'g' * 40}", "expected at most 64 characters, and 63 between two dots; shorten it"),
    Case('hostname: "{{.Node.Name}}"', "services.a.hostname: found {{.Node.Name}}; expected a template of Swarm, such as {{.Task.Slot}}"),
    Case('environment: {FORMAT: "see {{.Names}}"}', "services.a.environment.FORMAT: found {{.Names}}; expected a template of Swarm"),
    Case('environment: {FORMAT: "hunter2 {{"}', "services.a.environment.FORMAT: found {{; expected a template of Swarm"),
    *(
        Case(f"environment: {{FORMAT: '{text}'}}", f"services.a.environment.FORMAT: found {found}; expected a template of Swarm")
        for text, found in (
            ("{{}}", "{{"),
            ("{{ hunter2 }}", "{{"),
            ("{{ db.host }}", "{{"),
            ("{{{{.Task.Slot}}}}", "{{"),
            ("{{.Task.Slot}} {{.Service.Labels.x}}", "{{.Service.Labels.x}}"),
        )
    ),
    Case('environment: {"": x}', "a variable has no name; expected a name"),
    Case("working_dir: app", "services.a.working_dir: found 'app'; expected an absolute path"),
    Case("stop_signal: SIGNOPE", "services.a.stop_signal: found 'SIGNOPE'; expected a signal such as SIGTERM, INT or 15"),
    Case('stop_signal: "0"', "services.a.stop_signal: found '0'; expected a signal"),
    Case("cap_add: [NET_ADMINS]", "services.a.cap_add: found 'NET_ADMINS'; expected a capability such as NET_ADMIN, or ALL"),
    Case("cap_drop: [root]", "services.a.cap_drop: found 'root'; expected a capability such as NET_ADMIN, or ALL"),
    Case("ulimits: {nofiles: 5}", "services.a.ulimits.nofiles: found 'nofiles'; expected a limit such as nofile"),
    Case(
        "ulimits: {nofile: {soft: 9, hard: 5}}",
        "services.a.ulimits.nofile: found soft 9 and hard 5; expected a soft limit that is not above",
    ),
    Case("ulimits: {nproc: {soft: -1, hard: 500}}", "services.a.ulimits.nproc: found soft -1 and hard 500; expected a soft limit"),
    Case("sysctls: {vm.max_map_count: 262144}", "vm.max_map_count is none of those that each container has for itself; expected net.*"),
    Case("sysctls: [kernel.hostname=x]", "services.a.sysctls.kernel.hostname: kernel.hostname is none of those that each container has"),
    Case("extra_hosts: ['db:postgres']", "services.a.extra_hosts: found db=postgres; expected a name, and an IP address or host-gateway"),
    Case("extra_hosts: ['db=']", "services.a.extra_hosts: found db=; expected a name, and an IP address"),
    Case(
        "logging: {driver: json-file, options: {max_size: 10m}}",
        "services.a.logging.options: json-file has no option max_size; expected options of the driver, such as max-size and max-file",
    ),
    Case("ports: [{target: 0, published: 8180, mode: host}]", "services.a.ports: a port has no target; expected target: a port from 1"),
    Case("ports: [{target: 80, protocol: icmp}]", "services.a.ports: found protocol 'icmp'; expected tcp, udp or sctp"),
    Case("volumes: ['/tmp:/x', '/var:/x']", "services.a.volumes: two mounts have the target /x; expected one mount for each target"),
    Case(
        "secrets: [{source: s, target: x}, {source: r, target: x}]",
        "services.a.secrets: 's' and 'r' have the same target 'x'; expected one target each",
        "secrets: {s: {environment: SECRET}, r: {environment: SECRET}}",
    ),
    Case(
        "configs: [{source: c, target: /x}, {source: d, target: /x}]",
        "services.a.configs: 'c' and 'd' have the same target '/x'; expected one target each",
        "configs: {c: {content: hello}, d: {content: hello}}",
    ),
    Case("ports: ['8180:80', '8180:81']", "services.a.ports: port 8180/tcp is published twice; expected each port once"),
    Case(
        "ports: [{target: 80, published: 8180, mode: host}, {target: 81, published: 8180}]",
        "services.a.ports: port 8180/tcp is published twice; expected each port once",
    ),
    Case(
        "ports: [{target: 80, published: 8180, mode: host}, {target: 443, published: 8443, mode: host},"
        " {target: 80, published: 8181, mode: host}]",
        "services.a.ports: two ports of the node lead to 80/tcp; expected one published port for each port of the container in mode: host",
    ),
    Case("ports: ['8180:80']\ndeploy: {endpoint_mode: dnsrr}", "services.a.ports: endpoint_mode dnsrr with a port in ingress mode"),
    Case(
        "volumes: ['vv:app/data']",
        "services.a.volumes: found target 'app/data'; expected an absolute path that is not /",
        "volumes: {vv: }",
    ),
    Case("volumes: [{type: tmpfs, target: /}]", "services.a.volumes: found target '/'; expected an absolute path that is not /"),
    Case("volumes: [{type: image, source: i, target: /i}]", "services.a.volumes: found type 'image', which services can't mount"),
    Case(
        "volumes: [{type: bind, source: /tmp, target: /t, bind: {propagation: public}}]",
        "services.a.volumes.bind.propagation: found 'public'; expected private, rprivate",
    ),
    Case(
        "volumes: [{type: volume, source: v, target: /v, volume: {subpath: ../x}}]",
        "services.a.volumes.volume.subpath: found '../x'; expected a relative path",
        "volumes: {v: }",
    ),
    Case("volumes: [{type: tmpfs, target: /t, tmpfs: {mode: 1777}}]", "volumes.tmpfs.mode: 1777 is decimal, that is 03361; write 01777"),
    Case("volumes: ['/srv/{{.Service.Nam}}:/t']", "services.a.volumes.source: found {{.Service.Nam}}; expected a template of Swarm"),
    Case("volumes: ['v:/t/{{.Task.Nr}}']", "services.a.volumes.target: found {{.Task.Nr}}; expected a template of Swarm", "volumes: {v: }"),
    Case("secrets: [{source: s, mode: 400}]", "services.a.secrets.mode: 400 is decimal, that is 0620; write 0400", _SECRET),
    Case("secrets: [{source: s, uid: mongodb}]", "services.a.secrets.uid: found 'mongodb'; expected a number: users are known", _SECRET),
    Case("secrets: [{source: s, gid: db}]", "services.a.secrets.gid: found 'db'; expected a number: users are known", _SECRET),
    Case("configs: [{source: c, uid: nginx}]", "services.a.configs.uid: found 'nginx'; expected a number: users are known", _CONFIG),
    Case("configs: [{source: c, gid: nginx}]", "services.a.configs.gid: found 'nginx'; expected a number: users are known", _CONFIG),
    Case("networks: [n]", "services.a.networks: no service can join the network ingress", "networks: {n: {external: true, name: ingress}}"),
    Case("networks: [n]", "services.a.networks: no service can join the network none", "networks: {n: {external: true, name: none}}"),
    Case(
        "networks: [h, default]",
        "services.a.networks: found the network host beside others; expected the network host alone, or none but it",
        "networks: {h: {external: true, name: host}}",
    ),
    *(
        Case("networks: [n]", f"networks.n.driver: a network of driver {driver} ends at its node", f"networks: {{n: {{driver: {driver}}}}}")
        for driver in ("bridge", "macvlan", "ipvlan", "host")
    ),
    Case("", "networks.default.enable_ipv6: found true; expected no IPv6; remove it: Swarm", "networks: {default: {enable_ipv6: true}}"),
    *(
        Case("", f"networks.default.ipam.config: {message}", f"networks: {{default: {{ipam: {{config: [{config}]}}}}}}")
        for config, message in (
            ("{subnet: '10.77'}", "found subnet '10.77'; expected a subnet such as 10.20.0.0/24"),
            ("{gateway: 10.77.0.1}", "found subnet ''; expected a subnet"),
            ("{subnet: 'fd00:77::/64'}", "found the IPv6 subnet fd00:77::/64; expected an IPv4 subnet; remove it"),
            ("{subnet: 10.77.0.0/24}, {subnet: 'fd00:77::/64'}", "found the IPv6 subnet fd00:77::/64; expected an IPv4 subnet"),
            ("{subnet: 10.77.0.5/24}", "10.77.0.5/24 is inside of 10.77.0.0/24; expected the first address of a subnet"),
            ("{subnet: 10.77.0.0/24, gateway: 10.78.0.1}", "found gateway 10.78.0.1 with subnet 10.77.0.0/24; expected addresses of its"),
            ("{subnet: 10.77.0.0/24, ip_range: 10.77.1.0/25}", "found ip_range 10.77.1.0/25 with subnet 10.77.0.0/24"),
            (
                "{subnet: 10.77.0.0/24}, {subnet: 10.77.0.0/25}",
                "subnets overlap: 10.77.0.0/24, 10.77.0.0/25; expected subnets that share no",
            ),
        )
    ),
    Case(
        "",
        "networks.default.driver_opts: found com.docker.network.driver.mtu '9k'; expected a whole number",
        "networks: {default: {driver_opts: {com.docker.network.driver.mtu: 9k}}}",
    ),
    Case("", "networks.default.name: found 'bridge'; expected another name", "networks: {default: {name: bridge}}"),
    Case("", "networks.default.name: found 'a.b'; expected up to 63 letters, digits, - and _", "networks: {default: {name: a.b}}"),
    Case(
        "",
        "networks.default.labels.com.docker.swarm.predefined: found 'com.docker.swarm.predefined'; expected another label",
        "networks: {default: {labels: {com.docker.swarm.predefined: x}}}",
    ),
    Case("volumes: ['vv:/v']", "volumes.vv.name: found 'a/b'; expected two or more letters, digits", "volumes: {vv: {name: a/b}}"),
    Case("volumes: ['vv:/v']", "volumes.vv.driver_opts: found foo; expected type, o and device", "volumes: {vv: {driver_opts: {foo: x}}}"),
    Case("volumes: ['vv:/v']", "volumes.vv.driver_opts: no device; expected type", "volumes: {vv: {driver_opts: {type: nfs}}}"),
    Case(
        "volumes: ['vv:/v']",
        "volumes.vv.driver_opts.o: found {{.Task.Nr}}; expected a template of Swarm",
        "volumes: {vv: {driver_opts: {type: none, device: /tmp, o: 'bind,{{.Task.Nr}}'}}}",
    ),
    Case("volumes: ['vv:/v']", "volumes.vv.labels.x: found {{.X}}; expected a template", "volumes: {vv: {labels: {x: '{{.X}}'}}}"),
    Case("", "secrets.s.name: found '-s'; expected up to 64 letters", "secrets: {s: {environment: SECRET, name: -s}}"),
    Case("", "configs.c.name: found 'c.'; expected up to 64 letters", "configs: {c: {content: x, name: c.}}"),
    Case("configs: [c]", "configs.c.template_driver: found 'jinja'; expected golang", "configs: {c: {content: x, template_driver: jinja}}"),
)

WARNED = (
    Case(
        "deploy: {placement: {preferences: [{spread: zone}]}}",
        "services.a.deploy.placement.preferences.spread: 'zone' spreads nothing; write node.labels.NAME (spread)",
    ),
    Case(
        "deploy: {resources: {reservations: {generic_resources: [{discrete_resource_spec: {kind: gpu, value: 0}}]}}}",
        "generic_resources.discrete_resource_spec: 0 of gpu reserves nothing; give a value of 1 or more (generic_resources)",
    ),
    Case("dns: [resolver]", "services.a.dns: 'resolver' is no IP address, and names nothing; write an address (dns)"),
    Case("ports: [{target: 80, mode: overlay}]", "services.a.ports: mode 'overlay' counts as ingress; write ingress or host (ports)"),
    *(
        Case(
            f"ports: ['{port}']", f"services.a.ports: {told} published on every node takes the port of the nodes' own SSH or swarm; publish"
        )
        for port, told in (("22:80", "22/tcp"), ("2377:80", "2377/tcp"), ("7946:80/udp", "7946/udp"), ("4789:80/udp", "4789/udp"))
    ),
    Case("configs: [{source: c, mode: 444}]", "services.a.configs.mode: 444 is decimal, that is 0674; write 0444 (mode)", _CONFIG),
)

TAKEN = (
    Case("deploy: {mode: replicated-job, rollback_config: {}}", ""),
    Case("deploy: {restart_policy: {condition: '', delay: 0s, window: 1ns}}", ""),
    Case("deploy: {update_config: {delay: 0s, monitor: 1ms, max_failure_ratio: 1.0}, rollback_config: {max_failure_ratio: 1.0}}", ""),
    Case("deploy: {endpoint_mode: DNSRR}\nports: [{target: 80, published: 8201, mode: host}]", ""),
    Case('deploy: {placement: {constraints: ["node.labels.a-b_c.d != x y", "NODE.ROLE==Manager", "node.ip != 10.0.0.0/24"]}}', ""),
    Case('deploy: {placement: {constraints: ["node.id != a(b)*+?[c]^$|\\\\:-_."], preferences: [{spread: engine.labels.x}]}}', ""),
    Case('deploy: {resources: {limits: {cpus: "0.01", memory: 6m}, reservations: {cpus: "0.001", memory: 4m}}}', ""),
    Case("healthcheck: {test: [CMD, 'true'], interval: 1ms, timeout: 0s, start_period: 1ms, start_interval: 1ms}", ""),
    Case("healthcheck: {test: [NONE]}", ""),
    Case("healthcheck: {test: [CMD-SHELL, 'true'], interval: 1s}", ""),
    Case("stop_grace_period: 0s", ""),
    Case(f"hostname: {'h' * 63}", ""),
    Case(f"hostname: {'h' * 32}.{'g' * 31}", ""),
    Case('hostname: "{{.Service.Name}}-{{.Task.Slot}}"', ""),
    Case(
        'environment: {A: "{{ .Node.Platform.OS }}/{{- .Task.ID -}}", B: "{{ if true }}x{{ end }}", C: "}}", D: \'{{"{{"}}.X}}\', E: }', ""
    ),
    Case("working_dir: /", ""),
    *(Case(f'stop_signal: "{text}"', "") for text in ("SIGRTMIN+3", "term", "15", "rtmax-1")),
    Case("cap_add: [cap_net_admin, Chown]\ncap_drop: [ALL]", ""),
    Case("ulimits: {nofile: {soft: 64, hard: 128}, CORE: 0, memlock: 0}", ""),
    Case("sysctls: {net.core.somaxconn: 1024, net/ipv4/ip_unprivileged_port_start: 0, kernel.shmmax: 65536, fs.mqueue.msg_max: 20}", ""),
    Case("extra_hosts: ['a:10.0.0.1', 'b=::1', 'c:host-gateway']", ""),
    Case("logging: {driver: json-file, options: {max-size: 1m, max-file: 2, tag: x, mode: non-blocking, max-buffer-size: 1m}}", ""),
    Case("logging: {driver: local, options: {max-size: 1m, compress: 'true'}}", ""),
    Case(
        "ports: ['8202:80', '8202:80/udp', {target: 81, published: 8203, mode: host}, {target: 81, mode: host, protocol: udp}]",
        "",
    ),
    Case("volumes: [{type: tmpfs, target: /t, tmpfs: {mode: 01777, size: 1m}}, {type: tmpfs, target: '/u/{{.Task.Slot}}'}]", ""),
    Case("volumes: [{type: bind, source: /tmp, target: /t, bind: {propagation: rprivate}}]", ""),
    Case("volumes: [{type: volume, source: v1, target: /v, volume: {nocopy: true}}]", "", "volumes: {v1: {name: 'n-{{.Task.Slot}}'}}"),
    Case("volumes: ['v1:/v']", "", "volumes: {v1: {driver_opts: {type: tmpfs, device: tmpfs, o: size=1m}}}"),
    Case("secrets: [{source: s, uid: '7', gid: '7', mode: 0620}]", "", _SECRET),
    Case("configs: [{source: c, mode: 420, target: /x}]", "", "configs: {c: {content: '{{.Service.Name}}', template_driver: golang}}"),
    Case("networks: [h]", "", "networks: {h: {external: true, name: host}}"),
    Case("", "", "networks: {default: {ipam: {config: [{subnet: 10.77.4.0/24, gateway: 10.77.4.1}]}, labels: {a: b}}}"),
)
