import { assertEquals } from "@std/assert";
import { background } from "../base/context.ts";
import { notFound } from "../base/errors.ts";
import type { Container } from "../core/container.ts";
import { NEW_STATUS } from "../core/task_status.ts";
import type { LifeDeps } from "./life_deps.ts";
import { killNow, stopContainer } from "./stop.ts";

const ctx = background({ namespace: "test" });
const record: Partial<Container> = { id: "boat", labels: {}, extensions: {} };
const container = record as Container;

Deno.test("stopContainer() is content with one that ends by itself, and goes", async () => {
  const asked: string[] = [];
  const gone = (what: string) => () => {
    asked.push(what);
    return Promise.reject(notFound("task", "boat"));
  };
  const status = () => ({ ...NEW_STATUS, state: "running", pid: 42 });
  let views = 0;
  const services = {
    // Its bundle goes last.
    bundles: { find: () => views++ === 0 ? { status } : undefined },
    tasks: {
      find: () =>
        Promise.resolve({
          ...{ status, retire: gone("retire") },
          ...{ kill: gone("kill"), wait: gone("wait") },
        }),
    },
  };
  await stopContainer(ctx, { services } as unknown as LifeDeps, container);
  assertEquals(asked, ["retire", "wait", "kill"]);
});

Deno.test("killNow() ends the life that begins while it says that there is to be none", async () => {
  const asked: string[] = [];
  const ended = Promise.withResolvers<void>();
  let state = "restarting";
  const status = () => ({ ...NEW_STATUS, state, pid: 42 });
  let isLeft = true;
  const task = {
    status,
    retire() {
      state = "running";
      return Promise.resolve();
    },
    kill() {
      asked.push("kill");
      isLeft = false;
      ended.resolve();
      return Promise.resolve();
    },
    wait: () => ended.promise,
  };
  const services = {
    bundles: { find: () => isLeft ? { status } : undefined },
    tasks: { find: () => Promise.resolve(task) },
  };
  await killNow(ctx, { services } as unknown as LifeDeps, container);
  assertEquals(asked, ["kill"]);
});
