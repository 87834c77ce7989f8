# SPDX-License-Identifier: GPL-3.0-or-later
"""The page that perf/report writes: results of perf/run in, Markdown and SVG out."""

import json
import re

from . import svg
from .cases import CASES
from .sandbox import PerfError

PLOTS = "plots"

# What each stage does, and what it waits for.
STAGES = {
    "parse": "checks the message; folds, splits and hashes the name; asks for its bucket",
    "find_name": "reads the bucket; asks for the node, or for the buckets of the name's parents",
    "match_name": "compares the name with the node's; picks the RRset's answer and asks for it",
    "find_encloser": "for a name that is not there: reads its parents' buckets; asks for a node",
    "find_answer": "for such a name: compares the encloser; then wildcard, or NXDOMAIN",
    "write": "copies the answer behind the question, moves pointers, adds OPT, counts",
}

TOGETHER = "together"

ENVIRONMENT = {
    "cpu": "CPU", "cpus": "CPUs", "hypervisor": "virtual machine", "memory_mib": "memory, MiB",
    "kernel": "kernel", "huge_pages": "huge pages reserved",
    "transparent_huge_pages": "transparent huge pages",
    "transparent_huge_pages_shmem": "transparent huge pages, shared memory", "dpdk": "DPDK",
    "knot": "Knot DNS", "nsd": "NSD",
}

# Told elsewhere, or of no interest to a reader.
NOT_DETAILS = {"case", "unit", "volley", "reference", "reference_name", "ratio", "spread",
               "target", "met", "pairs", "parts", "command", "environment", "run", "kinds",
               "cached", "failed", "burst", "rounds", "floods"}


def number(value):
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"


def target_text(result):
    target = result.get("target")
    if not target:
        return "–"
    if "at_least" in target:
        return f"≥ {target['at_least']:g}"
    return f"≤ {target['at_most']:g}"


def met_text(result):
    return {True: "yes", False: "**no**", None: "–"}[result.get("met")]


def comparison_row(name, unit, values, reference_name, target, met):
    low, high = values["spread"]
    cells = [name, number(values["volley"]), number(values["reference"]), unit, reference_name,
             f"{values['ratio']:.3f}", f"{low:.3f}–{high:.3f}", target, met]
    return f"| {' | '.join(cells)} |"


def table(results):
    yield "| case | Volley | reference | unit | reference is | ratio | spread | target | met |"
    yield "|---|--:|--:|---|---|--:|---|---|---|"
    for result in results:
        if result["ratio"] is None:
            continue
        yield comparison_row(f"`{result['case']}`", result["unit"], result,
                             result["reference_name"], target_text(result), met_text(result))
        for name, part in result.get("parts", {}).items():
            yield comparison_row(f"`{result['case']}`, {name}", part["unit"], part,
                                 result["reference_name"],
                                 *((target_text(part), met_text(part)) if "target" in part
                                   else ("", "")))


def reached(result):
    """How far the target is: 1 is just so, more is better, whichever way the ratio goes."""
    if "at_least" in result["target"]:
        return result["ratio"] / result["target"]["at_least"]
    return result["target"]["at_most"] / max(result["ratio"], 1e-9)


def target_plot(results):
    rows = [(result["case"], reached(result), result["met"],
             f"{result['ratio']:.3f}, target {target_text(result)}"
             + ("" if result["met"] else ": not met"))
            for result in results if result.get("target")]
    return svg.target_bars("Ratios against their targets: beyond the line is better", rows)


def stage_ns(kinds, names=tuple(STAGES)):
    return {kind: [stages[name]["ns"] for name in names] for kind, stages in kinds.items()}


def stage_plot(result):
    return svg.stacked_bars(f"Nanoseconds per query, {result['names']:,} names", list(STAGES),
                            list(stage_ns(result["kinds"]).items()), "ns")


def stage_section(result):
    rows = {**STAGES, TOGETHER: "all stages in one, as an lcore runs them: groups of four queries"}
    far, near = stage_ns(result["kinds"], rows), stage_ns(result["cached"]["kinds"], rows)
    yield from (
        "## Where the time goes", "",
        f"Stages of `dataplane/answer/query.h` over bursts of {result['burst']} messages in memory, with"
        f" {result['names']:,} names; in brackets with {result['cached']['names']:,} names, which"
        " the caches hold. Nanoseconds per query, medians. What is in brackets is work; what comes"
        " on top of it is waiting for memory, as each stage goes over the whole burst. In the last"
        " row stages overlap, and the waiting of one query hides behind the work of others.", "",
        f"![nanoseconds per stage]({PLOTS}/stages.svg)", "",
        f"| stage | {' | '.join(far)} | does |", "|---|" + "--:|" * len(far) + "---|")
    for idx, (stage, does) in enumerate(rows.items()):
        cells = " | ".join(f"{far[kind][idx]:.1f} ({near[kind][idx]:.1f})" for kind in far)
        yield f"| `{stage}` | {cells} | {does} |"
    yield ""


def limit_section(results):
    """What the port itself takes, by the rates of the case that the pcap port serves best."""
    fastpath = next((result for result in results if result["case"] == "fastpath"), None)
    if fastpath is None:
        return
    whole, port = 1e9 / fastpath["volley"], 1e9 / fastpath["reference"]
    yield (f"On the pcap port a query takes {whole:.1f} ns in all (`fastpath`), of which"
           f" {port:.1f} ns are the port's, as testpmd shows, which only swaps addresses and ports;"
           f" so {whole - port:.1f} ns are Volley's.")
    yield ""


FLOOD_SIDES = {"volley": "Volley", "defence off": "defence off", "knot": "Knot DNS with RRL"}


def loss_cell(told):
    return f"{100 * told['loss']:.3f} ({100 * max(told['losses']):.3f})"


def counts_cell(counts):
    return ", ".join(f"{name} {value:,}" for name, value in counts.items()) or "none"


def floods_section(result):
    yield from (
        "## Beside floods", "",
        f"What a client that asks {result['rate']:,} queries a second loses, in percent, while"
        " somebody floods the same interface: the median of"
        f" {result['rounds']} rounds of {result['seconds']} s, the worst in brackets. The flood"
        " is what the generator sent beside Volley. Of Volley's median round also what the XDP"
        " program decided, and what interfaces and kernel queues lost, in which no server has a"
        " part.", "",
        f"| flood | packets/s | {' | '.join(FLOOD_SIDES.values())} | XDP program | lost on the"
        " path |", "|---|--:|" + "--:|" * len(FLOOD_SIDES) + "---|---|")
    for kind, sides in result["floods"].items():
        told = sides["volley"]
        losses = " | ".join(loss_cell(sides[side]) for side in FLOOD_SIDES)
        yield (f"| {kind} | {told.get('flood', {}).get('per_s', 0):,} | {losses}"
               f" | {counts_cell(told['xdp'])} | {counts_cell(told['path'])} |")
    yield ""


def environment_section(results):
    """One column for each environment that the results are from; mostly there is one."""
    def cells_of(result):
        return [plain(result["environment"].get(key)) for key in ENVIRONMENT]

    columns = []
    for result in results:
        if cells_of(result) not in columns:
            columns.append(cells_of(result))
    yield from ("## Machine and versions", "",
                "| |" + " |" * len(columns), "|---|" + "---|" * len(columns))
    for label, cells in zip(ENVIRONMENT.values(), zip(*columns)):
        yield f"| {label} | {' | '.join(cells)} |"
    if len(columns) > 1:
        cells = " | ".join(", ".join(f"`{result['case']}`" for result in results
                                     if cells_of(result) == column) for column in columns)
        yield f"| cases | {cells} |"
    yield ""


def plain(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else str(value)


def without_places(command):
    """Names of programs and files, without where they were in that run."""
    command = re.sub(r"\S*/(?=(volley-dataplane|probe|stages|xdp|flood|\w+\.o)\b)", "", command)
    return re.sub(r"/[^\s,=:]*/volley-perf-[^/\s]+/", "", command)


def detail_section(result):
    yield from (f"### {result['case']}", "", f"{CASES[result['case']].summary}.", "")
    if result.get("pairs"):
        pairs = "; ".join(f"{number(volley)} / {number(reference)}"
                          for volley, reference in result["pairs"])
        yield from (f"Volley / reference: {pairs}.", "")
    details = {key: value for key, value in result.items() if key not in NOT_DETAILS}
    if details:
        yield from ("; ".join(f"{key} {json.dumps(value, ensure_ascii=False)}"
                              for key, value in details.items()) + ".", "")
    where = result["environment"]
    yield from (f"Commit {where['commit']}, {where['date']}.", "")
    yield from ("```", f"sudo {result['run']}")
    for side, command in result["command"].items():
        yield f"{side}: {command}"
    yield from ("```", "")


def page(results):
    measured = [result for result in results if result.get("target")]
    met = sum(result["met"] for result in measured)
    yield from (
        "# Speed", "",
        "Written by `perf/report`: Volley and a reference in turns, on one machine. Figures are"
        " medians; the ratio is the median of the pairs' ratios, Volley's figure by the"
        " reference's, and the spread is the lowest and the highest of them. Rates: more is better,"
        f" times and memory: less. {met} of {len(measured)} targets are met.", "",
        f"![ratios against their targets]({PLOTS}/targets.svg)", "")
    yield from table(results)
    yield ""
    for result in results:
        if result["case"] == "stages":
            yield from stage_section(result)
            yield from limit_section(results)
        if result["case"] == "floods":
            yield from floods_section(result)
    yield from environment_section(results)
    yield from ("## Runs", "")
    for result in results:
        yield from detail_section(result)


class Results:
    """The last result of each case: results.jsonl in a directory, and the page made of it."""

    def __init__(self, directory):
        self.directory = directory
        self.path = directory / "results.jsonl"
        self.found = {}
        if self.path.exists():
            self.read(self.path)

    def read(self, path):
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise PerfError(f"{path}: {error.strerror}") from error
        for line_number, line in enumerate(lines, 1):
            if line.strip():
                self.add(line, f"{path}:{line_number}")

    def add(self, line, source):
        """A line that perf/run wrote."""
        try:
            result = json.loads(line)
            name = result["case"]
            result["command"] = {side: without_places(command)
                                 for side, command in result["command"].items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise PerfError(f"{source}: not a result of perf/run: {error}") from error
        if name not in CASES:
            raise PerfError(f"{source}: no such case: {name}")
        if name == "stages" and any(STAGES.keys() - stages.keys()
                                    for stages in result["kinds"].values()):
            raise PerfError(f"{source}: stages of another version: remove the line, and measure"
                            " the case anew")
        self.found[name] = result

    def in_order(self):
        return [self.found[name] for name in CASES if name in self.found]

    def save(self):
        """The old file, or the whole new one: what is in there took hours."""
        new = self.path.with_suffix(".new")
        new.write_text("".join(json.dumps(result, ensure_ascii=False) + "\n"
                               for result in self.in_order()), encoding="utf-8")
        new.replace(self.path)

    def write_page(self):
        """REPORT.md and its plots; returns the page's path."""
        results = self.in_order()
        if not results:
            raise PerfError(f"{self.path}: holds no result of perf/run")
        plots = self.directory / PLOTS
        plots.mkdir(exist_ok=True)
        if any(result.get("target") for result in results):
            (plots / "targets.svg").write_text(target_plot(results), encoding="utf-8")
        if "stages" in self.found:
            (plots / "stages.svg").write_text(stage_plot(self.found["stages"]), encoding="utf-8")
        path = self.directory / "REPORT.md"
        path.write_text("\n".join(page(results)).rstrip() + "\n", encoding="utf-8")
        return path
