# SPDX-License-Identifier: GPL-3.0-or-later
"""Interfaces that can't be a port: the start ends, and its message says what to use instead."""
import pytest

from cells import bond
from served import Served
from volley import wait_until

pytestmark = [pytest.mark.alone, pytest.mark.parametrize("lab", ["6.12"], indirect=True)]


def test_bond_is_refused_in_favour_of_its_members(lab):
    with bond(lab, "left"):
        before = lab.state()
        volley = Served(lab, ["af_xdp:bond0"], [lab.links["left"].server4])
        volley.spawn_dataplane()
        assert volley.wait_for_end("dataplane") == 1
        assert "bond0 is a bond" in volley.log("dataplane")
        assert "a port for each member" in volley.log("dataplane")
        assert [result["check"] for result in volley.preflight() if result["status"] == "fail"] == ["driver"]
        # The kernel lets go of the programs that the preflight has tried a little later.
        wait_until(lambda: lab.state() == before, lambda: f"there is\n{lab.state()}\nand was\n{before}")
