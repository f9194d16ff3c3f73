"""Starts the AWS emulator (`ministack`) with what the local stack needs changed in it.

It lives as long as its standard input: when that ends, because its owner closed it or died in whatever way, it ends
its whole process group, the functions' processes included.

Each change below names the version it was needed for; requirements.txt pins it, so read this again when the pin moves.
"""

import json
import os
import signal
import sys
import threading
from email.utils import parseaddr

import emulator_faults
from ministack.app import main
from ministack.core import iam_actions
from ministack.services import lambda_svc, scheduler


def end_with_standard_input() -> None:
    def watch() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        os.killpg(os.getpgrp(), signal.SIGKILL)

    if os.getpgrp() != os.getpid():
        sys.exit("emulator.py must lead a process group of its own, for it ends the group with itself")
    threading.Thread(target=watch, daemon=True).start()


def tick_schedules_every_second() -> None:
    """1.5.33 looks at its schedules every ten seconds, which is long for a test."""
    scheduler._SCHEDULE_TICK_INTERVAL = 1


def read_concurrency_as_a_number() -> None:
    """1.5.33 keeps a MaximumConcurrency that comes from a template parameter as text; comparing that with a number
    stops its poller, for every queue."""
    original = lambda_svc._sqs_esm_concurrency

    def concurrency(esm, *rest):
        scaling = esm.get("ScalingConfig") or {}
        if isinstance(scaling.get("MaximumConcurrency"), str):
            esm["ScalingConfig"] = {**scaling, "MaximumConcurrency": int(scaling["MaximumConcurrency"])}
        return original(esm, *rest)

    lambda_svc._sqs_esm_concurrency = concurrency


def tell_policies_the_encryption_context() -> None:
    """1.5.33 evaluates a role's policies (AUTH=true) without `kms:EncryptionContext:*`, the condition keys that ours
    insist on."""
    original = iam_actions.request_tag_context

    def context(service, iam_action, body, params):
        keys = original(service, iam_action, body, params)
        if service == "kms":
            pairs = (json.loads(body or b"{}").get("EncryptionContext") or {}).items()
            keys = {**keys, **{f"kms:EncryptionContext:{name}": value for name, value in pairs}}
        return keys

    iam_actions.request_tag_context = context


def take_a_batch_for_its_messages() -> None:
    """1.5.33 asks a role for `sqs:SendMessageBatch`, where AWS knows only the action for a single message."""
    original = iam_actions.extract_iam_action

    def action(*arguments, **named):
        found = original(*arguments, **named)
        return "sqs:SendMessage" if found == "sqs:SendMessageBatch" else found

    iam_actions.extract_iam_action = action


def name_schedules_and_senders() -> None:
    """1.5.33 looks for a schedule's policy in the default group whatever group the request names, and gives an e-mail
    no resource at all, where AWS takes the sender's identity."""
    original = iam_actions.extract_resource_arn

    def first(value):
        return value[0] if isinstance(value, list) else value

    def arn(service, method, path, headers, body, query, region, account):
        parts = [part for part in path.split("/") if part]
        if service == "scheduler" and parts[:1] == ["schedules"] and len(parts) == 2:
            group = first(query.get("groupName")) or json.loads(body or b"{}").get("GroupName") or "default"
            return f"arn:aws:scheduler:{region}:{account}:schedule/{group}/{parts[1]}"
        if service == "ses" and parts == ["v2", "email", "outbound-emails"]:
            sender = parseaddr(json.loads(body or b"{}").get("FromEmailAddress", ""))[1]
            return f"arn:aws:ses:{region}:{account}:identity/{sender}"
        return original(service, method, path, headers, body, query, region, account)

    iam_actions.extract_resource_arn = arn


if __name__ == "__main__":
    end_with_standard_input()
    tick_schedules_every_second()
    read_concurrency_as_a_number()
    tell_policies_the_encryption_context()
    take_a_batch_for_its_messages()
    name_schedules_and_senders()
    emulator_faults.listen(root_key=os.environ["AWS_ACCESS_KEY_ID"])
    main()
