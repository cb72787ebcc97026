/**
 * @module
 * Files: read and written in the task tree, whole or as streams, and safely.
 *
 * @example
 * ```ts
 * import { jsonLines, openTempFolder, readJsonLines, writeAtomic } from "taskwright/files";
 *
 * await using folder = await openTempFolder();
 * await writeAtomic(folder.at("rows.jsonl.gz"), jsonLines([{ id: 1 }, { id: 2 }]));
 * for await (const row of readJsonLines(folder.at("rows.jsonl.gz"))) {
 *   console.log(row); // => { id: 1 }
 *   break;
 * }
 * ```
 */
export { Appender, type AppenderOptions, openAppender } from "./appender.ts";
export { type ReadChunksOptions, type ReadOptions, readChunks } from "./chunks.ts";
export { CorruptFileError, FileLineTooLongError, JsonFileError } from "./errors.ts";
export type { Compression } from "./internal/compression.ts";
export type { Content } from "./internal/content.ts";
export { type GlobOptions, glob } from "./glob.ts";
export { jsonLines } from "./json-lines.ts";
export { type FileItems, type ReadLinesOptions, readJsonLines, readLines } from "./lines.ts";
export { readBytes, readJson, readText } from "./read.ts";
export { type TailOptions, tail } from "./tail.ts";
export { TempFolder, type TempFolderOptions, openTempFolder } from "./temp-folder.ts";
export { type FolderEntry, type WalkOptions, walk } from "./walk.ts";
export { type FileChange, type FileChanges, type WatchOptions, watch } from "./watch.ts";
export { type WriteOptions, write, writeAtomic } from "./write.ts";
