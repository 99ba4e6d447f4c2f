/** A tester at this node: which cameras it is to watch. */
export interface Seat extends Disposable {
  has(camera: string): boolean;
}

interface SeatState {
  readonly tester: string;
  readonly cameras: Set<string>;
  readonly onChange: () => void;
}

/**
 * Gives each camera to one tester: to the one with the fewest, and of those by chance that is the same for a camera
 * and a tester everywhere, so that several video nodes do not all choose the same. A tester that comes takes over as few
 * cameras as even shares need; those of one that goes are given to the others at once.
 */
export class Seats {
  readonly #cameras: readonly string[];
  readonly #shared: ReadonlySet<string>;
  readonly #seats = new Set<SeatState>();

  /** @param shared cameras that every tester watches */
  constructor(cameras: readonly string[], shared: ReadonlySet<string>) {
    this.#cameras = cameras.filter((camera) => !shared.has(camera));
    this.#shared = shared;
  }

  /**
   * @param tester its node's number
   * @param onChange called when its cameras have changed, but not for those it has from the start
   */
  join(tester: string, onChange: () => void): Seat {
    const seat = { tester, cameras: new Set<string>(), onChange };
    this.#seats.add(seat);
    for (const other of this.#rebalance()) if (other !== seat) other.onChange();
    return {
      has: (camera) => this.#shared.has(camera) || seat.cameras.has(camera),
      [Symbol.dispose]: () => {
        this.#seats.delete(seat);
        for (const other of this.#rebalance()) other.onChange();
      },
    };
  }

  /** @returns the seats whose cameras have changed */
  #rebalance(): Set<SeatState> {
    const changed = new Set<SeatState>();
    const seats = [...this.#seats];
    if (seats.length === 0) return changed;
    const give = (camera: string, to: SeatState): void => {
      to.cameras.add(camera);
      changed.add(to);
    };
    const taken = new Set(seats.flatMap(({ cameras }) => [...cameras]));
    for (const camera of this.#cameras) if (!taken.has(camera)) give(camera, idlest(seats, camera));
    for (;;) {
      const busiest = seats.reduce((a, b) => (b.cameras.size > a.cameras.size ? b : a));
      const camera = [...busiest.cameras].at(-1);
      if (camera === undefined) return changed;
      const to = idlest(seats, camera);
      if (busiest.cameras.size - to.cameras.size <= 1) return changed;
      busiest.cameras.delete(camera);
      changed.add(busiest);
      give(camera, to);
    }
  }
}

function idlest(seats: readonly SeatState[], camera: string): SeatState {
  const rank = ({ tester }: SeatState) => Bun.hash(`${camera} ${tester}`);
  return seats.reduce((a, b) => {
    if (a.cameras.size !== b.cameras.size) return b.cameras.size < a.cameras.size ? b : a;
    return rank(b) > rank(a) ? b : a;
  });
}
