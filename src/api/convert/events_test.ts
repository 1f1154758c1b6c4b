import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import golden from "../../../tests/golden/events.json" with { type: "json" };
import { fromEvent, toEnvelope, toEvent } from "./events.ts";
import { codecOf, typeOfTopic } from "./event_types.ts";

/** Through the journal, which has JSON. */
function journalled(topic: string, typeUrl: string, value: Uint8Array) {
  const fields = fromEvent(topic, { typeUrl, value });
  return toEvent(topic, JSON.parse(JSON.stringify(fields)));
}

Deno.test("fromEvent() and toEvent() keep containerd's events byte for byte", () => {
  assert(golden.length > 15);
  for (const { topic, typeUrl, value } of golden) {
    const bytes = Uint8Array.fromBase64(value);
    assertEquals(typeOfTopic(topic), typeUrl);
    assertEquals(journalled(topic, typeUrl, bytes), { typeUrl, value: bytes });
  }
});

Deno.test("fromEvent() gives the fields of containerd's events by name", () => {
  const fieldsOf = (topic: string) => {
    const found = golden.find((it) => it.topic === topic);
    assert(found !== undefined, topic);
    const value = Uint8Array.fromBase64(found.value);
    return fromEvent(topic, { typeUrl: found.typeUrl, value });
  };
  assertEquals(fieldsOf("/namespaces/create"), {
    name: "harbour",
    labels: { berth: "3" },
  });
  assertEquals(fieldsOf("/snapshot/prepare")["key"], "hull");
  assertEquals(fieldsOf("/tasks/create")["containerId"], "boat");
  assertEquals(fieldsOf("/tasks/exec-added"), {
    containerId: "boat",
    execId: "row",
  });
  assertEquals(fieldsOf("/tasks/exit")["id"], "row");
});

Deno.test("toEvent() encodes what the engine tells without bytes", () => {
  const exitedAt = "2024-05-06T07:08:09.010Z";
  const fields = { containerId: "c", id: "c", pid: 7, exitStatus: 1, exitedAt };
  const { typeUrl, value } = toEvent("/tasks/exit", fields);
  assertEquals(typeUrl, "containerd.events.TaskExit");
  assertEquals(codecOf(typeUrl)?.decode(value), {
    ...fields,
    exitedAt: new Date(exitedAt),
  });
});

Deno.test("toEnvelope() says when, where and what", () => {
  const timestamp = new Date(1_000);
  const { topic, namespace, event, ...rest } = toEnvelope({
    sequence: 1,
    timestamp,
    namespace: "n",
    topic: "/unheard/of",
    event: { a: 1 },
  });
  assertEquals([topic, namespace, rest.timestamp], [
    "/unheard/of",
    "n",
    timestamp,
  ]);
  assertEquals(event?.value, new TextEncoder().encode('{"a":1}'));
});

Deno.test("fromEvent() and toEvent() keep any bytes of any type", () => {
  const types = [
    ...new Set(golden.map(({ typeUrl }) => typeUrl)),
    "a.b/C",
    "x",
  ];
  const topics = [...golden.map(({ topic }) => topic), "/unheard/of"];
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.constantFrom(...golden.map(({ value }) => Uint8Array.fromBase64(value))),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...topics),
      fc.constantFrom(...types),
      bytes,
      (topic, typeUrl, value) => {
        assertEquals(journalled(topic, typeUrl, value), { typeUrl, value });
      },
    ),
    { numRuns: 1_000 },
  );
});
