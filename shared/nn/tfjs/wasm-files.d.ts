/** Imported with `{ type: "file" }`: its path, which is inside the executable once that is built. */
declare module "*.wasm" {
  const path: string;
  export default path;
}
