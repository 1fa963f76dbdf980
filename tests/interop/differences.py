#!/usr/bin/env python3
"""Compares two transcripts of p11_transcript with the table in docs/DIFFERENCES.md: every difference must be in it, with
exactly these answers, and everything in it must be a difference. A * in the table stands for any text; "—" for a question
that the module gives no line for.
usage: differences.py DIFFERENCES.md OURS THEIRS [--print]"""
import fnmatch
import sys

NONE = "—"


def answers(path):
    lines = {}
    with open(path, encoding="utf-8") as transcript:
        for line in transcript:
            question, _, answer = line.rstrip("\n").partition(" =")
            if question in lines:
                raise SystemExit(f"{path}: '{question}' twice")
            lines[question] = answer.strip() or "(empty)"
    return lines


def table(path):
    with open(path, encoding="utf-8") as page:
        for line in page:
            cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split(" | ")]
            if line.startswith("| `") and len(cells) == 4:
                yield cells


def matches(text, pattern):
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


def main(doc, ours_path, theirs_path):
    ours, theirs = answers(ours_path), answers(theirs_path)
    rows = list(table(doc))
    used = [False] * len(rows)
    bad = 0
    for question in list(ours) + [q for q in theirs if q not in ours]:
        mine, other = ours.get(question, NONE), theirs.get(question, NONE)
        if mine == other:
            continue
        found = False
        for i, (pattern, want_mine, want_other, _) in enumerate(rows):
            if matches(question, pattern) and matches(mine, want_mine) and matches(other, want_other):
                used[i] = found = True
        if not found:
            bad += 1
            print(f"not in the table: | `{question}` | `{mine}` | `{other}` |")
    for row, seen in zip(rows, used):
        if not seen:
            bad += 1
            print(f"no difference any more: {row[0]}: {row[1]} / {row[2]}")
    same = sum(1 for question in ours if theirs.get(question) == ours[question])
    print(f"{same} answers are the same, {len(set(ours) | set(theirs)) - same} differ, {len(rows)} rows say why, {bad} wrong")
    return 1 if bad or not rows else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
