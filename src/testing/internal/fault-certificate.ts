/**
 * Certificates for tests, good and bad. They are made in memory when they are first needed, so that no key is kept in
 * the source, where it would be copied, or found by those who look for leaked keys.
 *
 * The platform can sign but not write certificates. What is written here is the little of RFC 5280 that clients check.
 */
import { type KeyObject, generateKeyPairSync, sign } from "node:crypto";
import { isIPv4 } from "node:net";
import { bits, context, integer, objectId, octets, plain, sequence, set, time, truth, utf8 } from "./fault-der.ts";

/** What is wrong with the certificate of a server. All but `self-signed` and `unknown-issuer` have its authority. */
export type FaultCertificate = "valid" | "expired" | "not-yet-valid" | "wrong-host" | "self-signed" | "unknown-issuer";

/** A certificate and its key, in PEM. */
export interface KeyedCertificate {
  readonly cert: string;
  readonly key: string;
}

interface Issuer {
  readonly name: string;
  readonly key: KeyObject;
  readonly cert: string;
}

interface Plan {
  readonly subject: string;
  readonly hosts: readonly string[];
  readonly fromYear: number;
  readonly toYear: number;
  readonly isAuthority: boolean;
}

/** Fixed, so that nothing here asks what time it is. */
const always = { fromYear: 2000, toYear: 2049 };
const local = { subject: "localhost", hosts: ["localhost", "127.0.0.1", "::1"], isAuthority: false };

const plans: Readonly<Record<FaultCertificate, Plan>> = {
  valid: { ...local, ...always },
  expired: { ...local, fromYear: 2000, toYear: 2001 },
  "not-yet-valid": { ...local, fromYear: 2048, toYear: 2049 },
  "wrong-host": { ...local, ...always, subject: "wrong-host.invalid", hosts: ["wrong-host.invalid"] },
  "self-signed": { ...local, ...always },
  "unknown-issuer": { ...local, ...always },
};

const made = new Map<FaultCertificate, KeyedCertificate>();
let known: Issuer | undefined;
let serial = 0;

/** The certificate of the authority that clients are to trust, in PEM. */
export function authorityCertificate(): string {
  return authority().cert;
}

/** The certificate for a server, with its key. */
export function certificateFor(kind: FaultCertificate): KeyedCertificate {
  let certificate = made.get(kind);
  if (certificate === undefined) made.set(kind, (certificate = make(kind)));
  return certificate;
}

/** @throws {TypeError} there is no such certificate */
export function expectCertificate(kind: FaultCertificate | undefined): FaultCertificate | undefined {
  if (kind === undefined || Object.hasOwn(plans, kind)) return kind;
  throw new TypeError(`Expected \`tls\` to be one of ${Object.keys(plans).join(", ")}, got \`${kind}\``);
}

function make(kind: FaultCertificate): KeyedCertificate {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const cert = write(plans[kind], keys.publicKey, issuerFor(kind, keys.privateKey));
  return { cert, key: keys.privateKey.export({ type: "pkcs8", format: "pem" }) as string };
}

function issuerFor(kind: FaultCertificate, ownKey: KeyObject): Pick<Issuer, "name" | "key"> {
  if (kind === "self-signed") return { name: plans[kind].subject, key: ownKey };
  return kind === "unknown-issuer" ? openAuthority("Taskwright tests, unknown") : authority();
}

function authority(): Issuer {
  return (known ??= openAuthority("Taskwright tests"));
}

function openAuthority(name: string): Issuer {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const plan = { ...always, subject: name, hosts: [], isAuthority: true };
  return { name, key: privateKey, cert: write(plan, publicKey, { name, key: privateKey }) };
}

const ecdsaWithSha256 = sequence(objectId(1, 2, 840, 10045, 4, 3, 2));

function write(plan: Plan, publicKey: KeyObject, issuer: Pick<Issuer, "name" | "key">): string {
  const body = sequence(
    context(0, integer(2)), // Version 3.
    integer(++serial),
    ecdsaWithSha256,
    nameOf(issuer.name),
    sequence(time(plan.fromYear, "0101000000Z"), time(plan.toYear, "1231235959Z")),
    nameOf(plan.subject),
    publicKey.export({ type: "spki", format: "der" }),
    context(3, sequence(...extensionsOf(plan))),
  );
  const signature = sign("sha256", body, issuer.key);
  const text = sequence(body, ecdsaWithSha256, bits(signature)).toString("base64");
  return `-----BEGIN CERTIFICATE-----\n${text.replaceAll(/.{1,64}/g, "$&\n")}-----END CERTIFICATE-----\n`;
}

function nameOf(commonName: string): Buffer {
  return sequence(set(sequence(objectId(2, 5, 4, 3), utf8(commonName))));
}

function extensionsOf({ isAuthority, hosts }: Plan): Buffer[] {
  if (isAuthority) return [extension(objectId(2, 5, 29, 19), sequence(truth))];
  return [extension(objectId(2, 5, 29, 17), sequence(...hosts.map(hostOf)))];
}

/** A name, or an address as its bytes. */
function hostOf(host: string): Buffer {
  if (host === "::1") return plain(7, Buffer.from([...new Uint8Array(15), 1]));
  if (isIPv4(host)) return plain(7, Buffer.from(host.split(".").map(Number)));
  return plain(2, Buffer.from(host));
}

/** Those here are critical: who does not understand one must refuse the certificate. */
function extension(id: Buffer, value: Buffer): Buffer {
  return sequence(id, truth, octets(value));
}
