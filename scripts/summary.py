#!/usr/bin/env python3
"""Counts the results in meson's test logs (one JSON object a line) and closes with one line.

Exit status 1 when a test failed, was skipped, or none ran: a missing real component is a failure."""
import json
import os
import sys

GOOD, SKIPPED = {"OK", "EXPECTEDFAIL"}, {"SKIP"}


def main(paths):
    passed, failed, skipped = 0, [], []
    slowest = []
    for path in paths:
        build = path.split("/")[0]
        if not os.path.exists(path):
            failed.append(f"{build}: its tests did not run")
            continue
        with open(path, encoding="utf-8") as log:
            for line in log:
                row = json.loads(line)
                slowest.append((row["duration"], f"{build}: {row['name']}"))
                if row["result"] in GOOD:
                    passed += 1
                elif row["result"] in SKIPPED:
                    skipped.append(f"{build}: {row['name']}")
                else:
                    failed.append(f"{build}: {row['name']} ({row['result']})")
    for seconds, name in sorted(slowest, reverse=True)[:5]:
        print(f"{seconds:6.1f} s  {name}")
    for name in failed:
        print(f"FAILED  {name}")
    for name in skipped:
        print(f"SKIPPED {name}")
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 0 if passed and not failed and not skipped else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
