import { expect, test } from "bun:test";
import { Authenticator, DigestGuard, parseChallenges } from "../../../shared/rtsp/auth.ts";
import { parseHead } from "../../../shared/rtsp/message.ts";
import { chooseVideo, formatSdp, parseSdp } from "../../../shared/rtsp/sdp.ts";
import { parseTransport } from "../../../shared/rtsp/transport.ts";
import { movedTo, parseRtspUrl } from "../../../shared/rtsp/url.ts";

test("digest answers are those of the examples in RFC 2617 and RFC 7616", () => {
  const answer = (challenge: string, user: string, password: string, cnonce: string, uri: string) => {
    const auth = new Authenticator({ user, password }, () => cnonce);
    expect(auth.challenged([challenge])).toBe(true);
    return /response="([0-9a-f]+)"/.exec(auth.authorization("GET", uri)!)![1]!;
  };
  const old =
    'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"';
  expect(answer(old, "Mufasa", "Circle Of Life", "0a4f113b", "/dir/index.html")).toBe(
    "6629fae49393a05397450978507c4ef1",
  );
  const sha =
    'Digest realm="http-auth@example.org", qop="auth", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"';
  expect(
    answer(
      sha,
      "Mufasa",
      "Circle of Life",
      "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
      "/dir/index.html",
    ),
  ).toBe("753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
});

test("of many challenges the usable ones are kept: digest in its order, then basic", () => {
  const kinds = parseChallenges([
    "Negotiate",
    'Basic realm="a, Digest b"',
    'Digest realm="a", nonce="1", algorithm=SHA-512-256, Digest realm="a", nonce="2", algorithm="SHA-256"',
    'Digest realm="a",nonce="3"',
  ]).map(({ scheme, parameters }) => `${scheme} ${parameters.get("nonce") ?? ""}`.trim());
  expect(kinds).toEqual(["digest 2", "digest 3", "basic"]);
});

test("the server lets in who answers its challenge for this method, and nobody else", () => {
  const guard = new DigestGuard("vigia", { user: "viewer", password: "p" });
  const other = new DigestGuard("vigia", { user: "viewer", password: "p" });
  for (const challenge of guard.challenges) {
    const client = new Authenticator({ user: "viewer", password: "p" });
    client.challenged([challenge]);
    const given = client.authorization("PLAY", "rtsp://h/x")!;
    expect(guard.allows(given, "PLAY")).toBe(true);
    expect(guard.allows(given, "SETUP")).toBe(false);
    expect(other.allows(given, "PLAY")).toBe(false);
    expect(guard.allows(given.replace("viewer", "Viewer"), "PLAY")).toBe(false);
  }
  expect(guard.allows(undefined, "PLAY")).toBe(false);
  expect(guard.allows("Basic dmlld2VyOnA=", "PLAY")).toBe(false);
});

test("addresses are read as people and cameras write them", () => {
  const cases: Record<string, Partial<ReturnType<typeof parseRtspUrl>>> = {
    "rtsp://h": { host: "h", port: 554, user: undefined, requestUri: "rtsp://h" },
    "rtsps://h/x": { port: 322, secure: true },
    "RTSP://u:p@h:8554/a b?c=1&d=@2": {
      user: "u",
      password: "p",
      port: 8554,
      requestUri: "rtsp://h:8554/a%20b?c=1&d=@2",
    },
    "rtsp://u:p@ss:word@h/x": { user: "u", password: "p@ss:word", host: "h" },
    "rtsp://u:a/b#c@h/x": { user: "u", password: "a/b#c", host: "h", requestUri: "rtsp://h/x" },
    "rtsp://u%40x:%25@[fe80::1]:99/": {
      user: "u@x",
      password: "%",
      host: "fe80::1",
      requestUri: "rtsp://[fe80::1]:99/",
    },
    "rtsp://u@h/live@2": { user: "u", password: "", host: "h", requestUri: "rtsp://h/live@2" },
  };
  for (const [text, expected] of Object.entries(cases)) expect(parseRtspUrl(text)).toMatchObject(expected);
  for (const bad of ["http://h/", "rtsp://", "rtsp://h:99999/", "rtsp://h:x/", "rtsp:///x"]) {
    expect(() => parseRtspUrl(bad)).toThrow("no RTSP address");
  }
});

test("user and password go along to another address of the same host, and to no other host", () => {
  const from = parseRtspUrl("rtsp://u:p@cam/x");
  expect(movedTo(from, " rtsp://CAM:8554/y")).toMatchObject({ user: "u", password: "p", port: 8554 });
  expect(movedTo(from, "rtsp://other/y")).toMatchObject({ user: undefined, password: "" });
  expect(movedTo({ ...from, secure: true }, "rtsp://cam/y")).toMatchObject({ user: undefined });
  expect(movedTo(from, "rtsp://a:b@other/y")).toMatchObject({ user: "a", password: "b" });
});

test("a description's video is found with its size, whatever surrounds it", () => {
  const of = (...lines: string[]) => chooseVideo(parseSdp(lines.join("\r\n")));
  expect(of("m=video 0 RTP/AVP 26")).toMatchObject({ codec: "jpeg", payloadType: 26, clockRate: 90_000 });
  expect(of("m=video 0 RTP/AVP 35 96", "a=rtpmap:35 X/1", "a=rtpmap:96 H265/90000")).toMatchObject({
    codec: "h265",
  });
  expect(of("a=control:all", "m=video 0 RTP/AVP 26").control).toBe("all");
  expect(of("m=video 0 RTP/AVP 26", "a=x-dimensions: 2560, 1440").size).toEqual({
    width: 2560,
    height: 1440,
  });
  expect(of("m=video 0 RTP/AVP 26", "a=framesize:26 2592-1944").size).toEqual({ width: 2592, height: 1944 });
  expect(of("m=video 0 RTP/AVP 26", "a=cliprect:0,0,1520,2688").size).toEqual({ width: 2688, height: 1520 });
  expect(
    of(
      "m=video 0 RTP/AVP 96",
      "a=rtpmap:96 H264",
      "a=fmtp:96 profile-level-id=42; Sprop-Parameter-Sets = Zw==,aA==;",
    ).parameters.get("sprop-parameter-sets"),
  ).toBe("Zw==,aA==");
  expect(() => of("m=audio 0 RTP/AVP 0", "m=video 0 RTP/AVP 96", "a=rtpmap:96 MPV4-ES/90000")).toThrow(
    "offers MPV4-ES",
  );
});

test("a description that we write is read as it was meant, and nothing can be slipped into it", () => {
  const stream = {
    payloadType: 97,
    encoding: "H264",
    clockRate: 90_000,
    fmtp: "a=b;c=d\r\nm=evil",
    size: { width: 10, height: 20 },
  };
  const video = chooseVideo(parseSdp(formatSdp("gate\r\na=x", stream)));
  expect(video).toMatchObject({
    codec: "h264",
    payloadType: 97,
    control: "video",
    size: { width: 10, height: 20 },
  });
  expect(parseSdp(formatSdp("gate", stream)).media.length).toBe(1);
});

test("transports are read as far as they make sense", () => {
  expect(parseTransport("RTP/AVP/TCP;unicast;interleaved=2-3;ssrc=DEADBEEF;mode=play")).toMatchObject({
    protocol: "tcp",
    interleaved: [2, 3],
    ssrc: 0xdeadbeef,
  });
  expect(parseTransport("RTP/AVP; client_port=5000 ;server_port=99999-100000;source=10.0.0.2")).toMatchObject(
    {
      protocol: "udp",
      clientPorts: [5000, 5001],
      serverPorts: undefined,
      source: "10.0.0.2",
    },
  );
  // Sending to port 0 is an error, which a player must not bring about in a camera's stream.
  expect(parseTransport("RTP/AVP;client_port=0-1;server_port=6000-0")).toMatchObject({
    clientPorts: undefined,
    serverPorts: undefined,
  });
});

test("a field that goes on in the next line is read as one", () => {
  const { headers } = parseHead(
    'RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm="a",\r\n  nonce="b"\r\nCSeq: 1',
  );
  expect(headers.get("www-authenticate")).toBe('Digest realm="a", nonce="b"');
  expect(headers.get("cseq")).toBe("1");
});
