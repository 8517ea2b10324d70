"""Accepts NTLM logins with gss-ntlmssp, which is not ours: one JSON line per question.

{"login": 7, "token": "...", "binding": "..."}  ->  {"token": "..."} | {"done": true} | {"error": "..."}
The user file is named by NTLM_USER_FILE, one line DOMAIN:user:password.
"""

import base64
import json
import sys

import gssapi
from gssapi.raw import ChannelBindings, OID

NTLM = OID.from_int_seq("1.3.6.1.4.1.311.2.2.10")
logins = {}


def answer(asked):
    number = asked["login"]
    if number not in logins:
        binding = asked.get("binding")
        channel = ChannelBindings(application_data=base64.b64decode(binding)) if binding else None
        credentials = gssapi.Credentials(usage="accept", mechs=[NTLM])
        logins[number] = gssapi.SecurityContext(
            creds=credentials, usage="accept", channel_bindings=channel
        )
    login = logins[number]
    token = login.step(base64.b64decode(asked["token"]))
    if login.complete:
        return {"done": True, "name": str(login.initiator_name)}
    return {"token": base64.b64encode(token).decode()}


for line in sys.stdin:
    try:
        said = answer(json.loads(line))
    except Exception as error:  # whatever the library refuses for is a refusal
        said = {"error": str(error)}
    print(json.dumps(said), flush=True)
