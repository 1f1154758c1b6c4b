import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../base/errors.ts";
import { MethodTable } from "./methods.ts";
import { observed } from "./observe.ts";
import type { GrpcMethod, GrpcService } from "./service.ts";

function serviceOf(name: string): GrpcService {
  const answer: GrpcMethod = {
    kind: "unary",
    answer: (_call, request) => Promise.resolve(request),
  };
  return { name, methods: new Map([["Once", answer]]) };
}

Deno.test("MethodTable finds methods, and says what there is not as Go does", async () => {
  const table = new MethodTable([serviceOf("a.A")]);
  assertEquals((await table.find("/a.A/Once")).kind, "unary");
  for (
    const [path, message] of [
      ["/a.A/Twice", "unknown method Twice for service a.A"],
      ["/b.B/Once", "unknown service b.B"],
      ["", "unknown service "],
    ] as const
  ) {
    const error = await assertRejects(() => table.find(path), EngineError);
    assertEquals([error.code, error.message], ["unimplemented", message]);
  }
});

Deno.test("MethodTable loads a service once, when it is first asked for", async () => {
  let loads = 0;
  const lazy = {
    name: "a.A",
    load: () => {
      loads++;
      return Promise.resolve(serviceOf("a.A"));
    },
  };
  const table = new MethodTable(observed([lazy], [
    { method: () => () => ({ ended() {} }) },
  ]));
  assertEquals(loads, 0);
  await Promise.all([table.find("/a.A/Once"), table.find("/a.A/Once")]);
  await table.find("/a.A/Once");
  assertEquals(loads, 1);
});

Deno.test("MethodTable tries again to load what it could not", async () => {
  let loads = 0;
  const table = new MethodTable([{
    name: "a.A",
    load: () =>
      ++loads === 1
        ? Promise.reject(new Error("not now"))
        : Promise.resolve(serviceOf("a.A")),
  }]);
  await assertRejects(() => table.find("/a.A/Once"), Error, "not now");
  assertEquals((await table.find("/a.A/Once")).kind, "unary");
});

Deno.test("MethodTable refuses a service that has another name", async () => {
  const load = () => Promise.resolve(serviceOf("b.B"));
  const table = new MethodTable([{ name: "a.A", load }]);
  await assertRejects(() => table.find("/a.A/Once"), EngineError, `"b.B"`);
});
