#!/usr/bin/env python3
"""Asks for one OCSP answer again and again, one at a time, and prints the server's CPU microseconds for each answer.
usage: ocsp_load.py PORT PID REQUEST SECONDS [PATH]: posts the request; with a path gets that instead"""
import os
import socket
import sys
import time


def cpu_of(pid):
    """Seconds that the threads of a process have run, to the nanosecond: no peer here has children or ends threads meanwhile."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as stat:
            total += int(stat.read().split()[0])
    return total * 1e-9


def answer_of(stream):
    """The body of one response; None when the server closed the connection instead."""
    line = stream.readline()
    if not line:
        return None
    length, status = 0, line.split()[1]
    for header in iter(stream.readline, b"\r\n"):
        if header.lower().startswith(b"content-length:"):
            length = int(header.split(b":")[1])
    body = stream.read(length) if length else stream.read()
    if status != b"200" or body[:1] != b"\x30" or len(body) < 200:
        raise SystemExit(f"not an answer: {status} and {len(body)} bytes")
    return body


def main():
    port, pid, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[4])
    with open(sys.argv[3], "rb") as file:
        request = file.read()
    message = (f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/ocsp-request\r\n"
               f"Content-Length: {len(request)}\r\n\r\n").encode() + request
    if len(sys.argv) > 5:
        message = f"GET {sys.argv[5]} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    count, connection, stream = 0, None, None
    before, end = cpu_of(pid), time.monotonic() + seconds
    while time.monotonic() < end:
        if connection is None:
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = connection.makefile("rb")
            fresh = True
        try:
            connection.sendall(message)
            body = answer_of(stream)
        except (ConnectionResetError, BrokenPipeError):
            body = None
        if body is None:
            if fresh:
                raise SystemExit("the server closes without an answer")
            connection.close()
            connection = None
            continue
        fresh = False
        count += 1
    used = cpu_of(pid) - before
    print(f"{used * 1e6 / count:.2f} {count}")


if __name__ == "__main__":
    main()
