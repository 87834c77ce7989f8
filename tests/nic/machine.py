# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine in QEMU with one of Debian's kernels; its files are those of this machine, and what it writes is lost."""
import base64
import ctypes
import json
import mmap
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from kernels import Unavailable

QEMU = "qemu-system-x86_64"
AGENT = Path(__file__).resolve().with_name("guest")
# Without KVM on a busy machine a boot takes 40 s.
BOOT_SECONDS = 180
OFF_SECONDS = 30
COMMAND_SECONDS = 120
TAIL_LINES = 40
PARAMETERS = ["console=ttyS0", "loglevel=5", "panic=-1", "net.ifnames=0", "intel_iommu=on", "iommu=pt",
              "no_timer_check", "nowatchdog", "mitigations=off", "init_on_alloc=0", "audit=0", "lsm=none",
              "cryptomgr.notests", "rcupdate.rcu_expedited=1"]
# What QEMU has to interpret is slower than what programs do instead.
SOFTWARE_CPU = "max,la57=off,avx=off,avx2=off"
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def accelerator():
    """"kvm" or "tcg"; VOLLEY_NIC_ACCEL overrides the choice. A KVM that has no virtualization in hardware beneath it
    (kvm_pvm) interprets the guest's kernel, and is slower than TCG."""
    hardware = any(Path("/sys/module", name).exists() for name in ("kvm_intel", "kvm_amd"))
    usable = hardware and os.access("/dev/kvm", os.R_OK | os.W_OK)
    return os.environ.get("VOLLEY_NIC_ACCEL") or ("kvm" if usable else "tcg")


def tsc_khz():
    """The rate of this machine's time-stamp counter, which a guest without KVM sees: measured here, as the guest errs
    by a factor when it gets little time."""
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(bytes.fromhex("0f31 48c1e220 4809d0 c3"))  # rdtsc; shl $32,%rdx; or %rdx,%rax; ret
    read = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    start_ns, start = time.monotonic_ns(), read()
    time.sleep(0.2)
    ticks, elapsed_ns = read() - start, time.monotonic_ns() - start_ns
    return ticks * 1000000 // elapsed_ns


class Machine:
    """A guest; boots when it is made. `devices` are further arguments of QEMU; `prefix` is a command that runs QEMU,
    such as that of a namespace."""

    def __init__(self, kernel, devices=(), prefix=(), memory_mib=1536, huge_pages=0, cpu_cnt=2):
        if shutil.which(QEMU) is None:
            raise Unavailable(f"{QEMU} is not installed: config/install-packages nic")
        self.kernel = kernel
        self.directory = Path(tempfile.mkdtemp(prefix="volley-nic."))
        self.console = self.directory / "console"
        self.buffer, self.requests = b"", 0
        self.agent, theirs = socket.socketpair()
        with theirs, open(self.console, "ab") as out:
            self.qemu = subprocess.Popen(
                [*prefix, *self._command(devices, memory_mib, huge_pages, cpu_cnt, theirs.fileno())],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, pass_fds=[theirs.fileno()],
                preexec_fn=lambda: _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        try:
            self._receive(time.monotonic() + BOOT_SECONDS, "boot")
        except BaseException:
            self.close()
            raise

    def _command(self, devices, memory_mib, huge_pages, cpu_cnt, agent_fd):
        accel = accelerator()
        words = [*PARAMETERS]
        if accel == "tcg":  # reads the time without leaving the CPU, which is slow
            words += ["tsc=reliable", "clocksource=tsc", f"tsc_early_khz={tsc_khz()}"]
        words += [f"hugepages={huge_pages}", "--", str(AGENT), str(self.kernel.modules)]
        return [
            QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-machine", "q35,kernel-irqchip=split" if accel == "kvm" else "q35",
            "-accel", "kvm" if accel == "kvm" else "tcg,thread=multi",
            "-cpu", "host,arch-capabilities=off" if accel == "kvm" else SOFTWARE_CPU,
            "-smp", str(cpu_cnt), "-m", str(memory_mib),
            "-device", "intel-iommu,intremap=on",
            "-kernel", str(self.kernel.image), "-initrd", str(self.kernel.initramfs), "-append", " ".join(words),
            "-serial", "stdio",
            "-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap",
            "-device", "virtio-9p-pci,fsdev=root,mount_tag=root",
            "-chardev", f"socket,id=agent,fd={agent_fd}",
            "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=agent,name=agent",
            *devices]

    def console_text(self):
        return self.console.read_text(errors="replace")

    def _fail(self, what):
        tail = "\n".join(self.console_text().splitlines()[-TAIL_LINES:])
        status = self.qemu.poll()
        state = "QEMU runs" if status is None else f"QEMU ended with {status}"
        raise AssertionError(f"Linux {self.kernel.release}: {what}; {state}; the end of its console:\n{tail}")

    def _receive(self, deadline, what):
        """The next line of the agent."""
        while b"\n" not in self.buffer:
            self.agent.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                piece = self.agent.recv(1 << 20)
            except (TimeoutError, ConnectionError):
                piece = b""
            if not piece:
                self._fail(f"{what}: no word from the guest")
            self.buffer += piece
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def _request(self, **members):
        self.requests += 1
        self.agent.sendall(json.dumps(members | {"id": self.requests}).encode() + b"\n")

    def wait(self, file, pattern, end, seconds):
        """0 once the file has the pattern; 1 when the file `end` comes before; 2 when neither does."""
        self._request(file=file, pattern=pattern, end=end, seconds=seconds)
        deadline = time.monotonic() + seconds + OFF_SECONDS
        while (answer := self._receive(deadline, f"{pattern!r} in {file}"))["id"] != self.requests:
            pass  # of a command that was given up
        return answer["exit"]

    def run(self, *argv, seconds=COMMAND_SECONDS, cwd="/", env=None, check=False, show=None):
        """Runs a command to its end, as subprocess.run() does; show(stream, bytes) gets its output as it comes."""
        argv = list(map(str, argv))
        self._request(argv=argv, seconds=seconds, cwd=str(cwd), env=env or {})
        deadline = time.monotonic() + seconds + OFF_SECONDS
        output = {"out": b"", "err": b""}
        while True:
            answer = self._receive(deadline, argv)
            if answer["id"] != self.requests:  # of a command that was given up
                continue
            if "exit" in answer:
                break
            for stream in output.keys() & answer.keys():
                piece = base64.b64decode(answer[stream])
                output[stream] += piece
                if show:
                    show(stream, piece)
        out, err = (output[stream].decode(errors="replace") for stream in ("out", "err"))
        if check and answer["exit"] != 0:
            self._fail(f"{argv} ended with {answer['exit']}:\n{out}{err}")
        return subprocess.CompletedProcess(argv, answer["exit"], out, err)

    def output(self, *argv, **options):
        """What a command prints that must succeed."""
        return self.run(*argv, check=True, **options).stdout

    def close(self):
        """Switches it off."""
        try:
            self.agent.settimeout(1)
            self.agent.sendall(b"{}\n")
            self.qemu.wait(OFF_SECONDS if self.qemu.poll() is None else 1)
        except (OSError, subprocess.TimeoutExpired):
            self.qemu.kill()
            self.qemu.wait()
        self.agent.close()
        shutil.rmtree(self.directory)
