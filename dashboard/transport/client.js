// Stands in for window.WebSocket where a host forwards no Upgrade: POST to send, a waiting GET to
// receive. It is the other side of dashboard/transport/middleware.py.
(() => {
  "use strict";
  const Native = window.WebSocket;
  const base = new URL(".", document.currentScript.src);
  const paths = document.currentScript.dataset.paths.split(" ");
  const TEXT = 0, CLOSE = 2;
  const BATCH_BYTES = 256 * 1024;
  const MOST_BUFFERED = 16 * 1024 * 1024;
  const FIRST_PAUSE = 200, LONGEST_PAUSE = 2000, HIDDEN_PAUSE = 2000;

  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

  function encode(first, frames) {
    const size = frames.reduce((sum, frame) => sum + 5 + frame.payload.length, 4);
    const bytes = new Uint8Array(size);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, first);
    let place = 4;
    for (const { kind, payload } of frames) {
      view.setUint8(place, kind);
      view.setUint32(place + 1, payload.length);
      bytes.set(payload, place + 5);
      place += 5 + payload.length;
    }
    return bytes;
  }

  function decode(buffer) {
    const view = new DataView(buffer);
    const frames = [];
    for (let place = 4; place < buffer.byteLength; ) {
      const length = view.getUint32(place + 1);
      frames.push({ kind: view.getUint8(place), payload: buffer.slice(place + 5, place + 5 + length) });
      place += 5 + length;
    }
    return { first: view.getUint32(0), frames };
  }

  class HttpSocket extends EventTarget {
    static CONNECTING = 0;
    static OPEN = 1;
    static CLOSING = 2;
    static CLOSED = 3;
    CONNECTING = 0;
    OPEN = 1;
    CLOSING = 2;
    CLOSED = 3;
    extensions = "";
    protocol = "";
    binaryType = "blob";
    bufferedAmount = 0;
    readyState = 0;
    onopen = null;
    onmessage = null;
    onclose = null;
    onerror = null;

    #session;
    #settings;
    #queue = []; // not acknowledged yet; the first one has the number #sent + 1
    #sent = 0;
    #received = 0;
    #sending = false;
    #heard = Date.now();
    #stop = new AbortController();

    constructor(url, protocols = []) {
      super();
      this.url = String(url);
      addEventListener("pagehide", this.#leave);
      this.#open([protocols].flat());
    }

    send(data) {
      if (this.readyState === 0) throw new DOMException("not open yet", "InvalidStateError");
      if (this.readyState !== 1) return;
      if (data instanceof Blob) throw new TypeError("send an ArrayBuffer or a text");
      const text = typeof data === "string";
      const payload = text
        ? new TextEncoder().encode(data)
        : ArrayBuffer.isView(data)
          ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()
          : new Uint8Array(data).slice();
      this.#queue.push({ kind: text ? TEXT : 1, payload });
      this.bufferedAmount += payload.length;
      if (this.bufferedAmount > MOST_BUFFERED) this.#end(1009, "too much to send");
      else this.#flush();
    }

    close(code = 1000, reason = "") {
      if (this.readyState >= 2) return;
      this.readyState = 2;
      this.#tellLeaving();
      // As a WebSocket does: the event comes after the caller has gone on.
      setTimeout(() => this.#end(code, reason), 0);
    }

    #leave = (event) => {
      if (!event.persisted) this.#tellLeaving();
    };

    #tellLeaving() {
      if (this.#session) {
        fetch(new URL("close", base), {
          method: "POST", keepalive: true, headers: { "X-Transport-Session": this.#session },
        }).catch(() => {});
      }
    }

    #emit(event) {
      this[`on${event.type}`]?.(event);
      this.dispatchEvent(event);
    }

    #end(code, reason) {
      if (this.readyState === 3) return;
      this.readyState = 3;
      this.#stop.abort();
      this.#queue = [];
      removeEventListener("pagehide", this.#leave);
      this.#emit(new CloseEvent("close", { code, reason, wasClean: code === 1000 }));
    }

    async #ask(name, options, seconds) {
      const given = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(seconds * 1000)]);
      const answer = await fetch(new URL(name, base), { cache: "no-store", ...options, signal: given });
      if (answer.status === 401) {
        // The sign-in has expired: loading the page again leads to it, and back here.
        this.#end(4401, "signed out");
        location.reload();
      }
      return answer;
    }

    // Asks until there is an answer; null when the session cannot go on.
    async #insist(name, options, seconds) {
      for (let wait = FIRST_PAUSE; this.readyState < 2; wait = Math.min(wait * 2, LONGEST_PAUSE)) {
        try {
          const answer = await this.#ask(name, options, seconds);
          if (answer.ok) {
            const body = await answer.arrayBuffer();
            this.#heard = Date.now();
            return { answer, body };
          }
          if (answer.status < 500 && answer.status !== 429) {
            this.#end(answer.status === 413 ? 1009 : 1006, `refused: ${answer.status}`);
            return null;
          }
        } catch (lost) {
          // No network, or a proxy that gave up: the same again, nothing is counted twice.
        }
        if (Date.now() - this.#heard > this.#settings.expirySeconds * 1000) {
          this.#end(1006, "no answer");
          return null;
        }
        await pause(wait);
      }
      return null;
    }

    async #open(protocols) {
      try {
        const { pathname, search } = new URL(this.url);
        const answer = await this.#ask("open", {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ path: pathname, query: search.slice(1), protocols }),
        }, 20);
        if (!answer.ok) return this.#end(1006, `refused: ${answer.status}`);
        this.#settings = await answer.json();
        this.#session = this.#settings.session;
        if (this.readyState !== 0) return this.#tellLeaving();
        this.#heard = Date.now();
        this.protocol = this.#settings.protocol;
        this.readyState = 1;
        this.#emit(new Event("open"));
        this.#receive();
      } catch (lost) {
        this.#end(1006, "no answer");
      }
    }

    async #flush() {
      if (this.#sending) return;
      this.#sending = true;
      while (this.#queue.length && this.readyState === 1) {
        const frames = [];
        let size = 0;
        for (const frame of this.#queue) {
          size += frame.payload.length;
          if (frames.length && size > BATCH_BYTES) break;
          frames.push(frame);
        }
        const told = await this.#insist("send", {
          method: "POST",
          headers: { "Content-Type": "application/octet-stream", "X-Transport-Session": this.#session },
          body: encode(this.#sent + 1, frames),
        }, 30);
        if (!told) break;
        const taken = new DataView(told.body).getUint32(0);
        const fresh = taken - this.#sent;
        for (const frame of this.#queue.splice(0, fresh)) this.bufferedAmount -= frame.payload.length;
        this.#sent = taken;
        if (fresh < frames.length) await pause(50); // the server's queue is full
      }
      this.#sending = false;
    }

    async #receive() {
      while (this.readyState === 1) {
        // A browser has few connections to a host: a tab in the background holds none.
        const hidden = document.hidden;
        const seconds = hidden ? 0 : this.#settings.pollSeconds;
        const told = await this.#insist(`receive?after=${this.#received}&seconds=${seconds}`, {
          headers: { "X-Transport-Session": this.#session },
        }, seconds + 10);
        if (!told) return;
        const { first, frames } = decode(told.body);
        frames.forEach((frame, index) => {
          if (first + index !== this.#received + 1) return;
          this.#received += 1;
          this.#deliver(frame);
        });
        if (hidden && !frames.length) await pause(HIDDEN_PAUSE);
      }
    }

    #deliver({ kind, payload }) {
      if (this.readyState !== 1) return;
      if (kind === CLOSE) {
        const code = new DataView(payload).getUint16(0);
        this.#tellLeaving();
        this.#end(code, new TextDecoder().decode(payload.slice(2)));
        return;
      }
      const data =
        kind === TEXT
          ? new TextDecoder().decode(payload)
          : this.binaryType === "arraybuffer"
            ? payload
            : new Blob([payload]);
      this.#emit(new MessageEvent("message", { data, origin: new URL(this.url).origin }));
    }
  }

  window.WebSocket = new Proxy(Native, {
    construct(target, [url, protocols]) {
      const wanted = new URL(url, location.href.replace(/^http/, "ws"));
      const here = wanted.host === location.host && paths.includes(wanted.pathname);
      return here ? new HttpSocket(wanted.href, protocols) : new target(url, protocols);
    },
  });
})();
