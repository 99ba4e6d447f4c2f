/**
 * Cameras for the benchmark, as a process of their own, whose work is not counted: pictures coded beforehand are sent
 * at their pace. Arguments: frames a second, then a file for each camera. Writes its port, then for each camera a line
 * `NAME WALL_MS` each time that its file begins anew.
 */
import { silentLog } from "../../shared/base/log.ts";
import { StreamPublication } from "../../shared/rtsp/publication.ts";
import { RtspServer } from "../../shared/rtsp/server.ts";
import { pictureAt, readH264File } from "../support/h264-file.ts";

const [rate = "10", ...paths] = process.argv.slice(2);
const framesPerSecond = Number(rate);
const files = new Map(paths.map((path) => [path, readH264File(path)]));
const cameras = paths.map((path, number) => {
  const file = files.get(path)!;
  const publication = new StreamPublication();
  publication.open(file.format);
  // Cameras are not in step with each other.
  const phase = Math.floor((number * file.pictures.length) / paths.length);
  return { name: `camera${number}`, file, publication, phase };
});
const streams = new Map(cameras.map(({ name, publication }) => [name, publication]));
const viewer = { user: "viewer", password: "" };
const server = new RtspServer({ host: "127.0.0.1", port: 0, streams, viewer, log: silentLog });
process.stdout.write(`${server.port}\n`);

const startMs = performance.now();
for (const [number, camera] of cameras.entries()) {
  const offsetMs = (number * 1000) / framesPerSecond / cameras.length;
  const send = (count: number): void => {
    const place = count + camera.phase;
    if (place % camera.file.pictures.length === 0) process.stdout.write(`${camera.name} ${Date.now()}\n`);
    camera.publication.push(pictureAt(camera.file, place, framesPerSecond));
    const nextMs = startMs + offsetMs + ((count + 1) * 1000) / framesPerSecond;
    setTimeout(() => send(count + 1), Math.max(0, nextMs - performance.now()));
  };
  setTimeout(() => send(0), offsetMs);
}
// Ends with whoever started it.
for await (const _ of Bun.stdin.stream());
process.exit();
