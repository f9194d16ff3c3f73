"""Logins of the local Radicale: each mailbox by the one password, or by the master user as mailbox*master."""

import hmac
import os

from radicale.auth import BaseAuth


class Auth(BaseAuth):
    def _login(self, login, password):
        mailbox, _, master = login.partition("*")
        if master:
            known = hmac.compare_digest(master, os.environ["MASTER_USER"])
            wanted = os.environ["MASTER_PASSWORD"]
        else:
            known, wanted = True, os.environ["USER_PASSWORD"]
        return mailbox if known and hmac.compare_digest(password, wanted) else ""
