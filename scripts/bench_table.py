#!/usr/bin/env python3
"""Turns what bench.sh measured into a table and bench.json: one run, medians, the machine named."""
import argparse
import json
import os
import re
import statistics

LINE = re.compile(r"^> (?P<command>.*?) < (?P<answer>.*)$")


def card_traffic(path):
    """Commands and bytes (both ways, headers, length fields and status words included) in a simulator's trace."""
    commands = total = 0
    with open(path, encoding="utf-8") as trace:
        for line in trace:
            match = LINE.match(line.strip())
            if not match:
                continue
            commands += 1
            sent = re.search(r"\[(\d+)\]", match["command"])
            data = int(sent.group(1)) if sent else 0
            expected = re.search(r"Le (\d+)", match["command"])
            le = int(expected.group(1)) if expected else 0
            extended = data > 255 or le > 256
            total += 4 + data + ((3 if extended else 1) if data else 0)
            total += ((2 if data else 3) if extended else 1) if le else 0
            got = re.search(r"\[(\d+)\]", match["answer"])
            total += 2 + (int(got.group(1)) if got else 0)
    if not commands:
        raise SystemExit(f"bench: {path} holds no commands")
    return commands, total


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        model = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), "unknown")
    return f"{model}, {os.cpu_count()} cores, {os.uname().sysname} {os.uname().release}"


def row(name, unit, ours, peer, peer_name, goal, better):
    return {"name": name, "unit": unit, "ours": round(ours, 3), "peer": round(peer, 3), "peer_name": peer_name,
            "ratio": round(ours / peer, 3), "goal": goal, "better": better}


def main():
    parser = argparse.ArgumentParser()
    for name in ("--out", "--ours", "--theirs", "--sim", "--ocsp"):
        parser.add_argument(name, required=True)
    args = parser.parse_args()

    our_commands, our_bytes = card_traffic(args.ours)
    their_commands, their_bytes = card_traffic(args.theirs)
    with open(args.sim, encoding="utf-8") as rounds:
        lines = [line.split() for line in rounds]
    pairs = [tuple(map(float, words[1:])) for words in lines if words[:1] == ["round"]]
    commands = next(float(words[1]) for words in lines if words[:1] == ["commands"])
    cards, card_bytes = next(map(float, words[1:]) for words in lines if words[:1] == ["cards"])
    sim = statistics.median(pair[0] for pair in pairs)
    openssl = statistics.median(pair[1] for pair in pairs)

    with open(args.ocsp, encoding="utf-8") as rounds:
        kept = [tuple(map(float, line.split()[1:])) for line in rounds if line.startswith("kept ")]

    rows = [
        row("list, log in, sign once: commands to the card", "APDU", our_commands, their_commands, "OpenSC 0.23 on the same card",
            0.38, "lower"),
        row("list, log in, sign once: bytes both ways", "byte", our_bytes, their_bytes, "OpenSC 0.23 on the same card", 1.0, "lower"),
        row("RSA-2048 signatures of the simulated card, in process", "1/s", sim, openssl, "OpenSSL EVP_PKEY_sign in the same process",
            0.9, "higher"),
        row("commands to the simulated card, in process (READ BINARY 256)", "1/s", commands, 100000, "a bound of our own", 1.0, "higher"),
        row(f"memory of a simulated card, {cards:.0f} in one process, each used", "byte", card_bytes, 131072, "a bound of our own",
            1.0, "lower"),
        row("OCSP answer that is kept: the responder's CPU", "us", statistics.median(pair[0] for pair in kept),
            statistics.median(pair[1] for pair in kept), "openssl ocsp with the same certificates", 0.025, "lower"),
    ]
    report = {"machine": machine(), "rows": rows}
    with open(args.out, "w", encoding="utf-8") as out:
        json.dump(report, out, indent=1, ensure_ascii=False)
        out.write("\n")
    print(report["machine"])
    for r in rows:
        good = r["ratio"] <= r["goal"] if r["better"] == "lower" else r["ratio"] >= r["goal"]
        print(f'{r["name"]:55} {r["ours"]:>10} {r["unit"]:5} peer {r["peer"]:>10}  ratio {r["ratio"]:<6} '
              f'goal {"<=" if r["better"] == "lower" else ">="} {r["goal"]}  {"met" if good else "NOT met"}')


if __name__ == "__main__":
    main()
