import { assertEquals } from "@std/assert";
import { fakeDescriptor } from "../../core/testing/fixtures.ts";
import type { ExtraReference, ImageStoreEnd } from "../../core/transfer.ts";
import { annotatedNames, plainNames } from "./image_names.ts";

const target = fakeDescriptor(1);

function store(...extraReferences: readonly ExtraReference[]): ImageStoreEnd {
  return {
    kind: "imageStore",
    name: "",
    labels: {},
    platforms: [],
    metadata: "wanted",
    extraReferences,
    unpacks: [],
  };
}

function prefix(
  name: string,
  otherNames: "take" | "ignore",
  digests: "never" | "unnamed" | "always" = "never",
): ExtraReference {
  return { kind: "prefix", name, otherNames, digests };
}

const full = (name: string) => ({
  ...target,
  annotations: { "io.containerd.image.name": name },
});
const ref = (name: string) => ({
  ...target,
  annotations: { "org.opencontainers.image.ref.name": name },
});
const digested = (name: string) => `${name}@${target.digest}`;

Deno.test("plainNames() gives names, and digests behind prefixes", () => {
  const extra = [
    { kind: "name", name: "b:1" },
    prefix("c", "take"),
    prefix("d", "take", "unnamed"),
  ] as const;
  const wanted = { ...store(...extra), name: "a:1" };
  assertEquals(plainNames(wanted, target), ["a:1", "b:1", digested("d")]);
  assertEquals(plainNames(store(), target), []);
});

Deno.test("annotatedNames() puts a prefix before a bare tag", () => {
  const wanted = store(prefix("a/b", "ignore"), { kind: "name", name: "x:1" });
  assertEquals(annotatedNames(wanted, ref("v1")), ["a/b:v1"]);
});

Deno.test("annotatedNames() takes whole names of others only if it may", () => {
  const names = ["a/b:1", "a/b/c:1", "a/bc:1", "z/y:1"];
  for (const make of [full, ref]) {
    const taken = (how: "take" | "ignore") =>
      names.flatMap((name) =>
        annotatedNames(store(prefix("a/b", how)), make(name))
      );
    assertEquals(taken("take"), names);
    assertEquals(taken("ignore"), ["a/b:1", "a/b/c:1"]);
  }
});

Deno.test("annotatedNames() takes no full name that is only a tag", () => {
  assertEquals(annotatedNames(store(prefix("a", "take")), full("v1")), []);
});

Deno.test("annotatedNames() adds digests where they are wanted", () => {
  const names = (digests: "never" | "unnamed" | "always") => [
    ...annotatedNames(store(prefix("a", "take", digests)), ref("v1")),
    ...annotatedNames(store(prefix("a", "take", digests)), target),
  ];
  assertEquals(names("never"), ["a:v1"]);
  assertEquals(names("unnamed"), ["a:v1", digested("a")]);
  assertEquals(names("always"), ["a:v1", digested("a"), digested("a")]);
});
