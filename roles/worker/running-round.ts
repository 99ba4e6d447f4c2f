import { AppError } from "../../shared/base/errors.ts";
import { deferred, onAbort, throwIfAborted } from "../../shared/base/wait.ts";
import type { OwnRule, Replica } from "../../shared/training/replica.ts";
import { RingRound } from "../../shared/training/ring-round.ts";
import type { MessageOf } from "../../shared/wire/message.ts";
import type { RingNumbers, RunRound } from "../../shared/wire/messages/training.ts";

type Numbers = MessageOf<typeof RingNumbers>;

/**
 * One round of one member between the sockets and the ring's logic. Numbers may arrive before this member has
 * computed its own; they wait here, at most twice the vector.
 */
export class RunningRound {
  readonly round: number;
  readonly #count: number;
  readonly #self: number;
  readonly #replica: Replica;
  readonly #send: (numbers: Numbers) => void;
  readonly #done = deferred();
  #ring: RingRound | undefined;
  #early: Numbers[] = [];
  #earlyBytes = 0;

  constructor(options: {
    round: number;
    count: number;
    self: number;
    replica: Replica;
    send: (numbers: Numbers) => void;
  }) {
    this.round = options.round;
    this.#count = options.count;
    this.#self = options.self;
    this.#replica = options.replica;
    this.#send = options.send;
  }

  /** Takes numbers from the previous member. Throws `protocol` when they are not what must come. */
  receive(numbers: Numbers): void {
    if (this.#ring !== undefined) {
      this.#ring.receive(numbers);
      this.#settle();
      return;
    }
    this.#earlyBytes += numbers.bytes.length;
    if (this.#earlyBytes > 2 * this.#replica.weights.byteLength) {
      throw new AppError("protocol", "more numbers came than a round has");
    }
    // A copy: `slice` of a Buffer would be a view, of memory that is given back.
    this.#early.push({ ...numbers, bytes: new Uint8Array(numbers.bytes) });
  }

  /**
   * Averages `sum` round the ring and gathers the new weights; resolves when the replica's `next` is whole.
   *
   * @param sum this member's share of the mean gradient, or of the mean move where it stepped by itself; becomes scratch
   * @param own what it stepped with
   */
  async average(
    sum: Float32Array,
    { progress, format, steps }: Pick<MessageOf<typeof RunRound>, "progress" | "format" | "steps">,
    own: OwnRule | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    throwIfAborted(signal, "the ring is over");
    using _abort = onAbort(signal, () => this.#done.reject(signal.reason));
    const replica = this.#replica;
    const ring = new RingRound({
      count: this.#count,
      self: this.#self,
      sum,
      weights: replica.weights,
      next: replica.next,
      update: (mean) => {
        if (steps === 1) replica.update(mean, progress, format);
        else replica.merge(mean, steps, own, format);
      },
      send: (piece) => this.#send({ round: this.round, ...piece }),
      format,
      unsaid: format === "float32" ? undefined : replica.unsaid(steps === 1 ? "gradient" : "move"),
    });
    this.#ring = ring;
    ring.start();
    for (const numbers of this.#early.splice(0)) ring.receive(numbers);
    this.#earlyBytes = 0;
    this.#settle();
    await this.#done.promise;
  }

  #settle(): void {
    if (this.#ring?.complete === true) this.#done.resolve();
  }
}
