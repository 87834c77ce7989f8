# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest with NICs of several makes, and a namespace of this machine that is at the other end of each."""
import json
import os
import subprocess
from contextlib import contextmanager

from kernels import Kernel, Unavailable
from machine import Machine
from net import Namespace

# AF_XDP gets frames with whole checksums only when the guest does not offer to work with partial ones; behind vfio,
# virtio must go through the IOMMU.
VIRTIO = ("virtio-net-pci,iommu_platform=on,disable-legacy=on,guest_csum=off,guest_tso4=off,guest_tso6=off,"
          "guest_ecn=off,guest_ufo=off")
# name in the guest: QEMU's device, queues
NICS = {
    "two": (VIRTIO, 2),
    "three": (VIRTIO, 3),
    "intel": ("e1000e", 1),
    "vmware": ("vmxnet3", 1),
    "left": (VIRTIO, 1),
    "right": (VIRTIO, 1),
}
MODULES = ["virtio_net", "e1000e", "vmxnet3", "vfio-pci", "vfio_iommu_type1", "veth", "bridge", "bonding", "8021q",
           "tun", "vhost_net"]
HUGE_PAGES = 160
_running = {}  # the only one, by its kernel's series
_failed = {}  # why there is none: it is not tried again
# NICs filter tags, and take those of VLANs that somebody has made.
TAG = 7


class Link:
    """The client's end of one NIC. It has the members of a Network that Wire, frame() and exchange() want."""

    def __init__(self, lab, name, number):
        self.lab, self.name, self.number = lab, name, number
        self.client = lab.client
        self.tap = f"tap-{name}"
        self.server4, self.client4 = f"10.53.{number}.1", f"10.53.{number}.2"
        self.server6, self.client6 = f"fd53:{number}::1", f"fd53:{number}::2"
        self.mac = f"52:54:00:53:00:{number:02x}"
        self.server_mac = bytes.fromhex(self.mac.replace(":", ""))
        self.queue_cnt = NICS[name][1]
        self._create()

    def _create(self):
        mode = ["multi_queue"] if self.queue_cnt > 1 else []
        self.client.ip("tuntap", "add", "dev", self.tap, "mode", "tap", *mode)
        self.client.ip("link", "set", self.tap, "up")
        self.client.ip("addr", "add", f"{self.client4}/24", "dev", self.tap)
        self.client.ip("addr", "add", f"{self.client6}/64", "dev", self.tap, "nodad")
        (link,) = json.loads(self.client.ip("-j", "link", "show", "dev", self.tap))
        self.client_mac = bytes.fromhex(link["address"].replace(":", ""))

    def qemu_arguments(self):
        device, cnt = NICS[self.name]
        queues = f",queues={cnt}" if cnt > 1 else ""
        more = f",mq=on,vectors={2 * cnt + 2}" if cnt > 1 else ""
        return ["-netdev", f"tap,id={self.name},ifname={self.tap},script=no,downscript=no,vhost=off{queues}",
                "-device", f"{device},netdev={self.name},mac={self.mac},romfile={more}"]

    def forget_neighbours(self):
        self.client.ip("neigh", "flush", "dev", self.tap)

    def neighbour(self, address):
        """The MAC address that the client has learned for the address, or None."""
        entries = json.loads(self.client.ip("-j", "neigh", "show", "dev", self.tap) or "[]")
        return next((entry.get("lladdr") for entry in entries if entry["dst"] == address), None)


class Lab:
    """A running guest and its links by name."""

    def __init__(self, kernel, nics, name):
        self.kernel = kernel
        self.client = Namespace(name)
        try:
            numbers = {nic: number for number, nic in enumerate(NICS, 1)}
            self.links = {nic: Link(self, nic, numbers[nic]) for nic in nics}
            devices = [word for link in self.links.values() for word in link.qemu_arguments()]
            self.machine = Machine(kernel, devices, self.client.command(), huge_pages=HUGE_PAGES)
        except BaseException:
            self.client.delete()
            raise
        try:
            self._set_up()
        except BaseException:
            self.close()
            raise

    def _set_up(self):
        self.sh("for module; do modprobe $module || exit; done", *MODULES)
        self.machine.run("modprobe", "-q", "xsk_diag")  # with it, ss shows AF_XDP sockets; 6.1 has none
        # else any interface answers ARP for any address
        self.sh("echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore")
        names = {link["address"]: link["ifname"] for link in json.loads(self.machine.output("ip", "-j", "link"))}
        self.pci = {}
        for nic, link in self.links.items():
            old = names[link.mac]
            path = self.machine.output("readlink", "-f", f"/sys/class/net/{old}/device").strip()
            # that of virtio is one below that of PCI
            self.pci[nic] = next(part for part in reversed(path.split("/")) if part.startswith("0000:"))
            self.sh("ip link set $1 name $2 && echo 1 >/proc/sys/net/ipv6/conf/$2/disable_ipv6", old, nic)

    def sh(self, script, *arguments, **options):
        """What a shell script prints that must succeed."""
        return self.machine.output("sh", "-c", script, "sh", *arguments, **options)

    def write(self, path, text):
        self.sh('printf %s "$1" >"$2"', text, path)

    def state(self):
        """What a dataplane could leave behind in the kernel, as text to be compared."""
        return self.sh("""
            ip -d -o link | awk '{print $2, $3}' FS='[ @]+' | sort
            ip -d link | grep -o 'prog/xdp.*' | sed 's/id [0-9]*//'
            echo "programs: $(bpftool prog list | grep -c ': xdp ')"
            echo "sockets: $(ss -H -a --xdp | wc -l)"
            stat -c %N /sys/bus/pci/devices/*/driver
            grep HugePages_Free /proc/meminfo
            ls -A /dev/hugepages
            ls -d /run/dpdk 2>/dev/null || true""")

    @contextmanager
    def bound_to_vfio(self, nic):
        """The PCI device is vfio's inside the block."""
        switch = """
            device=/sys/bus/pci/devices/$1
            [ ! -e $device/driver ] || echo $1 >$device/driver/unbind
            echo "$2" >$device/driver_override
            echo $1 >/sys/bus/pci/drivers_probe
            readlink $device/driver"""
        assert self.sh(switch, self.pci[nic], "vfio-pci").strip().endswith("/vfio-pci")
        try:
            yield self.pci[nic]
        finally:
            self.sh(switch, self.pci[nic], "")
            (name,) = self.sh("find $1 -path '*/net/*' -prune", f"/sys/bus/pci/devices/{self.pci[nic]}/").split()
            self.sh("[ $1 = $2 ] || ip link set $1 name $2", name.rsplit("/", 1)[1], nic)

    @contextmanager
    def interface(self, nic, device=None):
        """An interface with the link's addresses is up inside the block; `device` has them if it is another one."""
        link, device = self.links[nic], device or nic
        self.sh("""
            echo 0 >/proc/sys/net/ipv6/conf/$1/disable_ipv6
            ip addr add $2/24 dev $1 && ip addr add $3/64 dev $1 nodad && ip link set $1 up
            ip link add link $1 name tagged type vlan id $4 && ip link set tagged up""",
                device, link.server4, link.server6, TAG)
        try:
            yield device
        finally:
            self.machine.run("sh", "-c", "ip link del tagged; ip addr flush dev $1; ip link set $1 down", "sh", device)

    def close(self):
        self.machine.close()
        subprocess.run(["ip", "netns", "del", self.client.name], check=False)


def open_lab(series):
    """The guest with that kernel; another one is switched off first."""
    if series in _failed:
        raise _failed[series]
    if series not in _running:
        close_lab()
        try:
            _running[series] = Lab(Kernel(series), NICS, f"vly-n{os.getpid()}-{series}")
        except (AssertionError, Unavailable) as error:
            _failed[series] = error
            raise
    return _running[series]


def close_lab():
    while _running:
        _running.popitem()[1].close()
