# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest for each kernel, one at a time, and in it each cell of the matrix."""
import os

import pytest

from cells import CELLS
from kernels import Kernel, Unavailable
from lab import NICS, Lab
from served import Served

MATRIX = [(kernel, cell) for kernel in ("6.1", "6.12") for cell in CELLS if kernel in cell.kernels]
_running = {}


def open_lab(series):
    """The guest with that kernel; another one is switched off first."""
    if series not in _running:
        close_lab()
        try:
            _running[series] = Lab(Kernel(series), NICS, f"vly-n{os.getpid()}-{series}")
        except Unavailable as error:
            pytest.skip(str(error))
    return _running[series]


def close_lab():
    while _running:
        _running.popitem()[1].close()


@pytest.fixture(scope="session", autouse=True)
def labs():
    yield
    close_lab()


@pytest.fixture(scope="module", params=MATRIX, ids=lambda param: f"{param[0]}-{param[1].name}")
def served(request):
    """Volley serves a cell; afterwards everything of it is gone."""
    series, cell = request.param
    lab = open_lab(series)
    with cell.ports(lab) as ports:
        link = lab.links[cell.nic]
        before = lab.state()
        made = Served(lab, ports, [link.server4, link.server6])
        made.cell, made.link, made.state_before = cell, link, before
        made.mac = cell.mac or link.mac
        link.server_mac = bytes.fromhex(made.mac.replace(":", ""))
        try:
            yield made.start()
        finally:
            made.stop()
