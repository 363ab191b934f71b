# SPDX-License-Identifier: BSD-3-Clause
"""The images, run as docs/containers.md says: one capability, one TUN, one tty, nothing to write to.

Suite "container" of scripts/test.sh. The module is a76sim, whose pseudo-terminal is bound into the
container (a pty cannot be made again from its numbers, as --device does).
"""
from __future__ import annotations

import dataclasses
import os
import stat
from pathlib import Path
from typing import Iterator

import pytest
import yaml

from harness.dns import NameServer
from harness.podman import BASE, BUILDER, Podman, base_store, cache_folder, run_folder
from harness.serve import web
from harness.sim import Sim
from harness.waiting import wait_for
from harness.world import RESOLVER, SERVERS4, SIGTERM_LIMIT, World

pytestmark = pytest.mark.needs("podman", "runc", "mmdebstrap")

TOP = Path(__file__).resolve().parents[2]
TARGETS = ["debian", "static"]
NOPERM, OSERR = 77, 71
CAP_NET_ADMIN = 1 << 12


@pytest.fixture(scope="session")
def podman() -> Iterator[Podman]:
    p = Podman(run_folder(), stores=[base_store(TOP)])
    try:
        done = p("run", "--rm", "--network", "none", BASE, "true", check=False)
        if done.returncode != 0:
            pytest.skip(f"containers do not run here: {(done.stderr.splitlines() or ['?'])[-1]}")
        yield p
    finally:
        p.destroy()


@pytest.fixture(scope="session")
def images(podman: Podman) -> dict[str, str]:
    """Both targets of the Containerfile, without a network."""
    found, cache = {}, cache_folder()
    for target in TARGETS:
        name = found[target] = f"localhost/gwd-test:{target}"
        podman("build", "--quiet", "--format", "docker", "--isolation", "chroot", "--network", "host",
               "--volume", f"{cache}:{cache}", "--build-arg", f"XDG_CACHE_HOME={cache.parent}",
               "--build-arg", f"BASE={BASE}", "--build-arg", f"BUILDER={BUILDER}", "--target", target, "--tag", name,
               "--file", TOP / "packaging/container/Containerfile", TOP, timeout=300)
    sizes = {name: podman.inspect(image)["Size"] for name, image in [*found.items(), ("base", BASE)]}
    print(f"static image {sizes['static'] // 1000} kB, debian {(sizes['debian'] - sizes['base']) // 1000} kB on its base")
    return found


@dataclasses.dataclass
class Gateway:
    """A container with the gateway in it."""
    podman: Podman
    name: str

    def exec(self, *argv: str, check: bool = True):
        return self.podman("exec", self.name, *argv, check=check)

    def log(self) -> str:
        return self.podman.logs(self.name)

    def state(self) -> dict:
        return self.podman.inspect(self.name)["State"]

    def wait_up(self, times: int = 1) -> None:
        def up() -> bool:
            assert self.state()["Running"], self.log()
            return self.log().count("bearer up") >= times

        wait_for("the bearer to be up", up, timeout=40)

    def capabilities(self) -> dict[str, int]:
        """What the kernel says of the gateway's process: CapEff, CapBnd, NoNewPrivs, …"""
        lines = Path(f"/proc/{self.state()['Pid']}/status").read_text().splitlines()
        pairs = (x.split(":") for x in lines if x.startswith(("Cap", "NoNewPrivs", "Seccomp:", "Uid")))
        return {key: int(value.split()[0], 16 if key.startswith("Cap") else 10) for key, value in pairs}

    def stop(self) -> int:
        """The exit status; 137 if SIGTERM did not do within the limit, for then podman kills."""
        self.podman("stop", "-t", int(SIGTERM_LIMIT), self.name)
        return self.state()["ExitCode"]


@dataclasses.dataclass
class Rig:
    """A world whose gateway is a container."""
    world: World
    podman: Podman
    images: dict[str, str]

    def tty(self) -> Path:
        return (self.world.folder / "ttyA76").resolve()

    def options(self, **more: object) -> list[str]:
        """The documented restrictions; with None one is left out."""
        defaults: dict[str, object] = {
            "network": f"ns:/run/netns/{self.world.inner.name}", "read-only": "true", "cap-drop": "all",
            "cap-add": "NET_ADMIN", "security-opt": "no-new-privileges", "device": "/dev/net/tun",
            "tmpfs": "/run/gwd:mode=755"}
        settings = {k: v for k, v in {**defaults, **more}.items() if v is not None}
        return [f"--{key}={value}" for key, value in settings.items()]

    def create(self, target: str, options: list[str], arguments: list[object]) -> Gateway:
        """With the module as /dev/modem."""
        return self.run(target, [*options, f"--volume={self.tty()}:/dev/modem"], arguments)

    def run(self, target: str, options: list[str], arguments: list[object]) -> Gateway:
        name = f"{self.world.inner.name}-gwd"
        self.podman("run", "--detach", "--name", name, *options, self.images[target], *arguments)
        return Gateway(self.podman, name)

    def app(self, gateway: Gateway, *argv: str) -> str:
        """A program in a second container that has the gateway's network, and no capability."""
        resolv = self.world.folder / "resolv.conf"
        resolv.write_text(f"nameserver {RESOLVER}\n")
        return self.podman("run", "--rm", "--network", f"container:{gateway.name}", "--cap-drop=all",
                           "--read-only", "--volume", f"{resolv}:/etc/resolv.conf:ro", BUILDER, *argv).stdout

    def links(self) -> str:
        return self.world.inner.ip("-brief", "link")


ARGUMENTS = ["-d", "/dev/modem", "-a", "internet", "-o", "interface.default_route=yes"]


@pytest.fixture
def rig(world: World, podman: Podman, images: dict[str, str]) -> Iterator[Rig]:
    try:
        yield Rig(world, podman, images)
    finally:
        podman("rm", "-f", "-t", "1", f"{world.inner.name}-gwd", check=False)


@pytest.mark.parametrize("target", TARGETS)
def test_a_container_beside_the_gateway_reaches_a_server_by_name(
        rig: Rig, resolver: NameServer, target: str) -> None:
    """The whole of the documented run, with as little as it needs, from start to stop."""
    rig.world.start_sim()
    rig.world.serve(web, SERVERS4[0], 80)
    gateway = rig.create(target, rig.options(), ARGUMENTS)
    gateway.wait_up()

    held = gateway.capabilities()
    assert held["CapEff"] == held["CapBnd"] == CAP_NET_ADMIN and held["NoNewPrivs"] == 1, held
    assert held["Seccomp"] == 2, "the engine's filter lets the gateway work"
    got = rig.app(gateway, "curl", "-sS", "-m", "30", "-o", "/dev/null", "-w", "%{http_code} %{size_download}",
                  "http://h1.test/50000")
    assert got == "200 50000" and "h1.test" in resolver.names()

    checked = rig.podman("healthcheck", "run", gateway.name, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "cell0" in rig.links()
    assert gateway.stop() == 0, gateway.log()
    assert "cell0" not in rig.links()
    assert not rig.world.open_links()


def test_the_configuration_file_and_a_pin_are_mounted_and_nothing_else_is_told(rig: Rig) -> None:
    pin = "4711"
    rig.world.start_sim(pin=pin)
    conf, secret = rig.world.folder / "gwd.conf", rig.world.folder / "pin"
    conf.write_text("[modem]\ndevice = /dev/modem\napn = internet\npin_file = /run/secrets/pin\n"
                    "[interface]\nname = cell7\n[log]\nlevel = trace\n")
    secret.write_text(pin + "\n")
    secret.chmod(0o400)
    gateway = rig.create("debian", [*rig.options(tmpfs="/var/lib/gwd"), f"--volume={conf}:/etc/gwd/gwd.conf:ro",
                                    f"--volume={secret}:/run/secrets/pin:ro"], [])
    gateway.wait_up()
    assert "cell7" in rig.links()
    assert gateway.exec("gwctl", "status").returncode == 0, "the only socket in /run/gwd is found"
    assert pin not in gateway.log()
    assert gateway.stop() == 0


def test_a_module_that_comes_back_as_another_tty_is_found_where_the_container_sees_the_hosts_devices(rig: Rig) -> None:
    world = rig.world
    name, again = world.folder / "modem", world.folder / "again"  # as udev's links in /dev/serial/by-path
    gone = world.start_sim()
    name.symlink_to(rig.tty())
    options = [*rig.options(), f"--volume={world.folder}:{world.folder}", "--volume=/dev/pts:/dev/pts"]
    gateway = rig.run("static", options, ["-d", name, *ARGUMENTS[2:]])
    gateway.wait_up()
    again.mkdir()
    world.sim = Sim(world.outer, world.binaries.a76sim, again, "fast", 0, {})
    world.processes.append(world.sim.process)
    name.unlink()
    name.symlink_to(world.sim.link.resolve())
    gone.process.kill()
    gateway.wait_up(times=2)
    assert gateway.stop() == 0


@pytest.mark.parametrize("missing, status, words", [
    ({"cap-add": None}, NOPERM, ["CAP_NET_ADMIN"]),
    ({"device": None}, OSERR, ["/dev/net/tun"]),
])
def test_a_missing_permission_ends_it_with_its_own_status_and_says_what_to_give(
        rig: Rig, missing: dict, status: int, words: list[str]) -> None:
    rig.world.start_sim()
    gateway = rig.create("debian", rig.options(**missing), ARGUMENTS)
    assert int(rig.podman("wait", gateway.name).stdout) == status, gateway.log()
    for word in words:
        assert word in gateway.log()


def test_a_user_who_is_not_root_does_where_the_engine_makes_the_capability_ambient(rig: Rig) -> None:
    user = 65532
    rig.world.start_sim()
    os.chown(rig.tty(), user, user)
    tun = rig.world.folder / "tun"
    os.mknod(tun, stat.S_IFCHR | 0o600, Path("/dev/net/tun").stat().st_rdev)
    options = rig.options(user=f"{user}:{user}", device=f"{tun}:/dev/net/tun", tmpfs="/run/gwd:mode=1777")
    gateway = rig.create("debian", options, ARGUMENTS)
    assert int(rig.podman("wait", gateway.name).stdout) == NOPERM
    assert "may not open /dev/net/tun" in gateway.log()

    tun.chmod(0o666)  # as udev makes it
    rig.podman("rm", gateway.name)
    gateway = rig.create("debian", options, ARGUMENTS)
    gateway.wait_up()
    held = gateway.capabilities()
    assert held["CapEff"] == CAP_NET_ADMIN and held["Uid"] == user, held
    assert gateway.stop() == 0


# -- the manifests, as far as they can be run without Kubernetes --------------------------------------


def sidecar_pod() -> tuple[dict, dict]:
    """The ConfigMap of the sidecar manifest, and its pod."""
    config, deployment = yaml.safe_load_all((TOP / "packaging/container/kubernetes/sidecar.yaml").read_text())
    return config, deployment["spec"]["template"]["spec"]


def test_the_routes_of_the_sidecar_leave_the_cluster_on_its_interface(rig: Rig) -> None:
    inner = rig.world.inner
    inner.ip("link", "add", "eth0", "type", "veth", "peer", "name", "peer0")
    for name in ("eth0", "peer0"):
        inner.ip("link", "set", name, "up")
    inner.ip("addr", "add", "10.244.0.5/24", "dev", "eth0")
    inner.ip("route", "add", "default", "via", "10.244.0.1")
    routes = next(c for c in sidecar_pod()[1]["initContainers"] if c["name"] == "routes")
    variables = [f"--env={x['name']}={x['value']}" for x in routes["env"]]
    options = rig.options(device=None, tmpfs=None)
    for _ in range(2):  # the kubelet may run an init container again
        rig.podman("run", "--rm", *options, *variables, BUILDER, *routes["command"])
        left = inner.ip("route")
        assert "10.0.0.0/8 via 10.244.0.1 dev eth0" in left and "default" not in left


def runnable(rig: Rig) -> str:
    """The pod for "podman play kube": that knows no sidecars and no device plug-in, and its networks
    are not ours to set up."""
    config, pod = sidecar_pod()
    gwd = next(c for c in pod.pop("initContainers") if c["name"] == "gwd")
    for key in ("restartPolicy", "startupProbe", "livenessProbe", "readinessProbe"):
        del gwd[key]
    del gwd["resources"]["limits"]["squat.ai/gwd"]
    for name, source, kind in (("tun", "/dev/net/tun", "CharDevice"), ("modem", str(rig.tty()), "File")):
        pod["volumes"].append({"name": name, "hostPath": {"path": source, "type": kind}})
    gwd["volumeMounts"] += [{"name": "tun", "mountPath": "/dev/net/tun"}, {"name": "modem", "mountPath": "/dev/modem"}]
    pod["containers"].insert(0, gwd)
    for c in pod["containers"]:
        c["image"] = rig.images["static"] if c["name"] == "gwd" else BUILDER
        c["imagePullPolicy"] = "Never"
    return yaml.safe_dump_all([config, {"apiVersion": "v1", "kind": "Pod", "spec": pod, "metadata": {
        "name": rig.world.inner.name, "labels": {"app": "test"}}}])


def test_a_program_in_the_sidecars_pod_reaches_a_server_without_a_capability(rig: Rig) -> None:
    rig.world.start_sim()
    rig.world.serve(web, SERVERS4[0], 80)
    manifest = rig.world.folder / "pod.yaml"
    manifest.write_text(runnable(rig))
    pod = rig.world.inner.name
    try:
        rig.podman("play", "kube", "--quiet", "--network", "none", manifest)
        gateway, app = Gateway(rig.podman, f"{pod}-gwd"), Gateway(rig.podman, f"{pod}-app")
        gateway.wait_up()
        held, user = gateway.capabilities(), app.capabilities()
        assert held["CapEff"] == CAP_NET_ADMIN and held["NoNewPrivs"] == 1, held
        assert user["CapEff"] == user["CapBnd"] == 0 and user["Uid"] != 0, user
        done = app.exec("curl", "-sS", "-m", "30", "-o", "/dev/null", "-w", "%{http_code} %{size_download}",
                        f"http://{SERVERS4[0]}/50000")
        assert done.stdout == "200 50000"
        assert gateway.exec(*"/usr/bin/gwctl check -u".split()).returncode == 0
        assert gateway.stop() == 0, gateway.log()
    finally:
        rig.podman("pod", "rm", "-f", "-t", "1", pod, check=False)
