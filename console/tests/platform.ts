/** A real platform for tests: one process with a Postgres of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Answer {
  data: Record<string, any>;
  errors?: unknown[];
}

export class Platform {
  #process: ChildProcess | null = null;

  private constructor(
    readonly program: string,
    readonly directory: string,
    readonly port: number,
  ) {}

  static async start(): Promise<Platform> {
    const program = process.env.CONSOLE_PROGRAM;
    if (!program) throw new Error("CONSOLE_PROGRAM names the program to test");
    const directory = mkdtempSync(join(tmpdir(), "clustergenie-console."));
    // The owner of the private Postgres is another user where we are root.
    chmodSync(directory, 0o711);
    const platform = new Platform(program, directory, await freePort());
    await platform.resume();
    return platform;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The token of the banner, for an admin. */
  get token(): string {
    return (JSON.parse(readFileSync(this.#readyFile, "utf8")) as { token: string }).token;
  }

  get #readyFile(): string {
    return join(this.directory, "ready.json");
  }

  /** Starts the program on its data, and waits until it serves. */
  async resume(): Promise<void> {
    rmSync(this.#readyFile, { force: true });
    this.#process = spawn(
      this.program,
      ["up", "--data", join(this.directory, "data"), "--listen", `127.0.0.1:${this.port}`, "--ready-file", this.#readyFile],
      { stdio: ["ignore", "ignore", process.env.CONSOLE_LOG ? "inherit" : "ignore"] },
    );
    const running = this.#process;
    await until("the platform serves", () => {
      if (running.exitCode !== null) throw new Error("the platform ended; CONSOLE_LOG=1 shows why");
      return existsSync(this.#readyFile);
    });
  }

  /** Ends the program at once, without a chance to say goodbye. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.#end("SIGINT");
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const running = this.#process;
    if (!running || running.exitCode !== null) return;
    running.kill(signal);
    await once(running, "exit");
  }

  async send(query: string, variables: Record<string, unknown> = {}): Promise<Answer> {
    const response = await fetch(`${this.url}/graphql`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json" },
      body: JSON.stringify({ query, variables }),
    });
    const answer = (await response.json()) as Answer;
    if (answer.errors) throw new Error(JSON.stringify(answer.errors));
    return answer;
  }

  /** Provisions a droplet; returns its id. */
  async provision(name: string): Promise<string> {
    const input = { name, size: "s-1vcpu-1gb", region: "nyc3", image: "ubuntu-24-04-x64" };
    const answer = await this.send(
      "mutation ($input: ProvisionDropletInput!) { provisionDroplet(input: $input) { droplet { id } userErrors { message } } }",
      { input },
    );
    return answer.data.provisionDroplet.droplet.id as string;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("a listening server has a port");
  return address.port;
}

/** Waits for a condition, at most a minute. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`it took too long until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
