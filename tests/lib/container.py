# SPDX-License-Identifier: GPL-3.0-or-later
"""A real systemd as process 1 of a container, with Volley's units as they are installed.

The container sees the machine's files through an overlay, so that it can't change them, and nothing of the
machine's own units. What is installed is there from the beginning, or the test installs it, as a package. Its processes live in a control group of their own, which is killed at the end.
"""
import os
import shutil
import signal
import subprocess
from pathlib import Path

from volley import BUILD, wait_until

SYSTEMD = Path("/lib/systemd/systemd")
UNITS = ("volley-control.service", "volley-dataplane.service")
HEALTH = "volley-health.service"  # only checks need it

# Run inside new namespaces: DIRECTORY INSTALLED. What systemd asks of a container is in
# https://systemd.io/CONTAINER_INTERFACE.
BOOT = """
set -eu
directory=$1 installed=$2
mount --make-rprivate /
mount -t tmpfs layer "$directory/layer"
mkdir "$directory/layer/work"
mkdir "$directory/layer/upper"
[ -z "$installed" ] || cp -r "$installed/." "$directory/layer/upper"
chmod 755 "$directory/layer/upper"
root=$directory/root
mount -t overlay -o "lowerdir=/,upperdir=$directory/layer/upper,workdir=$directory/layer/work" root "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t bpf bpf "$root/sys/fs/bpf"
mount -t tmpfs cgroup "$root/sys/fs/cgroup"
mount -t cgroup2 cgroup "$root/sys/fs/cgroup"
for place in dev run tmp etc/systemd usr/lib/systemd/system; do mount -t tmpfs -o mode=755 "${place##*/}" "$root/$place"; done
for device in null zero full random urandom tty; do
	touch "$root/dev/$device"
	mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s pts/ptmx "$root/dev/ptmx"
mkdir "$root/dev/shm" "$root/before" "$root/var/log/volley" "$root/etc/systemd/system"
mount -t tmpfs shm "$root/dev/shm"
if [ -d "$directory/etc" ]; then
	mkdir "$root/etc/volley"
	mount --bind "$directory/etc" "$root/etc/volley"
fi
# The one forbids packages to start services, the other has each of them make an index of all manual pages.
rm -f "$root/usr/sbin/policy-rc.d" "$root/var/lib/man-db/auto-update"
mount --bind "$directory/log" "$root/var/log/volley"
cp -r "$directory/units/." "$root/etc/systemd/system"
# Without one, this would be a first boot, at which systemd enables every unit.
tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
cd "$root"
pivot_root . before
umount -l /before
if [ -d /etc/volley ]; then
	systemd-sysusers volley.conf
	systemd-tmpfiles --create volley.conf
fi
exec env -i container=volley PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	SYSTEMD_UNIT_PATH=/etc/systemd/system:/usr/lib/systemd/system \
	SYSTEMD_GENERATOR_PATH=/nowhere SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/nowhere \
	/lib/systemd/systemd --system --unit=multi-user.target --log-target=null
"""

# All that is not the units' own: where the log goes, and what sanitizers can't do in there.
DROP_IN = """[Service]
StandardOutput=append:/var/log/volley/{name}.log
StandardError=append:/var/log/volley/{name}.log
Environment=ASAN_OPTIONS=detect_leaks=0
"""


def install(directory):
    """Installs the build below `directory`, as a package would."""
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", directory], check=True,
                   stdout=subprocess.DEVNULL)


def _control_groups():
    """Where the second version of control groups is mounted."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(place)
    raise AssertionError("no control groups of version 2 are mounted")


class Container:
    """Not booted yet: the configuration in `etc`, the units in `units` can still be changed. Without `installed`, the
    machine is one on which Volley was never installed, and has no `etc`."""

    def __init__(self, namespace, installed, directory):
        self.namespace, self.installed, self.directory = namespace, installed, directory
        self.etc = directory / "etc"
        for name in ("log", "units", "layer", "root") + (("etc",) if installed else ()):
            (directory / name).mkdir()
        self.popen = self.init = None
        self.group = _control_groups() / f"volley-{os.getpid()}-{namespace.name}"
        self._write_units()

    def _write_units(self):
        units = self.directory / "units"
        for target in SYSTEMD.parent.glob("system/*.target"):
            shutil.copy(target, units)
        wants = units / "multi-user.target.wants"
        wants.mkdir()
        for unit in (*UNITS, HEALTH):
            for file in self.installed.rglob(unit) if self.installed else ():
                shutil.copy(file, units)
                (wants / unit).symlink_to(f"../{unit}")
            (units / f"{unit}.d").mkdir()
            (units / f"{unit}.d/log.conf").write_text(DROP_IN.format(name=unit.removesuffix(".service")))

    def boot(self):
        self.group.mkdir()
        command = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child",
                   "bash", "-c", BOOT, "boot", str(self.directory), str(self.installed or "")]
        self.popen = subprocess.Popen(
            self.namespace.command(*command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, preexec_fn=lambda: (self.group / "cgroup.procs").write_text(str(os.getpid())))
        wait_until(lambda: self.popen.poll() is not None or self._is_up(), self._said_at_boot)
        assert self.popen.poll() is None, self._said_at_boot()

    def _said_at_boot(self):
        self.popen.kill()
        return f"systemd does not come up: {self.popen.stderr.read().decode(errors='replace')}"

    def _is_up(self):
        children = Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children").read_text().split()
        self.init = int(children[0]) if children else None
        return self.init and self.systemctl("show", "--property=Version", check=False).returncode == 0

    def run(self, *words, check=True):
        """Runs a program in the container to its end."""
        command = ["nsenter", f"--target={self.init}", "--mount", "--pid", "--net", "--cgroup", *map(str, words)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        assert not check or result.returncode == 0, f"{words}: {result.stdout}{result.stderr}"
        return result

    def systemctl(self, *words, **options):
        return self.run("systemctl", *words, **options)

    def show(self, unit, name):
        return self.systemctl("show", unit, f"--property={name}", "--value").stdout.strip()

    def is_active(self, unit):
        return self.show(unit, "ActiveState") == "active"

    def is_starting(self, unit):
        """Whether its process runs, but does not do its work yet."""
        return self.show(unit, "ActiveState") == "activating" and self.show(unit, "SubState") == "start"

    def main_pid(self, unit):
        """As the container numbers it; 0 while there is none."""
        return int(self.show(unit, "MainPID"))

    def attempts(self, unit):
        """How many starts in a row have failed, in the life that the unit's process has now."""
        words = self.run("cat", f"/proc/{self.main_pid(unit)}/environ", check=False).stdout.split("\0")
        states = [word.split("=")[1] for word in words if word.startswith("VOLLEY_RETRY=")]
        return int(states[0].split()[0]) if states else 0

    def log(self, unit):
        file = self.directory / "log" / f"{unit.removesuffix('.service')}.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def logs(self):
        return "".join(f"{unit}: {self.show(unit, 'ActiveState')}\n{self.log(unit)}" for unit in (*UNITS, HEALTH))

    def volleyctl(self, *words, **options):
        programs = self.installed.rglob("bin/volleyctl") if self.installed else ()
        program = next((f"/{file.relative_to(self.installed)}" for file in programs), "/usr/bin/volleyctl")
        return self.run(program, *words, **options)

    def path(self, name):
        """A file of the container, as the machine finds it."""
        return Path(f"/proc/{self.init}/root/{name}")

    def end(self):
        """Kills everything in it. Units that a test wants to see stopped, it stops before."""
        if self.popen:
            if self.init:
                os.kill(self.init, signal.SIGKILL)
            self.popen.kill()
            self.popen.wait()
            self.popen.stderr.close()
        if self.group.exists():
            (self.group / "cgroup.kill").write_text("1")
            wait_until(self._is_empty, lambda: f"{self.group} does not get empty")
            for directory, _, _ in os.walk(self.group, topdown=False):
                os.rmdir(directory)

    def _is_empty(self):
        return "populated 0" in (self.group / "cgroup.events").read_text()
