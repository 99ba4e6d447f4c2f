import { Authenticator, DigestGuard, parseChallenges } from "../../../shared/rtsp/auth.ts";
import { h264Depacketizer } from "../../../shared/rtsp/h264.ts";
import { h265Depacketizer } from "../../../shared/rtsp/h265.ts";
import { chooseVideo, formatSdp, parseSdp } from "../../../shared/rtsp/sdp.ts";
import { RtspSplitter } from "../../../shared/rtsp/splitter.ts";
import { parseTransports } from "../../../shared/rtsp/transport.ts";
import { controlBase, controlUri, parseRtspUrl } from "../../../shared/rtsp/url.ts";
import { H264_SDP } from "../../shared/rtsp/scripted-camera.ts";
import { chunksOf, claim, type FuzzTarget, mutated } from "../target.ts";

const texts = (...lines: string[]) => lines.map((line) => Buffer.from(line, "latin1"));

const STREAMS = texts(
  "OPTIONS rtsp://h/x RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: a\r\n\r\n",
  "SETUP rtsp://h/x/video RTSP/1.0\r\nCSeq: 3\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n",
  "RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: 5\r\nSession: 1;timeout=60\r\n\r\nhello$\0\0\x04abcd",
  '$\0\0\x0c\x80\x60\0\x01\0\0\0\0\0\0\0\x01RTSP/1.0 401 No\nWWW-Authenticate: Digest realm="x"\n\n',
  "$\0\0\x0e\x80\xe0\0\x01\0\0\0\0\0\0\0\x01\x65\x88$\x01\0\x08\x80\xc9\0\x01\0\0\0\x01\r\n$\0\0\x0d\x80",
);

/** Messages and packets of one connection, in whatever chunks they come. */
const stream: FuzzTarget = {
  name: "rtsp-stream",
  refuses: "protocol",
  make: (random) => mutated(random, STREAMS),
  run(input) {
    const splitter = new RtspSplitter((channel) => channel < 2);
    const kinds = new Set<string>();
    let taken = 0;
    for (const chunk of chunksOf(input, 60)) {
      for (const item of splitter.push(chunk)) {
        kinds.add(item.kind);
        if (item.kind === "interleaved") taken += 4 + item.data.length;
        if (item.kind === "request" || item.kind === "response") taken += item.body.length;
        if (item.kind === "resynced") taken += item.skippedBytes;
      }
    }
    claim(taken <= input.length, "no byte is given out twice");
    return [...kinds].sort().join(" ");
  },
};

const DESCRIPTIONS = texts(
  H264_SDP,
  "v=0\r\nm=video 0 RTP/AVP 26\r\na=framesize:26 640-480\r\na=cliprect:0,0,480,640",
  "m=audio 0 RTP/AVP 0\nm=video 0 RTP/AVP 35 96\na=rtpmap:96 H265/90000\na=fmtp:96 sprop-vps=QAEM; sprop-sps=QgEB",
);

const sdp: FuzzTarget = {
  name: "sdp",
  refuses: "input",
  make: (random) => mutated(random, DESCRIPTIONS),
  run(input) {
    const format = chooseVideo(parseSdp(input.toString("latin1")));
    h264Depacketizer(format);
    h265Depacketizer(format);
    // What is passed on to players reads as the same stream.
    const again = chooseVideo(parseSdp(formatSdp("gate", format)));
    claim(again.codec === format.codec && again.payloadType === format.payloadType, "it can be passed on");
    return `${format.codec}${format.size === undefined ? "" : " with its size"}`;
  },
};

const guard = new DigestGuard("r", { user: "u", password: "p" });
const CHALLENGES = texts(
  ...guard.challenges,
  'Basic realm="r", Digest realm=r, nonce=x, stale=true',
  'Digest username="u", realm="r", nonce="1", uri="rtsp://h/", response="0", qop=auth, nc=00000001, cnonce="c"',
);

const login: FuzzTarget = {
  name: "login",
  refuses: "refused",
  make: (random) => mutated(random, CHALLENGES),
  run(input) {
    const text = input.toString("latin1");
    const client = new Authenticator({ user: "u", password: "p" }, () => "c");
    const first = parseChallenges([text])[0]?.scheme ?? "no challenge";
    // A camera that says the same again and again is not answered for ever.
    let answers = 0;
    while (answers < 10 && client.challenged([text])) {
      client.authorization("DESCRIBE", "rtsp://h/");
      answers++;
    }
    claim(!guard.allows(text, "DESCRIBE"), "nobody comes in who does not know the password");
    return `${first}, ${answers} answers`;
  },
};

const ADDRESSES = texts(
  "rtsp://u:p@h:554/a?b=1",
  "rtsps://[fe80::1]:322/x y",
  "RTP/AVP/TCP;unicast;interleaved=0-1,RTP/AVP;client_port=4-5;ssrc=1F",
);

const addresses: FuzzTarget = {
  name: "addresses",
  refuses: "usage",
  make: (random) => mutated(random, ADDRESSES),
  run(input) {
    const text = input.toString("latin1");
    for (const { interleaved, clientPorts, serverPorts } of parseTransports(text)) {
      claim(!interleaved?.some((channel) => channel > 255), "a channel has a byte");
      claim(![clientPorts, serverPorts].flat().some((port) => port! > 65_535), "a port has two bytes");
    }
    controlUri(controlBase("rtsp://h/x", [text]), text);
    const { host, port } = parseRtspUrl(text);
    claim(host !== "" && port > 0, "an address has a host and a port");
    return "an address";
  },
};

export const rtspTargets: readonly FuzzTarget[] = [stream, sdp, login, addresses];
