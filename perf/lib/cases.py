# SPDX-License-Identifier: GPL-3.0-or-later
"""Every case by name, in the order of the report."""

from . import (afxdp_case, amplification_case, defence_case, exception_case, floods_case, latency_case,
               lcores_case, pcap_case, reload_case, stages_case, worst_case, xdp_case,
               zone_case)

CASES = {case.name: case for module in (pcap_case, lcores_case, afxdp_case, latency_case, zone_case,
                                        reload_case, xdp_case, defence_case, amplification_case,
                                        floods_case, exception_case, worst_case, stages_case)
         for case in module.CASES}
