import { assertEquals, assertRejects } from "@std/assert";
import { EngineError, invalidArgument } from "../../base/errors.ts";
import type { GrpcCall } from "../../rpc/grpc/method.ts";
import type { GrpcService } from "../../rpc/grpc/service.ts";
import { allPlugins } from "./builtins.ts";
import { Front, SERVICE_NAMES } from "./front.ts";

const CONTAINERS = "containerd.services.containers.v1.Containers";
const CALL = {} as GrpcCall;

function serviceOf(name: string, answer: number): GrpcService {
  return {
    name,
    methods: new Map([
      ["Ask", {
        kind: "unary",
        answer: () => Promise.resolve(new Uint8Array([answer])),
      }],
    ]),
  };
}

/** What the front has under this name answers to `Ask`. */
async function ask(front: Front, name: string): Promise<number | undefined> {
  const service = front.services.find((it) => it.name === name);
  if (service === undefined) throw new Error("There is none");
  const { methods } = "methods" in service ? service : await service.load();
  const method = methods.get("Ask");
  if (method?.kind !== "unary") throw new Error("It is not unary");
  return (await method.answer(CALL, new Uint8Array()))[0];
}

Deno.test("SERVICE_NAMES has all services of plugins but the early one", () => {
  const served = allPlugins().flatMap(({ serves = [] }) => serves);
  assertEquals(SERVICE_NAMES, served.sort());
});

Deno.test("Front answers by the early service, then by the one that is opened", async () => {
  const front = new Front(serviceOf("early", 1));
  assertEquals(await ask(front, "early"), 1);
  front.open([serviceOf("early", 2)]);
  assertEquals(await ask(front, "early"), 2);
});

Deno.test("Front keeps calls waiting until services are opened", async () => {
  const front = new Front(serviceOf("early", 1));
  let answer: number | undefined;
  const asking = ask(front, CONTAINERS).then((it) => answer = it);
  await ask(front, "early");
  assertEquals(answer, undefined);
  const load = () => Promise.resolve(serviceOf(CONTAINERS, 3));
  front.open([{ name: CONTAINERS, load }]);
  await asking;
  assertEquals(answer, 3);
});

Deno.test("Front knows no service that is not opened", async () => {
  const front = new Front(serviceOf("early", 1));
  const asking = ask(front, CONTAINERS);
  front.open([]);
  for (const failing of [asking, ask(front, "early")]) {
    const { code, message } = await assertRejects(() => failing, EngineError);
    assertEquals(code, "unimplemented");
    assertEquals(message.replace(/ \S+$/, ""), "unknown service");
  }
});

Deno.test("Front tells those who wait why the daemon could not start", async () => {
  const front = new Front(serviceOf("early", 1));
  const asking = ask(front, CONTAINERS);
  front.fail(invalidArgument(`Cannot use "x"`));
  const { code, message } = await assertRejects(() => asking, EngineError);
  assertEquals(code, "unavailable");
  assertEquals(message, `The daemon could not start: Cannot use "x"`);
});
