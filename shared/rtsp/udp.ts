import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { AppError } from "../base/errors.ts";

/** Packets arrive in bursts (a key frame is hundreds); the kernel keeps this much of them. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
const PORT_TRIES = 50;

/** Two UDP ports in a row, the first one even: for RTP and RTCP (RFC 3550 section 11). */
export interface PortPair extends Disposable {
  readonly rtp: Socket;
  readonly rtcp: Socket;
  readonly ports: readonly [number, number];
}

/** @param host to listen on; its family decides between IPv4 and IPv6 */
export async function openPortPair(host: string): Promise<PortPair> {
  const family = isIPv6(host) ? "udp6" : "udp4";
  for (let tries = 0; tries < PORT_TRIES; tries++) {
    const rtp = await bound(family, host, 0);
    const port = rtp.address().port;
    if (port % 2 === 0) {
      try {
        const rtcp = await bound(family, host, port + 1);
        return {
          rtp,
          rtcp,
          ports: [port, port + 1],
          [Symbol.dispose]() {
            rtp.close();
            rtcp.close();
          },
        };
      } catch {
        // The odd port is somebody's.
      }
    }
    rtp.close();
  }
  throw new AppError("unavailable", "no two UDP ports in a row are free");
}

function bound(family: "udp4" | "udp6", host: string, port: number): Promise<Socket> {
  const socket = createSocket({ type: family });
  return new Promise((resolve, reject) => {
    socket.once("error", (cause) => {
      socket.close();
      reject(new AppError("unavailable", `no UDP port on ${host}`, { cause }));
    });
    socket.bind(port, host, () => {
      socket.removeAllListeners("error");
      // A peer that has gone answers with "port unreachable"; that is no reason to end the process.
      socket.on("error", () => {});
      try {
        socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
      } catch {
        // The system allows less.
      }
      resolve(socket);
    });
  });
}
