# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest for each kernel, one at a time, and in it each cell of the matrix."""
import pytest

from cells import CELLS
from kernels import PACKAGES, Unavailable
from lab import close_lab, open_lab
from served import Served

MATRIX = [(series, cell) for series in PACKAGES for cell in CELLS if series in cell.kernels]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Tests of one group come together and share a guest. Groups may run side by side."""
    groups = {}
    for item in items:
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        series, cell = parameters.get("served") or (parameters.get("lab", ""), None)
        groups[item] = f"{series} {cell.group}" if cell else f"{series} "
        item.add_marker(pytest.mark.xdist_group(groups[item]))
    items.sort(key=groups.get)


def open_or_skip(series):
    try:
        return open_lab(series)
    except Unavailable as error:
        return pytest.skip(str(error))


@pytest.fixture(scope="session", autouse=True)
def labs():
    yield
    close_lab()


@pytest.fixture
def lab(request):
    """The guest with the kernel that the test's parameter names."""
    return open_or_skip(request.param)


@pytest.fixture(scope="module", params=MATRIX, ids=lambda param: f"{param[0]}-{param[1].name}")
def served(request):
    """Volley serves a cell; afterwards everything of it is gone."""
    series, cell = request.param
    lab = open_or_skip(series)
    with cell.ports(lab) as ports:
        link = lab.links[cell.nic]
        made = Served(lab, ports, [link.server4, link.server6])
        made.cell, made.link, made.state_before = cell, link, lab.state()
        made.mac = cell.mac or link.mac
        link.server_mac = bytes.fromhex(made.mac.replace(":", ""))
        try:
            made.start()
            # the cell before this one may have had the addresses at another MAC address
            link.forget_neighbours()
            yield made
        finally:
            made.stop()
