#!/usr/bin/env python3
"""check_tutorial.py FACTORYD TUTORIAL: runs each `$ ` command of a tutorial against a daemon of its own and compares the answers.

A command begins with `$ ` and goes on until its quotes and brackets close; the indented lines behind it are its answer, where `…`
stands for anything. `kill -9` kills the daemon; the next line that starts it starts it again on the same directory.
"""
import re
import shlex
import subprocess
import sys
import tempfile


def start(program, directory):
    daemon = subprocess.Popen([program, "--data-dir", directory, "--api-port", "0", "--anomaly-port", "0"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    line = daemon.stdout.readline()
    ready = re.search(r"api=(http://\S+) anomaly=(http://\S+)", line)
    if not ready:
        sys.exit(f"factoryd did not start: {line!r}")
    return daemon, f"api={ready[1]} anomaly={ready[2]}"


def is_whole(command):
    try:
        shlex.split(command)
        return True
    except ValueError:
        return False


def steps(text):
    """(command, answer) in order; commands that concern the daemon itself have no answer."""
    out, open_command = [], False
    for line in text.split("\n"):
        code = line[4:] if line.startswith("    ") else None
        if open_command:
            out[-1][0] += "\n" + code
        elif code is None:
            out.append(None)
            continue
        elif code.startswith("$ "):
            out.append([code[2:], []])
        elif code.startswith("kill -9"):
            out.append(["kill", []])
        elif code.startswith("build/factoryd"):
            out.append(["start", []])
        elif out and out[-1] and out[-1][0] not in ("kill", "start"):
            out[-1][1].append(code)
        open_command = bool(out[-1]) and not out[-1][1] and not is_whole(out[-1][0])
    return [step for step in out if step]


def matches(answer, printed):
    return re.fullmatch(".*?".join(re.escape(part) for part in printed.split("…")), answer, re.S)


def main(program, tutorial):
    settings, failed, checked = "", 0, 0
    daemon = None
    with tempfile.TemporaryDirectory() as directory, open(tutorial, encoding="utf-8") as file:
        try:
            for command, printed in steps(file.read()):
                if command == "start":
                    daemon, addresses = start(program, directory)
                elif command == "kill":
                    daemon.kill()
                    daemon.wait()
                elif command.startswith("api="):
                    settings = command
                else:
                    run = f"{settings}\n{addresses}\n{command}"
                    answer = subprocess.run(["bash", "-c", run], capture_output=True, text=True, check=False).stdout.strip("\n")
                    checked += 1
                    if not printed or not matches(answer, "\n".join(printed)):
                        failed += 1
                        print(f"{command}\n  is printed as: {printed}\n  but gave:      {answer}")
        finally:
            if daemon:
                daemon.kill()
                daemon.wait()
    if not checked:
        sys.exit("the tutorial has no command")
    return failed


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:]) else 0)
