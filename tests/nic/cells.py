# SPDX-License-Identifier: GPL-3.0-or-later
"""The matrix: ports, devices and kernels. Each cell makes its interface in the guest and takes it away again."""
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Callable

VLAN = 53
BOND_SECONDS = 60  # until the bond has seen the carriers of its members
VETH_MAC = "52:54:00:53:01:01"
EVERY, NEW = ("6.1", "6.12"), ("6.12",)


@contextmanager
def plain(lab, nic):
    """The NIC itself has the addresses."""
    with lab.interface(nic) as device:
        yield device


@contextmanager
def tags_left_on(lab, nic):
    """The driver takes tags off before an XDP program sees the frame, unless it is told not to."""
    lab.sh("ethtool -K $1 rxvlan off", nic)
    with lab.interface(nic) as device:
        yield device


@contextmanager
def all_queues(lab, nic):
    """Packets arrive on more queues than the guest has CPUs."""
    lab.sh("ethtool -L $1 combined $2", nic, lab.links[nic].queue_cnt)
    with lab.interface(nic) as device:
        yield device


def bridged_pair(lab, nic, options=""):
    """The NIC and one end of a veth pair are ports of a bridge, which leaves tags where an XDP program sees them."""
    return created(lab, f"""
        ip link add veth0 type veth peer name veth1
        ip link add bridge0 type bridge {options}
        ip link set $1 master bridge0 && ip link set veth1 master bridge0
        ip link set veth0 address $2 && ethtool -K veth1 txvlan off
        for each in $1 veth0 veth1 bridge0; do ip link set $each up || exit; done""",
                   "ip link del veth0; ip link del bridge0; ip link set $1 down", nic, VETH_MAC)


@contextmanager
def veth(lab, nic):
    """One end of a veth pair has the addresses."""
    with bridged_pair(lab, nic), lab.interface(nic, "veth0") as device:
        yield device


@contextmanager
def vlan(lab, nic):
    """A VLAN on a veth pair has the addresses. The bridge puts the tags on."""
    with bridged_pair(lab, nic, "vlan_filtering 1"):
        lab.sh("""
            bridge vlan add dev $1 vid $2 pvid untagged && bridge vlan add dev veth1 vid $2
            ip link add link veth0 name veth0.$2 type vlan id $2""", nic, VLAN)
        with lab.interface(nic, f"veth0.{VLAN}") as device:
            yield device


@contextmanager
def bond(lab, nic):
    """The NIC is the active one of a bond of two, which has the addresses; its members are the ports."""
    with created(lab, "ip link add bond0 type bond mode active-backup miimon 100 && ip link set $1 master bond0 && "
                      "ip link set right master bond0 && ip link set bond0 type bond primary $1",
                 "ip link del bond0; ip link set $1 down; ip link set right down; ip link set $1 address $2", nic,
                 lab.links[nic].mac), lab.interface(nic, "bond0"):
        active = "/sys/class/net/bond0/bonding/active_slave"
        assert lab.machine.wait(active, nic, "/nothing", BOND_SECONDS) == 0, "the bond prefers its other member"
        yield nic


@contextmanager
def bridge_port(lab, nic):
    """A bridge has the addresses, and its port is ours."""
    with created(lab, "ip link add bridge0 type bridge && ip link set bridge0 address $2 && "
                      "ip link set $1 master bridge0 && ip link set $1 up",
                 "ip link del bridge0; ip link set $1 down", nic, lab.links[nic].mac), \
            lab.interface(nic, "bridge0"):
        yield nic


@contextmanager
def created(lab, make, remove, *arguments):
    lab.sh(make, *arguments)
    try:
        yield
    finally:
        lab.sh(remove, *arguments)


@contextmanager
def vfio(lab, nic):
    """The device is vfio's."""
    with lab.bound_to_vfio(nic) as address:
        yield address


@dataclass(frozen=True)
class Cell:
    """`port` gets the name of the interface or the address of the device. `others`: further ports."""
    name: str
    kernels: tuple
    nic: str
    set_up: Callable
    port: str = "af_xdp:{}"
    others: tuple = ()
    spreads: bool = False  # queries come to each of several lcores
    unserved_queues: bool = False
    mac: str = ""  # of the port, when it is not the NIC's
    untagged: str = ""  # why no frame with a VLAN tag comes to an lcore

    @property
    def is_pci(self):
        return self.port.startswith("pci:")

    @property
    def group(self):
        """Cells of one group share a guest. Groups take about as long as each other."""
        if self.kernels == EVERY:
            return ""
        return "pci" if self.is_pci else "made of others"

    @contextmanager
    def ports(self, lab):
        """The names of its ports, which exist inside the block."""
        with ExitStack() as stack:
            target = stack.enter_context(self.set_up(lab, self.nic))
            yield [self.port.format(target) + self.addresses(lab.links[self.nic]), *self.others]

    def addresses(self, link):
        """Of a port's interface to the kernel."""
        return f",address={link.server4}/24,address={link.server6}/64" if self.is_pci else ""


CELLS = [
    Cell("af_xdp virtio 2 lcores", EVERY, "two", plain, "af_xdp:{},queues=2", spreads=True),
    Cell("af_xdp virtio 3 queues", EVERY, "three", all_queues, unserved_queues=True,
         untagged="on queues without an lcore nobody has addresses in that VLAN"),
    Cell("af_xdp e1000e", EVERY, "intel", tags_left_on),
    Cell("af_xdp veth", EVERY, "left", veth, mac=VETH_MAC),
    Cell("af_xdp vlan", NEW, "left", vlan, untagged="the port is a VLAN itself", mac=VETH_MAC),
    Cell("af_xdp bond members", NEW, "left", bond, others=("af_xdp:right",)),
    Cell("af_xdp bridge port", NEW, "left", bridge_port),
    Cell("pci e1000e", NEW, "intel", vfio, "pci:{}"),
    Cell("pci virtio 2 lcores", NEW, "two", vfio, "pci:{},queues=2", spreads=True),
    Cell("pci vmxnet3", NEW, "vmware", vfio, "pci:{}"),
]
