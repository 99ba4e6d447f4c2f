/** Text that is built into the executable. */
declare module "*.md" {
  const text: string;
  export default text;
}
