"""How are commands of SMTP answered?

One recipient a transaction, so that one answer to a mail stands for one message: a second one is told to come
in the next. Everything a client may be told of a mail, it is told after the final dot.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from messaging.sandbox.connection import Answer, Later, Outcome, Reply
from messaging.sandbox.create import Create
from messaging.sandbox.smtp_certificate import HOST, certificate
from messaging.sandbox.smtp_mail import read_create

_LARGEST = 30 << 20
_FAILED = "451 4.3.0 Error in processing"


class Relay:
    """A server of SMTP."""

    def __init__(
        self,
        passwords: Mapping[str, str],
        senders: frozenset[str],
        deliver: Callable[[str, Create], Answer],
        now: datetime,
    ) -> None:
        """Knows the users by their passwords, and from whom mail is taken: empty is anybody.

        The certificate is made as of `now`.
        """
        self._passwords = passwords
        self._senders = senders
        self._deliver = deliver
        self._server: asyncio.Server | None = None
        self._connections: set[SMTP] = set()
        self._work: set[asyncio.Future[Outcome]] = set()
        self._context, self.certificate = certificate(now)
        self.url = ""

    async def start(self, host: str, port: int) -> None:
        """Listens; OSError if it cannot."""
        # It warns at every login of something that is its own.
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, host, port)
        number = self._server.sockets[0].getsockname()[1]
        self.url = f"smtp://{f'[{host}]' if ':' in host else host}:{number}"

    async def stop(self) -> None:
        """Ends every connection; mail in work goes unanswered."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            if connection.transport is not None:
                connection.transport.close()

    def _connection(self) -> SMTP:
        made = _Connection(
            self,
            self._connections,
            hostname=HOST,
            ident="ESMTP Posthorn sandbox",
            data_size_limit=_LARGEST,
            tls_context=self._context,
            auth_require_tls=False,
            authenticator=self._authenticate,
            loop=asyncio.get_running_loop(),
        )
        self._connections.add(made)
        return made

    def _authenticate(
        self,
        _server: SMTP,
        _session: Session,
        _envelope: Envelope,
        _mechanism: str,
        data: LoginPassword,
    ) -> AuthResult:
        password = self._passwords.get(data.login.decode(errors="replace"))
        known = password is not None and password.encode() == data.password
        return AuthResult(success=known, handled=False, auth_data=data)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Only users may send, and only from what they own."""
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        if self._senders and address not in self._senders:
            return "553 5.7.1 Sender address rejected: not owned by user"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """One recipient, whoever it is."""
        if envelope.rcpt_tos:
            return "452 4.5.3 Too many recipients: one in a transaction"
        if not address.rpartition("@")[0]:
            return "553 5.1.3 The recipient is no address"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """What becomes of a mail; without an answer the connection ends."""
        content = envelope.original_content or b""
        asked = read_create(envelope.mail_from or "", envelope.rcpt_tos[0], content)
        work = asyncio.ensure_future(self._outcome(session, asked))
        self._work.add(work)
        work.add_done_callback(self._work.discard)
        # A client that gives up waiting does not stop it: the mail may still be accepted.
        reply = await asyncio.shield(work)
        if reply is None:
            if server.transport is not None:
                server.transport.close()
            raise asyncio.CancelledError
        return f"{reply.status} {reply.body.decode()}"

    async def _outcome(self, session: Session, asked: Create) -> Outcome:
        user: LoginPassword = session.auth_data  # type: ignore[assignment]
        answer = self._deliver(user.login.decode(), asked)
        if isinstance(answer, Later):
            await asyncio.sleep(answer.seconds)
            answer.then()
            return answer.outcome
        return answer if answer is None or isinstance(answer, Reply) else await answer

    async def handle_exception(self, _error: Exception) -> str:
        """A mistake of the sandbox's own."""
        return _FAILED


class _Connection(SMTP):
    """One connection, which is known while it is open."""

    def __init__(self, handler: Relay, open_: set[SMTP], **options: Any) -> None:
        super().__init__(handler, **options)
        self._open = open_

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio: the client is gone."""
        self._open.discard(self)
        super().connection_lost(error)
