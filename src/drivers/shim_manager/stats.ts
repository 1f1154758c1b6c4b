/** Figures that no shim tells: what went through a container's network. */

interface NetworkFigures {
  readonly networkReceivedBytes: number;
  readonly networkSentBytes: number;
}

/** Columns of `/proc/PID/net/dev` behind the colon. */
const COLUMN = { received: 0, sent: 8 } as const;

/**
 * Of all interfaces of a process's network namespace but `lo`; zero if there
 * is no such process on this host, as with a virtual machine.
 */
export function networkFigures(pid: number): NetworkFigures {
  const interfaces = readIfThere(`/proc/${pid}/net/dev`).split("\n")
    .flatMap((line) => {
      const [name, figures] = line.split(":");
      if (figures === undefined || name?.trim() === "lo") return [];
      return [figures.trim().split(/\s+/).map(Number)];
    });
  const sum = (column: number) =>
    interfaces.reduce((total, figures) => total + (figures[column] ?? 0), 0);
  return {
    networkReceivedBytes: sum(COLUMN.received),
    networkSentBytes: sum(COLUMN.sent),
  };
}

function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
