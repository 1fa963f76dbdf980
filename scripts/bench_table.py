#!/usr/bin/env python3
"""Turns the rows that the subjects of a benchmark wrote into a table and a JSON file, the machine named.

A row is a line of seven fields divided by tabs (docs/TESTING.md): name, unit, "lower" or "higher" (which is better), goal (a ratio,
ours to the peer's; "-" for none), our value, the peer's, who the peer is. A value of several numbers is measured several times: the
median counts, the least and the most are kept too. The file's name is the subject's."""
import argparse
import json
import os
import statistics
import sys


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        model = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), "unknown")
    return f"{model}, {os.cpu_count()} cores, {os.uname().sysname} {os.uname().release}"


def value(text):
    """The median of some numbers, and their range when they are several."""
    numbers = [float(word) for word in text.split()]
    if not numbers or any(not number >= 0 for number in numbers):
        raise ValueError(f"'{text}' is no measured value")
    return statistics.median(numbers), [min(numbers), max(numbers)] if len(numbers) > 1 else None


def row_of(subject, line):
    fields = line.rstrip("\n").split("\t")
    if len(fields) != 7:
        raise ValueError(f"{len(fields)} fields where seven are due")
    name, unit, better, goal, ours, peer, peer_name = fields
    if better not in ("lower", "higher"):
        raise ValueError(f"'{better}' is neither lower nor higher")
    ours, our_range = value(ours)
    peer, peer_range = value(peer)
    # Nothing against nothing is even; something against nothing has no ratio, and misses a "lower" and meets a "higher" goal.
    ratio = ours / peer if peer else 1.0 if not ours else None
    goal = None if goal == "-" else float(goal)
    met = None
    if goal is not None:
        if ratio is None:
            met = better == "higher"
        else:
            met = ratio <= goal if better == "lower" else ratio >= goal
    return {"subject": subject, "name": name, "unit": unit, "ours": ours, "ours_range": our_range, "peer": peer,
            "peer_range": peer_range, "peer_name": peer_name, "ratio": None if ratio is None else round(ratio, 4), "goal": goal,
            "better": better, "met": met}


def number(x):
    return f"{x:.0f}" if x == int(x) or x >= 10000 else f"{x:.4g}"


def show(rows):
    wide = max(len(row["name"]) for row in rows)
    subject = None
    for row in rows:
        if row["subject"] != subject:
            subject = row["subject"]
            print(f"\n{subject}")
        ratio = "none" if row["ratio"] is None else f'{row["ratio"]:.3g}'
        goal = "-" if row["goal"] is None else f'{"<=" if row["better"] == "lower" else ">="} {row["goal"]:g}'
        verdict = {True: "met", False: "MISSED", None: "-"}[row["met"]]
        print(f'  {row["name"]:{wide}}  {number(row["ours"]):>9} {row["unit"]:6} peer {number(row["peer"]):>9}  ratio {ratio:>7}  '
              f'goal {goal:8} {verdict:7} {row["better"]} is better; peer: {row["peer_name"]}')
    missed = [row for row in rows if row["met"] is False]
    print(f'\nbench: {len(rows)} rows, {sum(1 for row in rows if row["met"])} goals met, {len(missed)} missed')
    for row in missed:
        print(f'bench: missed: {row["subject"]}: {row["name"]}')


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", required=True, help="the JSON file")
    parser.add_argument("rows", nargs="+", help="files of rows, each named as its subject")
    args = parser.parse_args()
    rows = []
    for path in args.rows:
        subject = os.path.basename(path)
        with open(path, encoding="utf-8") as lines:
            for at, line in enumerate(lines, 1):
                try:
                    rows.append(row_of(subject, line))
                except ValueError as error:
                    sys.exit(f"bench: {subject}, row {at}: {error}: {line.rstrip()}")
    if not rows:
        sys.exit("bench: no rows")
    report = {"machine": machine(), "rows": rows}
    with open(args.out, "w", encoding="utf-8") as out:
        json.dump(report, out, indent=1, ensure_ascii=False)
        out.write("\n")
    print(report["machine"])
    show(rows)


if __name__ == "__main__":
    main()
