import { assertEquals, assertThrows } from "@std/assert";
import { formatFamilies, Metrics } from "./metrics.ts";

const fail = (error: unknown) => {
  throw error;
};

Deno.test("Metrics.render() gives counters by their labels, sorted by name", async () => {
  const metrics = new Metrics();
  const second = metrics.counter({ name: "b_total", help: "The second" });
  const first = metrics.gauge({ name: "a", help: "One\nof two \\" });
  second({ b: "2", a: "1" }).add();
  second({ a: "1", b: "2" }).add(2);
  second({ a: 'a "quoted"\n\\', b: "" }).add();
  first({}).set(7.5);
  first({}).add(-8);
  assertEquals(
    await metrics.render(fail),
    [
      "# HELP a One\\nof two \\\\",
      "# TYPE a gauge",
      "a -0.5",
      "# HELP b_total The second",
      "# TYPE b_total counter",
      'b_total{a="1",b="2"} 3',
      'b_total{a="a \\"quoted\\"\\n\\\\",b=""} 1',
      "",
    ].join("\n"),
  );
});

Deno.test("Metrics.histogram() counts what is no more than each bound", async () => {
  const metrics = new Metrics();
  const seconds = metrics.histogram({
    name: "seconds",
    help: "Time",
    buckets: [0.1, 1],
  })({ method: "Get" });
  for (const value of [0.05, 0.1, 0.5, 3]) seconds.observe(value);
  assertEquals(
    (await metrics.render(fail)).split("\n").slice(2, -1),
    [
      'seconds_bucket{le="0.1",method="Get"} 2',
      'seconds_bucket{le="1",method="Get"} 3',
      'seconds_bucket{le="+Inf",method="Get"} 4',
      'seconds_sum{method="Get"} 3.65',
      'seconds_count{method="Get"} 4',
    ],
  );
});

Deno.test("Metrics.render() shows what other sources give when one fails", async () => {
  const metrics = new Metrics();
  const failures: unknown[] = [];
  metrics.source(() => Promise.reject("broken"));
  metrics.source(() => [{
    name: "largest",
    help: "Of 64 bits",
    kind: "gauge",
    samples: [
      { labels: {}, value: 2n ** 64n - 1n },
      { labels: { of: "floats" }, value: Infinity },
    ],
  }]);
  const text = await metrics.render((error) => failures.push(error));
  assertEquals(failures, ["broken"]);
  assertEquals(text.split("\n").slice(2, -1), [
    "largest 18446744073709551615",
    'largest{of="floats"} +Inf',
  ]);
});

Deno.test("Metrics.counter() refuses a name that is taken", () => {
  const metrics = new Metrics();
  metrics.counter({ name: "a", help: "" });
  assertThrows(() => metrics.gauge({ name: "a", help: "" }), TypeError);
});

Deno.test("formatFamilies() leaves out what has no samples", () => {
  const empty = { name: "a", help: "", kind: "gauge", samples: [] } as const;
  assertEquals(formatFamilies([empty]), "");
});
