"""How does SendGrid's Inbound Parse post a mail that somebody wrote?

A multipart form: who and what, the envelope, and in which character set each text is. It has no id beside
the mail's own Message-ID.
"""

from __future__ import annotations

from email.utils import formatdate

import orjson

from messaging.sandbox.dialect import Said

_TEXTS = ("to", "from", "subject", "text")


def form(said: Said, sid: str, at: float, boundary: str) -> tuple[str, bytes]:
    """The content type and the body of the form that tells of a mail with this Message-ID."""
    headers = (
        f"From: {said.sender}\n",
        f"To: {said.to}\n",
        "Subject: Re:\n",
        f"Date: {formatdate(at, usegmt=True)}\n",
        f"Message-ID: <{sid}>\n",
        "MIME-Version: 1.0\n",
        "Content-Type: text/plain; charset=UTF-8\n",
    )
    names = [url.rpartition("/")[2] or "file" for url in said.media]
    fields = {
        "headers": "".join(headers),
        "dkim": "none",
        "to": said.to,
        "from": said.sender,
        "subject": "Re:",
        "text": said.body,
        "sender_ip": "192.0.2.26",
        "envelope": orjson.dumps({"to": [said.to], "from": said.sender}).decode(),
        "attachments": str(len(names)),
        "charsets": orjson.dumps(dict.fromkeys(_TEXTS, "UTF-8")).decode(),
        "SPF": "pass",
        "spam_score": "0.1",
    }
    if names:
        described = {
            f"attachment{number}": {"filename": name, "type": "application/octet-stream"}
            for number, name in enumerate(names, 1)
        }
        fields["attachment-info"] = orjson.dumps(described).decode()
    parts = [_part(boundary, f'name="{name}"', value) for name, value in fields.items()]
    for number, (name, url) in enumerate(zip(names, said.media, strict=True), 1):
        # The sandbox fetches nothing: the file holds its address.
        about = f'name="attachment{number}"; filename="{_quoted(name)}"'
        parts.append(_part(boundary, about, url, "Content-Type: application/octet-stream\r\n"))
    body = "".join(parts) + f"--{boundary}--\r\n"
    return f"multipart/form-data; boundary={boundary}", body.encode("utf-8", "replace")


def _part(boundary: str, about: str, value: str, more: str = "") -> str:
    return f"--{boundary}\r\nContent-Disposition: form-data; {about}\r\n{more}\r\n{value}\r\n"


def _quoted(name: str) -> str:
    return name.replace("\\", "_").replace('"', "_").replace("\r", "_").replace("\n", "_")
