/**
 * Files that the build puts into the executable (see `src/build/native-files.ts`). Only the compiled program can
 * import them; from source, sharp and onnxruntime find their own files in node_modules.
 */
declare module "embedded:*" {
  const set: import("./store.ts").EmbeddedSet;
  export default set;
}
