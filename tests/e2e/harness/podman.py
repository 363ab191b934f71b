# SPDX-License-Identifier: BSD-3-Clause
"""podman with a storage, locks and settings of its own: nothing of the user's podman is touched.

The images that others are built from (a small Debian, and one with the compiler) are made once by
mmdebstrap and stay in the cache as a read-only image store; what a run builds goes with its folder.
"""
from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Iterator

BASE, BUILDER = "localhost/gwd-test-base", "localhost/gwd-test-builder"
BUILDER_EXTRA = ["musl-tools", "make", "curl", "iproute2"]  # it is also where the tests' own programs run
SUITE = "bookworm"
SLIM = ["man", "doc", "info", "locale"]  # what Debian's own slim images leave out, too
IMAGE_ENV = "ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin"
STALE_DAYS = 14
PREFIX = "gwd-podman"

# Limits as a machine without CAP_SYS_RESOURCE needs them; runc works with every kind of cgroup; file
# locks because those in shared memory are one set for all storages. static_dir is what podman derives
# from the storage when it calls itself at the end of a container, which is told no file.
CONTAINERS_CONF = """
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
runtime = "runc"
static_dir = "{graph}/libpod"
tmp_dir = "{folder}/tmp"
volume_path = "{folder}/volumes"
[network]
network_backend = "netavark"
network_config_dir = "{folder}/networks"
"""
STORAGE_CONF = """
[storage]
driver = "overlay"
graphroot = "{graph}"
runroot = "{folder}/run"
[storage.options]
additionalimagestores = [{stores}]
[storage.options.overlay]
skip_mount_home = "true"
"""


class Podman:
    def __init__(self, folder: Path, graph: Path | None = None, stores: list[Path] | None = None) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        conf, storage = folder / "containers.conf", folder / "storage.conf"
        places = {"folder": folder, "graph": graph or folder / "graph",
                  "stores": ", ".join(f'"{x}"' for x in stores or [])}
        conf.write_text(CONTAINERS_CONF.format(**places))
        storage.write_text(STORAGE_CONF.format(**places))
        self.env = {**os.environ, "CONTAINERS_CONF": str(conf), "CONTAINERS_STORAGE_CONF": str(storage)}

    def __call__(self, *argv: object, check: bool = True, timeout: float = 60) -> subprocess.CompletedProcess:
        done = subprocess.run(["podman", *map(str, argv)], env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"podman {' '.join(map(str, argv))}: exit {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    def inspect(self, name: str) -> dict:
        return json.loads(self("inspect", name).stdout)[0]

    def logs(self, name: str) -> str:
        done = self("logs", name, check=False)
        return done.stdout + done.stderr

    def destroy(self) -> None:
        """Ends what runs in this storage, then removes it."""
        self("pod", "rm", "-fa", "-t", "1", check=False)
        self("rm", "-fa", "-t", "1", check=False)
        for line in reversed(Path("/proc/mounts").read_text().splitlines()):
            if line.split()[1].startswith(f"{self.folder}/"):
                subprocess.run(["umount", "-l", line.split()[1]], check=False)
        shutil.rmtree(self.folder)


def run_folder() -> Path:
    """This process's own; those of runs that were killed go with their containers."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}-[0-9]*"):
        if not Path(f"/proc/{path.name.rpartition('-')[2]}").exists():
            Podman(path).destroy()
    return Path(tempfile.gettempdir()) / f"{PREFIX}-{os.getpid()}"


# -- the images others are built from ---------------------------------------------------------------


def _words(file: Path, variable: str) -> list[str]:
    """A list of packages, from where it is kept."""
    match = re.search(rf'\b{variable}="([^"]*)"', file.read_text())
    assert match, f"{file}: no {variable}="
    return match[1].split()


def _packages(top: Path) -> dict[str, list[str]]:
    runtime = _words(top / "packaging/container/Containerfile", "packages")
    build = _words(top / "scripts/install-deps.sh", "build")
    return {BASE: runtime, BUILDER: sorted({*build, *BUILDER_EXTRA})}


def _apt_settings() -> tuple[list[str], list[str]]:
    """This machine's mirror and proxy, as far as it names any."""
    dump = subprocess.run(["apt-config", "dump"], stdout=subprocess.PIPE, text=True, check=False).stdout
    proxies = [f"--aptopt={x}" for x in dump.splitlines() if re.match(r"Acquire::https?::Proxy ", x)]
    sites = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE)", "Identifier: Packages"],
                           stdout=subprocess.PIPE, text=True, check=False).stdout.split()
    mirrors = [x for x in sites if x.rstrip("/").endswith("/debian")]
    return proxies, mirrors[:1]


def _debootstrap(packages: list[str], tar: Path) -> None:
    proxies, mirror = _apt_settings()
    slim = [f"--dpkgopt=path-exclude=/usr/share/{x}/*" for x in SLIM]
    done = subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}",
                           *slim, *proxies, SUITE, str(tar), *mirror],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise AssertionError(f"mmdebstrap cannot make the base image:\n{done.stdout}")


def _make_store(store: Path, packages: dict[str, list[str]]) -> None:
    shutil.rmtree(store, ignore_errors=True)
    podman = Podman(store / "make", graph=store / "graph")
    tars = {name: store / f"{number}.tar" for number, name in enumerate(packages)}
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: _debootstrap(packages[name], tars[name]), packages))
    for name, tar in tars.items():
        podman("import", "--quiet", "--change", IMAGE_ENV, tar, name, timeout=300)
        tar.unlink()
    podman.destroy()
    (store / "complete").touch()


def _forget_stale(cache: Path) -> None:
    for mark in cache.glob("*/complete"):
        if time.time() - mark.stat().st_mtime > STALE_DAYS * 86400:
            shutil.rmtree(mark.parent, ignore_errors=True)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with open(path, "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def cache_folder() -> Path:
    """As cmake/lwip.cmake has it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gwd"


def base_store(top: Path) -> Path:
    """The image store with BASE and BUILDER; a minute or two if it is not there yet."""
    packages = _packages(top)
    key = hashlib.sha256(json.dumps([SUITE, SLIM, IMAGE_ENV, packages]).encode()).hexdigest()[:12]
    cache = cache_folder() / "containers"
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / "lock"):
        store = cache / key
        if not (store / "complete").exists():
            _forget_stale(cache)
            _make_store(store, packages)
        (store / "complete").touch()
    return store / "graph"
