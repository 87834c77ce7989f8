# SPDX-License-Identifier: GPL-3.0-or-later
"""Every case by name, in the order of the report."""

from . import (afxdp_case, amplification_case, changes_case, defence_case, exception_case, floods_case, latency_case,
               lcores_case, overlay_case, pcap_case, reload_case, stages_case, transfer_case, transfer_many_case,
               update_case, update_latency_case, update_many_case, worst_case, xdp_case, zone_case)

CASES = {case.name: case for module in (pcap_case, overlay_case, lcores_case, afxdp_case, latency_case, zone_case,
                                        reload_case, changes_case, update_case, update_latency_case,
                                        update_many_case, transfer_case, transfer_many_case, xdp_case, defence_case, amplification_case,
                                        floods_case, exception_case, worst_case, stages_case)
         for case in module.CASES}
