import { login } from "../../app/login.ts";
import { failedPrecondition, invalidArgument } from "../../base/errors.ts";
import type { Invocation } from "../command.ts";
import { askSecret } from "../ask_secret.ts";
import { readLine } from "../read_line.ts";
import { registryTrust } from "../registry_trust.ts";

/** `coracle login [SERVER]` */
export async function run(inv: Invocation): Promise<number> {
  const [server = ""] = inv.args;
  const { flags } = inv;
  const username = flags.string("username");
  const fromStdin = flags.boolean("password-stdin");
  if (fromStdin && username === undefined) {
    throw invalidArgument("Cannot use --password-stdin without --username");
  }
  const password = flags.string("password");
  if (fromStdin && password !== undefined) {
    throw invalidArgument("Cannot use --password and --password-stdin at once");
  }
  if (password !== undefined) {
    inv.stderr.line(
      "WARNING! Using --password is insecure: other users can see it. " +
        "Use --password-stdin",
    );
  }
  const result = await login(inv.ctx, inv.env, {
    server,
    username: username ?? await ask(inv, "Username: "),
    password: password ??
      (fromStdin ? await passwordFromStdin(inv) : await askPassword(inv)),
    trust: registryTrust(flags),
  });
  if (result.checked === "none") {
    inv.stderr.line(
      `WARNING! ${result.server} lets everybody in: nothing was checked`,
    );
  }
  inv.stderr.line(`Credentials are kept in ${result.storedIn}`);
  inv.stdout.line("Login Succeeded");
  return 0;
}

async function passwordFromStdin(inv: Invocation): Promise<string> {
  const text = await new Response(inv.stdin.readable).text();
  return text.replace(/\r?\n$/, "");
}

async function ask(inv: Invocation, question: string): Promise<string> {
  requireTerminal(inv);
  inv.stderr.write(question);
  return (await readLine(inv.stdin.readable))?.trim() ?? "";
}

async function askPassword(inv: Invocation): Promise<string> {
  requireTerminal(inv);
  return await askSecret("Password: ", inv.stderr);
}

function requireTerminal(inv: Invocation): void {
  if (inv.stdin.isTerminal) return;
  throw failedPrecondition("Cannot ask for a password: there is no terminal", {
    hint: "Use --username and --password-stdin",
  });
}
