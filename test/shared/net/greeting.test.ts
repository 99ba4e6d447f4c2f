import { expect, test } from "bun:test";
import { type AppError, errorKind } from "../../../shared/base/errors.ts";
import { Random } from "../../../shared/base/random.ts";
import { VERSION } from "../../../shared/base/version.ts";
import { Greeting, type GreetingOptions } from "../../../shared/net/greeting.ts";
import { siteOf } from "../../../shared/net/site.ts";
import { Hello, Introduction, Proof } from "../../../shared/wire/messages/greeting.ts";
import { KEY, Note, OTHER_KEY } from "./support.ts";

const FINGERPRINT = Buffer.alloc(32, 5);

function end(side: "client" | "server", more: Partial<GreetingOptions> = {}): Greeting {
  const [role, wanted] =
    side === "client" ? (["worker", "trainer"] as const) : (["trainer", "worker"] as const);
  return new Greeting({
    side,
    site: siteOf(KEY, `${side}'s name`),
    role,
    wanted: [wanted],
    listenPort: side === "client" ? 4000 : 7700,
    fingerprint: () => FINGERPRINT,
    peerText: side === "client" ? "server:7700" : "client:9999",
    ...more,
  });
}

/** Lets both ends talk until one has nothing to say; the error of each that threw. */
function talk(client: Greeting, server: Greeting): { client?: unknown; server?: unknown } {
  const errors: { client?: unknown; server?: unknown } = {};
  let toServer = [...client.start()];
  let toClient: Buffer[] = [];
  const deliver = (to: Greeting, name: "client" | "server", bodies: Buffer[]): Buffer[] => {
    const answers: Buffer[] = [];
    for (const body of bodies) {
      if (errors[name] !== undefined) break;
      try {
        answers.push(...to.receive(body));
      } catch (error) {
        errors[name] = error;
        if (to.refusal !== undefined) answers.push(to.refusal);
      }
    }
    return answers;
  };
  while (toServer.length + toClient.length > 0) {
    toClient = deliver(server, "server", toServer);
    toServer = deliver(client, "client", toClient);
    toClient = [];
  }
  return errors;
}

test("two ends of one site learn who the other is", () => {
  const client = end("client");
  const server = end("server");
  expect(talk(client, server)).toEqual({});
  expect(client.isDone && server.isDone).toBe(true);
  expect(server.peer).toMatchObject({ role: "worker", name: "client's name", listenPort: 4000 });
  expect(client.peer).toMatchObject({ role: "trainer", name: "server's name", listenPort: 7700 });
});

test("another site key is refused, and both ends say so", () => {
  const errors = talk(end("client", { site: siteOf(OTHER_KEY, "stranger") }), end("server"));
  for (const error of [errors.client, errors.server]) {
    expect(error).toMatchObject({ kind: "refused", message: expect.stringContaining("site key differs") });
  }
  expect((errors.client as AppError).hint).toContain("--token");
});

test("another version is refused, and both ends name both versions", () => {
  const errors = talk(end("client", { version: "1.2.9" }), end("server", { version: "1.3.0" }));
  for (const error of [errors.client, errors.server]) {
    expect(error).toMatchObject({ kind: "refused", message: expect.stringMatching(/1\.[23].*1\.[23]/) });
  }
});

test("a later patch of the same version is taken", () => {
  expect(talk(end("client", { version: "1.2.9" }), end("server", { version: "1.2.0" }))).toEqual({});
});

test("a role that is not wanted is refused by either end", () => {
  const byServer = talk(end("client", { role: "watcher" }), end("server"));
  expect(byServer.client).toMatchObject({
    kind: "refused",
    message: expect.stringContaining("no link from a watcher"),
  });
  expect(byServer.server).toMatchObject({
    kind: "refused",
    message: expect.stringContaining("expected a worker"),
  });
  const byClient = talk(end("client", { wanted: ["tester"] }), end("server"));
  expect(byClient.client).toMatchObject({
    kind: "refused",
    message: expect.stringContaining("expected a tester"),
  });
  expect(byClient.server).toMatchObject({ kind: "refused" });
});

test("a proof is good only for the certificate that both ends saw", () => {
  const errors = talk(end("client", { fingerprint: () => Buffer.alloc(32, 6) }), end("server"));
  expect(errors.server).toMatchObject({ kind: "refused" });
});

test("a server that does not know the key cannot pass for one that does", () => {
  const client = end("client");
  const impostor = end("server", { site: siteOf(OTHER_KEY, "impostor") });
  const [hello, introduction] = client.start();
  impostor.receive(hello!);
  const said = impostor.receive(introduction!);
  const [theirProof] = said.flatMap((body) => client.receive(body));
  // Forged: sent back, made up, and of the wrong size.
  for (const mac of [Proof.decode(theirProof!).mac, Buffer.alloc(32), Buffer.alloc(0)]) {
    expect(() => client.receive(Proof.encode({ mac }))).toThrow("site key differs");
    expect(client.isDone).toBe(false);
  }
});

test("a proof recorded on one link is worth nothing on the next", () => {
  const client = end("client");
  const first = end("server");
  const [hello, introduction] = client.start();
  first.receive(hello!);
  const [proof] = first.receive(introduction!).flatMap((body) => client.receive(body));
  const second = end("server");
  second.receive(hello!);
  second.receive(introduction!);
  expect(() => second.receive(proof!)).toThrow("site key differs");
});

test("nothing but a greeting is taken before the proof", () => {
  const hello = Hello.encode({ program: "vigia", version: VERSION });
  for (const heard of [[], [hello]]) {
    const server = end("server");
    for (const body of heard) expect(server.receive(body)).toEqual([]);
    expect(() => server.receive(Note.encode({ words: "hi" }))).toThrow("Note came");
  }
  expect(() => end("server").receive(Hello.encode({ program: "other", version: VERSION }))).toThrow(
    "not Vigía",
  );
});

test("names that would disturb a terminal arrive without what disturbs", () => {
  const client = end("client", { site: siteOf(KEY, "\u001b[2Jevil\nname") });
  const server = end("server");
  talk(client, server);
  expect(server.peer?.name).toBe("[2Jevilname");
});

test("no mutation of a greeting is proved, and none does more than refuse", () => {
  const random = new Random("greeting mutations");
  for (let i = 0; i < 300; i++) {
    const client = end("client");
    const server = end("server");
    const damage = random.below(3);
    let at = 0;
    const errors: unknown[] = [];
    const sendTo = (to: Greeting, body: Buffer): readonly Buffer[] => {
      const copy = Buffer.from(body);
      if (at++ === damage) copy[random.below(copy.length)]! ^= 1 << random.below(8);
      try {
        return to.receive(copy);
      } catch (error) {
        errors.push(error);
        return [];
      }
    };
    const said = client.start().flatMap((body) => sendTo(server, body));
    const proofs = said.flatMap((body) => sendTo(client, body));
    proofs.flatMap((body) => sendTo(server, body));
    for (const error of errors) expect(["protocol", "refused"]).toContain(errorKind(error));
    // A version's patch number may change unnoticed by the rules, but not by the proof.
    expect(server.isDone).toBe(false);
  }
});

test("malformed identities are refused", () => {
  const server = end("server");
  server.receive(Hello.encode({ program: "vigia", version: VERSION }));
  const plain = {
    role: "worker" as const,
    name: "x",
    nodeId: "0123456789abcdef",
    nonce: Buffer.alloc(32),
    listenPort: 0,
  };
  expect(() => server.receive(Introduction.encode({ ...plain, nodeId: "../../etc" }))).toThrow("node id");
  expect(() => server.receive(Introduction.encode({ ...plain, nonce: Buffer.alloc(8) }))).toThrow("nonce");
});
