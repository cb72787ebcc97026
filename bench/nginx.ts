/** nginx on loopback, where it is installed: a server that is never what a client waits for. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** The path of nginx, if it is there. Debian puts it where the path of a user does not lead. */
export function findNginx(): string | undefined {
  return ["nginx", "/usr/sbin/nginx"].find((name) => spawnSync(name, ["-v"]).status === 0);
}

const configOf = (folder: string, port: number, bodyBytes: number): string => `
daemon off;
worker_processes 1;
pid ${folder}/pid;
error_log /dev/null crit;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path ${folder};
  proxy_temp_path ${folder};
  fastcgi_temp_path ${folder};
  uwsgi_temp_path ${folder};
  scgi_temp_path ${folder};
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { default_type text/plain; return 200 "${"x".repeat(bodyBytes)}"; }
  }
}
`;

/** Starts it, with one worker. Each request is answered with `bodyBytes` bytes. */
export async function startNginx(nginx: string, bodyBytes: number): Promise<{ readonly origin: string } & Disposable> {
  const folder = mkdtempSync(join(tmpdir(), "taskwright-nginx-"));
  const port = await freePort();
  const config = join(folder, "nginx.conf");
  writeFileSync(config, configOf(folder, port, bodyBytes));
  const child = spawn(nginx, ["-e", "/dev/null", "-p", folder, "-c", config], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`nginx ended with code ${child.exitCode}`);
    await delay(20);
  }
  return {
    origin: `http://127.0.0.1:${port}`,
    [Symbol.dispose]: () => {
      child.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
