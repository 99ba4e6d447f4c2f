import type { Random } from "../../../shared/base/random.ts";
import { GIVING_FAULTS, type GivingFault } from "./simulated-state.ts";
import type { SimulatedWorker } from "./simulated-worker.ts";
import type { VirtualNetwork } from "./virtual-network.ts";

/** The simulated world as far as faults strike it. */
export interface FaultyWorld {
  readonly random: Random;
  readonly net: VirtualNetwork;
  readonly alive: readonly SimulatedWorker[];
  spawn(): void;
  kill(worker: SimulatedWorker): void;
  /** The trainer is started again. */
  restart(): void;
  /** This befalls whoever gives state next. */
  armGiving(fault: GivingFault): void;
}

/** Something happens, drawn at random: mostly bad, sometimes a newcomer. */
export function strike({ random, net, alive, ...world }: FaultyWorld): void {
  const kind = random.below(9);
  if (kind === 0 || alive.length < 2) {
    world.spawn();
    return;
  }
  const victim = random.pick(alive);
  const other = random.pick(alive);
  if (kind === 1) world.kill(victim);
  else if (kind === 2) victim.frozenUntilMs = net.nowMs + random.between(100, 4000);
  else if (kind === 3) net.cut(victim.id, other.id, random.between(100, 5000));
  else if (kind === 4) victim.unpluggedUntilMs = net.nowMs + random.between(100, 4000);
  else if (kind === 5) world.restart();
  else if (kind === 6) {
    world.spawn();
    world.kill(victim);
  } else {
    world.armGiving(random.pick(GIVING_FAULTS));
    world.spawn();
  }
}
