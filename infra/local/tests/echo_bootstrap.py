#!/usr/bin/env python3
"""Stands in for the bootstrap binary: writes down what each function is fed and does nothing else.

A message body of `sleep` makes it hang, so that a test can kill it.
"""

import json
import os
import sys
import time
import urllib.request

# Any profile is good enough for what does nothing.
if sys.argv[1:2] == ["check-profile"]:
    sys.exit(0)

API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
HANDLER = os.environ["_HANDLER"]

while True:
    with urllib.request.urlopen(f"{API}/next") as answer:
        invocation = answer.headers["Lambda-Runtime-Aws-Request-Id"]
        event = json.load(answer)
    with open(os.path.join(os.environ["TMPDIR"], "events.jsonl"), "a", encoding="utf-8") as log:
        log.write(json.dumps({"handler": HANDLER, "event": event, "table": os.environ["TABLE_NAME"]}) + "\n")
    records = event.get("Records", [])
    received = max([int(record["attributes"]["ApproximateReceiveCount"]) for record in records], default=0)
    if received == 1 and any(record["body"] == "sleep" for record in records):
        time.sleep(3600)
    reply = {"batchItemFailures": []} if records else {"statusCode": 200, "body": event.get("routeKey", "")}
    request = urllib.request.Request(f"{API}/{invocation}/response", data=json.dumps(reply).encode(), method="POST")
    urllib.request.urlopen(request).close()
