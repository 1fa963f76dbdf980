#!/usr/bin/env python3
"""Runs a command until it and every process that it left behind are gone, and prints what that cost: commands to the card, bytes
both ways, the time of the simulator's model in ms, the CPU of all those processes in ms, and the wall time in ms.
usage: card_cost.py JPKI-SIM CONTROL COMMAND…"""
import ctypes
import os
import re
import resource
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36  # orphans become our children, so that their CPU time is told to us


def totals(sim, control):
    said = subprocess.run([sim, "slots", "--control", control], check=True, capture_output=True, text=True).stdout
    match = re.search(r", (\d+) commands, (\d+) bytes, \d+ faults, ([\d.]+) ms", said)
    if not match:
        raise SystemExit(f"card_cost: no totals in: {said}")
    return [float(word) for word in match.groups()]


def cpu_ms():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1000


def main():
    sim, control, command = sys.argv[1], sys.argv[2], sys.argv[3:]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise SystemExit("card_cost: prctl")
    before, cpu, started = totals(sim, control), cpu_ms(), time.monotonic()
    child = subprocess.Popen(command)
    status = child.wait()
    took = (time.monotonic() - started) * 1000
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    cpu = cpu_ms() - cpu
    cost = [b - a for a, b in zip(before, totals(sim, control))]
    if status:
        raise SystemExit(f"card_cost: {command} ended with {status}")
    print(f"{cost[0]:.0f} {cost[1]:.0f} {cost[2]:.3f} {cpu:.3f} {took:.3f}")


if __name__ == "__main__":
    main()
