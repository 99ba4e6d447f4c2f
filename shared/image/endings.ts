import { extname } from "node:path";

const PICTURE_ENDINGS = new Set([
  ...[".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp"],
  ...[".tif", ".tiff", ".avif", ".pgm", ".ppm", ".pnm"],
]);

const VIDEO_ENDINGS = new Set([
  ".mp4",
  ".mov",
  ".avi",
  ".mkv",
  ".webm",
  ".m4v",
  ".mpg",
  ".mpeg",
  ".ts",
  ".wmv",
  ".3gp",
]);

/** Whether a file of this name should hold a video. */
export function isVideoName(name: string): boolean {
  return VIDEO_ENDINGS.has(extname(name).toLowerCase());
}

/** Whether a file of this name should hold a picture that `decodePicture` reads. Hidden files do not count. */
export function isPictureName(name: string): boolean {
  return !name.startsWith(".") && PICTURE_ENDINGS.has(extname(name).toLowerCase());
}
