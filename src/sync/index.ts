/**
 * @module
 * Coordination: what tasks share, and wait for each other at.
 */
export { AdaptiveLimiter, type AdaptiveLimiterOptions, type AdaptiveLimiterStatistics } from "./adaptive-limiter.ts";
export { Barrier, type BarrierStatistics } from "./barrier.ts";
export { Channel, type ChannelOptions, type ChannelStatistics } from "./channel.ts";
export { CircuitBreaker, type CircuitBreakerOptions, type CircuitBreakerStatistics } from "./circuit-breaker.ts";
export { combine } from "./combine.ts";
export { Condition, type ConditionStatistics } from "./condition.ts";
export { BarrierAbortedError, ChannelClosedError, CircuitOpenError, QueueShutDownError } from "./errors.ts";
export { Event, type EventStatistics } from "./event.ts";
export { KeyedLimiter, type KeyedLimiterStatistics } from "./keyed-limiter.ts";
export { LifoQueue } from "./lifo-queue.ts";
export { Lock, type LockOptions, type LockStatistics } from "./lock.ts";
export { PriorityQueue, type PriorityQueueOptions } from "./priority-queue.ts";
export { Queue, type QueueOptions, type QueueStatistics } from "./queue.ts";
export { RateLimiter, type RateLimiterOptions, type RateLimiterStatistics } from "./rate-limiter.ts";
export { ReadWriteLock, type ReadWriteLockStatistics } from "./read-write-lock.ts";
export { Semaphore, type SemaphoreOptions, type SemaphoreStatistics } from "./semaphore.ts";

// For limiters of other modules.
/** @internal */
export { OncePermit } from "./internal/once-permit.ts";
/** @internal */
export { runWithPermit } from "./run-with-permit.ts";

// For the batch engine, which waits for many things at once, and for none of them in a task.
/** @internal */
export { RoundTrip } from "./internal/round-trip.ts";
/** @hidden Named in the published declarations of fetch. */
export { TokenBucket } from "./internal/token-bucket.ts";
