"""Who is connected: sessions by an id that cannot be guessed, with their owner and expiry."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from dashboard.transport.channel import Channel, Room

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """How much a browser, and all of them together, may ask for."""

    sessions: int = 100
    sessions_of_one_owner: int = 16
    message_bytes: int = 4 * 2**20
    """The largest message of a browser; a batch has no more bytes either."""
    incoming_messages: int = 256
    """So many of its messages may wait for the app, ..."""
    incoming_bytes: int = 4 * 2**20
    """... with so many bytes in all."""
    outgoing_bytes: int = 4 * 2**20
    """So many bytes may be unacknowledged before the app is made to wait; one message always."""
    response_bytes: int = 2**20
    """An answer takes no further message beyond this size."""
    poll_seconds: float = 20
    """So long a GET waits for something to tell; below the timeouts of the proxies on the way."""
    expiry_seconds: float = 90
    """A session that nobody asked for in this time is over."""
    open_seconds: float = 10
    """So long the app may take to accept a connection."""


class FullError(Exception):
    """No further session, for this owner or at all."""


@dataclass
class Session:
    """A connection and whom it belongs to."""

    id: str
    owner: str
    channel: Channel
    task: "asyncio.Task[None] | None" = None
    expiry: asyncio.TimerHandle | None = field(default=None, repr=False)


App = Callable[[Channel], Awaitable[None]]
"""Serves a channel until it ends."""


class Sessions:
    """All sessions of this process."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._room = Room(limits.incoming_messages, limits.incoming_bytes, limits.outgoing_bytes)
        self._open: dict[str, Session] = {}

    def __len__(self) -> int:
        return len(self._open)

    def open(self, owner: str, app: App) -> Session:
        """A new session of `owner`, served by `app` in a task of its own; raises FullError."""
        if len(self._open) >= self._limits.sessions:
            raise FullError("too many sessions")
        if sum(one.owner == owner for one in self._open.values()) >= (
            self._limits.sessions_of_one_owner
        ):
            raise FullError("too many sessions of one browser")
        session = Session(secrets.token_urlsafe(32), owner, Channel(self._room))
        self._open[session.id] = session
        session.task = asyncio.create_task(self._serve(session, app), name="transport session")
        self.touch(session)
        return session

    def find(self, session_id: str, owner: str) -> Session | None:
        """The session, if it is there and `owner`'s; who asks cannot tell which it is not."""
        session = self._open.get(session_id)
        if session is None or not secrets.compare_digest(session.owner, owner):
            return None
        self.touch(session)
        return session

    def touch(self, session: Session) -> None:
        """The browser was heard of: the expiry begins anew."""
        if session.expiry is not None:
            session.expiry.cancel()
        if session.id in self._open:
            session.expiry = asyncio.get_running_loop().call_later(
                self._limits.expiry_seconds, self.drop, session, 1006
            )

    def drop(self, session: Session, code: int) -> None:
        """Ends a session: it is found no more, the app is told."""
        self._open.pop(session.id, None)
        if session.expiry is not None:
            session.expiry.cancel()
        session.channel.disconnect(code)

    async def close(self) -> None:
        """Ends them all, when the process does."""
        open_sessions = list(self._open.values())
        for session in open_sessions:
            self.drop(session, 1001)
        tasks = [session.task for session in open_sessions if session.task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=2)
            for task in late:
                task.cancel()

    async def _serve(self, session: Session, app: App) -> None:
        try:
            await app(session.channel)
        except OSError:
            pass  # the browser went while it was being told something
        except Exception:
            _logger.exception("a session ended in an error")
            session.channel.end(1011)
        finally:
            session.channel.end(1000)
