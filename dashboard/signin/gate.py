"""What both ways of signing in share: the mark on a request, the refusal, the end of a sign-in."""

import asyncio
import time
from typing import Final

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.signin.tokens import Identity

_SUBJECT: Final = "lakehouse.signed_in"
SIGNED_OUT: Final = 4401
"""A WebSocket's code when its reader's sign-in has expired."""


def signed_in(scope: Scope) -> str:
    """Who asks; empty where nobody has to sign in."""
    subject: str = scope.get(_SUBJECT, "")
    return subject


async def admit(
    app: ASGIApp, identity: Identity, scope: Scope, receive: Receive, send: Send
) -> None:
    """Lets a connection through; a WebSocket only as long as the sign-in lasts."""
    marked = {**scope, _SUBJECT: identity.subject}
    if scope["type"] != "websocket":
        await app(marked, receive, send)
        return
    deadline = asyncio.get_running_loop().time() + identity.expires_at - time.time()

    async def receive_in_time() -> Message:
        try:
            async with asyncio.timeout_at(deadline):
                return await receive()
        except TimeoutError:
            await send({"type": "websocket.close", "code": SIGNED_OUT})
            return {"type": "websocket.disconnect", "code": SIGNED_OUT}

    await app(marked, receive_in_time, send)


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """401, or the end of a WebSocket before it began."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": SIGNED_OUT})
        return
    answer = PlainTextResponse("sign in first", 401, headers={"cache-control": "no-store"})
    await answer(scope, receive, send)
