/** The thread of a connection to SQLite: takes commands, one after another. Run by `SqliteThread`. */
import { parentPort, workerData } from "node:worker_threads";
import type { ThreadCommand, ThreadReply, ThreadSettings } from "./sqlite-protocol.ts";
import { SqliteConnection } from "./sqlite-connection.ts";

const port = parentPort!;
const settings = workerData as ThreadSettings;
const connection = new SqliteConnection(settings);

let replies: ThreadReply[] = [];

function reply(answer: ThreadReply): void {
  replies.push(answer);
}

/** Replies go together, as commands come: a message costs more than a quick statement. */
function flush(): void {
  if (replies.length === 0) return;
  port.postMessage(replies);
  replies = [];
}

port.on("message", (commands: readonly ThreadCommand[]) => {
  for (const command of commands) connection.perform(command, reply, flush);
  flush();
});
