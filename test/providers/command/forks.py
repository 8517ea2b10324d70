"""Plays the good driver for the suite: one process reads the code once, and each call is a fork of it.

A call connects, sends the primitive and the request as one line of JSON, and gets the fork's process id and
then what the driver printed and its exit code, each as one line.
"""
import importlib.util
import io
import json
import os
import signal
import socket
import sys
import traceback

spec = importlib.util.spec_from_file_location("good", sys.argv[1])
good = importlib.util.module_from_spec(spec)
spec.loader.exec_module(good)


def play(stream):
    os.setsid()
    stream.write(f"{os.getpid()}\n")
    stream.flush()
    word, request = json.loads(stream.readline())
    sys.stdin, sys.stdout, sys.stderr = io.StringIO(request), io.StringIO(), io.StringIO()
    try:
        code = good.main(word)
    except Exception:
        traceback.print_exc()
        code = 1
    stream.write(json.dumps([code, sys.stdout.getvalue(), sys.stderr.getvalue()]) + "\n")
    stream.flush()


signal.signal(signal.SIGCHLD, signal.SIG_IGN)
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[2])
server.listen(64)
print("ready", flush=True)
while True:
    connection, _ = server.accept()
    if os.fork() == 0:
        server.close()
        play(connection.makefile("rw", encoding="utf-8"))
        os._exit(0)
    connection.close()
