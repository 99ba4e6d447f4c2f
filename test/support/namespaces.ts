import type { Machine } from "./machines.ts";
import { has } from "./tools.ts";

/** Of a segment: Ethernet 14, IP 20, TCP with its timestamps 32. */
const HEADER_BYTES = 66;

/** Why network namespaces cannot be made here; `undefined` when they can. */
export function namespacesMissing(): string | undefined {
  for (const tool of ["ip", "tc", "unshare"])
    if (!has(tool)) return `${tool} is missing (apt install iproute2)`;
  const { exitCode, stderr } = Bun.spawnSync(["unshare", "--net", "ip", "link", "set", "lo", "up"]);
  return exitCode === 0 ? undefined : `not permitted here: ${stderr.toString().trim()}`;
}

/** A new namespace begins without even loopback. */
export function wakeLoopback(): void {
  run("ip", "link", "set", "lo", "up");
}

/**
 * Machines as network namespaces, each behind a pair of virtual Ethernet ends whose rate is limited both ways. The
 * hub, where the wires and the trainer are, is the namespace of this process: it should be one of its own
 * (`unshare --net`), so that the machine's real network is left alone.
 */
export class Namespaces implements Disposable {
  readonly #names: string[] = [];

  /**
   * A machine with a link of its own.
   *
   * @param megabits rate each way
   */
  add(megabits: number): Machine {
    return this.cell(megabits, 1)[0]!;
  }

  /** Machines that share one link: what any of them sends takes from all, each way. */
  cell(megabits: number, machines: number): Machine[] {
    const index = this.#names.length + 1;
    const name = `vigia-${process.pid}-${index}`;
    const [near, far] = [`vigia${index}a`, `vigia${index}b`];
    run("ip", "netns", "add", name);
    this.#names.push(name);
    run("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", name);
    const inside = ["ip", "netns", "exec", name];
    const host = `10.77.${index}.2`;
    for (let i = 0; i < machines; i++) run("ip", "addr", "add", `10.77.${index}.${101 + i}/24`, "dev", near);
    run(...inside, "ip", "addr", "add", `${host}/24`, "dev", far);
    run("ip", "link", "set", near, "up");
    for (const device of [far, "lo"]) run(...inside, "ip", "link", "set", device, "up");
    // Wires tell peers apart by their ports, so the namespaces must not choose the same ones.
    const ports = `${20_000 + 2000 * index} ${21_999 + 2000 * index}`;
    run(...inside, "sh", "-c", `echo ${ports} > /proc/sys/net/ipv4/ip_local_port_range`);
    const limit = ["root", "tbf", "rate", `${megabits}mbit`, "burst", "256kb", "latency", "50ms"];
    run("tc", "qdisc", "add", "dev", near, ...limit);
    run(...inside, "tc", "qdisc", "add", "dev", far, ...limit);
    return Array.from({ length: machines }, (_, i) => ({
      gate: `10.77.${index}.${101 + i}`,
      host,
      prefix: inside,
    }));
  }

  /**
   * Bytes that all machines have sent so far as Ethernet frames, acknowledgements too, without preambles and checksums.
   * The kernel hands many segments of TCP to the device as one; each but the first has headers that were not counted.
   */
  get frameBytes(): number {
    let total = 0;
    for (const name of this.#names) {
      const files = ["/proc/net/dev", "/proc/net/snmp"];
      const said = run("ip", "netns", "exec", name, "cat", ...files);
      const device = /^ *vigia\d+b:(?: +\d+){8} +(\d+) +(\d+)/m.exec(said)!;
      const segments = /^Tcp: (?:-?\d+ ){10}(\d+)/m.exec(said)!;
      const [bytes, packets] = [Number(device[1]), Number(device[2])];
      total += bytes + HEADER_BYTES * Math.max(0, Number(segments[1]) - packets);
    }
    return total;
  }

  [Symbol.dispose](): void {
    for (const name of this.#names.splice(0)) Bun.spawnSync(["ip", "netns", "del", name]);
  }
}

function run(...command: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString().trim()}`);
  return stdout.toString();
}
