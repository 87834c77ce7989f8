# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's kernels: downloaded with apt, unpacked in build-nic/, never installed."""
import fcntl
import lzma
import os
import re
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build-nic"
# The package that depends on the newest kernel of a series.
PACKAGES = {"6.1": "linux-image-amd64", "6.12": "linux-image-6.12-amd64"}
DOWNLOAD_SECONDS = 600
SETUP_SECTORS, PAYLOAD_OFFSET = 0x1f1, 0x248
# What the initramfs needs to reach the host's files and the agent's port.
BOOT_MODULES = ["virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_console"]
INIT = """#!/bin/busybox sh
busybox mount -t proc proc /proc
busybox mount -t devtmpfs dev /dev
while read -r module; do
	busybox insmod "/modules/$module"
done </modules/order
busybox mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose root /host
busybox mount -t tmpfs writable /over
busybox mkdir /over/upper /over/work
busybox mount -t overlay -o lowerdir=/host,upperdir=/over/upper,workdir=/over/work root /root
exec busybox switch_root /root /usr/bin/python3 -B "$@"
"""


class Unavailable(Exception):
    """The lab can't have a kernel, or QEMU; the text says why."""


def _output(*command, **options):
    result = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False, **options)
    if result.returncode != 0:
        raise Unavailable(f"{' '.join(map(str, command))}: {result.stderr.strip()[-500:]}")
    return result.stdout


def _image_package(series):
    """The name of the package of the newest kernel of a series."""
    def look():
        found = re.search(r"Depends: (linux-image-\S+)", _output("apt-cache", "depends", PACKAGES[series]))
        return found and found[1]

    try:
        name = look()
    except Unavailable:
        name = None
    if name is None:
        _output("apt-get", "-qq", "update")
        name = look()
    if name is None:
        raise Unavailable(f"apt has no package {PACKAGES[series]}")
    return name


def _uncompressed(image):
    """The ELF file inside a bzImage (Documentation/arch/x86/boot.rst): without KVM, half of a boot would go into
    its decompression."""
    start, length = struct.unpack_from("<II", image, PAYLOAD_OFFSET)
    start += ((image[SETUP_SECTORS] or 4) + 1) * 512
    payload = image[start:start + length - 4]  # the size stands behind it
    if payload.startswith(b"\xfd7zXZ"):
        return lzma.decompress(payload)
    return subprocess.run(["zstd", "-dc"], input=payload, stdout=subprocess.PIPE, check=True).stdout


def _unpack(series, directory):
    """Downloads and unpacks beside `directory`, which then appears whole or not at all."""
    work = Path(tempfile.mkdtemp(dir=CACHE))
    try:
        _output("apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", _image_package(series), cwd=work)
        (package,) = work.glob("*.deb")
        _output("dpkg", "-x", package, work / "root")
        (modules,) = (work / "root/lib/modules").iterdir()
        _output("depmod", "-b", work / "root", modules.name)
        (image,) = (work / "root/boot").glob("vmlinuz-*")
        (work / "root/vmlinux").write_bytes(_uncompressed(image.read_bytes()))
        _write_initramfs(work / "root", modules.name)
        os.rename(work / "root", directory)
    finally:
        shutil.rmtree(work)


def _module_files(root, release):
    """The files of the modules for the initramfs, each behind those that it needs."""
    files = []
    for module in BOOT_MODULES:
        for line in _output("modprobe", "-d", root, "-S", release, "--show-depends", module).splitlines():
            words = line.split()
            if words[0] == "insmod" and Path(words[1]) not in files:
                files.append(Path(words[1]))
    return files


def _write_initramfs(root, release):
    tree = root / "initramfs"
    for name in ("bin", "dev", "proc", "host", "over", "root", "modules"):
        (tree / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "/bin/busybox", tree / "bin/busybox")
    (tree / "init").write_text(INIT)
    (tree / "init").chmod(0o755)
    order = []
    for file in _module_files(root, release):
        content = file.read_bytes()
        name = file.name
        if file.suffix == ".xz":
            content, name = lzma.decompress(content), file.stem
        (tree / "modules" / name).write_bytes(content)
        order.append(name)
    (tree / "modules/order").write_text("".join(name + "\n" for name in order))
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
    with open(root / "initramfs.cpio", "wb") as out:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=tree, input=names.encode(), stdout=out, check=True)
    shutil.rmtree(tree)


class Kernel:
    """A kernel of a series, such as "6.1", ready to be booted."""

    def __init__(self, series):
        for program in ("depmod", "cpio", "busybox", "zstd"):
            if shutil.which(program) is None:
                raise Unavailable(f"{program} is not installed: config/install-packages nic")
        self.series = series
        self.root = CACHE / f"kernel-{series}"
        CACHE.mkdir(exist_ok=True)
        with open(CACHE / f"kernel-{series}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # several workers may want the same kernel at once
            if not self.root.exists():
                _unpack(series, self.root)
        (self.modules,) = (self.root / "lib/modules").iterdir()
        self.release = self.modules.name
        self.image = self.root / "vmlinux"
        self.initramfs = self.root / "initramfs.cpio"
