/** The messages that run a prepared statement. Those of pg can ask for all columns as text only, or for none. */
import type { WireValue } from "../postgres.ts";
import { WireWriter } from "./wire-writer.ts";

const bind = "B".charCodeAt(0);
const execute = "E".charCodeAt(0);
const sync = "S".charCodeAt(0);

/** For all: what is written is handed on at once. And code that was optimised for writers lasts as long as one of them. */
const shared = new WireWriter();

/** To write messages with that are taken before anybody else can. */
export function emptyWriter(): WireWriter {
  shared.cut(0);
  return shared;
}

/**
 * Gives values to a statement.
 *
 * @param formats - of the columns: 1 as bytes, 0 as text. None: all as text
 */
export function writeBind(
  writer: WireWriter,
  portal: string,
  statement: string,
  values: readonly WireValue[],
  formats: readonly number[],
): void {
  writer.begin(bind);
  writer.name(portal);
  writer.name(statement);
  // Text goes as text, and bytes as they are.
  writer.int2(values.length);
  for (const value of values) writer.int2(typeof value === "string" || value === null ? 0 : 1);
  writer.int2(values.length);
  for (const value of values) writer.value(value);
  writer.int2(formats.length);
  for (const format of formats) writer.int2(format);
  writer.end();
}

/** @param rows - at most; 0 is all */
export function writeExecute(writer: WireWriter, portal: string, rows: number): void {
  writer.begin(execute);
  writer.name(portal);
  writer.int4(rows);
  writer.end();
}

export function writeSync(writer: WireWriter): void {
  writer.begin(sync);
  writer.end();
}
