import { extname } from "node:path";

const PICTURE_ENDINGS = new Set([
  ...[".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp"],
  ...[".tif", ".tiff", ".avif", ".pgm", ".ppm", ".pnm"],
]);

/** Whether a file of this name should hold a picture that `decodePicture` reads. Hidden files do not count. */
export function isPictureName(name: string): boolean {
  return !name.startsWith(".") && PICTURE_ENDINGS.has(extname(name).toLowerCase());
}
