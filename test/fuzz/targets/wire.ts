import { readdirSync } from "node:fs";
import { join } from "node:path";
import { AppError, errorLine } from "../../../shared/base/errors.ts";
import type { Random } from "../../../shared/base/random.ts";
import { VERSION } from "../../../shared/base/version.ts";
import { Greeting } from "../../../shared/net/greeting.ts";
import { siteOf } from "../../../shared/net/site.ts";
import { type MessageKind, messageName, messageTag } from "../../../shared/wire/message.ts";
import { Hello } from "../../../shared/wire/messages/greeting.ts";
import { envelope, MessageSplitter } from "../../../shared/wire/split.ts";
import { chunksOf, claim, type FuzzTarget, joinParts, mutated, noise, partsOf } from "../target.ts";

/** Every kind of message that the program declares, by tag. */
const folder = join(import.meta.dir, "../../../shared/wire/messages");
const modules = await Promise.all(readdirSync(folder).map((file) => import(join(folder, file))));
export const MESSAGE_KINDS: ReadonlyMap<number, MessageKind<unknown>> = new Map(
  modules
    .flatMap((module) => Object.values(module as Record<string, unknown>))
    .filter(
      (value): value is MessageKind<unknown> => value instanceof Object && "tag" in value && "pack" in value,
    )
    .map((kind) => [kind.tag, kind]),
);
const kinds = [...MESSAGE_KINDS.values()];

/** Bytes after a tag that mostly look like small counts, lengths and text, so that they get far into a decoder. */
function plausible(random: Random, tag: number, sizeBytes: number): Buffer {
  const body = Buffer.alloc(2 + sizeBytes);
  body.writeUInt16LE(tag);
  for (let i = 2; i < body.length; i++) {
    const bits = random.u32();
    const [dice, value] = [bits & 0xff, bits >>> 24];
    body[i] = dice < 150 ? 0 : dice < 204 ? value & 7 : dice < 230 ? 97 + (value % 26) : value;
  }
  return body;
}

/** A body of this kind that is sound, where luck finds one: what a decoder leaves over of a long one is cut off. */
function sound(random: Random, kind: MessageKind<unknown>): Buffer | undefined {
  for (let tries = 0; tries < 4; tries++) {
    const body = plausible(random, kind.tag, 400);
    try {
      kind.decode(body);
      return body;
    } catch (error) {
      const left = /(\d+) B left over/.exec(errorLine(error))?.[1];
      if (left !== undefined) return body.subarray(0, body.length - Number(left));
    }
  }
  return undefined;
}

/** Seventy kinds, most of them small, stand behind one name. */
const MESSAGES_SHARE = 10;

const messages: FuzzTarget = {
  name: "wire-messages",
  refuses: "protocol",
  share: MESSAGES_SHARE,
  make(random) {
    const kind = random.pick(kinds);
    const body = random.chance(0.8) ? sound(random, kind) : undefined;
    if (body === undefined) return plausible(random, kind.tag, random.below(200));
    return random.chance(0.3) ? body : mutated(random, [body]);
  },
  run(input) {
    const kind = MESSAGE_KINDS.get(messageTag(input));
    if (kind === undefined) return "no such tag";
    const again = kind.encode(kind.decode(input));
    // As bytes, since not every NaN equals itself.
    claim(kind.encode(kind.decode(again)).equals(again), "what was taken is carried");
    return messageName(kind.tag);
  },
};

const MESSAGE_BYTES_MAX = 64;

/** Messages cut out of a stream of bytes: the same ones, whatever the chunks. */
const framing: FuzzTarget = {
  name: "wire-framing",
  refuses: "protocol",
  make(random) {
    const bodies = Array.from({ length: 1 + random.below(8) }, () =>
      envelope(Buffer.alloc(2 + random.below(62), 7)),
    );
    return random.chance(0.3) ? Buffer.concat(bodies) : mutated(random, [Buffer.concat(bodies)]);
  },
  run(input) {
    const [whole, refused] = cut([input]);
    const [pieces, alsoRefused] = cut(chunksOf(input, 9));
    claim(refused === alsoRefused && Bun.deepEquals(whole, pieces), "chunks make no difference");
    claim(
      whole.every(({ length }) => length >= 2 && length <= MESSAGE_BYTES_MAX),
      "a message is within bounds",
    );
    return `${whole.length} messages${refused ? ", then refused" : ""}`;
  },
};

function cut(chunks: Iterable<Buffer>): [messages: Buffer[], refused: boolean] {
  const splitter = new MessageSplitter(MESSAGE_BYTES_MAX);
  const found: Buffer[] = [];
  try {
    for (const chunk of chunks) for (const body of splitter.push(chunk)) found.push(Buffer.from(body));
  } catch (error) {
    if (!(error instanceof AppError) || error.kind !== "protocol") throw error;
    return [found, true];
  }
  return [found, false];
}

const FINGERPRINT = Buffer.alloc(32, 5);
const sites = { client: siteOf(Buffer.alloc(16, 1), "c"), server: siteOf(Buffer.alloc(16, 1), "s") };

function end(side: "client" | "server"): Greeting {
  const [role, wanted] =
    side === "client" ? (["worker", "trainer"] as const) : (["trainer", "worker"] as const);
  const fingerprint = () => FINGERPRINT;
  return new Greeting({
    side,
    site: sites[side],
    role,
    wanted: [wanted],
    listenPort: 1,
    fingerprint,
    peerText: side,
  });
}

const STEPS = { pass: 0, flip: 1, drop: 2, twice: 3, replay: 4, cut: 5, other: 6 } as const;

/**
 * The first words of a link with somebody in the middle, who lets pass, changes, drops, doubles, replays or adds. Each
 * part of the input is what he does with the next message. Who has heard anything but the other's own words is not
 * convinced.
 */
const greeting: FuzzTarget = {
  name: "greeting",
  refuses: "protocol",
  make(random) {
    const hello = Hello.encode({ program: "vigia", version: VERSION });
    const steps = Array.from({ length: 1 + random.below(8) }, () => {
      const step = random.chance(0.6) ? STEPS.pass : random.below(7);
      const more = random.chance(0.3) ? mutated(random, [hello]) : noise(random, 40);
      return Buffer.concat([Buffer.from([step, random.below(256), 1 << random.below(8)]), more]);
    });
    return joinParts(steps);
  },
  run(input) {
    const steps = partsOf(input);
    const ends = { client: end("client"), server: end("server") };
    const said: Record<Side, Buffer[]> = { client: [], server: [] };
    const heard: Record<Side, Buffer[]> = { client: [], server: [] };
    const refused = new Set<Side>();
    const queue: { to: Side; body: Buffer }[] = [];
    const say = (from: Side, bodies: readonly Buffer[]) => {
      said[from].push(...bodies);
      queue.push(...bodies.map((body) => ({ to: other(from), body })));
    };
    say("client", ends.client.start());
    for (let turn = 0; queue.length > 0 && turn < 50; turn++) {
      const { to, body } = queue.shift()!;
      for (const delivered of meddled(body, steps[turn], [...said.client, ...said.server])) {
        if (refused.has(to) || ends[to].isDone) break;
        try {
          heard[to].push(delivered);
          say(to, ends[to].receive(delivered));
        } catch (error) {
          if (!(error instanceof AppError) || (error.kind !== "protocol" && error.kind !== "refused"))
            throw error;
          refused.add(to);
          const refusal = ends[to].refusal;
          if (refusal !== undefined) queue.push({ to: other(to), body: refusal });
        }
      }
    }
    for (const side of ["client", "server"] as const) {
      const isTrue = Bun.deepEquals(heard[side], said[other(side)].slice(0, heard[side].length));
      claim(!ends[side].isDone || isTrue, `the ${side} is convinced by the other's own words alone`);
    }
    const done = (["client", "server"] as const).filter((side) => ends[side].isDone);
    return `done: ${done.join(" ")}; refused: ${[...refused].sort().join(" ")}`;
  },
};

type Side = "client" | "server";
const other = (side: Side): Side => (side === "client" ? "server" : "client");

/** What becomes of a message. */
function meddled(body: Buffer, step: Buffer | undefined, all: readonly Buffer[]): readonly Buffer[] {
  const [kind = STEPS.pass, place = 0, bits = 0] = step ?? [];
  const copy = Buffer.from(body);
  switch (kind) {
    case STEPS.flip:
      copy[place % copy.length]! ^= bits;
      return [copy];
    case STEPS.drop:
      return [];
    case STEPS.twice:
      return [body, body];
    case STEPS.replay:
      return [all[place % all.length]!];
    case STEPS.cut:
      return [copy.subarray(0, Math.max(2, place % copy.length))];
    case STEPS.other:
      return [Buffer.from(step!.subarray(3))];
    default:
      return [body];
  }
}

export const wireTargets: readonly FuzzTarget[] = [messages, framing, greeting];
