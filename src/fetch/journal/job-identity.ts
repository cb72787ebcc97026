import { createHash, randomBytes } from "node:crypto";
import { isSecretHeader } from "../input/header.ts";

/** What decides which results a job has, besides its requests. Other settings may change from one run to the next. */
export interface JobIdentity {
  /** Names of settings, and what they are. */
  readonly shown: Readonly<Record<string, string>>;
  /** The same for those that may hold secrets: of them only hashes are kept. */
  readonly hidden: Readonly<Record<string, string>>;
}

export interface IdentityParts {
  readonly method: string | undefined;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: string | Uint8Array | undefined;
  /** What results look like: names of settings, and what they are. */
  readonly form: Readonly<Record<string, string>>;
}

/**
 * What of the settings makes it another job. Secrets do not: a token that has run out is replaced, and the job goes on.
 * Nor does a new version of this package.
 */
export function identityOf({ method, headers, body, form }: IdentityParts): JobIdentity {
  const hidden: Record<string, string> = {};
  if (body !== undefined) hidden["the body"] = Buffer.from(body).toString("latin1");
  for (let index = 0; index < headers.length; index += 2) {
    const [name, value] = [headers[index]!.toLowerCase(), headers[index + 1]!];
    if (isSecretHeader(name) || (name === "user-agent" && /^taskwright(?:\/|$)/.test(value))) continue;
    const key = `the header \`${name}\``;
    hidden[key] = key in hidden ? `${hidden[key]!}\n${value}` : value;
  }
  return { shown: { ...form, ...(method !== undefined && { "the method": method }) }, hidden };
}

type Stored = Readonly<Record<"shown" | "hidden", Readonly<Record<string, string>>>>;

/** What the hashes of one journal are made with, so that they tell nothing to others. */
export function newSalt(): Uint8Array {
  return randomBytes(16);
}

/** How a journal keeps it. */
export function storedIdentity({ shown, hidden }: JobIdentity, salt: Uint8Array): string {
  const hashes = Object.entries(hidden).map(([name, value]) => [name, hash(value, salt)]);
  return JSON.stringify({ shown, hidden: Object.fromEntries(hashes) });
}

/** What is different now, in words. */
export function identityDifferences(stored: string, now: JobIdentity, salt: Uint8Array): string[] {
  const before = JSON.parse(stored) as Stored;
  const after = JSON.parse(storedIdentity(now, salt)) as Stored;
  return [
    ...differing(before.shown, after.shown).map(
      (name) => `${name} was ${before.shown[name] ?? "not given"}, and is ${after.shown[name] ?? "not given"}`,
    ),
    ...differing(before.hidden, after.hidden).map((name) => `${name} is not what it was`),
  ];
}

function differing(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => before[name] !== after[name]);
}

function hash(value: string, salt: Uint8Array): string {
  return createHash("sha256").update(salt).update(value).digest("hex");
}
