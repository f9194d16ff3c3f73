"""The provider's ticket systems: a program that takes signed calls as https://www.standardwebhooks.com has them, and a
WHMCS as https://developers.whmcs.com/api-reference/ describes it.

Each call is checked and kept with what is wrong with it. `POST /_control` has a kind of call fail for a while, `GET
/_calls` and `GET /_tickets` tell what came. What fails, fails in one of these ways:

  unavailable  503 with a page
  error        200 with {"result": "error"}
  hang         no answer, and nothing is done
  late         it is done, and the answer never comes
  elsewhere    a redirect to another path
  nonsense     200 with a page
"""

import base64
import hashlib
import hmac
import html
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

KEY = base64.b64decode(os.environ["KEY"].removeprefix("whsec_"))
IDENTIFIER, SECRET, ACCESS_KEY = os.environ["CREDENTIALS"].split("\n")
TICKETS = json.loads(os.environ["TICKETS"])
STATUSES = ["Open", "Answered", "Customer-Reply", "Closed"]
# Which parameters an action takes; the first are needed.
ACTIONS = {
    "GetTicket": (["ticketnum"], ["ticketid", "repliessort"]),
    "AddTicketReply": (
        ["ticketid", "message"],
        ["markdown", "clientid", "contactid", "adminusername", "name", "email", "status", "noemail", "customfields", "attachments", "created"],
    ),
    "AddTicketNote": (["message"], ["ticketid", "ticketnum", "markdown", "attachments", "created"]),
    "UpdateTicket": (["ticketid"], ["deptid", "status", "subject", "userid", "name", "email", "cc", "priority", "created", "flag", "removeFlag", "message"]),
}

lock = threading.Lock()
calls = []
failures = []
taken = set()
signatures = set()


class Refused(Exception):
    def __init__(self, status, answer, wrong=None):
        super().__init__(wrong)
        self.status, self.answer, self.wrong = status, answer, wrong


def webhook(headers, body):
    """What a receiver checks; gives whether the call came before."""
    identity, moment = headers["webhook-id"], headers["webhook-timestamp"]
    given = headers["webhook-signature"] or ""
    if headers["content-type"] != "application/json" or not identity or not moment or "." in identity:
        raise Refused(400, "", "a header is missing")
    if abs(time.time() - int(moment)) > 300:
        raise Refused(400, "", "the moment is too far away")
    signed = f"{identity}.{moment}.".encode() + body
    tag = "v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    if not any(hmac.compare_digest(tag, one) for one in given.split(" ")):
        raise Refused(401, "", "the signature is not ours")
    event = json.loads(body)
    if set(event) != {"type", "timestamp", "data"} or not event["type"].startswith("notice."):
        raise Refused(400, "", "the body has another form")
    if given in signatures:
        raise Refused(409, "", "a call was replayed")
    return event


def whmcs(headers, body):
    """What the API checks; gives the parameters."""

    def error(message, status=200, wrong=None):
        return Refused(status, {"result": "error", "message": message}, wrong)

    if headers["content-type"] != "application/x-www-form-urlencoded":
        raise error("Authentication Failed", 403, "the form is not encoded as a form")
    pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True)
    form = dict(pairs)
    if len(form) != len(pairs):
        raise error("Authentication Failed", 403, "a parameter comes twice")
    if form.get("accesskey") != ACCESS_KEY:
        raise error("Invalid IP 127.0.0.1", 403)
    if (form.get("identifier"), form.get("secret")) != (IDENTIFIER, SECRET):
        raise error("Authentication Failed: Invalid credentials", 403)
    if form.get("responsetype") != "json":
        raise error("no JSON was asked for", wrong="responsetype is not json")
    if form.get("action") not in ACTIONS:
        raise error("Command Not Found", wrong="there is no such action")
    needed, others = ACTIONS[form["action"]]
    rest = {name: value for name, value in form.items() if name not in ("action", "identifier", "secret", "responsetype", "accesskey")}
    unknown = set(rest) - set(needed) - set(others)
    if unknown or not all(rest.get(name) for name in needed):
        raise error("bad parameters", wrong=f"{form['action']} has the parameters {sorted(rest)}")
    if "ticketid" in rest and not rest["ticketid"].isdecimal():
        raise error("Ticket ID not found", wrong="ticketid is not a number")
    return form["action"], rest


def act(action, form):
    """Does what was asked for."""

    def found(ticket):
        if not ticket:
            raise Refused(200, {"result": "error", "message": "Ticket ID Not Found" if action == "UpdateTicket" else "Ticket ID not found"})
        return ticket

    if "ticketid" in form:
        ticket = found(next((ticket for ticket in TICKETS if ticket["ticketid"] == form["ticketid"]), None))
    else:
        ticket = found(next((ticket for ticket in TICKETS if ticket["tid"] == form["ticketnum"]), None))
    replies, notes = ticket.setdefault("replies", []), ticket.setdefault("notes", [])
    entry = {"date": time.strftime("%Y-%m-%d %H:%M:%S"), "message": form.get("message", "").replace("\n", "\r\n")}
    if action == "AddTicketReply":
        if not form.get("adminusername") and not form.get("clientid") and not (form.get("name") and form.get("email")):
            raise Refused(200, {"result": "error", "message": "Name and email address are required if not a client"}, "nobody replies")
        replies.append(entry | {"admin": form.get("adminusername", ""), "noemail": form.get("noemail", "")})
        ticket["status"] = form.get("status", "Answered")
    elif action == "AddTicketNote":
        notes.append(entry)
    elif action == "UpdateTicket":
        if form.get("status") and form["status"] not in STATUSES:
            raise Refused(200, {"result": "error", "message": "Invalid Ticket Status. Valid statuses are: " + ",".join(STATUSES)})
        ticket["status"] = form.get("status", ticket["status"])
        return {"result": "success", "ticketid": ticket["ticketid"]}
    else:
        shown = {key: value for key, value in ticket.items() if key not in ("replies", "notes")}
        # Texts are kept as they stand in a page.
        kept = lambda entries: [entry | {"message": html.escape(entry["message"])} for entry in entries]
        return {"result": "success", **shown, "replies": {"reply": kept(replies)} if replies else "", "notes": {"note": kept(notes)} if notes else ""}
    return {"result": "success"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        with lock:
            self.answer(200, calls if self.path == "/_calls" else TICKETS)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"] or 0))
        if self.path == "/_control":
            with lock:
                failures.append(json.loads(body))
            return self.answer(200, {})
        kind = {"/hook": "webhook", "/includes/api.php": "whmcs"}.get(urlsplit(self.path).path)
        call = {"kind": kind, "path": self.path, "id": self.headers["webhook-id"], "wrong": None, "status": 0, "body": None, "again": False}
        if kind is None:
            call["wrong"] = "there is nothing at this path"
            return self.end(call, 404, "")
        try:
            asked = (webhook if kind == "webhook" else whmcs)(self.headers, body)
        except Refused as refused:
            call["wrong"] = refused.wrong
            return self.end(call, refused.status, refused.answer)
        call["action"] = asked[0] if kind == "whmcs" else None
        call["body"] = asked[1] if kind == "whmcs" else asked
        with lock:
            how = self.failure(kind, call["action"])
        if how and how != "late":
            return self.fail(call, how)
        try:
            answer = self.done(kind, call, asked)
        except Refused as refused:
            call["wrong"] = refused.wrong
            return self.end(call, refused.status, refused.answer)
        if how == "late":
            return self.fail(call, how)
        self.end(call, 200 if kind == "whmcs" else 204, answer)

    def done(self, kind, call, asked):
        with lock:
            if kind == "whmcs":
                return act(*asked)
            signatures.add(self.headers["webhook-signature"])
            call["again"] = call["id"] in taken
            taken.add(call["id"])
            return ""

    def failure(self, kind, action):
        for one in failures:
            if one["kind"] == kind and one["times"] > 0 and one.get("action") in (None, action):
                one["times"] -= 1
                return one["how"]
        return None

    def fail(self, call, how):
        if how == "unavailable":
            return self.end(call, 503, "<html>Service Unavailable</html>")
        if how == "error":
            return self.end(call, 200, {"result": "error", "message": "An error occurred\r\n" + "x" * 500 if call["action"] != "GetTicket" else f"no: {SECRET}"})
        if how == "nonsense":
            return self.end(call, 200, "<html>Maintenance</html>")
        if how == "elsewhere":
            return self.end(call, 307, "", {"location": "/elsewhere"})
        with lock:
            calls.append(call)
        if how == "hang":
            time.sleep(60)
        self.close_connection = True

    def end(self, call, status, answer, headers=None):
        call["status"] = status
        with lock:
            calls.append(call)
        self.answer(status, answer, headers)

    def answer(self, status, answer, headers=None):
        body = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer.daemon_threads = True
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
