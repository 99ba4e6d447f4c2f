import { readdirSync, readFileSync } from "node:fs";

/** Clock ticks a second in /proc: 100 on every Linux that is in use. */
const TICKS_PER_SECOND = 100;

/** Processor seconds, user and system, that a process and all below it have used, those that ended included. */
export function treeCpuSeconds(pid: number): number {
  const children = new Map<number, number[]>();
  const seconds = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const text = readFileSync(`/proc/${name}/stat`, "latin1");
      // The program's name stands in brackets and may hold anything.
      const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
      const parent = Number(fields[1]);
      const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
      seconds.set(Number(name), ticks / TICKS_PER_SECOND);
    } catch {
      // It ended meanwhile.
    }
  }
  const sum = (id: number): number =>
    (children.get(id) ?? []).reduce((total, child) => total + sum(child), seconds.get(id) ?? 0);
  return sum(pid);
}
