import { assert, assertEquals, assertRejects } from "@std/assert";
import { background } from "../../base/context.ts";
import { EngineError, notFound, unavailable } from "../../base/errors.ts";
import { NEW_STATUS } from "../../core/task_status.ts";
import { LostDaemonError } from "../../core/through_socket.ts";
import { processStartTime } from "../../sys/pidfd.ts";
import { explainLoss, repeatIfLost, waitPatiently } from "./lost_daemon.ts";

const PROCESS = { id: "web", execId: "" };
const EXIT = { exitCode: 7, exitedAt: new Date(0) };
const address = "/run/d.sock";

Deno.test("waitPatiently() waits on when a daemon serves again", async () => {
  const answers = [unavailable("lost"), unavailable("not yet"), EXIT];
  const wait = () => {
    const answer = answers.shift();
    return answer === undefined || answer instanceof EngineError
      ? Promise.reject(answer)
      : Promise.resolve(answer);
  };
  assertEquals(await waitPatiently(background(), { wait }, PROCESS), EXIT);
});

Deno.test("waitPatiently() throws at once what a daemon says", async () => {
  const wait = () => Promise.reject(notFound("task", "web"));
  await assertRejects(
    () => waitPatiently(background(), { wait }, PROCESS),
    EngineError,
    "Cannot find task",
  );
});

Deno.test("waitPatiently() ends when its caller gives up", async () => {
  const gone = new AbortController();
  const wait = () => {
    queueMicrotask(() => gone.abort());
    return Promise.reject(unavailable("lost"));
  };
  const ctx = { ...background(), signal: gone.signal };
  await assertRejects(() => waitPatiently(ctx, { wait }, PROCESS));
});

Deno.test("waitPatiently() ends when who asks has waited for a daemon", async () => {
  const cause = new Deno.errors.ConnectionRefused("nobody");
  let asked = 0;
  const wait = () => {
    asked++;
    return Promise.reject(unavailable("Cannot connect", { cause }));
  };
  await assertRejects(() => waitPatiently(background(), { wait }, PROCESS));
  assertEquals(asked, 1);
});

/** A daemon that is started anew each time that it is lost. */
class Phoenix {
  connects = 1;
  greet(): Promise<void> {
    return Promise.resolve();
  }
  lose(): Promise<never> {
    this.connects++;
    return Promise.reject(unavailable("The connection is lost"));
  }
}

Deno.test("repeatIfLost() does again what a lost daemon has cut off", async () => {
  const daemon = new Phoenix();
  const work = async () => daemon.connects < 3 ? await daemon.lose() : "done";
  assertEquals(await repeatIfLost(background(), daemon, work), "done");
});

Deno.test("repeatIfLost() gives up when the work ends each daemon", async () => {
  const daemon = new Phoenix();
  await assertRejects(
    () => repeatIfLost(background(), daemon, () => daemon.lose()),
    EngineError,
    "The connection is lost",
  );
  assertEquals(daemon.connects, 5);
});

Deno.test("repeatIfLost() does not repeat what fails with a daemon there", async () => {
  const daemon = new Phoenix();
  let tries = 0;
  const work = () => {
    tries++;
    return Promise.reject(unavailable("Cannot reach the registry"));
  };
  await assertRejects(
    () => repeatIfLost(background(), daemon, work),
    EngineError,
    "Cannot reach the registry",
  );
  assertEquals(tries, 1);
});

Deno.test("explainLoss() says that a process goes on, if it does", () => {
  const pidStartTime = processStartTime(Deno.pid) ?? 0;
  const running = { ...NEW_STATUS, pid: Deno.pid, pidStartTime };
  const another = { ...running, pidStartTime: pidStartTime + 1 };
  const said = [running, another, undefined].map((status) => {
    const task = { address, name: "web", status };
    const why = explainLoss(unavailable("lost"), background(), task);
    assert(why instanceof LostDaemonError);
    return why.message.includes('container "web" goes on');
  });
  assertEquals(said, [true, false, false]);
});

Deno.test("explainLoss() says that a command goes on, if it does", () => {
  const said = [Deno.pid, 0].map((pid) => {
    const task = { address, name: "web", process: "exec" } as const;
    const status = { ...task, status: { pid } };
    const lost = explainLoss(unavailable("lost"), background(), status);
    return EngineError.from(lost).message.replace(/^.*?: /, "");
  });
  assertEquals(said, [
    'the command goes on in container "web", coracle --address /run/d.sock ' +
    "top web shows it once a daemon serves there again",
    'nobody tells how the command in container "web" has ended',
  ]);
});

Deno.test("explainLoss() names the command for this namespace", () => {
  const ctx = background({ namespace: "k8s.io" });
  const task = { address, name: "web", status: undefined };
  const { message } = EngineError.from(
    explainLoss(unavailable("lost"), ctx, task),
  );
  const command = `coracle --address ${address} --namespace k8s.io ps -a`;
  assert(message.includes(command), message);
});

Deno.test("explainLoss() leaves alone what has another reason", () => {
  const error = notFound("task", "web");
  const task = { address, name: "web", status: undefined };
  assertEquals(explainLoss(error, background(), task), error);
});
