"""Faults of the emulator and of the functions it runs, made on demand: see infra/local/src/ministack/faults.rs.

Nothing here does anything until it is asked to, by POST to `/_local/faults/<what>` with a JSON object:

- `kill` {function, after_ms}: ends a process of that function by SIGKILL while it is at work: so long after now where
  one is, else after its next invocation began. The answer's `id` is listed by `state` once it has happened.
- `deliver_again` {queue, age_percent}: delivers a message that a function has had before, the newest at 0, the oldest
  at 100, with its id, as SQS may.
- `refuse` {how, percent, for_ms}: answers this part of the functions' calls as an AWS that is `throttled`, `failing`,
  or `losing_answers`, which does what was asked and says that it failed.
- `state` {}: what has happened so far, and whether anything is still under way: invocations and messages.
"""

import copy
import json
import os
import random
import re
import signal
import threading
import time

from ministack import app
from ministack.core import lambda_runtime
from ministack.services import lambda_svc, sqs

# How closely a kill keeps to its time.
TICK_SECONDS = 0.002
SCOPE = re.compile(r"Credential=([^/]+)/[^/]*/[^/]*/([^/]*)/aws4_request")
# What each service says when it is throttled, and when it fails.
WORDS = {
    "dynamodb": ((400, "ProvisionedThroughputExceededException"), (500, "InternalServerError")),
    "sqs": ((403, "RequestThrottled"), (500, "InternalError")),
    "kms": ((400, "ThrottlingException"), (500, "KMSInternalException")),
    "secretsmanager": ((400, "ThrottlingException"), (500, "InternalServiceError")),
    "scheduler": ((429, "ThrottlingException"), (500, "InternalServerException")),
    "ses": ((429, "TooManyRequestsException"), (500, "InternalServiceErrorException")),
    "s3": ((503, "SlowDown"), (500, "InternalError")),
}


class Run:
    """An invocation that is at work."""

    def __init__(self, worker):
        self.worker = worker
        self.function = worker.config.get("Handler")
        self.began = time.monotonic()
        self.is_chosen = False


class Faults:
    def __init__(self):
        self.lock = threading.Lock()
        self.runs = []
        self.kills = 0
        self.killed = []
        self.delivered = {}
        self.refusals = []
        self.refused = {"throttled": 0, "failing": 0, "losing_answers": 0}

    def kill(self, function, after_ms):
        with self.lock:
            self.kills += 1
            number = self.kills
        arguments = (number, function, time.monotonic(), after_ms / 1000)
        threading.Thread(target=self._kill, args=arguments, daemon=True).start()
        return {"id": number}

    def _kill(self, number, function, asked, after):
        run = None
        while True:
            with self.lock:
                if run not in self.runs:
                    if run:  # It was quicker; the next one is met earlier.
                        after /= 2
                    free = [run for run in self.runs if run.function == function and not run.is_chosen]
                    run = free[0] if free else None
                    if run:
                        run.is_chosen = True
                process = run and run.worker._proc
                if process and process.poll() is None and time.monotonic() >= max(asked, run.began) + after:
                    os.kill(process.pid, signal.SIGKILL)
                    self.killed.append(number)
                    return
            time.sleep(TICK_SECONDS)

    def deliver_again(self, queue, age_percent):
        with self.lock:
            of_name = [held for name, held in self.delivered.items() if name.endswith(f"-{queue}")]
            found = [entry for held in of_name for entry in held]
        if not found:
            return {"made": False}
        where, message = found[(len(found) - 1) * (100 - age_percent) // 100]
        again = {**copy.deepcopy(message), "receipt_handle": None, "visible_at": time.time(), "receive_count": 0}
        with sqs._queues_lock:
            where["messages"].append(again)
        lambda_svc._esm_wake.set()
        return {"made": True}

    def refuse(self, how, percent, for_ms):
        with self.lock:
            self.refusals.append((time.monotonic() + for_ms / 1000, how, percent))
        return {}

    def state(self):
        with self.lock:
            queues = [held[0][0] for name, held in self.delivered.items() if not name.endswith("dead-letters") and held]
            return {
                "killed": list(self.killed),
                "refused": dict(self.refused),
                "busy": len(self.runs) + sum(len(queue["messages"]) for queue in queues),
            }

    def refusal(self):
        """How a call is to be refused now, if it is."""
        with self.lock:
            self.refusals = [refusal for refusal in self.refusals if refusal[0] > time.monotonic()]
            for _, how, percent in self.refusals:
                if random.random() * 100 < percent:
                    self.refused[how] += 1
                    return how
        return None


def refused_answer(service, how):
    throttled, failing = WORDS[service]
    status, code = throttled if how == "throttled" else failing
    if service == "s3":
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>made to fail</Message></Error>"
        return status, {"Content-Type": "application/xml"}, body.encode()
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-errortype": code}
    return status, headers, json.dumps({"__type": code, "message": "made to fail"}).encode()


def listen(root_key):
    """Lets faults be asked for. Calls with the account's own key, which is the harness's, are never refused."""
    faults = Faults()
    doing = {"kill": faults.kill, "deliver_again": faults.deliver_again, "refuse": faults.refuse, "state": faults.state}

    shortcuts = app._handle_post_body_shortcuts

    async def asked(method, path, headers, body, *rest):
        prefix = "/_local/faults/"
        if not path.startswith(prefix):
            return await shortcuts(method, path, headers, body, *rest)
        answer = doing[path.removeprefix(prefix)](**json.loads(body))
        return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()

    app._handle_post_body_shortcuts = asked

    dispatch = app._dispatch_service_request

    async def dispatched(method, path, headers, *rest):
        scope = SCOPE.search(headers.get("authorization", ""))
        key, service = scope.groups() if scope else (root_key, None)
        how = faults.refusal() if key != root_key and service in WORDS else None
        if how in (None, "losing_answers"):
            answer = await dispatch(method, path, headers, *rest)
        return refused_answer(service, how) if how else answer

    app._dispatch_service_request = dispatched

    invoke = lambda_runtime.ProvidedWorker.invoke

    def invoked(worker, *arguments, **named):
        run = Run(worker)
        with faults.lock:
            faults.runs.append(run)
        try:
            return invoke(worker, *arguments, **named)
        finally:
            with faults.lock:
                faults.runs.remove(run)

    lambda_runtime.ProvidedWorker.invoke = invoked

    receive = sqs._receive_messages_for_esm

    def received(url, most):
        batch = receive(url, most)
        name, where = url.rsplit("/", 1)[-1], sqs._get_q(url)
        with faults.lock:
            held = faults.delivered.setdefault(name, [])
            known = {message["id"] for _, message in held}
            held.extend((where, copy.deepcopy(message)) for message in batch if message["id"] not in known)
        return batch

    sqs._receive_messages_for_esm = received
