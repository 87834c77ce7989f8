# SPDX-License-Identifier: GPL-3.0-or-later
"""Says which tests failed, so that tests/run can run them again.

    again.py meson LOG          Meson's testlog.json: prints the name of each test that failed
    again.py pytest XML         JUnit file of pytest, run from above tests/: prints the node id of each test that failed
    again.py drop-meson LOG RESULTS     removes their result files from a directory
    again.py drop-pytest XML            removes them from the file
"""
import json
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

GOOD = ("OK", "SKIP", "EXPECTEDFAIL")


def failed_programs(log):
    """Yields (test, program) for each Meson test that failed."""
    for line in Path(log).read_text().splitlines():
        test = json.loads(line)
        if test["result"] not in GOOD:
            program = next((part for part in test["command"] if "/test_" in part or "/fuzz_" in part), test["command"][-1])
            yield test["name"].rpartition(" / ")[2], Path(program).name


def has_failed(case):
    return case.find("failure") is not None or case.find("error") is not None


def node_id(case):
    file = case.get("file")
    if not file:
        return case.get("name")
    module = file.removesuffix(".py").replace("/", ".")
    classes = case.get("classname", "").removeprefix(module).strip(".")
    name = re.sub(r"@[\w.-]+$", "", case.get("name"))  # the group that pytest-xdist ran it in
    return "::".join([f"tests/{file}", *filter(None, classes.split(".")), name])


def main():
    what, file = sys.argv[1:3]
    if what == "meson":
        print(*(test for test, _ in failed_programs(file)), sep="\n")
    elif what == "drop-meson":
        for _, program in failed_programs(file):
            for result in Path(sys.argv[3]).glob(f"*-{program}-??????.xml"):
                result.unlink()
    else:
        tree = ElementTree.parse(file)
        failed = [(suite, case) for suite in tree.iter("testsuite") for case in suite.findall("testcase") if has_failed(case)]
        if what == "pytest":
            print(*dict.fromkeys(node_id(case) for _, case in failed), sep="\n")
        else:
            for suite, case in failed:
                suite.remove(case)
            tree.write(file)


if __name__ == "__main__":
    main()
