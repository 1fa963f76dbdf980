#!/usr/bin/env python3
"""Every complaint in docs/COMPLAINTS.md has a test that exists, or a reason; every case that it names is in that test's source.
usage: complaints.py TOP BUILD"""
import json
import os
import re
import sys

REASONS = ("**Refused**", "**Not a module's**")
PROGRAMS = ("jpki-sim", "ssh-add")  # what looks like a test's name and is none


def tests_of(top, build):
    """Each test's name with the text of its sources."""
    with open(os.path.join(build, "meson-info", "intro-tests.json"), encoding="utf-8") as file:
        rows = json.load(file)
    files = {}
    for folder, _, names in os.walk(os.path.join(top, "tests")):
        for name in names:
            files[name] = os.path.join(folder, name)
    tests = {}
    for row in rows:
        program = os.path.basename(row["cmd"][0])
        source = files.get(program) or files.get(program + ".c")
        tests[row["name"]] = open(source, encoding="utf-8").read() if source else ""
    return tests


def case_is_there(source, case):
    """A cmocka case, or a step of a script whose words begin so."""
    return re.search(rf"\b{re.escape(case)}\(void \*\*state\)", source) or re.search(rf'^\s*(begin|step=) ?"{re.escape(case)}', source, re.M)


def main(top, build):
    tests = tests_of(top, build)
    bad = complaints = named = 0
    with open(os.path.join(top, "docs/COMPLAINTS.md"), encoding="utf-8") as page:
        rows = [line.strip().strip("|").split(" | ") for line in page if line.startswith("| ") and not line.startswith("| complaint")]
    for cells in rows:
        complaints += 1
        if len(cells) != 2:
            bad += 1
            print(f"not two cells: {cells[0]}")
            continue
        proofs = 0
        for word in re.findall(r"`([^`]+)`", cells[1]):
            name, _, case = word.partition(": ")
            if name not in tests:
                # other things stand in backticks too
                if case or (re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", word) and word not in PROGRAMS):
                    bad += 1
                    print(f"no such test: {word}")
                continue
            proofs += 1
            if case and not case_is_there(tests[name], case):
                bad += 1
                print(f"no such case: {word}")
        named += proofs
        if not proofs and not cells[1].strip().startswith(REASONS):
            bad += 1
            print(f"neither a test nor a reason: {cells[0]}: {cells[1]}")
    print(f"{complaints} complaints, {named} tests named, {bad} wrong")
    return 1 if bad or complaints < 40 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
