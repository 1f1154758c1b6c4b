/** The journal of events, for commands of ours that come through the socket. */

import { JournalDefinition } from "../../../proto/gen/coracle/events/v1/journal.ts";
import { type GrpcService, grpcService } from "../../rpc/grpc/service.ts";
import { toEnvelope } from "../convert/events.ts";
import { tenantlessContext } from "./api_context.ts";
import type { EventsServiceDeps } from "./events.ts";

export function journalService(
  { events, log }: Omit<EventsServiceDeps, "listened">,
): GrpcService {
  const anybody = tenantlessContext(log);
  return grpcService(JournalDefinition, {
    async *read(call, { filters, after, follow }) {
      const journal = events.subscribe(anybody(call), {
        filters,
        sinceSequence: Number(after),
        follow: follow ? "wait" : "stop",
      });
      for await (const it of journal) {
        yield { sequence: BigInt(it.sequence), envelope: toEnvelope(it) };
      }
    },
  });
}
