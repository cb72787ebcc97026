/** HTTP/1, as a server that does not care what becomes of it. */
import { NotHttp, type OpenConnection } from "./fault-connection.ts";
import { RequestBody } from "./fault-http1-body.ts";
import { Http1Wire } from "./fault-http1-wire.ts";
import type { FaultPlayer } from "./fault-player.ts";
import { ByteReader } from "./fault-reader.ts";
import type { RequestHead } from "./fault-request.ts";

const maxHeadBytes = 2 ** 20;

/** Answers the requests of a connection, one after the other, until it ends. */
export async function serveHttp1(connection: OpenConnection, player: FaultPlayer): Promise<void> {
  connection.record.protocol = "http/1";
  const reader = new ByteReader(connection.stream);
  try {
    while (connection.state === "open" && (await reader.any())) {
      if (connection.endOnNext !== undefined) await connection.end(connection.endOnNext);
      else await serveRequest(connection, reader, player);
    }
  } catch (error) {
    if (!(error instanceof NotHttp)) throw error;
    connection.problem(error.message);
    await connection.send(Buffer.from("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"));
    await connection.end("close");
  }
  reader.discard();
}

async function serveRequest(connection: OpenConnection, reader: ByteReader, player: FaultPlayer): Promise<void> {
  const head = await readHead(reader);
  if (head === undefined) return;
  const request = player.record.requestCame(head, connection.record);
  const body = new RequestBody(reader, request, player.record);
  const wire = new Http1Wire(connection, reader, request, body);
  await player.play(request, wire);
  if (connection.state !== "open") return;
  if (wire.isReusable) await body.read();
  else await connection.end("close");
}

/** @returns undefined if the client goes before all of it has come */
async function readHead(reader: ByteReader): Promise<RequestHead | undefined> {
  const bytes = await reader.through("\r\n\r\n", maxHeadBytes);
  if (bytes === undefined) return undefined;
  const [first = "", ...lines] = bytes.toString("latin1").slice(0, -4).split("\r\n");
  const [, method, target, version] = /^([!#$%&'*+.^`|~\w-]+) (\S+) HTTP\/(1\.[01])$/.exec(first) ?? [];
  if (method === undefined || target === undefined) throw new NotHttp(`a request that begins with ${shown(first)}`);
  return { method, target, version: version as "1.0" | "1.1", rawHeaders: lines.map(readHeader) };
}

function readHeader(line: string): readonly [name: string, value: string] {
  const [, name, value] = /^([!#$%&'*+.^`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new NotHttp(`a header that says ${shown(line)}`);
  return [name, value];
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text);
}
