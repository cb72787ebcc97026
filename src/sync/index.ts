/**
 * @module
 * Coordination: what tasks share, and wait for each other at.
 */
export { QueueShutDownError } from "./errors.ts";
export { Event, type EventStatistics } from "./event.ts";
export { Queue, type QueueOptions, type QueueStatistics } from "./queue.ts";
export { Semaphore, type SemaphoreOptions, type SemaphoreStatistics } from "./semaphore.ts";
