"""A WebSocket carried over plain HTTP, for hosts that forward no `Upgrade` header.

The page gets a stand-in for `window.WebSocket` (`client.js`): what it sends goes by POST, what it
receives comes by a GET that waits. `HttpTransport` wraps any ASGI app and speaks to it as a
WebSocket server does, so that the app knows nothing of it. It needs one process, since sessions
live in memory. Nothing here knows Streamlit but for the path it is given.

- Messages have sequence numbers in both directions. What was not acknowledged is sent again, what
  arrives twice is dropped, what leaves a gap is refused: a lost request loses nothing.
- Queues are bounded in both directions; who is slow is waited for.
- A session is named by 256 random bits and belongs to the browser that opened it, by a cookie. To
  anyone else it does not exist.
"""

from dashboard.transport.middleware import HttpTransport
from dashboard.transport.sessions import Limits

__all__ = ["HttpTransport", "Limits"]
