/** What servers do wrong, and what follows: tested row by row, and shown to readers in docs/faults.md. */
import { type Fault, type FaultServerOptions, faults } from "../../src/testing/index.ts";
import {
  type FaultGroup,
  answer,
  asItCame,
  badBody,
  badEncoding,
  badRedirect,
  broke,
  brokeOff,
  late,
  lateBody,
  notFollowed,
  notHttp,
  refused,
  tooLarge,
} from "./fault-row.ts";

const ok = faults.ok("hello");
const hello = answer(200, "hello");
const overHttp2: FaultServerOptions = { http2: true };
const valid: FaultServerOptions = { tls: "valid" };
/** More than the buffers on the way hold. */
const long = "x".repeat(8_000_000);
const put = { method: "PUT", body: long };
const head = "HTTP/1.1 200 OK\r\n";
const sent = (bytes: string): Fault => faults.raw(bytes, "keep");

/** Breaks off, unless it is asked for the rest. */
const resumable: Fault = {
  name: "resumable",
  async play(wire) {
    const headers = { etag: '"1"', "accept-ranges": "bytes" };
    const from = /^bytes=(\d+)-/.exec(wire.request.headers["range"] ?? "")?.[1];
    if (from === undefined) return await faults.cutIn("body", faults.ok("hello", { headers })).play(wire);
    const rest = faults.status(206, "hello".slice(Number(from)), {
      headers: { ...headers, "content-range": `bytes ${from}-4/5` },
    });
    await rest.play(wire);
  },
};

const answers: FaultGroup = {
  title: "Answers",
  rows: [
    { fault: "ok()", does: "answers", plays: ok, ends: hello },
    { fault: "json()", does: "answers with JSON", plays: faults.json({ a: 1 }), ends: answer(200, '{"a":1}') },
    {
      fault: "echo()",
      does: "answers with what was sent",
      plays: faults.echo(),
      request: { method: "POST", body: "my own" },
      ends: answer(200, "my own"),
    },
    { fault: "status(404)", does: "answers with a status of 4xx", plays: faults.status(404), ends: answer(404, "") },
    { fault: "status(500)", does: "answers with a status of 5xx", plays: faults.status(500), ends: answer(500, "") },
    { fault: "status(408)", does: "answers 408 or 425", plays: faults.status(408), ends: answer(408, "") },
    {
      fault: "status(500)",
      does: "the same, to a POST",
      plays: faults.status(500),
      request: { method: "POST", body: "x" },
      ends: { ...answer(500, ""), isRetried: false },
    },
    { fault: "busy()", does: "answers 503", plays: faults.busy(), ends: answer(503, "come again") },
    {
      fault: 'busy({ retryAfter: "soon" })',
      does: "the same with a Retry-After that is none",
      plays: faults.busy({ retryAfter: "soon" }),
      ends: answer(503, "come again"),
    },
    {
      fault: "busy({ status: 429 })",
      does: "answers 429",
      plays: faults.busy({ status: 429 }),
      ends: answer(429, "come again"),
      fetch: { pausesMs: 0 },
    },
    {
      fault: "times(n, busy({ status: 429, retryAfter: 60 }))",
      does: "asks to be left alone for a minute",
      plays: faults.busy({ status: 429, retryAfter: 60 }),
      ends: answer(429, "come again"),
      pausesMs: 60_000,
    },
    {
      fault: "busy({ retryAfter: 31_536_000 })",
      does: "asks to be left alone for a year",
      plays: faults.busy({ retryAfter: 31_536_000 }),
      ends: { ...answer(503, "come again"), isRetried: false },
    },
    {
      fault: "http10()",
      does: "answers as HTTP/1.0: the body ends with the connection",
      plays: faults.http10("hello"),
      ends: hello,
      next: "new",
    },
    {
      fault: "informational([103], ok())",
      does: "sends other heads first: 102, 103",
      plays: faults.informational([102, 103], ok),
      ends: hello,
    },
    {
      fault: "informational([103, 103, ...], ok())",
      does: "sends thousands of them",
      plays: faults.informational(
        Array.from({ length: 5_000 }, () => 103),
        ok,
      ),
      ends: hello,
    },
    {
      fault: "informational([100], ok())",
      does: "sends 100, which nobody waits for",
      plays: faults.informational([100], ok),
      ends: hello,
    },
    {
      fault: "informational([101], ok())",
      does: "sends 101, which nobody asked for",
      plays: faults.informational([101], ok),
      ends: notHttp,
    },
  ],
};

const time: FaultGroup = {
  title: "Time",
  rows: [
    { fault: "hang()", does: "never answers", plays: faults.hang(), ends: late("headers") },
    { fault: "delayed(20, ok())", does: "answers late, but in time", plays: faults.delayed(20, ok), ends: hello },
    {
      fault: "slow(ok())",
      does: "sends byte by byte, each in time",
      plays: faults.slow(ok, { pieceBytes: 7 }),
      ends: hello,
    },
    { fault: "stall()", does: "stops in the middle of the body", plays: faults.stall("hello"), ends: lateBody },
    {
      fault: 'events([...], { end: "reset" })',
      does: "sends server-sent events and breaks off",
      plays: faults.events([{ data: "1" }], { end: "reset" }),
      ends: brokeOff("ECONNRESET"),
    },
  ],
};

const connections: FaultGroup = {
  title: "The connection",
  rows: [
    {
      fault: "await server[Symbol.asyncDispose]()",
      does: "the port is closed",
      isDown: true,
      ends: broke("connect", "ECONNREFUSED"),
    },
    {
      fault: 'connections: "reset"',
      does: "resets the connection as soon as it is there",
      server: { connections: "reset" },
      ends: broke("request", "ECONNRESET"),
    },
    {
      fault: 'connections: "close"',
      does: "closes it",
      server: { connections: "close" },
      ends: broke("request", "UND_ERR_SOCKET"),
    },
    {
      fault: 'connections: "reset-on-first-bytes"',
      does: "resets it when the request comes",
      server: { connections: "reset-on-first-bytes" },
      ends: broke("request", "ECONNRESET"),
    },
    {
      fault: 'connections: "close-on-first-bytes"',
      does: "closes it when the request comes",
      server: { connections: "close-on-first-bytes" },
      ends: broke("request", "UND_ERR_SOCKET"),
    },
    {
      fault: 'connections: "hang"',
      does: "accepts it, and says nothing ever",
      server: { connections: "hang" },
      ends: late("headers"),
    },
    {
      fault: 'connections: "garbage"',
      does: "speaks another protocol, and speaks first",
      server: { connections: "garbage" },
      ends: notHttp,
    },
    {
      fault: "reset()",
      does: "resets the connection without an answer",
      plays: faults.reset(),
      ends: broke("request", "ECONNRESET"),
    },
    {
      fault: "reset()",
      does: "the same, to a POST",
      plays: faults.reset(),
      request: { method: "POST", body: "x" },
      ends: { ...broke("request", "ECONNRESET"), isRetried: false },
    },
    {
      fault: "close()",
      does: "closes the connection without an answer",
      plays: faults.close(),
      ends: broke("request", "UND_ERR_SOCKET"),
    },
    {
      fault: 'cutIn("headers", ok())',
      does: "resets it in the middle of the headers",
      plays: faults.cutIn("headers", ok),
      ends: broke("request", "ECONNRESET"),
    },
    {
      fault: 'cutIn("headers", ok(), "close")',
      does: "closes it in the middle of the headers",
      plays: faults.cutIn("headers", ok, "close"),
      ends: broke("request", "UND_ERR_SOCKET"),
    },
    {
      fault: 'cutIn("body", ok())',
      does: "resets it in the middle of the body",
      plays: faults.cutIn("body", ok),
      ends: brokeOff("ECONNRESET"),
    },
    {
      fault: 'cutIn("body", ok(), "close")',
      does: "closes it in the middle of the body",
      plays: faults.cutIn("body", ok, "close"),
      ends: brokeOff("UND_ERR_SOCKET"),
    },
    {
      fault: 'cutIn("body", ok("hello", { headers: { etag, "accept-ranges": "bytes" } }))',
      does: "the same where parts can be asked for, and a strong ETag says of what",
      plays: resumable,
      ends: brokeOff("ECONNRESET"),
      retried: hello,
      attempts: 2,
      fetch: { attempts: 3 },
    },
    {
      fault: 'cutIn("body", http10())',
      does: "resets it in a body that would end with the connection",
      plays: faults.cutIn("body", faults.http10("hello")),
      ends: brokeOff("ECONNRESET"),
    },
    {
      fault: 'cutIn("body", http10(), "close")',
      does: "closes it there",
      plays: faults.cutIn("body", faults.http10("hello"), "close"),
      ends: answer(200, "he"),
      next: "new",
      note: "nothing tells this from the end of the body",
    },
    {
      fault: "thenEnd(ok())",
      does: "closes it after the answer, without having said so",
      plays: faults.thenEnd(ok),
      ends: hello,
      next: "new",
    },
    {
      fault: 'thenEnd(ok(), { how: "reset" })',
      does: "resets it after the answer",
      plays: faults.thenEnd(ok, { how: "reset" }),
      ends: hello,
      next: "new",
    },
    {
      fault: "endOnNextRequest(ok())",
      does: "closes it just when the next request is on its way",
      plays: faults.endOnNextRequest(ok),
      ends: hello,
      next: "lost",
    },
    {
      fault: "unasked(ok())",
      does: "sends an answer of 408 that nobody has asked for",
      plays: faults.unasked(ok),
      ends: hello,
      next: "new",
    },
    {
      fault: 'ok("hello", { headers: { connection: "close" } })',
      does: "says that it will close it, and does not",
      plays: faults.ok("hello", { headers: { connection: "close" } }),
      ends: hello,
      next: "new",
    },
  ],
};

const heads: FaultGroup = {
  title: "Heads",
  rows: [
    { fault: "raw()", does: "answers with something that is no HTTP", plays: faults.raw(), ends: notHttp },
    { fault: "badStatusLine()", does: "sends a status that is none", plays: faults.badStatusLine(), ends: notHttp },
    {
      fault: 'badStatusLine("HTTP/1.1 1000 Oh")',
      does: "sends a status of four digits",
      plays: faults.badStatusLine("HTTP/1.1 1000 Oh"),
      ends: notHttp,
    },
    {
      fault: 'badStatusLine("HTTP/3.7 200 OK")',
      does: "answers in a version that there is none of",
      plays: faults.badStatusLine("HTTP/3.7 200 OK"),
      ends: notHttp,
    },
    {
      fault: 'badStatusLine("HTTP/1.1 999 Oh")',
      does: "sends a status that nobody knows",
      plays: faults.badStatusLine("HTTP/1.1 999 Oh"),
      ends: answer(999, "ok"),
    },
    { fault: "badHeader()", does: "sends a header without a colon", plays: faults.badHeader(), ends: notHttp },
    { fault: 'badHeader("x: a\\0b")', does: "with a NUL in it", plays: faults.badHeader("x: a\0b"), ends: notHttp },
    { fault: 'badHeader("x : a")', does: "with a space in its name", plays: faults.badHeader("x : a"), ends: notHttp },
    {
      fault: 'badHeader(" folded")',
      does: "continued in the next line, as was allowed once",
      plays: faults.badHeader(" folded"),
      ends: notHttp,
    },
    {
      fault: "endlessHeaders()",
      does: "sends headers without an end",
      plays: faults.endlessHeaders(),
      ends: notHttp,
      note: "all headers together may have 16 KiB",
    },
    {
      fault: "largeHeader(1_000_000)",
      does: "sends a header that is too large",
      plays: faults.largeHeader(1_000_000),
      ends: notHttp,
    },
    {
      fault: "manyHeaders(20_000)",
      does: "sends too many headers",
      plays: faults.manyHeaders(20_000),
      ends: notHttp,
    },
    { fault: "manyHeaders(500)", does: "sends many headers", plays: faults.manyHeaders(500), ends: answer(200, "ok") },
  ],
};

const lengths: FaultGroup = {
  title: "Lengths and chunks",
  rows: [
    {
      fault: "shortBody()",
      does: "promises more than it sends, and closes",
      plays: faults.shortBody(),
      ends: brokeOff("UND_ERR_SOCKET"),
    },
    {
      fault: "longBody()",
      does: "sends more than it promised",
      plays: faults.longBody(),
      ends: hello,
      next: "new",
      note: "what is too much goes nowhere",
    },
    {
      fault: 'longBody("hello", "HTTP/1.1 200 OK ...")',
      does: "the same, and what is too much looks like another answer",
      plays: faults.longBody("hello", `${head}content-length: 6\r\n\r\nhacked`),
      ends: hello,
      next: "new",
      note: "no other request gets it",
    },
    {
      fault: "unwantedBody()",
      does: "sends a body with 204 or 304",
      plays: faults.unwantedBody(),
      ends: answer(204, ""),
      next: "new",
    },
    {
      fault: "unwantedBody(200)",
      does: "sends a body in answer to HEAD",
      plays: faults.unwantedBody(200),
      request: { method: "HEAD" },
      ends: answer(200, ""),
      next: "new",
      note: "after HEAD a connection is used for HEAD alone, since many servers do this",
    },
    { fault: "badLength()", does: "sends a length below 0", plays: faults.badLength(), ends: notHttp },
    { fault: 'badLength("+5")', does: "a length that is no number", plays: faults.badLength("+5"), ends: notHttp },
    {
      fault: 'badLength("18446744073709551621")',
      does: "a length that would be 5 if it were cut to 64 bits",
      plays: faults.badLength("18446744073709551621"),
      ends: notHttp,
    },
    {
      fault: 'badLength("9007199254740993")',
      does: "a length beyond `maxBodyBytes`",
      plays: faults.badLength("9007199254740993"),
      ends: { ...tooLarge, fails: "get" },
    },
    { fault: 'badLength("5, 5")', does: "the same length twice", plays: faults.badLength("5, 5"), ends: notHttp },
    { fault: "twoLengths()", does: "two lengths that differ", plays: faults.twoLengths(), ends: notHttp },
    {
      fault: 'twoLengths("length and chunks")',
      does: "a length and chunks",
      plays: faults.twoLengths("length and chunks"),
      ends: notHttp,
    },
    {
      fault: "badChunkSize()",
      does: "sends a chunk without its size",
      plays: faults.badChunkSize(),
      ends: badBody,
    },
    {
      fault: 'badChunkSize("ffffffffffffffffff")',
      does: "a chunk that is too long to be true",
      plays: faults.badChunkSize("ffffffffffffffffff"),
      ends: badBody,
    },
    { fault: "longChunk()", does: "a chunk that is longer than its size", plays: faults.longChunk(), ends: badBody },
    {
      fault: "unendedChunks()",
      does: "leaves out the last chunk, and closes",
      plays: faults.unendedChunks(),
      ends: brokeOff("UND_ERR_SOCKET"),
    },
    {
      fault: "raw(... chunks with trailers)",
      does: "sends headers after the last chunk",
      plays: sent(`${head}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-trailer: 1\r\n\r\n`),
      ends: hello,
      note: "they are not shown",
    },
    {
      fault: "raw(... endless trailers)",
      does: "sends too many of them",
      plays: sent(
        `${head}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n${"x-trailer: 1\r\n".repeat(5_000)}\r\n`,
      ),
      ends: badBody,
    },
  ],
};

const bodies: FaultGroup = {
  title: "Bodies",
  rows: [
    {
      fault: "largeBody(5_000_000)",
      does: "sends more than `maxBodyBytes`, and says so",
      plays: faults.largeBody(5_000_000),
      ends: { ...tooLarge, fails: "get" },
    },
    {
      fault: 'largeBody(5_000_000, "chunked")',
      does: "sends more, and does not say so",
      plays: faults.largeBody(5_000_000, "chunked"),
      ends: tooLarge,
    },
    { fault: "endlessBody()", does: "sends a body without an end", plays: faults.endlessBody(), ends: tooLarge },
  ],
};

const redirects: FaultGroup = {
  title: "Redirects",
  rows: [
    {
      fault: 'redirect("/elsewhere")',
      does: "sends the client elsewhere",
      plays: faults.redirect("/elsewhere"),
      ends: answer(200, "fine"),
      fetch: notFollowed,
    },
    {
      fault: "redirectChain(3, ok())",
      does: "sends it on and on, to an end",
      plays: faults.redirectChain(3, ok),
      ends: hello,
      requests: 4,
      fetch: notFollowed,
    },
    {
      fault: "redirectChain(50, ok())",
      does: "sends it on too often",
      plays: faults.redirectChain(50, ok),
      ends: badRedirect,
      requests: 21,
      next: "same",
      fetch: notFollowed,
    },
    {
      fault: "redirectLoop()",
      does: "sends it round in circles",
      plays: faults.redirectLoop(),
      ends: badRedirect,
      requests: 2,
      next: "same",
      fetch: notFollowed,
    },
    {
      fault: 'redirect("ftp://example.com")',
      does: "sends it where it cannot go",
      plays: faults.redirect("ftp://example.com"),
      ends: badRedirect,
      next: "same",
      fetch: notFollowed,
    },
    {
      fault: 'redirect("http://[")',
      does: "sends it to what is no URL",
      plays: faults.redirect("http://["),
      ends: badRedirect,
      next: "same",
      fetch: notFollowed,
    },
    {
      fault: "status(302)",
      does: "sends it away without saying where to",
      plays: faults.status(302),
      ends: answer(302, ""),
    },
  ],
};

const encodings: FaultGroup = {
  title: "Compression",
  rows: [
    {
      fault: 'encoded("gzip", "hello")',
      does: "sends a compressed body: gzip, deflate, br or zstd",
      plays: faults.encoded("gzip", "hello"),
      ends: hello,
      fetch: asItCame,
    },
    {
      fault: 'badEncoding("gzip")',
      does: "says that the body is compressed, which it is not",
      plays: faults.badEncoding("gzip"),
      ends: badEncoding,
      next: "same",
      fetch: asItCame,
    },
    {
      fault: 'truncatedEncoding("gzip", "hello ...")',
      does: "sends half of a compressed body",
      plays: faults.truncatedEncoding("gzip", "hello ".repeat(20)),
      ends: badEncoding,
      next: "same",
      fetch: asItCame,
    },
    {
      fault: 'bomb("gzip", 5_000_000)',
      does: "sends little that becomes more than `maxBodyBytes`",
      // Not to be over before it is too much.
      plays: faults.slow(faults.bomb("gzip", 5_000_000), { pieceBytes: 500 }),
      ends: tooLarge,
      fetch: asItCame,
    },
    {
      fault: 'ok("hello", { headers: { "content-encoding": "rot13" } })',
      does: "compresses in a way that nobody knows",
      plays: faults.ok("hello", { headers: { "content-encoding": "rot13" } }),
      ends: hello,
      note: "the body is left as it is",
    },
  ],
};

const uploads: FaultGroup = {
  title: "The request",
  rows: [
    {
      fault: "early(status(413))",
      does: "answers before the body has come",
      plays: faults.early(faults.status(413)),
      request: put,
      ends: answer(413, ""),
      next: "new",
      note: "the rest of the body is not sent",
    },
    {
      fault: "early(thenEnd(status(413)))",
      does: "answers before the body has come, and closes",
      plays: faults.early(faults.thenEnd(faults.status(413), { afterMs: 50 })),
      request: put,
      ends: answer(413, ""),
      next: "new",
    },
    {
      fault: "unread(status(413))",
      does: "answers, and does not read the body",
      plays: faults.unread(faults.status(413)),
      request: put,
      ends: answer(413, ""),
      next: "new",
      isDeaf: true,
    },
    {
      fault: "unread()",
      does: "neither reads nor answers",
      plays: faults.unread(),
      request: put,
      ends: late("idle"),
      isDeaf: true,
      lasts: true,
    },
  ],
};

const secure: FaultGroup = {
  title: "TLS",
  rows: [
    { fault: 'tls: "valid"', does: "speaks TLS, as it should", plays: ok, server: valid, ends: hello },
    ...(
      [
        ["expired", "has expired", "CERT_HAS_EXPIRED"],
        ["not-yet-valid", "is not valid yet", "CERT_NOT_YET_VALID"],
        ["wrong-host", "is that of another host", "ERR_TLS_CERT_ALTNAME_INVALID"],
        ["self-signed", "is signed by itself", "DEPTH_ZERO_SELF_SIGNED_CERT"],
        ["unknown-issuer", "is signed by nobody known", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
      ] as const
    ).map(([tls, does, causeCode]) => ({
      fault: `tls: "${tls}"`,
      does: `its certificate ${does}`,
      server: { tls },
      ends: broke("connect", causeCode, false),
    })),
    ...(
      [
        ["reset", "resets the connection before the handshake"],
        ["close", "closes it before the handshake"],
        ["reset-on-first-bytes", "resets it within the handshake"],
        ["close-on-first-bytes", "closes it within the handshake"],
      ] as const
    ).map(([how, does]) => ({
      fault: `tls, connections: "${how}"`,
      does,
      server: { ...valid, connections: how },
      ends: broke("connect", "ECONNRESET"),
    })),
    {
      fault: 'tls, connections: "hang"',
      does: "never answers the handshake",
      server: { ...valid, connections: "hang" },
      ends: late("connect"),
    },
    {
      fault: 'tls, connections: "garbage"',
      does: "does not speak TLS",
      server: { ...valid, connections: "garbage" },
      ends: broke("connect", "ERR_SSL_WRONG_VERSION_NUMBER", false),
    },
  ],
};

const http2: FaultGroup = {
  title: "HTTP/2",
  rows: (
    [
      { fault: "ok()", does: "answers", plays: ok, ends: hello },
      { fault: "hang()", does: "never answers", plays: faults.hang(), ends: late("headers"), next: "same" },
      { fault: "stall()", does: "stops in the body", plays: faults.stall("hello"), ends: lateBody, next: "same" },
      {
        fault: "reset()",
        does: "resets the connection",
        plays: faults.reset(),
        ends: broke("request", "ECONNRESET"),
      },
      {
        fault: "close()",
        does: "closes the connection",
        plays: faults.close(),
        ends: broke("request", "ECONNRESET"),
      },
      {
        fault: 'cutIn("body", ok())',
        does: "resets it in the middle of the body",
        plays: faults.cutIn("body", ok),
        ends: brokeOff("ECONNRESET"),
      },
      {
        fault: 'cutIn("body", ok(), "close")',
        does: "closes it in the middle of the body",
        plays: faults.cutIn("body", ok, "close"),
        ends: brokeOff("ECONNRESET"),
      },
      {
        fault: "resetStream()",
        does: "ends the stream: INTERNAL_ERROR",
        plays: faults.resetStream(),
        ends: broke("request", "HTTP2_INTERNAL_ERROR"),
        next: "same",
      },
      {
        fault: "resetStream(0)",
        does: "ends the stream without an answer: NO_ERROR",
        plays: faults.resetStream(0),
        ends: broke("request", "HTTP2_NO_ERROR"),
        next: "same",
      },
      {
        fault: "resetStream(1)",
        does: "ends the stream: PROTOCOL_ERROR",
        plays: faults.resetStream(1),
        ends: notHttp,
        next: "same",
      },
      {
        fault: "resetStream(11)",
        does: "ends the stream: ENHANCE_YOUR_CALM",
        plays: faults.resetStream(11),
        ends: broke("request", "HTTP2_ENHANCE_YOUR_CALM"),
        next: "same",
      },
      {
        fault: "resetStream(13)",
        does: "ends the stream: HTTP_1_1_REQUIRED",
        plays: faults.resetStream(13),
        ends: broke("request", "HTTP2_HTTP_1_1_REQUIRED", false),
        next: "same",
      },
      {
        fault: "refuseStream()",
        does: "has not looked at it: REFUSED_STREAM",
        plays: faults.refuseStream(),
        ends: broke("request", "HTTP2_REFUSED_STREAM"),
        next: "same",
        attempts: 4,
        note: "also POST is sent again; after a kept connection once at once",
      },
      {
        fault: "goAway()",
        does: "goes away, and has not looked at it",
        plays: faults.goAway(),
        ends: broke("request", "HTTP2_REFUSED_STREAM"),
        note: "also POST is sent again",
      },
      { fault: "goAway(ok())", does: "answers, and goes away", plays: faults.goAway(ok), ends: hello, next: "new" },
      {
        fault: "goAway(undefined, 11)",
        does: "goes away: ENHANCE_YOUR_CALM",
        plays: faults.goAway(undefined, 11),
        ends: broke("request", "HTTP2_ENHANCE_YOUR_CALM"),
      },
      {
        fault: "badLength()",
        does: "sends headers that HTTP/2 does not allow",
        plays: faults.badLength(),
        ends: notHttp,
        next: "same",
      },
      {
        fault: "raw()",
        does: "sends what is no frame",
        plays: sent("x".repeat(64)),
        note: "others on the same connection are sent again",
        ends: notHttp,
      },
      {
        fault: "largeHeader(1_000_000)",
        does: "sends a header that is too large",
        plays: faults.largeHeader(1_000_000),
        ends: notHttp,
      },
      {
        fault: "endlessBody()",
        does: "sends a body without an end",
        plays: faults.endlessBody(),
        ends: tooLarge,
        next: "same",
      },
      {
        fault: "early(status(413))",
        does: "answers before the body has come",
        plays: faults.early(faults.status(413)),
        request: put,
        ends: answer(413, ""),
      },
      {
        fault: "unread()",
        does: "neither reads the body nor answers",
        plays: faults.unread(),
        request: put,
        ends: late("idle"),
        next: "same",
        lasts: true,
      },
      {
        fault: "endOnNextRequest(ok())",
        does: "closes the connection when the next request comes",
        plays: faults.endOnNextRequest(ok),
        ends: hello,
        next: "lost",
      },
    ] satisfies FaultGroup["rows"]
  ).map((row) => ({ ...row, server: overHttp2 })),
};

const names: FaultGroup = {
  title: "Names",
  rows: [
    {
      fault: 'openFaultDns({ "*": { addresses } })',
      does: "is found by its name",
      dns: { addresses: ["127.0.0.1"] },
      ends: hello,
    },
    {
      fault: 'code: "NXDOMAIN"',
      does: "there is no such name",
      dns: { code: "NXDOMAIN" },
      ends: broke("connect", "ENOTFOUND"),
    },
    {
      fault: 'code: "NOERROR"',
      does: "the name has no address",
      dns: { code: "NOERROR" },
      ends: broke("connect", "ENODATA"),
    },
    {
      fault: 'code: "SERVFAIL"',
      does: "the DNS server fails",
      dns: { code: "SERVFAIL" },
      ends: broke("connect", "ESERVFAIL"),
    },
    {
      fault: 'code: "REFUSED"',
      does: "it does not want to answer",
      dns: { code: "REFUSED" },
      ends: broke("connect", "EREFUSED"),
    },
    {
      fault: 'code: "FORMERR"',
      does: "it does not understand",
      dns: { code: "FORMERR" },
      ends: broke("connect", "EFORMERR"),
    },
    { fault: 'code: "NOTIMP"', does: "it cannot do that", dns: { code: "NOTIMP" }, ends: broke("connect", "ENOTIMP") },
    {
      fault: "isTruncated: true",
      does: "its answer is to be had by TCP alone, where nobody listens",
      dns: { addresses: ["127.0.0.1"], isTruncated: true },
      ends: broke("connect", "ECONNREFUSED"),
    },
    {
      fault: "bytes: ...",
      does: "its answer is garbage",
      dns: { bytes: Buffer.from("garbage") },
      ends: broke("connect", "EBADRESP"),
      lasts: true,
    },
    {
      fault: "delayMs: Infinity",
      does: "it never answers",
      dns: { delayMs: Infinity },
      ends: late("connect"),
      lasts: true,
    },
  ],
};

const proxies: FaultGroup = {
  title: "Proxies, on the way to https",
  rows: (
    [
      { fault: "status(407)", does: "asks for other credentials", plays: faults.status(407), ends: refused(407) },
      { fault: "status(403)", does: "refuses a tunnel", plays: faults.status(403), ends: refused(403) },
      {
        fault: "status(502)",
        does: "cannot reach the host",
        plays: faults.status(502),
        ends: refused(502, undefined, true),
      },
      {
        fault: "reset()",
        does: "resets the connection",
        plays: faults.reset(),
        ends: refused(undefined, "ECONNRESET", true),
      },
      { fault: "hang()", does: "never answers", plays: faults.hang(), ends: late("connect") },
      { fault: "raw()", does: "speaks no HTTP", plays: faults.raw(), ends: refused(undefined, "HPE_INVALID_CONSTANT") },
      {
        fault: "endlessHeaders()",
        does: "sends headers without an end",
        plays: faults.endlessHeaders(),
        ends: refused(undefined, "HPE_HEADER_OVERFLOW"),
      },
      {
        fault: 'raw("HTTP/1.1 200 OK ...", "close")',
        does: "opens a tunnel and closes it",
        plays: faults.raw(`${head}\r\n`, "close"),
        ends: broke("connect", "ECONNRESET"),
      },
      {
        fault: "ok()",
        does: "opens a tunnel, to what does not speak TLS",
        plays: ok,
        ends: broke("connect", "ERR_SSL_WRONG_VERSION_NUMBER", false),
      },
    ] satisfies FaultGroup["rows"]
  ).map((row) => ({ ...row, isProxy: true })),
};

/** The whole table. */
export const faultTable: readonly FaultGroup[] = [
  answers,
  time,
  connections,
  heads,
  lengths,
  bodies,
  redirects,
  encodings,
  uploads,
  secure,
  http2,
  proxies,
  names,
];
