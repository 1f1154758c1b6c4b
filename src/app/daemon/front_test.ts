import { assertEquals, assertRejects } from "@std/assert";
import { EngineError, invalidArgument } from "../../base/errors.ts";
import type { GrpcCall } from "../../rpc/grpc/method.ts";
import type { GrpcService } from "../../rpc/grpc/service.ts";
import { allPlugins } from "./builtins.ts";
import { SERVICE_NAMES, WaitingServices } from "./front.ts";

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

/** What answers under this name says to `Ask`. */
async function ask(
  waiting: WaitingServices,
  name: string,
): Promise<number | undefined> {
  const service = waiting.list.find((it) => it.name === name);
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

Deno.test("WaitingServices answers by the early service, then by the one that is opened", async () => {
  const waiting = new WaitingServices(serviceOf("early", 1));
  assertEquals(await ask(waiting, "early"), 1);
  waiting.open([serviceOf("early", 2)]);
  assertEquals(await ask(waiting, "early"), 2);
});

Deno.test("WaitingServices keeps calls waiting until services are opened", async () => {
  const waiting = new WaitingServices(serviceOf("early", 1));
  let answer: number | undefined;
  const asking = ask(waiting, CONTAINERS).then((it) => answer = it);
  await ask(waiting, "early");
  assertEquals(answer, undefined);
  const load = () => Promise.resolve(serviceOf(CONTAINERS, 3));
  waiting.open([{ name: CONTAINERS, load }]);
  await asking;
  assertEquals(answer, 3);
});

Deno.test("WaitingServices knows no service that is not opened", async () => {
  const waiting = new WaitingServices(serviceOf("early", 1));
  const asking = ask(waiting, CONTAINERS);
  waiting.open([]);
  for (const failing of [asking, ask(waiting, "early")]) {
    const { code, message } = await assertRejects(() => failing, EngineError);
    assertEquals(code, "unimplemented");
    assertEquals(message.replace(/ \S+$/, ""), "unknown service");
  }
});

Deno.test("WaitingServices tells those who wait why the daemon could not start", async () => {
  const waiting = new WaitingServices(serviceOf("early", 1));
  const asking = ask(waiting, CONTAINERS);
  waiting.fail(invalidArgument(`Cannot use "x"`));
  const { code, message } = await assertRejects(() => asking, EngineError);
  assertEquals(code, "unavailable");
  assertEquals(message, `The daemon could not start: Cannot use "x"`);
});
