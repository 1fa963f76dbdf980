#!/usr/bin/env python3
"""Compares what became of the conformance rows with the table in docs/CONFORMANCE.md. Of our own module no row may fail.
usage: conformance_page.py PAGE LIST OURS THEIRS SOFTHSM [--print]"""
import json
import sys


def outcome(results, row):
    """One module's word on a row: of several tokens the worst, with the reason of the first token that says so."""
    mine = [result for result in results if result["row"] == row]
    failed = [result for result in mine if result["result"] == "failed"]
    if failed:
        token = failed[0]["token"]
        some = f' ({token})' if len(failed) < len([r for r in mine if r["result"] != "skipped"]) and token else ""
        return f'fails{some}: {failed[0]["reason"]}'
    if any(result["result"] == "passed" for result in mine):
        return "passes"
    return f'skipped: {mine[0]["reason"]}' if mine else "did not run"


def table(path):
    with open(path, encoding="utf-8") as page:
        for line in page:
            cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
            if line.startswith("| `") and len(cells) == 6:
                yield cells[0].strip("`"), cells[1:]


def main(page, listed, *summaries):
    show = summaries[-1] == "--print"
    results = []
    for path in summaries[:3]:
        with open(path, encoding="utf-8") as summary:
            results.append(json.load(summary)["rows"])
    with open(listed, encoding="utf-8") as lines:
        rows = [line.rstrip("\n").split("\t") for line in lines]
    known = {} if show else dict(table(page))
    bad = 0
    for name, standard, _, what in rows:
        cells = [standard, what] + [outcome(result, name).replace("|", "/") for result in results]
        if show:
            print(f"| `{name}` | " + " | ".join(cells) + " |")
            continue
        if known.pop(name, None) != cells:
            bad += 1
            print(f"the page says otherwise: | `{name}` | " + " | ".join(cells) + " |")
        if cells[2] != "passes":
            bad += 1
            print(f"our module: {name}: {cells[2]}")
    for name in known:
        bad += 1
        print(f"no such row any more: {name}")
    counts = [sum(1 for row in rows if outcome(result, row[0]) == "passes") for result in results]
    print(f"{len(rows)} rows: ours passes {counts[0]}, OpenSC's {counts[1]}, SoftHSM2's {counts[2]}; {bad} wrong")
    return 1 if bad or not rows else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
