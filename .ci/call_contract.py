#!/usr/bin/env python3
"""Makes the calls of .ci/calls with grpcurl, which knows the contract only by reflection. Fails if a call does not end
as its line says, or if no call gets a response from an RPC of the contract.

    .ci/call_contract.py ADDRESS CALLS NAME=VALUE...
"""

import json
import re
import subprocess
import sys
from string import Template
from uuid import uuid4

LINE = re.compile(r"(?P<rpc>\S+) (?P<request>\{.*\})(?: -> (?P<keep>\S+))?(?: ! (?P<reason>\S+))?")
address, calls, *given = sys.argv[1:]
values = dict(value.split("=", 1) for value in given)


def grpcurl(*arguments: str) -> tuple[bool, str]:
    command = ["grpcurl", "-plaintext", "-connect-timeout", "5", "-max-time", "60", *arguments]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    done = subprocess.run(command, stdin=subprocess.DEVNULL, **output)
    return done.returncode == 0, done.stdout


def listed(*what: str) -> list[str]:
    succeeded, names = grpcurl(address, "list", *what)
    if not succeeded:
        sys.exit(names)
    return [name for name in names.split() if name.startswith("rollcall.v1.")]


def dig(answer: object, path: str) -> str:
    """Returns the value at a path of a response. For a stream, looks at the first message."""
    for step in path.split("."):
        answer = answer[int(step)] if isinstance(answer, list) else answer[step]
    return str(answer)


def make(line: str) -> str | None:
    """Makes the call of a line and fails unless it ends as the line says. Returns the RPC if it sent a response."""
    call = LINE.fullmatch(line) or sys.exit(f"{calls}: this line is not a call: {line}")
    request = Template(call["request"]).substitute(values, uuid=uuid4())
    answered, output = grpcurl("-d", request, address, f"rollcall.v1.{call['rpc']}")
    if call["reason"]:
        wrong = answered or f'"reason": "{call["reason"]}"' not in output
    else:
        wrong = not answered
    try:
        if not wrong and call["keep"]:
            name, path = call["keep"].split("=")
            values[name] = dig(json.JSONDecoder().raw_decode(output)[0], path)
    except (LookupError, ValueError):
        wrong = True
    if wrong:
        sys.exit(f"this call did not end as {calls} says: {line}\n{request}\n{output}")
    return f"rollcall.v1.{call['rpc']}".replace("/", ".") if answered else None


contract = {rpc for service in listed() for rpc in listed(service)}
lines = [line.strip() for line in open(calls) if line.strip() and not line.startswith("#")]
answered = set(filter(None, map(make, lines)))
if missing := contract - answered:
    sys.exit(f"{calls}: add a call that succeeds for each of these RPCs: {', '.join(sorted(missing))}")
print(f"{len(lines)} calls ended as expected, and each of the {len(contract)} RPCs of the contract was answered")
