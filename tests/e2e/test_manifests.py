# SPDX-License-Identifier: BSD-3-Clause
"""What packaging/container has for engines that are not here: its files say what they mean, and give
the gateway what docs/containers.md says and no more. Part of the suite "container"."""
from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Iterator

import pytest
import yaml

from harness.world import Binaries

TOP = Path(__file__).resolve().parents[2]
FOLDER = TOP / "packaging" / "container"
KUBERNETES = sorted((FOLDER / "kubernetes").glob("*.yaml"))
COMPOSE = sorted(FOLDER.glob("compose*.yaml"))
GWCTL = "/usr/bin/gwctl"
PLUGIN = "plugin"  # the one container that must be privileged: it is not the gateway

# Fields of the Kubernetes API, as far as these files use them: a field that is not here is a slip of
# the pen, or belongs here.
POD = {"automountServiceAccountToken", "containers", "dnsConfig", "dnsPolicy", "hostNetwork", "initContainers",
       "nodeSelector", "priorityClassName", "terminationGracePeriodSeconds", "tolerations", "volumes"}
CONTAINER = {"args", "command", "env", "image", "imagePullPolicy", "livenessProbe", "name", "readinessProbe",
             "resources", "restartPolicy", "securityContext", "startupProbe", "volumeMounts"}
SECURITY = {"allowPrivilegeEscalation", "capabilities", "privileged", "readOnlyRootFilesystem", "runAsGroup",
            "runAsNonRoot", "runAsUser", "seccompProfile"}
PROBE = {"exec", "failureThreshold", "periodSeconds", "timeoutSeconds"}
VOLUME = {"configMap": {"name"}, "secret": {"secretName", "optional", "defaultMode"},
          "emptyDir": {"medium", "sizeLimit"}, "hostPath": {"path", "type"}}
WORKLOAD = {"Deployment": {"replicas", "selector", "strategy", "template"}, "DaemonSet": {"selector", "template"}}


def objects() -> list[tuple[str, dict]]:
    return [(f"{path.stem}-{o['kind']}", o) for path in KUBERNETES for o in yaml.safe_load_all(path.read_text())]


WORKLOADS = [pytest.param(o, id=name) for name, o in objects() if o["kind"] in WORKLOAD]
CONFIGS = [pytest.param(o["data"]["gwd.conf"], id=name) for name, o in objects() if o["kind"] == "ConfigMap"]


def pod_of(workload: dict) -> dict:
    return workload["spec"]["template"]["spec"]


def containers(pod: dict) -> list[dict]:
    return pod.get("initContainers", []) + pod["containers"]


def only(found: dict, known: set[str], where: str) -> None:
    assert set(found) <= known, f"{where}: {set(found) - known}"


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_workload_has_only_fields_that_exist_and_selects_its_own_pods(workload: dict) -> None:
    assert workload["apiVersion"] == "apps/v1"
    only(workload["spec"], WORKLOAD[workload["kind"]], "spec")
    assert workload["spec"]["selector"]["matchLabels"] == workload["spec"]["template"]["metadata"]["labels"]
    pod = pod_of(workload)
    only(pod, POD, "pod")
    for volume in pod.get("volumes", []):
        kind, = set(volume) - {"name"}
        only(volume[kind], VOLUME[kind], volume["name"])
    for c in containers(pod):
        only(c, CONTAINER, c["name"])
        only(c["securityContext"], SECURITY, c["name"])
        for probe in (c[x] for x in c if x.endswith("Probe")):
            only(probe, PROBE, c["name"])


@pytest.mark.parametrize("workload", WORKLOADS)
def test_what_a_pod_mounts_is_there(workload: dict) -> None:
    pod = pod_of(workload)
    volumes = {x["name"]: x for x in pod.get("volumes", [])}
    for c in containers(pod):
        for mount in c.get("volumeMounts", []):
            assert mount["name"] in volumes and mount["mountPath"].startswith("/")
    maps = {o["metadata"]["name"] for _, o in objects() if o["kind"] == "ConfigMap"}
    assert {x["configMap"]["name"] for x in volumes.values() if "configMap" in x} <= maps


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_pod_is_given_one_capability_at_most(workload: dict) -> None:
    pod = pod_of(workload)
    assert pod["automountServiceAccountToken"] is False
    for c in containers(pod):
        held = c["securityContext"]
        if c["name"] == PLUGIN:
            continue
        assert "privileged" not in held
        assert held["allowPrivilegeEscalation"] is False and held["readOnlyRootFilesystem"] is True
        assert held["capabilities"]["drop"] == ["ALL"]
        assert held["capabilities"].get("add", []) in ([], ["NET_ADMIN"])
        assert held["seccompProfile"] == {"type": "RuntimeDefault"}
        if c["name"] == "gwd":
            assert c["resources"]["limits"]["squat.ai/gwd"] == 1
            assert {m["mountPath"] for m in c["volumeMounts"]} >= {"/etc/gwd", "/run/gwd"}


def test_the_plugin_offers_what_the_pods_ask_for() -> None:
    plugin, = (c for _, o in objects() if o["kind"] in WORKLOAD for c in containers(pod_of(o)) if c["name"] == PLUGIN)
    args = plugin["args"]
    device = yaml.safe_load(args[args.index("--device") + 1])
    assert "--domain=squat.ai" in args and device["name"] == "gwd"
    for group in device["groups"]:
        inside = {p.get("mountPath", p["path"]) for p in group["paths"]}
        assert inside == {"/dev/modem", "/dev/net/tun"}


def commands_of_gwctl() -> Iterator[list[str]]:
    for _, o in objects():
        for c in containers(pod_of(o)) if o["kind"] in WORKLOAD else []:
            yield from (c[x]["exec"]["command"] for x in c if x.endswith("Probe"))
    for line in re.findall(r"^HEALTHCHECK .*CMD (\[.*\])$", (FOLDER / "Containerfile").read_text(), re.M):
        yield json.loads(line)


def test_probes_are_commands_that_gwctl_knows(binaries: Binaries) -> None:
    found = list(commands_of_gwctl())
    assert len(found) >= 2
    for path, *argv in found:
        assert path == GWCTL  # no shell: there is none in the static image
        done = subprocess.run([binaries.gwctl, "-s", "/nonexistent", *argv], capture_output=True, text=True, check=False)
        assert "/nonexistent" in done.stdout + done.stderr, f"{argv}: {done.stdout}{done.stderr}"


@pytest.mark.parametrize("text", [pytest.param((FOLDER / "gwd.conf").read_text(), id="compose"), *CONFIGS])
def test_the_configuration_is_valid(binaries: Binaries, tmp_path: Path, text: str) -> None:
    conf = tmp_path / "gwd.conf"
    conf.write_text(text)
    done = subprocess.run([binaries.gwd, "-c", conf, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "device = /dev/modem\n" in text


@pytest.mark.parametrize("path", COMPOSE, ids=lambda p: p.stem)
def test_compose_gives_the_gateway_what_it_needs_and_no_more(path: Path) -> None:
    compose = yaml.safe_load(path.read_text())
    gwd = compose["services"]["gwd"]
    assert gwd["read_only"] is True and "privileged" not in gwd
    assert gwd["cap_drop"] == ["ALL"] and gwd["cap_add"] == ["NET_ADMIN"]
    assert gwd["security_opt"] == ["no-new-privileges:true"]
    assert gwd["devices"] == ["/dev/net/tun", "${GWD_TTY:-/dev/ttyUSB2}:/dev/modem"]
    build = gwd["build"]
    context = (FOLDER / build["context"]).resolve()
    assert context == TOP and f"AS {build['target']}\n" in (context / build["dockerfile"]).read_text()
    for service in compose["services"].values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert (FOLDER / source).exists() if source.startswith("./") else \
                source.startswith("/") or source in compose["volumes"], volume
        mode = service["network_mode"]
        assert mode in ("none", "host") or mode.removeprefix("service:") in compose["services"]


def test_the_cdi_file_names_the_tun_and_a_tty() -> None:
    cdi = json.loads((FOLDER / "cdi" / "gwd.json").read_text())
    assert re.fullmatch(r"\d\.\d\.\d", cdi["cdiVersion"])
    assert re.fullmatch(r"[A-Za-z][\w.-]*/[A-Za-z][\w-]*", cdi["kind"])
    for device in cdi["devices"]:
        assert re.fullmatch(r"[A-Za-z0-9][\w.:-]*|[A-Za-z0-9]", device["name"])
        nodes = device["containerEdits"]["deviceNodes"]
        assert {x["path"] for x in nodes} == {"/dev/net/tun", "/dev/modem"}
        assert all(x["permissions"] == "rw" for x in nodes)
