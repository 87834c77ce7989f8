# SPDX-License-Identifier: GPL-3.0-or-later
"""Volley's Debian package in two versions, for tests of its life."""
import os
import re
import subprocess
from pathlib import Path

from volley import ROOT

OLD = re.search(r"version: '(.+)'", (ROOT / "meson.build").read_text())[1]
NEW = OLD + "+new"


def build(version, *options):
    """The package's content."""
    result = subprocess.run([ROOT / "config/package", "--no-install", *options], capture_output=True, text=True,
                            check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    (package,) = [line for line in result.stdout.splitlines() if line.endswith(f"/volley_{version}_amd64.deb")]
    with open(package, "rb") as file:
        return file.read()


def build_both(directory):
    """The paths of both versions. lintian has found nothing in the first, and the other one differs in its version."""
    old, new = directory / "old.deb", directory / "new.deb"
    old.write_bytes(build(OLD))
    new.write_bytes(build(NEW, "--version", NEW, "--no-lintian"))
    return old, new


def prepared():
    """The paths of both versions if $VOLLEY_PACKAGES has them: a guest can't build them."""
    directory = os.environ.get("VOLLEY_PACKAGES")
    return (Path(directory, "old.deb"), Path(directory, "new.deb")) if directory else None
