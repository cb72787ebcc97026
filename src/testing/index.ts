/**
 * @module
 * Testing programs that wait: time that does not have to pass, every order of what happens at once, cancellation at
 * every point, and servers that misbehave.
 */
export { type CancelEverywhereOptions, type CancelSweep, cancelEverywhere } from "./cancel-everywhere.ts";
export { type CancelPoint, CancelSweepError, DeadlockError, ExploreError, LeakError } from "./errors.ts";
export { expectNoLeaks } from "./expect-no-leaks.ts";
export { type Exploration, type ExploreOptions, explore, replay } from "./explore.ts";
export {
  type DnsAnswer,
  type DnsCode,
  type DnsQuery,
  type DnsScript,
  type DnsSequence,
  FaultDns,
  openFaultDns,
} from "./fault-dns.ts";
export { FaultServer, type FaultServerOptions, openFaultServer } from "./fault-server.ts";
export type { FaultAnswerOptions, FaultBusyOptions, FaultRetryAfter } from "./internal/fault-answers.ts";
export type { FaultEvent, FaultEventsOptions, FaultPace } from "./internal/fault-bodies.ts";
export type { FaultCertificate } from "./internal/fault-certificate.ts";
export type { ConnectionFault, ConnectionScript } from "./internal/fault-connection-script.ts";
export type { FaultEncoding } from "./internal/fault-encodings.ts";
export type { FaultThenEndOptions, FaultUnaskedOptions } from "./internal/fault-endings.ts";
export type { FaultShortBodyOptions } from "./internal/fault-framing.ts";
export type { FaultThen } from "./internal/fault-heads.ts";
export { type Faults, faults } from "./internal/fault-list.ts";
export type { FaultConnection, FaultConnectionEnd, FaultServerStatistics } from "./internal/fault-record.ts";
export type { FaultRedirectOptions } from "./internal/fault-redirects.ts";
export type { FaultRequest, FaultRequestState } from "./internal/fault-request.ts";
export type { Fault, FaultEnding, FaultHead, FaultScript, FaultSequence, FaultWire } from "./internal/fault-script.ts";
export { Sequencer } from "./sequencer.ts";
export { withVirtualTime } from "./virtual-time.ts";
export { waitUntilAllBlocked } from "./wait-until-all-blocked.ts";
