/**
 * What clients meet who come while the daemon starts: every service can be
 * called, and calls wait for what is behind it.
 */

import { versionService } from "../../api/server/version.ts";
import { EngineError, unavailable } from "../../base/errors.ts";
import { within } from "../../base/within.ts";
import type { GrpcAddress } from "../../rpc/grpc/listen.ts";
import { type GrpcServer, serveGrpc } from "../../rpc/grpc/server.ts";
import type {
  GrpcMethod,
  GrpcService,
  ServedService,
} from "../../rpc/grpc/service.ts";
import { API_VERSION, REVISION } from "../self.ts";

/** Full names of all services that plugins serve, but for the early one. */
export const SERVICE_NAMES: readonly string[] = [
  "containerd.services.containers.v1.Containers",
  "containerd.services.content.v1.Content",
  "containerd.services.diff.v1.Diff",
  "containerd.services.events.v1.Events",
  "containerd.services.images.v1.Images",
  "containerd.services.introspection.v1.Introspection",
  "containerd.services.leases.v1.Leases",
  "containerd.services.mounts.v1.Mounts",
  "containerd.services.namespaces.v1.Namespaces",
  "containerd.services.sandbox.v1.Controller",
  "containerd.services.sandbox.v1.Store",
  "containerd.services.snapshots.v1.Snapshots",
  "containerd.services.streaming.v1.Streaming",
  "containerd.services.tasks.v1.Tasks",
  "containerd.services.transfer.v1.Transfer",
  "coracle.events.v1.Journal",
  "coracle.tasks.v1.Policies",
  "grpc.health.v1.Health",
];

/** Disposing stops the server. */
export interface ServedFront extends AsyncDisposable {
  readonly server: GrpcServer;
  readonly services: WaitingServices;
  /**
   * Takes in who has come by now, and answers what needs nothing: between the
   * steps of a start, which leave no time for it.
   */
  letIn(): Promise<void>;
  /**
   * Lets those know who have come, or are coming, that no call will be answered
   * otherwise. Takes the time for it that `letIn()` has not.
   */
  sayFailed(error: unknown): Promise<void>;
}

/** Answers what it can, and lets the other calls wait. */
export async function serveFront(
  addresses: readonly GrpcAddress[],
): Promise<ServedFront> {
  const services = new WaitingServices(
    versionService({ version: API_VERSION, revision: REVISION }),
  );
  const guests = new Guests();
  const server = await serveGrpc({
    ...{ addresses, services: services.list },
    onCall: () => guests.call(),
  });
  return {
    server,
    services,
    letIn: () => guests.letIn(server),
    sayFailed: (error) => {
      services.fail(error);
      return guests.quiet(server);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Of the event loop, until who waits at the socket has likely been taken in. */
const TURNS_TO_COME = 4;
/** Until a call that has come is answered, if it need not wait for anything. */
const TURNS_TO_ANSWER = 8;
/** Until its answer is on its way. */
const TURNS_TO_SEND = 2;
/** For whoever came before we could take anybody in. */
const FIRST_LOOK_MS = 0;
/** For the first call of who has been taken in. */
const PATIENCE_MS = 3;

/** After which nobody else is expected. */
const QUIET_MS = 100;
/** For all to come and be answered, before it is given up. */
const MOST_QUIET_MS = 1_000;

/** Those who come while the daemon has other things to do. */
class Guests {
  #known: number | undefined;
  #called = Promise.withResolvers<void>();
  #hasCalled = false;
  #calls = 0;

  call(): void {
    this.#calls++;
    this.#hasCalled = true;
    this.#called.resolve();
  }

  async letIn(server: GrpcServer): Promise<void> {
    this.#called = Promise.withResolvers<void>();
    this.#hasCalled = false;
    await turns(TURNS_TO_COME);
    // Turns are no more than likely to look at the sockets; to wait is certain.
    if (this.#known === undefined) await this.#hearWithin(FIRST_LOOK_MS);
    if (server.connections > (this.#known ?? 0)) {
      await this.#hearWithin(PATIENCE_MS);
      for (let left = TURNS_TO_ANSWER; left > 0 && server.calls > 0; left--) {
        await turns(1);
      }
      await turns(TURNS_TO_SEND);
    }
    this.#known = server.connections;
  }

  /** Settles when everybody has been answered, and nobody has come for a while. */
  async quiet(server: GrpcServer): Promise<void> {
    const seen = () => `${server.connections} ${this.#calls}`;
    for (let waited = 0; waited < MOST_QUIET_MS; waited += QUIET_MS) {
      const before = seen();
      await pause(QUIET_MS);
      if (seen() === before && server.calls === 0) return;
    }
  }

  async #hearWithin(ms: number): Promise<void> {
    if (!this.#hasCalled) await within(ms, this.#called.promise);
  }
}

/**
 * The least that takes a turn of the loop: a timer takes two milliseconds. To
 * ask for more of a file takes longer the first time, as times have time zones.
 */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await Deno.realPath("/");
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

type Services = ReadonlyMap<string, ServedService>;

export class WaitingServices {
  /** What can be called from the beginning on. */
  readonly list: readonly ServedService[];
  readonly #opening = Promise.withResolvers<Services>();
  #opened: Services | undefined;

  /**
   * @param early needs nothing of what is being opened; it is answered at once,
   * and by the service of its name when that is there
   */
  constructor(early: GrpcService) {
    // Perhaps nobody calls.
    this.#opening.promise.catch(() => {});
    this.list = [
      ...SERVICE_NAMES.map((name) => ({ name, load: () => this.#load(name) })),
      this.#replaceable(early),
    ];
  }

  /** Calls are answered from now on. */
  open(services: readonly ServedService[]): void {
    this.#opened = new Map(services.map((it) => [it.name, it]));
    this.#opening.resolve(this.#opened);
  }

  /** No call will be answered. */
  fail(error: unknown): void {
    const { message } = EngineError.from(error);
    this.#opening.reject(
      unavailable(`The daemon could not start: ${message}`, { cause: error }),
    );
  }

  async #load(name: string): Promise<GrpcService> {
    const service = (await this.#opening.promise).get(name);
    if (service === undefined) throw unknownService(name);
    return "methods" in service ? service : await service.load();
  }

  #replaceable({ name, methods }: GrpcService): GrpcService {
    return {
      name,
      methods: new Map<string, GrpcMethod>(
        [...methods].map(([method, early]) => {
          if (early.kind !== "unary") return [method, early];
          const answer: typeof early.answer = (call, request) => {
            const { answer } = this.#unary(name, method) ?? early;
            return answer(call, request);
          };
          return [method, { ...early, answer }];
        }),
      ),
    };
  }

  /** Undefined while there is none. */
  #unary(name: string, method: string): UnaryMethod | undefined {
    if (this.#opened === undefined) return undefined;
    const service = this.#opened.get(name);
    if (service === undefined || !("methods" in service)) {
      throw unknownService(name);
    }
    const found = service.methods.get(method);
    return found?.kind === "unary" ? found : undefined;
  }
}

type UnaryMethod = Extract<GrpcMethod, { kind: "unary" }>;

/** In the words of Go's library: the configuration can leave services out. */
function unknownService(name: string): EngineError {
  return new EngineError("unimplemented", `unknown service ${name}`);
}
