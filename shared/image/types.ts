/** A picture in memory: RGB, 8 bits a channel, rows top to bottom, no padding: `data` is [height, width, 3]. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}
