/** What the compiler knows of sessions and responses, and what it refuses. Nothing in here is run. */
import { type } from "arktype";
import * as v from "valibot";
import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { type Limiter, Semaphore } from "taskwright";
import {
  type ConnectionPhase,
  type HttpResponse,
  type SchemaIssue,
  type SchemaOutput,
  type Session,
  type SessionOptions,
  type StandardSchema,
  type TimeoutPhase,
  BodyTooLargeError,
  ConnectionError,
  HttpError,
  HttpTimeoutError,
  SchemaError,
  file,
  multipart,
  openSession,
} from "taskwright/http";
import { compiled, wants } from "./compiled.ts";

const url = "https://example.com/";

test("a session is opened with settings whose names carry their units", () => {
  compiled(async () => {
    await using session = openSession({ baseUrl: new URL(url), limit: 5, timeout: { totalMs: 5 }, headers: { a: 1 } });
    expectTypeOf(session).toEqualTypeOf<Session>();
    openSession({ timeout: 30_000, limiter: new Semaphore(2) });
    // @ts-expect-error a limit is a number
    openSession({ limit: "10" });
    // @ts-expect-error the unit is missing
    openSession({ timeout: { total: 5 } });
    // @ts-expect-error times are numbers of milliseconds
    openSession({ timeout: "5s" });
    // @ts-expect-error a limit for each host is limitPerHost
    openSession({ limitPerOrigin: 5 });
    // @ts-expect-error an option is given or left out
    openSession({ baseUrl: undefined });
    // @ts-expect-error a number is no limiter
    openSession({ limiter: 5 });
    // @ts-expect-error sockets take their time to close: await using
    using closedTooEarly = openSession();
    // @ts-expect-error a session is there at once
    void openSession().then;
    wants<Limiter | undefined>(({} as SessionOptions).limiter);
    return closedTooEarly;
  });
  expect.assertions(1);
});

test("a request has a URL and options, and belongs to its scope", () => {
  compiled(async () => {
    const session = openSession();
    expectTypeOf(session.get(url)).toEqualTypeOf<Promise<HttpResponse>>();
    expectTypeOf(session.request("PROPFIND", new URL(url))).toEqualTypeOf<Promise<HttpResponse>>();
    void session.post(url, { json: { a: [1] }, query: { page: 2, tag: ["a", "b"], none: undefined } });
    void session.put(url, { body: new Uint8Array(5), headers: new Headers(), timeout: { idleMs: 5 } });
    // @ts-expect-error where to is not said
    void session.get();
    // @ts-expect-error a URL is text or a URL
    void session.get({ url });
    // @ts-expect-error there is no signal to hand on: cancel the scope
    void session.get(url, { signal: new AbortController().signal });
    // @ts-expect-error the method is that of the session
    void session.get(url, { method: "POST" });
    // @ts-expect-error the method comes first
    void session.request(url);
    // @ts-expect-error what is sent is an option: json or body
    void session.post(url, { a: 1 });
    // @ts-expect-error an object is no body: json
    void session.post(url, { body: { a: 1 } });
    // @ts-expect-error a number is no body
    void session.post(url, { body: 5 });
    // @ts-expect-error a query is an object
    void session.get(url, { query: "page=2" });
    // @ts-expect-error a value of a query is simple
    void session.get(url, { query: { page: { from: 1 } } });
    // @ts-expect-error a header has a value
    void session.get(url, { headers: { accept: true } });
    // @ts-expect-error the unit is missing
    void session.get(url, { timeoutSeconds: 5 });
  });
  expect.assertions(1);
});

test("bodies are forms, files and bytes", () => {
  compiled(() => {
    const session = openSession();
    void session.post(url, { body: new FormData() });
    void session.post(url, { body: new Blob(["x"]) });
    void session.put(url, { body: file("a.txt", { type: "text/plain" }) });
    void session.put(url, { body: file(new URL("file:///a.txt")) });
    void session.post(url, {
      body: multipart({
        text: "a",
        number: 5,
        yes: true,
        none: undefined,
        list: ["a", file("b.txt")],
        blob: new Blob(["x"]),
        described: { content: new Uint8Array(5), filename: "c.bin", type: "application/octet-stream" },
      }),
    });
    void multipart([["a", "1"]]);
    expectTypeOf(file("a.txt").filename).toEqualTypeOf<string>();
    // @ts-expect-error null is no value of a form
    multipart({ a: null });
    // @ts-expect-error an object is none, unless it has `content`
    multipart({ a: { b: 1 } });
    // @ts-expect-error a number is no content
    multipart({ a: { content: 5 } });
    // @ts-expect-error a file is made by file()
    void session.put(url, { body: { path: "a.txt", filename: "a.txt", type: undefined } });
    // @ts-expect-error the media type is `type`
    file("a.txt", { contentType: "text/plain" });
  });
  expect.assertions(1);
});

test("a response is read once, each way with a promise", () => {
  compiled(async () => {
    const response = await openSession().get(url);
    expectTypeOf(response.status).toEqualTypeOf<number>();
    expectTypeOf(response.headers.get("etag")).toEqualTypeOf<string | null>();
    expectTypeOf(response.text()).toEqualTypeOf<Promise<string>>();
    expectTypeOf(response.bytes()).toEqualTypeOf<Promise<Uint8Array>>();
    expectTypeOf(response.json()).toEqualTypeOf<Promise<unknown>>();
    expectTypeOf(response.json<{ a: number }>()).toEqualTypeOf<Promise<{ a: number }>>();
    for await (const piece of response.body) expectTypeOf(piece).toEqualTypeOf<Uint8Array>();
    for await (const line of response.lines({ maxLineBytes: 5 })) expectTypeOf(line).toEqualTypeOf<string>();
    // @ts-expect-error an await is missing
    wants<HttpResponse>(openSession().get(url));
    // @ts-expect-error an await is missing
    wants<string>(response.text());
    // @ts-expect-error what is in JSON nobody knows: say it, or look
    void (await response.json()).a;
    // @ts-expect-error headers are asked with get
    void response.headers["content-type"];
    // @ts-expect-error a response is what came
    response.status = 200;
    // @ts-expect-error it is not the platform's Response
    wants<Response>(response);
    // @ts-expect-error the body is iterated, and no stream of the Web's
    response.body.getReader();
    // @ts-expect-error only async: `for await`
    for (const line of response.lines()) wants<string>(line);
    // @ts-expect-error the unit is in the name
    response.lines({ maxLength: 5 });
  });
  expect.assertions(1);
});

test("JSON that is read with a schema is what the schema makes of it", () => {
  compiled(async () => {
    const response = await openSession().get(url);
    const order = z.object({ id: z.number(), at: z.string().transform((text) => new Date(text)) });
    expectTypeOf(response.json(order)).toEqualTypeOf<Promise<{ id: number; at: Date }>>();
    expectTypeOf(response.json(v.object({ id: v.number() }))).toEqualTypeOf<Promise<{ id: number }>>();
    expectTypeOf(response.json(v.objectAsync({ id: v.number() }))).toEqualTypeOf<Promise<{ id: number }>>();
    expectTypeOf(response.json(type({ id: "number" }))).toEqualTypeOf<Promise<{ id: number }>>();
    const own = {} as StandardSchema<string, Date>;
    expectTypeOf(response.json(own)).toEqualTypeOf<Promise<Date>>();
    expectTypeOf<SchemaOutput<typeof order>>().toEqualTypeOf<{ id: number; at: Date }>();
    // @ts-expect-error the schema says that `id` is a number
    wants<string>((await response.json(order)).id);
    // @ts-expect-error an await is missing
    void response.json(order).id;
    // @ts-expect-error a function is no schema: the standard is asked for
    void response.json((value: unknown) => value);
    // @ts-expect-error a schema that may be missing would not be looked at
    void response.json(undefined as typeof order | undefined);
    // @ts-expect-error text has no schema
    void response.text(order);
  });
  expect.assertions(1);
});

test("statistics of a session are a picture", () => {
  compiled(() => {
    const statistics = openSession().statistics();
    expectTypeOf(statistics).toEqualTypeOf<Readonly<Record<"active" | "waiting" | "connections", number>>>();
    // @ts-expect-error nobody sets it
    statistics.active = 0;
  });
  expect.assertions(1);
});

test("errors are told apart by class and code", () => {
  compiled(({ error }) => {
    expectTypeOf<ConnectionError["code"]>().toEqualTypeOf<"HTTP_CONNECTION">();
    expectTypeOf<HttpTimeoutError["code"]>().toEqualTypeOf<"HTTP_TIMEOUT">();
    expectTypeOf<SchemaError["issues"]>().toEqualTypeOf<readonly SchemaIssue[]>();
    expectTypeOf<BodyTooLargeError["maxBytes"]>().toEqualTypeOf<number>();
    if (error instanceof ConnectionError) expectTypeOf(error.phase).toEqualTypeOf<ConnectionPhase>();
    if (error instanceof HttpTimeoutError) expectTypeOf(error.phase).toEqualTypeOf<TimeoutPhase>();
    if (error instanceof HttpError) expectTypeOf(error.url).toEqualTypeOf<string>();
    // @ts-expect-error a connection has no such phase
    if (error instanceof ConnectionError && error.phase === "idle") return;
    // @ts-expect-error not every error of HTTP has a status: responses of any status are answers
    if (error instanceof HttpError) wants<number>(error.status);
    // @ts-expect-error the base of these errors is none
    void new HttpError({ method: "GET", url }, "no");
  });
  expect.assertions(1);
});
