import { assertAlmostEquals, assertEquals } from "@std/assert";
import { background } from "../base/context.ts";
import type { WatchedCollector } from "../core/gc.ts";
import {
  type GcHistory,
  type GcPolicy,
  GcScheduler,
  intervalAfter,
  nextCollection,
} from "./gc_scheduler.ts";

const POLICY: GcPolicy = {
  pauseThreshold: 0.02,
  deletionThreshold: 0,
  mutationThreshold: 100,
  scheduleDelayMs: 0,
  startupDelayMs: 100,
};
const NONE = { deletions: 0, changes: 0 };
const NOW = 1_000_000;
const RESTING: GcHistory = { lastAt: NOW - 10, intervalMs: 245 };
const RESTED: GcHistory = { lastAt: NOW - 10_000, intervalMs: 245 };

Deno.test("nextCollection() is undefined when there is no reason", () => {
  assertEquals(nextCollection(POLICY, RESTED, NONE, NOW), undefined);
  const few = { deletions: 0, changes: 99 };
  assertEquals(nextCollection(POLICY, RESTED, few, NOW), undefined);
  const many = { deletions: 0, changes: 100_000 };
  const unmoved = { ...POLICY, mutationThreshold: 0 };
  assertEquals(nextCollection(unmoved, RESTED, many, NOW), undefined);
});

Deno.test("nextCollection() waits for the interval when something was deleted", () => {
  const one = { deletions: 1, changes: 0 };
  assertEquals(nextCollection(POLICY, RESTED, one, NOW), NOW);
  assertEquals(nextCollection(POLICY, RESTING, one, NOW), NOW + 235);
  const first = { intervalMs: 1_000 };
  assertEquals(nextCollection(POLICY, first, one, NOW), NOW);
});

Deno.test("nextCollection() counts changes when there are enough", () => {
  const enough = { deletions: 0, changes: 100 };
  assertEquals(nextCollection(POLICY, RESTING, enough, NOW), NOW + 235);
});

Deno.test("nextCollection() does not wait for the interval when the deletions reach their threshold", () => {
  const hasty = { ...POLICY, deletionThreshold: 2, scheduleDelayMs: 7 };
  const two = { deletions: 2, changes: 0 };
  assertEquals(nextCollection(hasty, RESTING, two, NOW), NOW + 7);
  const one = { deletions: 1, changes: 0 };
  assertEquals(nextCollection(hasty, RESTING, one, NOW), NOW + 235);
});

Deno.test("nextCollection() is when something expires, but not before the interval", () => {
  const later = { ...NONE, expiresAt: new Date(NOW + 60_000) };
  assertEquals(nextCollection(POLICY, RESTED, later, NOW), NOW + 60_000);
  const past = { ...NONE, expiresAt: new Date(NOW - 60_000) };
  assertEquals(nextCollection(POLICY, RESTING, past, NOW), NOW + 235);
});

Deno.test("nextCollection() counts the delay from when there was a reason", () => {
  const slow = { ...POLICY, deletionThreshold: 1, scheduleDelayMs: 5_000 };
  const one = { deletions: 1, changes: 0 };
  const waiting = { ...RESTING, urgentSince: NOW - 3_000 };
  assertEquals(nextCollection(slow, waiting, one, NOW), NOW + 2_000);
  const late = { ...RESTING, urgentSince: NOW - 9_000 };
  assertEquals(nextCollection(slow, late, one, NOW), NOW);
});

Deno.test("run() collects after a delay that is longer than it waits at once", async () => {
  const times = [NOW, NOW + 2_000, NOW + 4_000];
  let at = 0;
  const collectedAt: number[] = [];
  const collector = {
    backlog: () => ({ deletions: collectedAt.length > 0 ? 0 : 1, changes: 0 }),
    async *changes() {
      for (at = 0; at < times.length; at++) yield;
    },
    collect() {
      collectedAt.push(at);
      return Promise.resolve({ durationMs: 1 });
    },
  } as unknown as WatchedCollector;
  const policy = {
    ...POLICY,
    ...{ deletionThreshold: 1, scheduleDelayMs: 3_500, startupDelayMs: 0 },
  };
  const now = () => new Date(times[at] ?? NOW);
  await new GcScheduler(collector, policy, now).run(background());
  assertEquals(collectedAt, [2]);
});

Deno.test("intervalAfter() lets pauses be that share of time", () => {
  assertAlmostEquals(intervalAfter(POLICY, 100), 4_900);
  assertAlmostEquals(intervalAfter(POLICY, 0), 245);
  assertEquals(intervalAfter({ ...POLICY, pauseThreshold: 0 }, 100), 1_000);
});
