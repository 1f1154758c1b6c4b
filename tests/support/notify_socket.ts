/** A service manager's end of sd_notify(3): says what it is told. */

export interface NotifySocket extends AsyncDisposable {
  /** For `NOTIFY_SOCKET`. */
  readonly address: string;
  /** Messages until now, their lines joined by spaces. */
  told(): readonly string[];
}

/** Deno has no stable datagram sockets of the unix kind; Perl does. */
const LISTEN = `
use Socket; $| = 1;
my $path = $ARGV[0]; $path =~ s/^@/\\0/;
socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die $!;
bind($s, pack_sockaddr_un($path)) or die $!;
print "bound\\n";
while (defined recv($s, my $m, 4096, 0)) { $m =~ s/\\n/ /g; print "$m\\n"; }
`;

/** @param address a path, or `@name` for one outside the file system */
export async function openNotifySocket(
  address: string,
): Promise<NotifySocket> {
  const process = new Deno.Command("perl", {
    args: ["-e", LISTEN, address],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const lines: string[] = [];
  const { promise: bound, resolve } = Promise.withResolvers<void>();
  const reading = (async () => {
    let rest = "";
    const texts = process.stdout.pipeThrough(new TextDecoderStream());
    for await (const text of texts) {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      lines.push(...parts);
      if (lines.includes("bound")) resolve();
    }
  })();
  await bound;
  return {
    address,
    told: () => lines.filter((line) => line !== "bound"),
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await process.status;
      await reading;
    },
  };
}
