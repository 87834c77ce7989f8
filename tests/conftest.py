# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of e2e and conformance tests: a network, and Volley on it, for a module or for one test."""
import os
from collections import Counter

import pytest

from net import CLIENT_LINK, Network
from volley import CONTROL, DATAPLANE, ROOT, Volley, own_network
from wire import Wire


def pytest_collection_modifyitems(config, items):
    if not getattr(config.option, "loadgroup", False):
        # Modules are given out in this order (--dist loadfile): with the long ones first, none is left to run alone.
        cnt = Counter(item.path for item in items)
        items.sort(key=lambda item: (-cnt[item.path], item.path))
    if os.environ.get("VOLLEY_HEAVY"):
        return
    for item in items:
        if item.get_closest_marker("heavy"):
            item.add_marker(pytest.mark.skip(reason="heavy: tests/run --heavy runs it"))


def pytest_terminal_summary(terminalreporter):
    """What tests found out, beside that they passed."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for key, text in report.user_properties if report.when == "call" else []:
            if key == "note":
                terminalreporter.write_line(f"note: {text}")


@pytest.fixture
def note(record_property):
    """note(text): a line in the summary."""
    return lambda text: record_property("note", text)


@pytest.fixture(scope="session", autouse=True)
def programs():
    """Everything ends at once, and says why, when there is nothing to test."""
    if os.geteuid() != 0:
        pytest.exit("these tests make namespaces: run them as root", 2)
    for program in (DATAPLANE, CONTROL):
        if not program.exists():
            pytest.exit(f"{program} is not built (VOLLEY_BUILD names the build directory)", 2)


@pytest.fixture(scope="module")
def network():
    made = Network()
    yield made
    made.delete()


def is_fast_path_only(request):
    """Whether the tests are marked so that an answer proves that the fast path lives."""
    return request.node.get_closest_marker("fast_path") is not None


@pytest.fixture(scope="module")
def example(request, network, tmp_path_factory):
    """The example zones, served for a whole module."""
    volley = Volley(network, tmp_path_factory.mktemp("example"))
    if is_fast_path_only(request):
        volley.without_streams()
    volley.add_zone("example.", file=ROOT / "config/zones/example.zone")
    volley.add_zone("2.0.192.in-addr.arpa.", file=ROOT / "config/zones/2.0.192.zone")
    try:
        yield volley.start()
    finally:
        volley.stop()


@pytest.fixture
def volley(request, tmp_path):
    """Nothing started yet, on a network of its own: for tests that break things."""
    with own_network(tmp_path, streams=not is_fast_path_only(request)) as made:
        yield made


@pytest.fixture
def open_wire():
    """open_wire(volley): the client's end, closed afterwards."""
    opened = []

    def of(volley):
        opened.append(Wire(volley.network, CLIENT_LINK))
        return opened[-1]

    yield of
    for each in opened:
        each.close()


@pytest.fixture
def wire(network):
    made = Wire(network, CLIENT_LINK)
    yield made
    made.close()
