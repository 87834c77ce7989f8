# SPDX-License-Identifier: GPL-3.0-or-later
"""dpdk-testpmd in 5tswap mode: receives, swaps addresses and ports, sends. The limit of a port."""

import subprocess
import time

from .sandbox import PerfError

NAME = "dpdk-testpmd 5tswap"

START_SECONDS = 60
WARM_UP_SECONDS = 1

# Without huge pages no mbuf of the default size shares its page with another (DPDK keeps it from
# crossing a boundary); EAL and a port want some memory besides.
MBUF_BYTES = 4096
OTHER_MIB = 256


def memory_mib(mbuf_cnt):
    return mbuf_cnt * MBUF_BYTES // (1 << 20) + OTHER_MIB


# A pool of mbufs without gaps, as testpmd makes it when there are huge pages, and Volley with any
# pages. With one mbuf to a page, the headers of all share a few sets of the first-level cache.
PACKED = ("--mp-alloc=anon", "--no-iova-contig")


class Testpmd:
    def __init__(self, sandbox, vdev, mbuf_cnt, burst, cpus, more_flags=(), enter=(),
                 huge_pages=False):
        """cpus: of the main thread, which sleeps, and of the forwarding lcore."""
        pages = ["--in-memory"] if huge_pages else ["--no-shconf", "--no-huge"]
        command = [
            "dpdk-testpmd", "-l", f"{cpus[0]},{cpus[1]}", *pages, "-m", memory_mib(mbuf_cnt),
            "--no-pci", "--iova-mode=va", "--no-telemetry", "--vdev", vdev,
            "--", "-i", "--auto-start", "--forward-mode=5tswap", f"--burst={burst}",
            f"--total-num-mbufs={mbuf_cnt}", "--no-flush-rx", *more_flags]
        self.command = [str(word) for word in command]
        # its directory goes with ours; line by line, since we read its log while it runs
        self.process = sandbox.start([*enter, "env", f"RUNTIME_DIRECTORY={sandbox.directory}",
                                      "stdbuf", "-oL", *command], stdin=subprocess.PIPE)
        self.show_cnt = 0
        self.process.wait_for("Start automatic packet forwarding", START_SECONDS)

    def tell(self, line):
        self.process.popen.stdin.write(f"{line}\n".encode())
        self.process.popen.stdin.flush()

    def sent(self):
        """Packets sent so far."""
        self.show_cnt += 1
        self.tell("show port stats 0")
        match = self.process.wait_for(r"TX-packets: (\d+)", 10, self.show_cnt)
        return int(match.group(1))

    def measure(self, seconds, warm_up=WARM_UP_SECONDS):
        """Packets sent in a second of the lcore's CPU time."""
        time.sleep(warm_up)
        packets_before, cpu_before = self.process.sample(self.sent)
        time.sleep(seconds)
        packets_after, cpu_after = self.process.sample(self.sent)
        if packets_after == packets_before:
            raise PerfError("dpdk-testpmd forwarded nothing")
        return (packets_after - packets_before) / (cpu_after[0] - cpu_before[0])

    def stop(self):
        self.tell("quit")
        self.process.wait_end(30)
