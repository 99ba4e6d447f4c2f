/** A detection thread that dies of a picture whose first byte is 0, and sees nothing on others. */
import type { PoolReply, PoolRequest } from "../../../shared/detect/pool.ts";

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<PoolRequest>) => {
  const { kind, request } = data;
  if (kind !== "detect") return;
  if (data.jpeg[0] === 0) throw new Error("of a picture");
  const seen = { width: 1, height: 1, loading: 1, detections: [], hasCut: false };
  self.postMessage({ kind: "detected", request, ...seen } satisfies PoolReply);
};
