/** COPY of bytes that were made before: what the server and the socket take alone, whoever makes the bytes. */
import type { Socket } from "node:net";
import type pg from "pg";
import { CopyRows } from "../src/sql/internal/copy-rows.ts";

/** What pg calls while it sends a query that is ours. */
interface Submitted {
  submit(connection: { query(text: string): void }): void;
  handleCopyInResponse(connection: { readonly stream: Socket }): void;
  handleCommandComplete(): void;
  handleReadyForQuery(): void;
  handleError(error: Error): void;
}

/** Rows as messages. @param types - the numbers of the types of the columns */
export function messagesOf(rows: Iterable<readonly unknown[]>, types: readonly number[]): Buffer[] {
  const made = new CopyRows(types);
  const messages: Buffer[] = [];
  for (const row of rows) {
    const message = made.add(row);
    if (message !== undefined) messages.push(message);
  }
  messages.push(made.finish());
  return messages;
}

export async function copyMessages(
  client: pg.ClientBase,
  copy: string,
  types: readonly number[],
  messages: readonly Buffer[],
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let hasBegun = false;
    const submitted: Submitted = {
      submit: (connection) => connection.query(new CopyRows(types).query(copy)),
      handleCopyInResponse: ({ stream }) => {
        // The second is for rows as text, of which there are none.
        if (hasBegun) return;
        hasBegun = true;
        for (const message of messages) stream.write(message);
      },
      handleCommandComplete: () => {},
      handleReadyForQuery: resolve,
      handleError: reject,
    };
    client.query(submitted as unknown as pg.Submittable);
  });
}
