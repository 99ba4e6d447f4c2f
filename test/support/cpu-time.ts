/** The processor's time that something takes in this process, in ms: unlike the clock's, it is the same beside other work. */
export async function cpuMsOf(work: () => unknown): Promise<number> {
  const since = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}
